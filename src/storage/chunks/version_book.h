// What is known about the versions of chunks that lie in the folder, so that their bytes need not
// be read again. Memory only.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "base/digest.h"
#include "base/mutex.h"
#include "platform/file_system.h"

namespace safechunk {

// A committed version that this engine wrote or has validated. It is known as long as the file
// keeps this identity.
struct KnownVersion {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  Digest text_digest;
  std::uint64_t sequence = 0;       // of its stamp
  std::uint32_t journal_token = 0;  // of its stamp; 0: none
  bool ours = false;                // published since attach; else it was found on disk
  bool durable = false;             // this engine has synced the file, and its folder since
  bool sync_failed = false;         // its fsync failed: one that succeeds later would prove nothing

  static KnownVersion of(const FileInfo& info, const Digest& text_digest,
                         std::uint64_t sequence = 0, std::uint32_t journal_token = 0);
  [[nodiscard]] bool matches(const FileInfo& info) const;
  // True when an fsync of the file is still missing and would prove something. A version that was
  // found on disk may be in the page cache only, whoever put it there and whatever its stamp says:
  // a copy has the stamp of the original.
  [[nodiscard]] bool needs_sync_first() const { return !durable && !ours && !sync_failed; }
};

// Any thread may use a book at any time.
class VersionBook {
 public:
  // Nothing when the file is not known, or is not the version that was known.
  [[nodiscard]] std::optional<KnownVersion> known(const std::string& chunk,
                                                  const FileInfo& info) const;
  // Of a version that was read and judged, or written.
  void remember(const std::string& chunk, const KnownVersion& version);
  void forget(const std::string& chunk);
  // For a project that is opened again, and whose files keep their identity.
  void swap_known(std::unordered_map<std::string, KnownVersion>& known);

  // The same for versions of which only the stamp was read, when an edit was based on them: good
  // enough to base an edit on, not to take the bytes for good.
  [[nodiscard]] std::optional<KnownVersion> glimpsed(const std::string& chunk,
                                                     const FileInfo& info) const;
  void remember_glimpse(const std::string& chunk, const KnownVersion& version);

  // Set while a commit replaces a version that another program wrote after the edit was staged.
  // Until the commit is durable, a power cut may bring that version back.
  void set_base_superseded(const std::string& chunk, bool superseded);
  [[nodiscard]] bool base_superseded(const std::string& chunk) const;

 private:
  mutable Mutex mutex_;
  std::unordered_map<std::string, KnownVersion> known_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, KnownVersion> glimpsed_ GUARDED_BY(mutex_);
  std::set<std::string> superseded_ GUARDED_BY(mutex_);
};

}  // namespace safechunk
