// Reading a chunk's file and judging it: is this what was written, an edit by somebody, or damage?
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "platform/file_system.h"
#include "storage/files/stamp.h"
#include "storage/files/text_settings.h"

namespace safechunk {

enum class FileHealth {
  missing,
  good,        // the stamp's digest is that of the bytes
  unstamped,   // no stamp, but JSON
  edited,      // changed after it was stamped, and still JSON
  rotten,      // damage: the bytes changed without being written
  not_json,    // somebody or something wrote bytes that are not JSON
  unreadable,  // the operating system or a limit forbids a judgement: not the same as damage
};

constexpr bool is_usable(FileHealth health) {
  return health == FileHealth::good || health == FileHealth::unstamped ||
         health == FileHealth::edited;
}
constexpr bool is_damaged(FileHealth health) {
  return health == FileHealth::rotten || health == FileHealth::not_json;
}

struct Inspection {
  FileHealth health = FileHealth::missing;
  std::string bytes;
  FileInfo info;
  std::optional<Stamp> stamp;  // as it was found, also of a damaged file
  Status reason;               // why it is damaged or unreadable

  [[nodiscard]] bool usable() const { return is_usable(health); }
  // Of the compact text, for usable files; taken from the stamp where that is good.
  [[nodiscard]] Digest text_digest(const TextSettings& settings) const;
};

// The rule of design §2. Pure. `reason` is set for rotten, not_json and unreadable.
FileHealth judge(std::string_view bytes, std::int64_t modified_ns,
                 const std::optional<Stamp>& stamp, const TextSettings& settings, Status& reason);

// Reads the whole file, which belongs to `chunk`, and judges it. Changes nothing.
Inspection inspect_file(Directory& directory, const std::string& file, std::string_view chunk,
                        const TextSettings& settings);
// The same for the backup of a chunk, which is missing where there is no folder for it.
Inspection inspect_backup(Directory* backups, const std::string& chunk,
                          const TextSettings& settings);

// The stamp of an open file; nothing when there is none for that chunk, or the file system has
// none.
Result<std::optional<Stamp>> read_stamp(File& file, std::string_view chunk);

// Digest of the compact form of `text`, which is JSON (lenient).
Digest digest_of_compact(std::string_view text, const TextSettings& settings);

}  // namespace safechunk
