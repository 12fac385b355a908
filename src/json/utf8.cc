#include "json/utf8.h"

#include <cstdint>

#include "json/characters.h"

namespace safechunk::json {
namespace {

using Byte = unsigned char;

bool is_continuation(Byte byte) {
  return (byte & 0xC0) == 0x80;
}

// The length of the well-formed sequence at the start of `text`, 0 when there is none.
// Table 3-7 of the Unicode Standard: only the second byte has bounds other than 80..BF.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<Byte>(text[i]); };
  const Byte lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2   ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  const Byte second_least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const Byte second_most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < second_least || byte(1) > second_most) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!is_continuation(byte(i))) return 0;
  }
  return length;
}

std::size_t find_invalid_from(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return at;
}

#if defined(__SSE2__)

using sse2::at_least;
using sse2::both;
using sse2::differ;
using sse2::either;
using sse2::equal;
using sse2::first_only;

// Not zero in each byte that breaks a rule together with the three bytes before it. It is table
// 3-7 again, for 16 bytes at once: they are compared with themselves one, two and three later.
__m128i violations(__m128i bytes, __m128i before1, __m128i before2, __m128i before3) {
  const __m128i from_90 = at_least(bytes, 0x90);
  const __m128i from_a0 = at_least(bytes, 0xA0);
  const __m128i from_c0 = at_least(bytes, 0xC0);
  const __m128i continuation = first_only(at_least(bytes, 0x80), from_c0);
  const __m128i continuation_due =
      either(at_least(before1, 0xC0), either(at_least(before2, 0xE0), at_least(before3, 0xF0)));
  const __m128i never = either(at_least(bytes, 0xF5), first_only(from_c0, at_least(bytes, 0xC2)));
  const __m128i overlong =
      either(first_only(equal(before1, 0xE0), from_a0), first_only(equal(before1, 0xF0), from_90));
  const __m128i beyond =  // a surrogate, or above U+10FFFF
      either(both(equal(before1, 0xED), from_a0), both(equal(before1, 0xF4), from_90));
  return either(either(differ(continuation, continuation_due), never), either(overlong, beyond));
}

// Skips ASCII from `at` on, 64 bytes at a time.
std::size_t skip_ascii_blocks(std::string_view text, std::size_t at) {
  for (; text.size() - at >= 64; at += 64) {
    const char* const block = text.data() + at;
    const __m128i low = _mm_or_si128(sse2::load(block), sse2::load(block + 16));
    const __m128i high = _mm_or_si128(sse2::load(block + 32), sse2::load(block + 48));
    if (sse2::bits(_mm_or_si128(low, high)) != 0) break;
  }
  return at;
}

// The start of the first block of 16 bytes that is not surely well-formed or not complete. What is
// before it is well-formed, but for a last sequence that may reach into it.
std::size_t skip_well_formed_blocks(std::string_view text) {
  constexpr std::size_t kBlock = 16;
  const char* const data = text.data();
  std::size_t at = 0;
  bool after_ascii = true;
  while (text.size() - at >= kBlock) {
    if (after_ascii) at = skip_ascii_blocks(text, at);
    if (text.size() - at < kBlock) break;
    const __m128i bytes = sse2::load(data + at);
    const __m128i wrong = at == 0
                              ? violations(bytes, _mm_slli_si128(bytes, 1),
                                           _mm_slli_si128(bytes, 2), _mm_slli_si128(bytes, 3))
                              : violations(bytes, sse2::load(data + at - 1),
                                           sse2::load(data + at - 2), sse2::load(data + at - 3));
    if (sse2::bits(wrong) != 0) break;
    after_ascii = sse2::bits(bytes) == 0;
    at += kBlock;
  }
  return at;
}

#else

std::size_t skip_well_formed_blocks(std::string_view) {
  return 0;
}

#endif

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) noexcept {
  std::size_t at = skip_well_formed_blocks(text);
  // Back to the start of the last sequence, which may reach into the rest.
  while (at > 0 && is_continuation(static_cast<Byte>(text[at - 1]))) --at;
  if (at > 0 && static_cast<Byte>(text[at - 1]) >= 0xC0) --at;
  return find_invalid_from(text, at);
}

}  // namespace safechunk::json
