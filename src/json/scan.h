// Is a text JSON? The whole grammar of RFC 8259 and UTF-8, in one pass and without recursion.
//
// Nothing of the text is interpreted: numbers of any size, repeated keys and escapes of lone
// surrogates (\ud800) are the user's. Thread-safe; no state. Cost: O(bytes), above 1 GB/s.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk::json {

struct ScanOptions {
  std::uint32_t depth_limit = 1024;  // containers that may be open at once; 0 allows scalars only
  // Also accept what the original Python engine wrote or read: NaN, Infinity and -Infinity as
  // values, and a UTF-8 byte-order mark before the text.
  bool lenient = false;
};

// Success when `text` is one JSON value of any type, white space around it allowed.
// Errors, each with a position:
//   invalid_json  at the first byte that cannot continue a JSON text; at text.size() when the text
//                 ends too early; for bytes that are not UTF-8 at the start of their sequence
//   too_deep      at the bracket that opens one container more than `depth_limit`
// Memory: one bit per open container beyond 64.
[[nodiscard]] Status validate(std::string_view text, const ScanOptions& options);

// Validates `text` and appends it to `out` without white space between tokens and without a
// byte-order mark; all other bytes are kept. On an error, also of memory, `out` is as it was.
// `out` may keep capacity for all of `text`. `text` must not lie inside `out`.
[[nodiscard]] Status compact(std::string_view text, const ScanOptions& options, std::string& out);

}  // namespace safechunk::json
