// UTF-8 validity as RFC 3629 section 4 and table 3-7 of the Unicode Standard define it: no overlong
// forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace safechunk::json {

// The offset of the first byte of the first ill-formed sequence; `text.size()` when there is none.
// Cost: O(bytes), ASCII at the speed of memory, other text above 2 GB/s.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text) noexcept;

}  // namespace safechunk::json
