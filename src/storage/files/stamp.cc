#include "storage/files/stamp.h"

#include "base/bytes.h"

namespace safechunk {
namespace {

constexpr std::uint32_t kVersion = 1;

void append_digest(std::string& out, const Digest& digest) {
  append_integer(out, digest.low);
  append_integer(out, digest.high);
}

Digest get_digest(std::string_view bytes, std::size_t offset) {
  return {get_integer<std::uint64_t>(bytes, offset), get_integer<std::uint64_t>(bytes, offset + 8)};
}

std::uint32_t checksum(std::string_view body, std::string_view chunk) {
  return static_cast<std::uint32_t>(checksum_of(body, checksum_of(chunk, kVersion)));
}

}  // namespace

// mtime 8, sequence 8, bytes 16, text 16, token 4, version 4, checksum 4 (docs/FORMAT.md).
std::string Stamp::encode(std::string_view chunk) const {
  std::string value;
  value.reserve(kEncodedSize);
  append_integer(value, static_cast<std::uint64_t>(modified_ns));
  append_integer(value, sequence);
  append_digest(value, bytes);
  append_digest(value, text);
  append_integer(value, journal_token);
  append_integer(value, kVersion);
  append_integer(value, checksum(value, chunk));
  return value;
}

std::optional<Stamp> Stamp::decode(std::string_view value, std::string_view chunk) {
  if (value.size() != kEncodedSize) return std::nullopt;
  constexpr std::size_t kChecksumOffset = kEncodedSize - 4;
  if (get_integer<std::uint32_t>(value, kChecksumOffset) !=
      checksum(value.substr(0, kChecksumOffset), chunk)) {
    return std::nullopt;
  }
  if (get_integer<std::uint32_t>(value, 52) != kVersion) return std::nullopt;
  Stamp stamp;
  stamp.modified_ns = static_cast<std::int64_t>(get_integer<std::uint64_t>(value, 0));
  stamp.sequence = get_integer<std::uint64_t>(value, 8);
  stamp.bytes = get_digest(value, 16);
  stamp.text = get_digest(value, 32);
  stamp.journal_token = get_integer<std::uint32_t>(value, 48);
  return stamp;
}

}  // namespace safechunk
