// A project in a local folder that this process owns: the Store over files.
//
// One object per attach; its end is the end of the attach. Pending edits are the memory half and
// the journal is the disk half of one thing, and both live here.
//
// Locks, in the order in which they are taken:
//
// - commit_mutex_: one change of the chunks' files at a time (commit, heal, taking a snapshot,
// close)
// - journal_mutex_: one append to the journal at a time; their order is the order of sequences
// - mutex_: memory only, never held during I/O
//
// The files: project.cc (life, reading), accept.cc, commit_pending.cc, checkpoints.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <safechunk/options.hpp>

#include "base/mutex.h"
#include "platform/platform.h"
#include "storage/checkpoints/archive_store.h"
#include "storage/checkpoints/snapshot.h"
#include "storage/chunks/chunk_files.h"
#include "storage/chunks/commit.h"
#include "storage/files/names.h"
#include "storage/journal/journal.h"
#include "storage/journal/pending.h"
#include "storage/logs/folder_logs.h"
#include "storage/project/change_log.h"
#include "storage/project/folder_reader.h"
#include "storage/project/opening.h"
#include "storage/project/troubles.h"
#include "store/store.h"

namespace safechunk {

// What a process remembers of a project from one of its turns to the next. The names are those that
// were seen. A version counts as long as its file is the same.
struct TurnMemory {
  Names names;
  std::unordered_map<std::string, KnownVersion> versions;
  KnownLogs logs;
};

// The chunks that a turn could not save.
struct UnsavedChunks {
  std::set<std::string> kept;  // in the journal: the next turn of any process tries again
  std::set<std::string> lost;  // the journal could not take them either
};

class Project final : public Store {
 public:
  // Opens the folder, replays the journal and commits what was in it. Errors as Place::open().
  static Result<Opened> open(Platform platform, const ProjectLocation& location,
                             const OpeningOptions& options, std::optional<OwnerInfo>& holder,
                             Notices& notices);
  // The same for one turn of this process. `opened` gets everything but the store.
  static Result<std::unique_ptr<Project>> open_turn(
      Platform platform, const ProjectLocation& location, const OpeningOptions& options,
      TurnMemory memory, Opened& opened, std::optional<OwnerInfo>& holder, Notices& notices);
  [[nodiscard]] const FileInfo& chunks_place() const { return folder_->chunks_place; }
  // As close(), but leaves lock and journal to the next process.
  CommitOutcome end_turn(UnsavedChunks& unsaved, TurnMemory& memory, Notices& notices);

  Result<StoredText> read(const std::string& chunk, Notices& notices) override;
  Result<std::vector<std::string>> list(Notices& notices) override;
  Status health(HealthReport& report) override;
  Result<VerifyReport> verify(const ProgressHandler& progress) override;
  Result<std::vector<CheckpointInfo>> list_checkpoints() override;
  LogReader& logs() override { return reader_.logs(); }
  Status read_checkpoint(const std::string& name, const ProgressHandler& progress,
                         const ArchivedChunkHandler& handler) override;

  Accepted accept(const std::shared_ptr<Edits>& edits) override;
  Synced sync_accepted(Notices& notices) override;
  CommitOutcome commit(Notices& notices) override;
  [[nodiscard]] Pending pending() const override;
  Result<std::set<std::string>> list_with_backups() override;
  Status repair(const std::string& chunk, Notices& notices) override;
  Result<std::string> write_checkpoint(const CheckpointRequest& request,
                                       const ProgressHandler& progress, Notices& notices) override;
  Status export_archive(const std::string& path, const CheckpointRequest& request,
                        const ProgressHandler& progress, Notices& notices) override;
  Status prune_checkpoints(const std::string& newest, const CheckpointRequest& request,
                           std::size_t retention, Notices& notices) override;
  Result<std::set<std::string>> left_out_of(const std::string& name) override;
  Status remove_checkpoint(const std::string& name) override;
  LogWriter& log_writer() override { return log_writer_; }
  Status close(Notices& notices) override;
  Status begin_turn(Notices& /*notices*/) override { return {}; }
  CommitOutcome end_turn(Notices& /*notices*/) override { return {}; }

