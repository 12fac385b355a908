// Writing and reading single members, for the few small JSON texts that the engine itself makes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace safechunk::json {

// `text` as a JSON string with its quotes. `text` must be UTF-8.
std::string quote(std::string_view text);

// The value of the string member `key` of the object `text`, which has been accepted by
// validate(); nothing when there is none, or it is no string. The first of several counts.
std::optional<std::string> string_member(std::string_view text, std::string_view key);
// The same for an integer from 0 to 2^64-1, written with digits only.
std::optional<std::uint64_t> integer_member(std::string_view text, std::string_view key);
// The same for true and false.
std::optional<bool> bool_member(std::string_view text, std::string_view key);
// The strings of a list; other elements are left out. Empty when there is no such list.
std::vector<std::string> string_list_member(std::string_view text, std::string_view key);

}  // namespace safechunk::json
