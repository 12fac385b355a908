// XXH3-128 digests (Yann Collet, xxHash) and the 64-bit checksum of journal records.
// Not cryptographic: they find accidents, not forgers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace safechunk {

// A 128-bit digest. The zero digest is reserved for "absent": digest_of() never returns it.
struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  [[nodiscard]] bool is_absent() const noexcept { return low == 0 && high == 0; }
  [[nodiscard]] std::string to_hex() const;  // 32 lower-case digits
  // Nothing for any other text.
  [[nodiscard]] static std::optional<Digest> from_hex(std::string_view text) noexcept;
  friend bool operator==(const Digest&, const Digest&) = default;
};

// What the digest of a chunk that does not exist is.
inline constexpr Digest kAbsentDigest{};
// Stands for a version which could not be read, or is not certain.
inline constexpr Digest kUnknownDigest{~0ULL, ~0ULL};

// Cost: O(bytes), above 5 GB/s.
[[nodiscard]] Digest digest_of(std::string_view bytes) noexcept;

// The digest of bytes that come in pieces.
class Digester {
 public:
  Digester() noexcept;
  void update(std::string_view bytes) noexcept;
  // Of all bytes so far.
  [[nodiscard]] Digest digest() const noexcept;

 private:
  alignas(64) std::array<std::byte, 576> state_;  // an XXH3_state_t
};

// XXH3-64 with a seed, used to chain journal records.
[[nodiscard]] std::uint64_t checksum_of(std::string_view bytes, std::uint64_t seed) noexcept;

}  // namespace safechunk