 private:
  using PendingSet = std::map<std::string, StagedEdit>;

  Project(Platform platform, ProjectLocation location, const OpeningOptions& options,
          std::unique_ptr<OpenedFolder> folder);

  // Life.
  CommitOutcome recover(Notices& notices) EXCLUDES(commit_mutex_);
  void accept_removals(Notices& notices) REQUIRES(commit_mutex_) EXCLUDES(mutex_);
  Status renew_journal(Notices& notices) EXCLUDES(commit_mutex_, journal_mutex_);
  enum class Ending { close, pass_on };
  CommitOutcome give_up(Ending ending, KnownLogs& logs, Notices& notices) EXCLUDES(commit_mutex_);
  // `held`: whether the lock, and so the journal under its name, is still ours.
  [[nodiscard]] Status describe_unsaved(const Status& reason, bool held) const EXCLUDES(mutex_);
  void preserve_unsaved(Notices& notices) REQUIRES(commit_mutex_);
  Status check_open() const EXCLUDES(mutex_);
  // The folder of the backups, to be kept open while files are changed; conflict when another
  // program has moved it or that of the chunks.
  Result<std::shared_ptr<Directory>> hold_files();

  // Accepting.
  Status accept_record(std::shared_ptr<JournalRecord> record, Accepted::Result& result)
      REQUIRES(journal_mutex_);
  // Of accepting.
  Status check_allowed(const JournalRecord& record) const;
  Status keep_layouts(std::shared_ptr<JournalRecord>& record) REQUIRES(journal_mutex_)
      EXCLUDES(mutex_);
  Status check_requirements(const JournalRecord& record) REQUIRES(journal_mutex_) EXCLUDES(mutex_);
  Status apply_parts(std::shared_ptr<JournalRecord>& record) REQUIRES(journal_mutex_)
      EXCLUDES(mutex_);
  struct Present;
  Result<Present> find_present(const std::string& chunk) EXCLUDES(mutex_);
  [[nodiscard]] Result<std::vector<std::string>> list_committed() const;
  bool set_bases(JournalRecord& record) REQUIRES(journal_mutex_);
  Status check_names(const JournalRecord& record) REQUIRES(journal_mutex_);
  Status list_names() EXCLUDES(mutex_);

  // Committing.
  CommitOutcome commit_pending(Notices& notices) REQUIRES(commit_mutex_);
  CommitOutcome commit_snapshot(Notices& notices) REQUIRES(commit_mutex_);
  // False when it is to be tried again with the next save.
  void heal_before_the_next_turn(Notices& notices) EXCLUDES(commit_mutex_);
  bool heal_lost_names(const PendingSet& committing, Notices& notices) REQUIRES(commit_mutex_)
      EXCLUDES(mutex_);
  void record_results(const CommitReport& report, const PendingSet& set, Notices& notices)
      REQUIRES(commit_mutex_);
  void note_saving(const std::string& chunk, const Status& result, Notices& notices)
      EXCLUDES(mutex_);
  // For those who watch. When the log cannot be written, they learn of the change from its file, a
  // second later and without a number: no reason for a commit to fail.
  void log_changes(std::vector<LoggedChange> changes) REQUIRES(commit_mutex_);
  void truncate_journal(Notices& notices) REQUIRES(commit_mutex_);
  // `committing` is being published meanwhile: it may be on disk already, or not.
  Status rewrite_journal(std::uint32_t token, const PendingSet& committing = {})
      REQUIRES(journal_mutex_);
  Status sync_journal(std::uint64_t sequence, const PendingSet& committing, Notices& notices)
      EXCLUDES(journal_mutex_);

