// Closes the gaps that white space leaves in a copy of a text, in place.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace safechunk::json {

// An output of BlockReader.
class CompactOutput {
 public:
  // `copy` holds the same bytes as `text`, elsewhere. Both outlive this object.
  CompactOutput(std::string_view text, char* copy) noexcept
      : text_(text.data()), end_(text.data() + text.size()), copy_(copy), kept_(text_), to_(copy) {}

  void drop(const char* block, std::uint64_t white_space) noexcept {
    const char* kept = kept_;
    char* to = to_;
    while (white_space != 0) {
      const char* const run = block + std::countr_zero(white_space);
      // The carry of this addition clears the lowest run of ones and sets the bit behind it.
      const std::uint64_t carried = white_space + (white_space & (~white_space + 1));
      to = keep(kept, run, to);
      kept = block + std::countr_zero(carried);
      white_space &= carried;
    }
    kept_ = kept;
    to_ = to;
  }

  // Keeps the rest of the text. The size of the result, which starts where the copy does.
  [[nodiscard]] std::size_t finish() noexcept {
    if (kept_ < end_) to_ = keep(kept_, end_, to_);
    return static_cast<std::size_t>(to_ - copy_);
  }

 private:
  static constexpr std::ptrdiff_t kShort = 32;

  // Brings a piece of the text to its place, and returns the place of the next. Pieces only ever
  // move towards the start, so that a short one may be written without looking at its size: the
  // bytes too many lie within the copy, and are overwritten or cut off.
  char* keep(const char* from, const char* until, char* to) const noexcept {
    const auto size = static_cast<std::size_t>(until - from);
    if (until - from <= kShort && end_ - from >= kShort) {
      std::memcpy(to, from, kShort);
    } else if (from - text_ != to - copy_) {  // else it is in its place
      std::memcpy(to, from, size);
    }
    return to + size;
  }

  const char* const text_;
  const char* const end_;
  char* const copy_;
  const char* kept_;  // what comes before is dropped or in its place
  char* to_;          // the place of what is kept next
};

}  // namespace safechunk::json
