// The files of a project's chunks: listing them, reading them with validation, and healing them.
// Committing several of them is in commit.h.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <safechunk/reports.hpp>

#include "platform/clock.h"
#include "platform/file_system.h"
#include "storage/chunks/decide.h"
#include "storage/chunks/edit_watch.h"
#include "storage/chunks/quarantine.h"
#include "storage/chunks/recent_texts.h"
#include "storage/chunks/version_book.h"
#include "storage/chunks/write_guard.h"
#include "storage/files/inspection.h"
#include "storage/files/project_folders.h"
#include "store/store.h"

namespace safechunk {

class TemporaryFile;

// What a new edit is based on.
struct Base {
  Digest text_digest;    // of the compact text that is committed; absent, or unknown
  bool durable = false;  // and a power cut leaves just this: the engine has synced it
  // See VersionBook::set_base_superseded().
  bool superseded = false;
  // Of the stamp of that version.
  std::uint64_t sequence = 0;
  std::uint32_t journal_token = 0;  // 0: none
};

// Wants to see the files of a chunk, the backup included, before they change.
class ChangeObserver {
 public:
  virtual ~ChangeObserver() = default;
  // Called before they are replaced or removed, by the thread that may change the disk.
  virtual void preserve(const std::string& chunk) = 0;
};

// Names of all chunks that have a file, sorted. Of those that have a backup. Of both.
Result<std::vector<std::string>> list_chunk_files(const ProjectFolders& folders);
Result<std::vector<std::string>> list_backup_files(const ProjectFolders& folders);
Result<std::set<std::string>> list_all_chunks(const ProjectFolders& folders);

// The chunks that those who read would find: those that have a file, and where names were lost
// (names_are_lost()) those of which only a backup is left.
Result<std::set<std::string>> list_readable_chunks(const ProjectFolders& folders);

// A text as a file has it, with the revision of its content.
StoredText stored(std::string text, Status older, const TextSettings& settings);

// Whether nobody has removed the chunks that are missing: see names_are_lost().
Result<bool> names_are_lost(const ProjectFolders& folders);

// A chunk as a whole: its file, and its backup where the file is not sound.
struct ChunkInspection {
  ChunkState state = ChunkState::missing;
  Inspection file;
  Inspection backup;  // only looked at when the file is not sound

  // What is wrong with the file, for people: the code, and where.
  [[nodiscard]] Error problem(const ProjectFolders& folders, const std::string& chunk) const;
};
// For those who only read. A file that is not JSON counts as being edited while `watch` says so, or
// while a program has it open for writing.
ChunkInspection inspect_chunk(const ProjectFolders& folders, const std::string& chunk,
                              const TextSettings& settings, EditWatch& watch);

// For people: "line 3, column 7: ..." of a text that is not JSON, and the reason of other damage.
std::string what_is_wrong(const Inspection& file);
// The same of one that somebody may be in the middle of writing.
std::string may_still_be_written(const Inspection& file);

// The event with the path of its chunk's file.
Event in_file(Event event, const ProjectFolders& folders);

// The text of a usable file, without a byte-order mark.
std::string text_of(Inspection inspection);

// The result of heal().
struct Healing {
  ChunkState state = ChunkState::missing;  // what it found; sound after it has healed
  bool has_text = false;                   // there is a good version, and the chunk was not removed
  std::string text;                        // the newest good version
  bool older = false;                      // the text is not what was in the file last
  Status reason;                           // why the chunk is not sound now
};

// Changes to disk (heal, quarantine, and those of commit.h) are serialised by the caller; reading
// and base_of() may run at the same time on any thread.
class ChunkFiles {
 public:
  ChunkFiles(ProjectFolders& folders, TextSettings settings, Clock& clock)
      : folders_(folders),
        settings_(settings),
        quarantine_(*folders.root, folders.rights),
        watch_(clock) {}

  // What is committed under that name, judged. The backup is not looked at.
  Inspection read(const std::string& chunk);

  // What is committed, as the base of a new edit; unknown where only the backup is left, which may
  // be on its way to become the file. Costs an lstat; the first time that a version is met, a look
  // at its stamp, and a full read where there is no good stamp.
  Base base_of(const std::string& chunk);

  // Replaces a damaged file by the newest version that is known to be good, after the damaged file
  // was preserved in quarantine. Leaves a file alone that somebody may still be writing, one that
  // cannot be judged, and one that was removed. When it could not be healed for lack of space or
  // permission, it still gives the good version, with the reason.
  Healing heal(const std::string& chunk, std::vector<Event>& events);