  // Reading and healing.
  Result<StoredText> read_committed(const std::string& chunk, Notices& notices);
  Status find_other_spelling(const std::string& chunk) EXCLUDES(mutex_);
  Result<Healing> heal(const std::string& chunk, Notices& notices) EXCLUDES(commit_mutex_);
  void note_first_sight(const std::string& chunk, const Inspection& found, Notices& notices)
      EXCLUDES(mutex_);
  void note_healing(const std::string& chunk, const Healing& healing, Notices& notices)
      EXCLUDES(mutex_);
  void note_removal(const std::string& chunk, Notices& notices) REQUIRES(commit_mutex_)
      EXCLUDES(mutex_);

  // Checkpoints.
  Result<std::shared_ptr<Snapshot>> take_snapshot(Notices& notices) EXCLUDES(commit_mutex_);
  struct Archiving;
  using WriteArchive =
      std::function<Result<std::string>(const Snapshot& snapshot, const ArchiveRequest& request)>;
  Result<std::string> archive(ArchiveRequest request, CheckpointRequest::Unreadable unreadable,
                              const WriteArchive& write, Notices& notices) EXCLUDES(commit_mutex_);
  [[nodiscard]] std::vector<std::string> lost_names(const Snapshot& snapshot) const;
  void settle_same_names(const Snapshot& snapshot, Archiving& work);
  Result<bool> settle_lost_names(const Snapshot& snapshot, Archiving& work, Notices& notices)
      EXCLUDES(commit_mutex_);
  Status settle_troubles(const Snapshot& snapshot, const Status& first, Archiving& work,
                         Notices& notices) EXCLUDES(commit_mutex_);
  Status settle_chunk(const std::string& chunk, Status reason, Archiving& work, Notices& notices)
      EXCLUDES(commit_mutex_);

  // Constant.
  const Platform platform_;
  const ProjectLocation location_;
  const TextSettings settings_;
  const std::uint64_t journal_limit_;
  const std::uint32_t file_mode_;
  const std::uint64_t engine_;
  const WeakFolders* const weak_folders_;
  const std::unique_ptr<OpenedFolder> folder_;
  ProjectFolders& folders_;
  ChunkFiles& chunks_;
  Journal& journal_;
  Watermarks& marks_;
  FolderReader reader_;
  FolderLogWriter log_writer_;

  Mutex commit_mutex_ ACQUIRED_BEFORE(journal_mutex_);
  // Old journal records of what was committed could not be told from new ones after a power cut:
  // the journal must be emptied durably.
  bool must_truncate_journal_ GUARDED_BY(commit_mutex_) = false;
  bool lost_names_healed_ GUARDED_BY(commit_mutex_) = false;
  // Some edit of the last commit failed, so a set may be visible in part.
  bool last_commit_failed_ GUARDED_BY(commit_mutex_) = false;

  Mutex journal_mutex_ ACQUIRED_BEFORE(mutex_);

  mutable Mutex mutex_;
  bool open_ GUARDED_BY(mutex_) = true;
  PendingEdits pending_ GUARDED_BY(mutex_);
  // On disk or pending; unless they were listed, those that were seen in earlier turns.
  Names names_ GUARDED_BY(mutex_);
  bool names_listed_ GUARDED_BY(mutex_) = false;
  // Chunks whose removal by somebody else was reported.
  std::set<std::string> removals_ GUARDED_BY(mutex_);
  Troubles save_troubles_ GUARDED_BY(mutex_);  // "": with the whole project
  Troubles heal_troubles_ GUARDED_BY(mutex_);
  // Sequence of the newest edit whose base version is not known to be durable. Syncing the journal
  // does not protect such an edit: after a power cut the base may be another one, and the edit
  // would look like a conflict. It needs a full commit.
  std::uint64_t newest_on_unsynced_base_ GUARDED_BY(mutex_) = 0;
};

}  // namespace safechunk
