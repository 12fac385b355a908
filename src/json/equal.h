// Are two JSON texts the same value, as RFC 6902 section 4.6 means it?
#pragma once

#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk::json {

// Numbers compare by their value, at any size (1, 1.0 and 10e-1 are equal); strings by their
// characters, however they are escaped; arrays element by element; objects without order.
// `a` and `b` were accepted by validate(). Not recursive.
// Errors: invalid_argument when an object in one of them has a member twice.
// Cost: O(bytes), and sorting the names of objects. Memory: several times the texts.
Result<bool> equal_values(std::string_view a, std::string_view b);

// Are two JSON numbers the same? NaN, Infinity and -Infinity are equal to themselves.
bool equal_numbers(std::string_view a, std::string_view b);

}  // namespace safechunk::json
