#include "json/utf8.h"

#include <algorithm>
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

// Passes well-formed sequences from `at` on, until `until` is reached or passed.
std::size_t skip_sequences(std::string_view text, std::size_t at, std::size_t until) {
  while (at < until) {
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

#if defined(__SSE2__)

using sse2::both;
using sse2::differ;
using sse2::either;
using sse2::equal;
using sse2::first_only;

// Only the highest bit of a byte counts here. It is set in the result for bytes of at least
// `limit`, which is 0x80 or more: the subtraction stops at 0.
__m128i from(__m128i bytes, int limit) {
  return _mm_subs_epu8(bytes, _mm_set1_epi8(static_cast<char>(limit - 0x80)));
}

// Marks each byte that breaks a rule together with the three bytes before it. It is table 3-7
// again, for 16 bytes at once: they are compared with themselves one, two and three later.
__m128i violations(__m128i bytes, __m128i before1, __m128i before2, __m128i before3) {
  const __m128i from_90 = from(bytes, 0x90);
  const __m128i from_a0 = from(bytes, 0xA0);
  const __m128i from_c0 = from(bytes, 0xC0);
  const __m128i continuation = first_only(bytes, from_c0);
  const __m128i continuation_due =
      either(from(before1, 0xC0), either(from(before2, 0xE0), from(before3, 0xF0)));
  const __m128i never = either(from(bytes, 0xF5), first_only(from_c0, from(bytes, 0xC2)));
  const __m128i overlong =
      either(first_only(equal(before1, 0xE0), from_a0), first_only(equal(before1, 0xF0), from_90));
  const __m128i beyond =  // a surrogate, or above U+10FFFF
      either(both(equal(before1, 0xED), from_a0), both(equal(before1, 0xF4), from_90));
  return either(either(differ(continuation, continuation_due), never), either(overlong, beyond));
}

// For the 16 bytes at `at`; three more are before them.
__m128i violations_at(const char* at) {
  using sse2::load;
  return violations(load(at), load(at - 1), load(at - 2), load(at - 3));
}

bool is_ascii(const char* block) {
  const __m128i low = either(sse2::load(block), sse2::load(block + 16));
  const __m128i high = either(sse2::load(block + 32), sse2::load(block + 48));
  return sse2::bits(either(low, high)) == 0;
}

// From `at`, which is 3 or more and where a sequence starts, to the first block of 64 bytes that is
// not surely well-formed or not complete. The last sequence before it may reach into it.
std::size_t skip_well_formed_blocks(std::string_view text, std::size_t at) {
  for (; text.size() - at >= 64; at += 64) {
    const char* const block = text.data() + at;
    if (is_ascii(block) && static_cast<Byte>(block[-1]) < 0x80) continue;
    const __m128i wrong = either(either(violations_at(block), violations_at(block + 16)),
                                 either(violations_at(block + 32), violations_at(block + 48)));
    if (sse2::bits(wrong) != 0) break;
  }
  return at;
}

#else

std::size_t skip_well_formed_blocks(std::string_view, std::size_t at) {
  return at;
}

#endif

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) noexcept {
  std::size_t at = skip_sequences(text, 0, std::min<std::size_t>(3, text.size()));
  if (at < 3) return at;
  at = skip_well_formed_blocks(text, at);
  // Back to the start of the last sequence, which may reach into the rest.
  while (at > 0 && is_continuation(static_cast<Byte>(text[at - 1]))) --at;
  if (at > 0 && static_cast<Byte>(text[at - 1]) >= 0xC0) --at;
  return skip_sequences(text, at, text.size());
}

}  // namespace safechunk::json
