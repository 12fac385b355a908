// How JSON text looks in a file. White space only: key order, number text, duplicate keys and
// escapes are the user's.
//
// `text` has been accepted by validate() or compact(), lenient or not. For other texts the results
// mean nothing, but the functions stay within the text. Thread-safe; no state; they throw
// std::bad_alloc only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "json/text_output.h"

namespace safechunk::json {

// `text` as Python's json.dumps(indent=N) lays it out: one member or element per line, indented by
// `indent` spaces per level, ": " behind a member name, {} and [] on one line, and one '\n' at the
// end. With an `indent` of 0: no white space but the '\n'. A byte-order mark is dropped.
//
// Indenting can take up to 1 + indent * depth bytes for each byte of the text. A text of which more
// than `size_limit` bytes would become is not indented; one that has just these goes without the
// '\n'.
//
// Cost: O(bytes of the result), above 1 GB/s; usual documents double at most. Compact text is the
// fastest input.
[[nodiscard]] std::string format(std::string_view text, unsigned indent,
                                 std::size_t size_limit = SIZE_MAX);
// The same to an output that is empty, in pieces. Memory: that of the pieces, unless the text is
// not indented.
void format(std::string_view text, unsigned indent, std::size_t size_limit, TextOutput& out);

// `text` with each NaN, Infinity and -Infinity replaced by null and without a byte-order mark, for
// parsers that refuse them. All other bytes are kept.
[[nodiscard]] std::string without_non_finite(std::string_view text);

}  // namespace safechunk::json
