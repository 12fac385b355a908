#include "base/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

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

Digest digest_of(std::string_view bytes) noexcept {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  Digest digest{hash.low64, hash.high64};
  if (digest.is_absent()) digest.low = 1;
  return digest;
}

std::uint64_t checksum_of(std::string_view bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace safechunk
