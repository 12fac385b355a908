// The files of a project's chunks: reading with validation, healing, quarantine, and what is known
// of each committed version. Committing several of them is in commit.h.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <safechunk/reports.hpp>

#include "platform/file_system.h"
#include "storage/inspection.h"

namespace safechunk {

// The opened folders of a project. An owner has them all; a reader may do without backups and
// checkpoints.
struct ProjectFolders {
  std::unique_ptr<Directory> root;
  std::unique_ptr<Directory> chunks;
  std::unique_ptr<Directory> backups;
  std::unique_ptr<Directory> checkpoints;
};

// A committed version that this engine wrote or has validated. While the file keeps this identity,
// its bytes need not be read again to know that they are good.
struct KnownVersion {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  Digest text;
  bool ours = false;         // published since attach; else it was found on disk
  bool durable = false;      // this engine has synced the file, and its folder since
  bool sync_failed = false;  // its fsync failed: one that succeeds later would prove nothing

  static KnownVersion of(const FileInfo& info, const Digest& text) {
    KnownVersion version;
    version.inode = info.inode;
    version.size = info.size;
    version.modified_ns = info.modified_ns;
    version.changed_ns = info.changed_ns;
    version.text = text;
    return version;
  }
  [[nodiscard]] bool matches(const FileInfo& info) const {
    return info.inode == inode && info.size == size && info.modified_ns == modified_ns &&
           info.changed_ns == changed_ns;
  }
};

// What a new edit is staged upon.
struct Base {
  Digest text;           // of the compact text that is committed; absent, or unknown
  bool durable = false;  // and it is what a power cut leaves: this engine has synced it
  // A commit is replacing what another program wrote after the edit was staged: until it is
  // durable, a power cut may bring that back.
  bool overtaken = false;
};

// Wants the files of a chunk, the backup included, as they are.
class ChunkKeeper {
 public:
  virtual ~ChunkKeeper() = default;
  // Called before they are replaced or removed, by whoever may change the disk.
  virtual void keep(const std::string& chunk) = 0;
};

// Changes to disk (heal, quarantine, and those of commit.h) are serialised by the caller; reading
// and base_of() may run beside them on any thread.
class ChunkStore {
 public:
  ChunkStore(ProjectFolders& folders, TextSettings settings)
      : folders_(folders), settings_(settings) {}

  // What is committed under that name, judged. The backup is not looked at.
  Inspection read(const std::string& chunk);

  // What is committed, for a new edit to be staged upon; unknown where only the backup is left,
  // which may be on its way to become the file. Costs an lstat; the first time that a version is
  // met, a look at its stamp, and a full read where there is no good stamp.
  Base base_of(const std::string& chunk);

  // Replaces a damaged or missing primary by its valid backup, keeping the damaged bytes in
  // quarantine. Returns what the chunk is afterwards: usable, or missing, or unreadable (nothing
  // was changed), or invalid with reason `corrupt` when nothing could be healed. `not healed` for
  // lack of space or permission still returns the backup's bytes, with the reason set.
  Inspection heal(const std::string& chunk, std::vector<Event>& events);

  // Keeps a copy of `bytes` in the quarantine folder, durably, once per content, for the owner of
  // the process only: there is no telling who may read what is damaged. True in `added`
  // the first time that this object keeps it.
  Status quarantine(const std::string& file_name, std::string_view bytes, bool& added);

  // Neither the chunk nor a backup of which it could be healed is on disk.
  bool is_gone(const std::string& chunk);
  // Names of all chunks on disk, sorted.
  Result<std::vector<std::string>> list();
  // And of those of which only the backup is left.
  Result<std::set<std::string>> list_with_backups();

  // What is known without reading, when the file on disk still is that version.
  std::optional<KnownVersion> known(const std::string& chunk, const FileInfo& info) const;
  void remember(const std::string& chunk, const KnownVersion& version);
  void forget(const std::string& chunk);
  void set_overtaken(const std::string& chunk, bool overtaken);
  static KnownVersion version_of(const Inspection& inspection, const TextSettings& settings);

  // Whether the last fsync of the folders failed: then even an edit that finds nothing to do must
  // not be acknowledged before one succeeded. Belongs to whoever may change the disk.
  [[nodiscard]] bool folders_uncertain() const { return folders_uncertain_; }
  void set_folders_uncertain(bool uncertain) { folders_uncertain_ = uncertain; }

  // The keeper, while it lives, is told of every change. Belongs to whoever may change the disk.
  void set_keeper(std::weak_ptr<ChunkKeeper> keeper) { keeper_ = std::move(keeper); }
  // Must come before the last look: it takes its time. True when the files may have a name more,
  // and with it another ctime.
  [[nodiscard]] bool before_change(const std::string& chunk) const {
    const auto keeper = keeper_.lock();
    if (keeper != nullptr) keeper->keep(chunk);
    return keeper != nullptr;
  }
  // The last look: is the file still what was found (nothing: still missing)? `linked`: it has got
  // a name more since. conflict when not.
  Status check_untouched(const std::string& chunk, const FileInfo* found, bool linked) const;

  // Memory for whoever may change the disk, kept so that each commit need not fetch it anew.
  [[nodiscard]] std::string& buffer() { return buffer_; }

  [[nodiscard]] ProjectFolders& folders() { return folders_; }
  [[nodiscard]] const TextSettings& settings() const { return settings_; }

 private:
  Inspection publish_backup(const std::string& chunk, const Inspection& primary, Inspection backup);
  Inspection report_lost(const std::string& chunk, Inspection primary, const Inspection& backup,
                         std::vector<Event>& events);
  Base committed_base(const std::string& chunk);
  Status open_quarantine();
  Status add_to_quarantine(const std::string& name, std::string_view bytes);

  ProjectFolders& folders_;
  const TextSettings settings_;
  std::unique_ptr<Directory> quarantine_;  // confined to whoever may change the disk
  std::set<std::string> evidence_;         // likewise: files in quarantine that are durable
  bool folders_uncertain_ = false;         // likewise
  std::string buffer_;                     // likewise
  std::weak_ptr<ChunkKeeper> keeper_;      // likewise
  mutable std::mutex mutex_;
  std::unordered_map<std::string, KnownVersion> known_;  // guarded by mutex_
  // Versions that edits were staged upon and that nobody has read, guarded by mutex_.
  std::unordered_map<std::string, KnownVersion> bases_;
  std::set<std::string> overtaken_;  // see Base, guarded by mutex_
};

}  // namespace safechunk