  // Whether the backup has a stamp of this engine for the chunk: else it may be another engine's
  // file, although its name looks like ours.
  bool has_own_backup(const std::string& chunk) const;
  // Accepts that another program or a person removed the chunk: moves its backup to quarantine, and
  // names it in `kept_as`, which is empty when there was none. The name is then no longer one of
  // those that may have been lost. Leaves everything as it is when the file is there again.
  Status accept_removal(const std::string& chunk, std::string& kept_as);

  // Moves a damaged backup of a sound chunk to quarantine. The next save makes a new one.
  Status repair_backup(const std::string& chunk, std::vector<Event>& events);

  // Makes a copy of a sound chunk its backup, durably, when it has none.
  Status add_first_backup(const std::string& chunk);

  // Gives a file that is JSON and has no stamp that fits (another program wrote it, or copied the
  // project) a stamp, so that from now on rot can be told from an edit. Leaves a file alone that
  // somebody may still be writing, and one that may not be stamped.
  Status stamp(const std::string& chunk);

  // True when neither the chunk nor a backup from which it could be healed is on disk.
  bool is_gone(const std::string& chunk);

  static KnownVersion version_of(const Inspection& inspection, const TextSettings& settings);

  // True when the last fsync of the folders failed: then even an edit that finds nothing to do must
  // not be acknowledged before one succeeded. Belongs to the thread that may change the disk.
  [[nodiscard]] bool folders_uncertain() const { return folders_uncertain_; }
  void set_folders_uncertain(bool uncertain) { folders_uncertain_ = uncertain; }

  // The observer, while it lives, sees every change. Belongs to the thread that may change the
  // disk.
  void set_observer(std::weak_ptr<ChangeObserver> observer) { observer_ = std::move(observer); }
  // Lets a running checkpoint hard-link the old files before they change. Call it before
  // check_untouched(), because linking is slow. Returns true if a link may have changed the ctime.
  [[nodiscard]] bool before_change(const std::string& chunk) const;
  // The final check before a change: conflict unless the file still is what was found (nullptr: is
  // still missing). `ctime_may_differ`: a hard link was added since.
  Status check_untouched(const std::string& chunk, const FileInfo* found,
                         bool ctime_may_differ) const;

  // Memory for the thread that may change the disk, kept so that each commit need not fetch it
  // anew.
  [[nodiscard]] std::string& buffer() { return buffer_; }

  [[nodiscard]] ProjectFolders& folders() { return folders_; }
  [[nodiscard]] const TextSettings& settings() const { return settings_; }
  [[nodiscard]] VersionBook& versions() { return versions_; }
  // Whether names_are_lost() was found at attach or since.
  [[nodiscard]] bool names_lost() const { return names_lost_; }
  // The same after a look at both folders.
  Result<bool> look_for_lost_names();
  void set_names_lost() { names_lost_ = true; }
  [[nodiscard]] RecentTexts& recent_texts() { return recent_texts_; }
  [[nodiscard]] EditWatch& watch() { return watch_; }
  // The chunk was saved, or its file is sound again.
  void forget_edit(const std::string& chunk, std::vector<Event>& events);
  // Belongs to the thread that may change the disk.
  [[nodiscard]] Quarantine& quarantine() { return quarantine_; }

 private:
  // The version that damage is healed from.
  struct Cure {
    std::optional<RecentText> recent;  // else the backup
    Inspection backup;
  };
  Cure find_cure(const std::string& chunk, const Inspection& file);
  [[nodiscard]] std::string file_text_of(const RecentText& recent) const;
  void give(const Cure& cure, Healing& healing) const;
  Healing sound(const std::string& chunk, Inspection file, std::vector<Event>& events);
  Healing leave_alone(const std::string& chunk, const Inspection& file, const Cure& cure,
                      std::vector<Event>& events);
  Status publish_cure(const std::string& chunk, const Inspection& file, const Cure& cure,
                      std::vector<Event>& events);
  Status write_cure(const std::string& chunk, const FileInfo* like, const Cure& cure,
                    const std::function<Status(TemporaryFile&)>& publish);
  Healing report_lost(const std::string& chunk, const Inspection& file, const Inspection& backup,
                      std::vector<Event>& events);
  Status set_backup_aside(const std::string& chunk, const Inspection& backup, std::string& kept_as);
  Base committed_base(const std::string& chunk);

  ProjectFolders& folders_;
  const TextSettings settings_;
  VersionBook versions_;
  Quarantine quarantine_;
  RecentTexts recent_texts_;
  std::atomic<bool> names_lost_{false};
  EditWatch watch_;
  bool folders_uncertain_ = false;
  std::string buffer_;
  std::weak_ptr<ChangeObserver> observer_;
};

}  // namespace safechunk
