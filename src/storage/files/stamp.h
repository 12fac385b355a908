// The stamp: what the engine wrote about a file, kept in an extended attribute of the same file, so
// that the fsync and the rename which publish the bytes publish the stamp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"

namespace safechunk {

struct Stamp {
  static constexpr const char* kAttribute = "user.safechunk";
  // 60 bytes are what an ext4 inode of 256 bytes can hold beside itself; more would cost a block.
  static constexpr std::size_t kEncodedSize = 60;

  std::int64_t modified_ns = 0;     // mtime of the file when it was stamped
  std::uint64_t sequence = 0;       // of the journal record that it came from
  std::uint32_t journal_token = 0;  // of the journal that the record was in; 0: none
  Digest bytes;                     // of the whole file
  Digest text;                      // of its compact JSON text

  // Good for one chunk only, so that a file which got another chunk's name does not pass for its.
  [[nodiscard]] std::string encode(std::string_view chunk) const;
  // Nothing when the value is damaged, of another version, or of another chunk.
  static std::optional<Stamp> decode(std::string_view value, std::string_view chunk);
};

}  // namespace safechunk
