// Finds the commas between the entries of an object or array without looking at the entries.
//
// An entry is a member of an object or an element of an array. The text was accepted by validate();
// in other texts the commas found mean nothing, but all of them lie inside the text.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "json/block.h"
#include "json/characters.h"

namespace safechunk::json {

// The bytes of a block that structure depends on: one bit per byte, the first byte in bit 0.
struct StructureMasks {
  std::uint64_t quotes = 0;
  std::uint64_t backslashes = 0;
  std::uint64_t opens = 0;   // { and [
  std::uint64_t closes = 0;  // } and ]
  std::uint64_t commas = 0;

  friend bool operator==(const StructureMasks&, const StructureMasks&) = default;
};

namespace plain {

inline StructureMasks structure(const char* block) noexcept {
  StructureMasks masks;
  for (std::size_t i = 0; i < kBlockBytes; ++i) {
    const char c = block[i];
    masks.quotes |= std::uint64_t{c == '"'} << i;
    masks.backslashes |= std::uint64_t{c == '\\'} << i;
    masks.opens |= std::uint64_t{c == '{' || c == '['} << i;
    masks.closes |= std::uint64_t{c == '}' || c == ']'} << i;
    masks.commas |= std::uint64_t{c == ','} << i;
  }
  return masks;
}

}  // namespace plain

#if defined(__SSE2__)
namespace sse2 {

[[gnu::always_inline]] inline StructureMasks structure(const char* block) noexcept {
  // '[' and '{', ']' and '}' differ in this bit only, and setting it makes nothing else a brace.
  constexpr int kBraceBit = '[' ^ '{';
  const auto brace = [](int which) {
    return [which](__m128i bytes) {
      return equal(either(bytes, _mm_set1_epi8(static_cast<char>(kBraceBit))), which);
    };
  };
  StructureMasks masks;
  masks.quotes = mask_of(block, [](__m128i bytes) { return equal(bytes, '"'); });
  masks.backslashes = mask_of(block, [](__m128i bytes) { return equal(bytes, '\\'); });
  masks.opens = mask_of(block, brace('{'));
  masks.closes = mask_of(block, brace('}'));
  masks.commas = mask_of(block, [](__m128i bytes) { return equal(bytes, ','); });
  return masks;
}

}  // namespace sse2
#endif

// The number of ones. Baseline x86-64 has no instruction for it, and std::popcount() calls a
// function there.
[[nodiscard]] constexpr std::uint64_t count_ones(std::uint64_t bits) noexcept {
  bits -= bits >> 1 & 0x5555555555555555U;
  bits = (bits & 0x3333333333333333U) + (bits >> 2 & 0x3333333333333333U);
  bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0FU;
  return bits * 0x0101010101010101U >> 56;
}

// For each byte: how many of its bits 0 to i are ones, in byte i of the result.
inline constexpr std::array<std::uint64_t, 256> kPrefixSums = [] {
  std::array<std::uint64_t, 256> sums{};
  for (std::size_t byte = 0; byte < sums.size(); ++byte) {
    for (std::size_t i = 0; i < 8; ++i) {
      sums[byte] += (byte >> i & 1) * (0x0101010101010101U << (8 * i));
    }
  }
  return sums;
}();

// Follows strings and nesting from block to block.
class StructureReader {
 public:
  // The commas of the next 64 bytes that lie outside of all brackets and strings.
  [[gnu::always_inline]] std::uint64_t outer_commas(const char* block) noexcept {
    const StructureMasks masks = fastest::structure(block);
    std::uint64_t quotes = masks.quotes;
    if ((masks.backslashes | first_is_escaped_) != 0) quotes &= ~escaped(masks.backslashes);
    const std::uint64_t strings = parities(quotes) ^ string_goes_on_;
    string_goes_on_ = std::uint64_t{0} - (strings >> 63);
    return masks.commas & ~strings & outside(masks.opens & ~strings, masks.closes & ~strings);
  }

 private:
  // The bytes of the block that a backslash escapes.
  [[gnu::noinline]] std::uint64_t escaped(std::uint64_t backslashes) noexcept {
    std::uint64_t result = first_is_escaped_;
    first_is_escaped_ = 0;
    backslashes &= ~result;
    while (backslashes != 0) {
      const std::uint64_t lowest = backslashes & (~backslashes + 1);
      result |= lowest << 1;
      first_is_escaped_ = lowest >> 63;
      backslashes &= ~(lowest | lowest << 1);
    }
    return result;
  }

