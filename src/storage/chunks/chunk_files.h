// The files of a project's chunks: listing them, reading them with validation, and healing them.
// Committing several of them is in commit.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <safechunk/reports.hpp>

#include "platform/file_system.h"
#include "storage/chunks/decide.h"
#include "storage/chunks/quarantine.h"
#include "storage/chunks/version_book.h"
#include "storage/files/inspection.h"
#include "storage/files/project_folders.h"

namespace safechunk {

// What a new edit is based on.
struct Base {
  Digest text_digest;    // of the compact text that is committed; absent, or unknown
  bool durable = false;  // and a power cut leaves just this: the engine has synced it
  // See VersionBook::set_base_superseded().
  bool superseded = false;
};

// Wants to see the files of a chunk, the backup included, before they change.
class ChangeObserver {
 public:
  virtual ~ChangeObserver() = default;
  // Called before they are replaced or removed, by whoever may change the disk.
  virtual void preserve(const std::string& chunk) = 0;
};

// Names of all chunks that have a file, sorted. Of those that have a backup. Of both.
Result<std::vector<std::string>> list_chunk_files(Directory& chunks);
Result<std::vector<std::string>> list_backup_files(Directory& backups);
Result<std::set<std::string>> list_all_chunks(const ProjectFolders& folders);

// A chunk as a whole: its file, and its backup where the file is not sound.
struct ChunkInspection {
  ChunkState state = ChunkState::missing;
  Inspection file;
  Inspection backup;  // only looked at when the file is not sound

  // For `lost`, and for `healable` as long as nobody has healed it: what is wrong.
  [[nodiscard]] Status damage(const ProjectFolders& folders, const std::string& chunk) const;
};
ChunkInspection inspect_chunk(const ProjectFolders& folders, const std::string& chunk,
                              const TextSettings& settings);

// The text of a usable file, without a byte-order mark.
std::string text_of(Inspection inspection);

// Changes to disk (heal, quarantine, and those of commit.h) are serialised by the caller; reading
// and base_of() may run at the same time on any thread.
class ChunkFiles {
 public:
  ChunkFiles(ProjectFolders& folders, TextSettings settings)
      : folders_(folders), settings_(settings), quarantine_(*folders.root) {}

  // What is committed under that name, judged. The backup is not looked at.
  Inspection read(const std::string& chunk);

  // What is committed, as the base of a new edit; unknown where only the backup is left, which may
  // be on its way to become the file. Costs an lstat; the first time that a version is met, a look
  // at its stamp, and a full read where there is no good stamp.
  Base base_of(const std::string& chunk);

  // Replaces a damaged or missing file by its valid backup, and preserves the damaged bytes in
  // quarantine. Returns what the chunk is afterwards: usable, or missing, or unreadable (nothing
  // was changed), or invalid with reason `corrupt` when nothing could be healed. When it could not
  // be healed for lack of space or permission, it still returns the backup's bytes, with the reason.
  Inspection heal(const std::string& chunk, std::vector<Event>& events);

  // True when neither the chunk nor a backup from which it could be healed is on disk.
  bool is_gone(const std::string& chunk);

  static KnownVersion version_of(const Inspection& inspection, const TextSettings& settings);

  // True when the last fsync of the folders failed: then even an edit that finds nothing to do must
  // not be acknowledged before one succeeded. Belongs to whoever may change the disk.
  [[nodiscard]] bool folders_uncertain() const { return folders_uncertain_; }
  void set_folders_uncertain(bool uncertain) { folders_uncertain_ = uncertain; }

  // The observer, while it lives, sees every change. Belongs to whoever may change the disk.
  void set_observer(std::weak_ptr<ChangeObserver> observer) { observer_ = std::move(observer); }
  // Lets a running checkpoint hard-link the old files before they change. Call it before
  // check_untouched(), because linking is slow. Returns true if a link may have changed the ctime.
  [[nodiscard]] bool before_change(const std::string& chunk) const;
  // The final check before a change: conflict unless the file still is what was found (nullptr: is
  // still missing). `ctime_may_differ`: a hard link was added since.
  Status check_untouched(const std::string& chunk, const FileInfo* found,
                         bool ctime_may_differ) const;

  // Memory for whoever may change the disk, kept so that each commit need not fetch it anew.
  [[nodiscard]] std::string& buffer() { return buffer_; }

  [[nodiscard]] ProjectFolders& folders() { return folders_; }
  [[nodiscard]] const TextSettings& settings() const { return settings_; }
  [[nodiscard]] VersionBook& versions() { return versions_; }
  // Belongs to whoever may change the disk.
  [[nodiscard]] Quarantine& quarantine() { return quarantine_; }

 private:
  Inspection publish_backup(const std::string& chunk, const Inspection& file, Inspection backup);
  Inspection report_lost(const std::string& chunk, ChunkInspection found,
                         std::vector<Event>& events);
  Base committed_base(const std::string& chunk);

  ProjectFolders& folders_;
  const TextSettings settings_;
  VersionBook versions_;
  Quarantine quarantine_;
  bool folders_uncertain_ = false;
  std::string buffer_;
  std::weak_ptr<ChangeObserver> observer_;
};

}  // namespace safechunk
