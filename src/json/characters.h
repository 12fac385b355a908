// The characters that JSON is made of, and SSE2 in words (every x86-64 processor has it).
//
// What exists in `plain` and in `sse2` means the same in both: `plain` is the definition and the
// fallback, `fastest` is what to call, and the tests hold the two against each other.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace safechunk::json {

[[nodiscard]] constexpr bool is_white_space(char c) noexcept {  // RFC 8259 section 2
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

[[nodiscard]] constexpr bool is_punctuation(char c) noexcept {  // its "structural characters"
  return c == '{' || c == '}' || c == '[' || c == ']' || c == ':' || c == ',';
}

[[nodiscard]] constexpr bool is_control(char c) noexcept {  // section 7: only as an escape
  return static_cast<unsigned char>(c) < 0x20;
}

[[nodiscard]] constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

[[nodiscard]] constexpr bool is_hex_digit(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// A class of bytes as a table, for where branches on the byte could not be predicted.
class ByteSet {
 public:
  template <typename Predicate>
  explicit constexpr ByteSet(Predicate belongs) noexcept {
    for (std::size_t byte = 0; byte < table_.size(); ++byte) {
      table_[byte] = belongs(static_cast<char>(byte));
    }
  }
  [[nodiscard]] constexpr bool contains(char c) const noexcept {
    return table_[static_cast<unsigned char>(c)];
  }

 private:
  std::array<bool, 256> table_{};
};

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

[[nodiscard]] constexpr std::string_view without_byte_order_mark(std::string_view text) noexcept {
  return text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

namespace plain {

// The first byte from `at` on that is not a digit, or `end`.
inline const char* skip_digits(const char* at, const char* end) noexcept {
  while (at != end && is_digit(*at)) ++at;
  return at;
}

}  // namespace plain

#if defined(__SSE2__)
namespace sse2 {

inline constexpr std::size_t kWidth = 16;  // bytes in an __m128i

inline __m128i load(const char* at) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

// A comparison yields a byte of ones where it is true. Bytes compare as unsigned numbers.
inline __m128i equal(__m128i bytes, int value) noexcept {
  return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(static_cast<char>(value)));
}
inline __m128i at_most(__m128i bytes, int limit) noexcept {
  return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(static_cast<char>(limit))), bytes);
}
inline __m128i at_least(__m128i bytes, int limit) noexcept {
  return _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8(static_cast<char>(limit))), bytes);
}
inline __m128i either(__m128i a, __m128i b) noexcept {
  return _mm_or_si128(a, b);
}
inline __m128i both(__m128i a, __m128i b) noexcept {
  return _mm_and_si128(a, b);
}
inline __m128i first_only(__m128i a, __m128i b) noexcept {
  return _mm_andnot_si128(b, a);
}
inline __m128i differ(__m128i a, __m128i b) noexcept {
  return _mm_xor_si128(a, b);
}

// The highest bit of each byte, that of the first byte in bit 0.
inline unsigned bits(__m128i bytes) noexcept {
  return static_cast<unsigned>(_mm_movemask_epi8(bytes));
}

inline const char* skip_digits(const char* at, const char* end) noexcept {
  for (; static_cast<std::size_t>(end - at) >= kWidth; at += kWidth) {
    const __m128i values = _mm_sub_epi8(load(at), _mm_set1_epi8('0'));
    const unsigned others = bits(at_least(values, 10));
    if (others != 0) return at + std::countr_zero(others);
  }
  return plain::skip_digits(at, end);
}

}  // namespace sse2

namespace fastest = sse2;
#else
namespace fastest = plain;
#endif

}  // namespace safechunk::json
