// What 64 bytes of JSON text consist of: one bit per byte and class, the first byte in bit 0.
//
// The idea to find tokens with such masks, before and apart from the grammar, is from
// G. Langdale, D. Lemire: "Parsing Gigabytes of JSON per Second", VLDB Journal 28 (2019).
#pragma once

#include <cstddef>
#include <cstdint>

#include "json/characters.h"

namespace safechunk::json {

inline constexpr std::size_t kBlockBytes = 64;

struct BlockMasks {
  std::uint64_t quotes = 0;       // "
  std::uint64_t backslashes = 0;  // the other byte that means something inside of a string
  std::uint64_t controls = 0;
  std::uint64_t white_space = 0;
  std::uint64_t punctuation = 0;

  friend bool operator==(const BlockMasks&, const BlockMasks&) = default;
};

namespace plain {

inline BlockMasks classify(const char* block) noexcept {
  BlockMasks masks;
  for (std::size_t i = 0; i < kBlockBytes; ++i) {
    const char c = block[i];
    masks.quotes |= std::uint64_t{c == '"'} << i;
    masks.backslashes |= std::uint64_t{c == '\\'} << i;
    masks.controls |= std::uint64_t{is_control(c)} << i;
    masks.white_space |= std::uint64_t{is_white_space(c)} << i;
    masks.punctuation |= std::uint64_t{is_punctuation(c)} << i;
  }
  return masks;
}

}  // namespace plain

#if defined(__SSE2__)
namespace sse2 {

// The results of `compare` on the four quarters of a block, as one mask.
template <typename Compare>
[[gnu::always_inline]] inline std::uint64_t mask_of(const char* block, Compare compare) noexcept {
  const auto quarter = [&](std::size_t i) {
    return std::uint64_t{bits(compare(load(block + i * kWidth)))} << (i * kWidth);
  };
  return quarter(0) | quarter(1) | quarter(2) | quarter(3);
}

[[gnu::always_inline]] inline BlockMasks classify(const char* block) noexcept {
  BlockMasks masks;
  masks.quotes = mask_of(block, [](__m128i bytes) { return equal(bytes, '"'); });
  masks.backslashes = mask_of(block, [](__m128i bytes) { return equal(bytes, '\\'); });
  masks.controls = mask_of(block, [](__m128i bytes) { return at_most(bytes, 0x1F); });
  masks.white_space =
      mask_of(block, [](__m128i bytes) { return either(equal(bytes, ' '), equal(bytes, '\n')); });
  if ((masks.controls & ~masks.white_space) != 0) {  // rare
    masks.white_space |= mask_of(
        block, [](__m128i bytes) { return either(equal(bytes, '\t'), equal(bytes, '\r')); });
  }
  masks.punctuation = mask_of(block, [](__m128i bytes) {
    // '[' and '{', ']' and '}' differ in this bit only, and setting it makes nothing else a brace.
    const __m128i braces = either(bytes, _mm_set1_epi8('[' ^ '{'));
    return either(either(equal(braces, '{'), equal(braces, '}')),
                  either(equal(bytes, ':'), equal(bytes, ',')));
  });
  return masks;
}

}  // namespace sse2
#endif

}  // namespace safechunk::json
