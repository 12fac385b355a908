// Writing and reading single JSON strings, for the few small texts that the engine itself makes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace safechunk::json {

// `text` as a JSON string with its quotes. `text` must be UTF-8.
std::string quote(std::string_view text);

// The value of the string member `key` of the object `text`, which has been accepted by
// validate(); nothing when there is none, or it is no string. The first of several counts.
std::optional<std::string> string_member(std::string_view text, std::string_view key);

}  // namespace safechunk::json
