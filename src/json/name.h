// Strings inside of a JSON text, as it writes them and as they are meant.
#pragma once

#include <string>
#include <string_view>

namespace safechunk::json {

// The characters of a string, of which `inside` is the text between the quotes. A lone surrogate
// (\ud800) becomes the three bytes that UTF-8 would have for it if it could: it is different from
// all others, and from all that is UTF-8.
std::string unescaped(std::string_view inside);

// The text between the quotes of the string that begins at text.front(); up to the end of the text
// when no quote ends it.
std::string_view inside_of_string(std::string_view text) noexcept;

// Is unescaped(inside_of_string(text)) equal to `name`? Costs no memory unless the string holds
// escapes.
bool string_is(std::string_view text, std::string_view name);

// `text` with what is behind its first `limit` bytes replaced by "...", without line breaks, for
// messages.
std::string shortened(std::string_view text, std::size_t limit);

}  // namespace safechunk::json
