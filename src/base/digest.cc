#include "base/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <new>

namespace safechunk {

std::string Digest::to_hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(32);
  for (const std::uint64_t half : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(half >> shift) & 0xF];
  }
  return text;
}

std::optional<Digest> Digest::from_hex(std::string_view text) noexcept {
  constexpr std::size_t kHalf = 16;
  if (text.size() != 2 * kHalf) return std::nullopt;
  Digest digest;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = c >= 'a' && c <= 'f';
    if (!letter && (c < '0' || c > '9')) return std::nullopt;
    const auto value = static_cast<std::uint64_t>(letter ? c - 'a' + 10 : c - '0');
    std::uint64_t& half = i < kHalf ? digest.high : digest.low;
    half = half << 4U | value;
  }
  return digest;
}

namespace {

Digest to_digest(const XXH128_hash_t& hash) noexcept {
  Digest digest{hash.low64, hash.high64};
  if (digest.is_absent()) digest.low = 1;
  return digest;
}

}  // namespace

Digest digest_of(std::string_view bytes) noexcept {
  return to_digest(XXH3_128bits(bytes.data(), bytes.size()));
}

Digester::Digester() noexcept {
  static_assert(sizeof(XXH3_state_t) == sizeof(state_) && alignof(XXH3_state_t) <= 64);
  auto* const state = new (state_.data()) XXH3_state_t;
  XXH3_INITSTATE(state);
  (void)XXH3_128bits_reset(state);  // fails for a null pointer only
}

void Digester::update(std::string_view bytes) noexcept {
  auto* const state = std::launder(reinterpret_cast<XXH3_state_t*>(state_.data()));
  (void)XXH3_128bits_update(state, bytes.data(), bytes.size());  // likewise
}

Digest Digester::digest() const noexcept {
  return to_digest(
      XXH3_128bits_digest(std::launder(reinterpret_cast<const XXH3_state_t*>(state_.data()))));
}

std::uint64_t checksum_of(std::string_view bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace safechunk