  // The bytes that no bracket encloses.
  [[gnu::always_inline]] std::uint64_t outside(std::uint64_t opens, std::uint64_t closes) noexcept {
    if ((opens | closes) == 0) return depth_ == 0 ? ~std::uint64_t{0} : 0;
    if (depth_ > 0 && count_ones(closes) < depth_) {
      depth_ += count_ones(opens) - count_ones(closes);
      return 0;
    }
    return outside_among(opens, closes);
  }

  // The same, for a block with few brackets or with many.
  [[gnu::always_inline]] std::uint64_t outside_among(std::uint64_t opens,
                                                     std::uint64_t closes) noexcept {
    constexpr std::uint64_t kFew = 6;
    return count_ones(opens | closes) <= kFew ? outside_of_few(opens, closes)
                                              : outside_of_many(opens, closes);
  }

  // One bracket after the other. It has no branches on their kind: they could not be predicted.
  std::uint64_t outside_of_few(std::uint64_t opens, std::uint64_t closes) noexcept {
    std::uint64_t changes = 0;  // the brackets at which the outside begins or ends
    std::uint64_t depth = depth_;
    for (std::uint64_t brackets = opens | closes; brackets != 0; brackets &= brackets - 1) {
      const std::uint64_t lowest = brackets & (~brackets + 1);
      const std::uint64_t before = depth;
      depth += (opens & lowest) != 0 ? 1 : ~std::uint64_t{0};
      changes |= std::min(before, depth) == 0 ? lowest : 0;
    }
    const std::uint64_t inside = parities(changes) ^ (depth_ == 0 ? 0 : ~std::uint64_t{0});
    depth_ = depth;
    return ~inside;
  }

  // Eight bytes at once: byte i of a 64-bit number is the depth behind byte i of the text. None is
  // above 64, because outside() comes here only if the block closes all levels that are open.
  std::uint64_t outside_of_many(std::uint64_t opens, std::uint64_t closes) noexcept {
    constexpr std::uint64_t kEach = 0x0101010101010101U;
    std::uint64_t result = 0;
    std::uint64_t depth = depth_;
    for (int shift = 0; shift < 64; shift += 8) {
      const std::uint64_t depths =
          depth * kEach + kPrefixSums[opens >> shift & 0xFF] - kPrefixSums[closes >> shift & 0xFF];
      const std::uint64_t not_zero = (depths + 0x7F * kEach) >> 7 & kEach;
      result |= ((not_zero ^ kEach) * 0x0102040810204080U >> 56) << shift;
      depth = depths >> 56;
    }
    depth_ = depth;
    return result;
  }

  // Bit i of the result: is the number of ones in bits 0 to i odd?
  static std::uint64_t parities(std::uint64_t bits) noexcept {
    for (int step = 1; step < 64; step *= 2) bits ^= bits << step;
    return bits;
  }

  std::uint64_t string_goes_on_ = 0;    // all ones inside of a string
  std::uint64_t first_is_escaped_ = 0;  // 1 behind a backslash that is not escaped itself
  std::uint64_t depth_ = 0;
};

// Calls `visit(block, commas)` for blocks of `entries`, in order: bit i of `commas`, which is not
// 0, stands for a comma at block[i] between two entries. Ends early when it returns false.
// `entries` are the bytes between two brackets, or whole entries and the commas between them.
//
// Cost: O(bytes), several GB/s; it does not depend on how the entries are made.
template <typename Visitor>
[[gnu::always_inline]] inline void visit_commas(std::string_view entries, Visitor visit) {
  StructureReader reader;
  const char* block = entries.data();
  const char* const end = block + entries.size();
  for (; static_cast<std::size_t>(end - block) >= kBlockBytes; block += kBlockBytes) {
    const std::uint64_t commas = reader.outer_commas(block);
    if (commas != 0 && !visit(block, commas)) return;
  }
  if (block == end) return;
  std::array<char, kBlockBytes> padded;
  padded.fill(' ');
  std::memcpy(padded.data(), block, static_cast<std::size_t>(end - block));
  const std::uint64_t commas = reader.outer_commas(padded.data());
  if (commas != 0) visit(block, commas);
}

}  // namespace safechunk::json
