// The lower half of a scan: where do tokens start, and is each string made of what a string may
// hold? It knows nothing of the order of tokens, and none of its branches depends on their length.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "json/block.h"
#include "json/fault.h"

namespace safechunk::json {

inline constexpr ByteSet kHexDigits{is_hex_digit};
inline constexpr ByteSet kEscapes{
    [](char c) { return std::string_view("\"\\/bfnrtu").find(c) != std::string_view::npos; }};

// The tokens that start in 64 bytes of text. A token is a structural character, a string (it
// starts with its quotation mark), or a run of other bytes that are not white space.
struct TokenBlock {
  const char* bytes = nullptr;  // nullptr behind the end
  std::uint64_t starts = 0;     // bit i: a token starts at bytes[i]
};

// Where a reader reports the white space between tokens. This one is for those who do not care.
struct NoOutput {
  // Bit i of `white_space` stands for block[i]; there may be bits for bytes behind the text.
  void drop([[maybe_unused]] const char* block,
            [[maybe_unused]] std::uint64_t white_space) noexcept {}
};

template <typename Output = NoOutput>
class BlockReader {
 public:
  BlockReader(std::string_view text, Output& output) noexcept
      : ahead_(text.data()), end_(text.data() + text.size()), output_(output) {}

  // The next block; with `bytes` nullptr behind the last, or behind that of the first fault.
  [[gnu::noinline]] TokenBlock read() noexcept {
    const char* const block = ahead_;
    const auto left = static_cast<std::size_t>(end_ - ahead_);
    if (left >= kBlockBytes) {
      ahead_ += kBlockBytes;
      return {block, token_starts(block, fastest::classify(block))};
    }
    if (left == 0) return {};
    std::array<char, kBlockBytes> padded;  // White space behind the text changes nothing.
    padded.fill(' ');
    std::memcpy(padded.data(), block, left);
    ahead_ = end_;
    return {block, token_starts(block, fastest::classify(padded.data()))};
  }

  // The first fault inside of a string. It stands only if the tokens before it are grammatical:
  // behind a fault between tokens, what looks like a string may be none.
  [[nodiscard]] const Fault& fault() const noexcept { return fault_; }

 private:
  [[gnu::always_inline]] std::uint64_t token_starts(const char* block,
                                                    const BlockMasks& masks) noexcept {
    std::uint64_t quotes = masks.quotes;
    if ((masks.backslashes | first_is_escaped_) != 0) quotes &= ~escaped(block, masks.backslashes);
    // From each opening quotation mark up to, but without, the closing one.
    const std::uint64_t strings = parities(quotes) ^ string_goes_on_;
    const std::uint64_t others = ~(strings | quotes | masks.white_space | masks.punctuation);
    const std::uint64_t first_others = others & ~(others << 1 | other_goes_on_);
    const std::uint64_t starts = (strings & quotes) | (~strings & masks.punctuation) | first_others;
    string_goes_on_ = strings >> 63 != 0 ? ~std::uint64_t{0} : 0;
    other_goes_on_ = others >> 63;

    output_.drop(block, masks.white_space & ~strings);
    check_strings(block, masks.controls & strings);
    return !fault_.exists() ? starts : starts & before_fault(block);
  }

  // Bit i of the result: is the number of ones in bits 0 to i odd?
  static std::uint64_t parities(std::uint64_t bits) noexcept {
    for (int step = 1; step < 64; step *= 2) bits ^= bits << step;
    return bits;
  }

  // The bytes of the block that a backslash escapes. Checks the escapes that start in the block.
  [[gnu::noinline]] std::uint64_t escaped(const char* block, std::uint64_t backslashes) noexcept {
    std::uint64_t result = first_is_escaped_;
    first_is_escaped_ = 0;
    backslashes &= ~result;
    while (backslashes != 0) {
      const std::uint64_t lowest = backslashes & (~backslashes + 1);
      check_escape(block + std::countr_zero(lowest) + 1);
      result |= lowest << 1;
      first_is_escaped_ = lowest >> 63;
      backslashes &= ~(lowest | lowest << 1);
    }
    return result;
  }

  // What follows a backslash (RFC 8259 section 7). A lone surrogate is grammatical (section 8.2).
  void check_escape(const char* at) noexcept {
    if (at == end_ || !kEscapes.contains(*at)) {
      return report(at, "one of \" \\ / b f n r t u after the backslash");
    }
    if (*at != 'u') return;
    ++at;
    const std::string_view digits(at,
                                  std::min<std::size_t>(4, static_cast<std::size_t>(end_ - at)));
    bool valid = digits.size() == 4;
    for (const char c : digits) valid &= kHexDigits.contains(c);
    if (valid) return;
    while (at != end_ && kHexDigits.contains(*at)) ++at;
    report(at, "four hexadecimal digits after \\u");
  }

  void check_strings(const char* block, std::uint64_t controls) noexcept {
    if (controls != 0) {
      report(block + std::countr_zero(controls), "control characters to be written as escapes");
    }
    if (ahead_ == end_ && string_goes_on_ != 0) {
      report(end_, "the double quote that ends the string");
    }
  }

  // Of several faults the first counts.
  void report(const char* at, std::string_view expected) noexcept {
    if (!fault_.exists() || at < fault_.at) fault_ = {at, expected, ErrorCode::invalid_json};
  }

  // Ends the reading with this block. The bytes of it before the fault: all of them when the fault
  // lies in an escape that reaches beyond the block.
  [[gnu::noinline]] std::uint64_t before_fault(const char* block) noexcept {
    ahead_ = end_;
    const auto valid = static_cast<std::size_t>(fault_.at - block);
    return valid < kBlockBytes ? (std::uint64_t{1} << valid) - 1 : ~std::uint64_t{0};
  }

  const char* ahead_;  // what follows is still to be read
  const char* const end_;
  Output& output_;
  // What the bytes before `ahead_` mean for those that follow.
  std::uint64_t string_goes_on_ = 0;    // all ones inside of a string
  std::uint64_t other_goes_on_ = 0;     // 1 behind a byte of a number or a literal
  std::uint64_t first_is_escaped_ = 0;  // 1 behind a backslash that is not escaped itself
  Fault fault_;
};

// The tokens of a text one by one.
template <typename Output>
class TokenCursor {
 public:
  TokenCursor(std::string_view text, BlockReader<Output>& reader) noexcept
      : end_(text.data() + text.size()), reader_(reader) {}

  // The first byte of the next token, the end of the text behind the last.
  const char* next() noexcept {
    while (block_.starts == 0) {
      block_ = reader_.read();
      if (block_.bytes == nullptr) return end_;
    }
    const char* const token = block_.bytes + std::countr_zero(block_.starts);
    block_.starts &= block_.starts - 1;
    return token;
  }

 private:
  const char* const end_;
  BlockReader<Output>& reader_;
  TokenBlock block_;
};

}  // namespace safechunk::json
