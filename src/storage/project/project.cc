#include "storage/project/project.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "base/in_chunk.h"
#include "json/characters.h"
#include "json/format.h"
#include "storage/files/project_layout.h"
#include "storage/project/verify.h"

namespace safechunk {
namespace {

Status closed() {
  return Status(ErrorCode::not_owner, "this engine does not own the project");
}

}  // namespace

Project::Project(Platform platform, ProjectLocation location, const OpeningOptions& options,
                 std::unique_ptr<OpenedFolder> folder)
    : platform_(platform),
      location_(std::move(location)),
      settings_(options.text),
      journal_limit_(options.journal_limit),
      file_mode_(options.file_mode),
      engine_(options.engine),
      weak_folders_(options.weak_folders),
      folder_(std::move(folder)),
      folders_(folder_->folders),
      chunks_(*folder_->chunks),
      journal_(*folder_->journal),
      marks_(journal_.watermarks()),
      reader_(platform, location_, options.text, options.file_mode),
      log_writer_(folders_, settings_, platform.clock) {}

// --- opening and closing

Result<Opened> Project::open(Platform platform, const ProjectLocation& location,
                             const OpeningOptions& options, std::optional<OwnerInfo>& holder,
                             Notices& notices) {
  Opened opened;
  auto project = open_turn(platform, location, options, {}, opened, holder, notices);
  if (!project) return project.status();
  opened.owner = (*project)->folder_->lock->owner();
  opened.store = *std::move(project);
  return opened;
}

Result<std::unique_ptr<Project>> Project::open_turn(
    Platform platform, const ProjectLocation& location, const OpeningOptions& options,
    TurnMemory memory, Opened& opened, std::optional<OwnerInfo>& holder, Notices& notices) {
  OwnerInfo owner;
  auto folder = open_folder(platform, location, options, owner);
  if (!folder) {
    if (owner.pid != 0) holder = owner;
    return folder.status();
  }
  // Else this process knows no better than the files do.
  if (!(*folder)->names_listed) {
    (*folder)->names = std::move(memory.names);
    (*folder)->chunks->versions().swap_known(memory.versions);
  }
  std::unique_ptr<Project> project(new Project(platform, location, options, *std::move(folder)));
  project->log_writer_.set_known(std::move(memory.logs));
  opened.recovery = project->folder_->report;
  for (Event& event : opened.recovery.events) {
    event = in_file(event, project->folders_);
    notices.event(event);
  }
  // A failure is reported and retried; the edits that it concerns stay pending and journaled.
  opened.recovered = project->recover(notices);
  if (project->folder_->had_journal) {
    if (Status renewed = project->renew_journal(notices); !renewed) return renewed;
  }
  return project;
}

CommitOutcome Project::recover(Notices& notices) {
  const MutexLock commit_lock(commit_mutex_);
  {
    const MutexLock lock(mutex_);
    names_ = std::move(folder_->names);
    names_listed_ = folder_->names_listed;
    for (const auto& record : folder_->records) {
      pending_.add(record, true);
      for (const JournalOperation& operation : record->operations()) {
        if (!operation.removal) names_.add(operation.chunk);
      }
    }
    for (const std::string& chunk : folder_->settled) pending_.discard(chunk);
    folder_->records.clear();
  }
  CommitOutcome outcome = commit_pending(notices);
  accept_removals(notices);
  const MutexLock lock(mutex_);
  if (!pending_.empty()) newest_on_unsynced_base_ = pending_.newest_sequence();
  return outcome;
}

// Chunks that were removed while nobody owned the project. Without a stamp a backup may be another
// engine's file.
void Project::accept_removals(Notices& notices) {
  for (const std::string& chunk : folder_->removed) {
    bool is_back = false;
    {
      const MutexLock lock(mutex_);
      is_back = pending_.find(chunk) != nullptr;
    }
    is_back = is_back || folders_.chunks->stat(folders_.naming.file_of(chunk)).ok();
    if (!is_back && chunks_.has_own_backup(chunk)) note_removal(chunk, notices);
  }
  folder_->removed.clear();
}

// A journal that outlived its owner gets a new file and a new token before anything is accepted:
// sequences of the old one may have been lost with a power cut, and must not be used twice.
Status Project::renew_journal(Notices& notices) {
  const MutexLock journal_lock(journal_mutex_);
  const auto token = static_cast<std::uint32_t>(platform_.process.random_token() | 1U);
  Status status = rewrite_journal(token);
  if (status.ok()) return status;
  notices.fault(status);
  // The old journal still has everything; the next attach tries again.
  (void)folder_->lock->release();
  return status;
}

Status Project::check_open() const {
  const MutexLock lock(mutex_);
  return open_ ? Status() : closed();
}

Result<std::shared_ptr<Directory>> Project::hold_files() {
  if (Status status = folder_->check_chunks_in_place(); !status) return status;
  return folders_.backups->hold();
}

// Edits that could not be saved shall at least be durable in the journal, and only those: other
// programs may change the saved chunks until the next attach.
void Project::preserve_unsaved(Notices& notices) {
  Status status;
  {
    const MutexLock journal_lock(journal_mutex_);
    status = rewrite_journal(journal_.token());
  }
  notices.fault(status);
  if (!status) notices.fault(sync_journal(pending().newest, {}, notices));
}

Status Project::close(Notices& notices) {
  KnownLogs nobody_asks;
  return give_up(Ending::close, nobody_asks, notices).status;
}

CommitOutcome Project::end_turn(UnsavedChunks& unsaved, TurnMemory& memory, Notices& notices) {
  CommitOutcome outcome;
  KnownLogs logs;
  try {
    heal_before_the_next_turn(notices);
    outcome = give_up(Ending::pass_on, logs, notices);
  } catch (...) {
    // Memory. The journal has what was accepted. Our text in the lock file must not stay: readers
    // would take this process for one that still has its turn.
    (void)folder_->lock->pass_on(std::nullopt);
    throw;
  }
  const MutexLock lock(mutex_);
  unsaved = UnsavedChunks();
  for (const auto& [chunk, staged] : pending_.snapshot()) {
    (staged.journaled ? unsaved.kept : unsaved.lost).insert(chunk);
  }
  memory = TurnMemory();
  if (!outcome.status.ok()) return outcome;
  memory.logs = std::move(logs);
  memory.names = std::move(names_);
  chunks_.versions().swap_known(memory.versions);
  return outcome;
}

CommitOutcome Project::give_up(Ending ending, KnownLogs& logs, Notices& notices) {
  const MutexLock commit_lock(commit_mutex_);
  CommitOutcome outcome;
  {
    // After this, every thread that was accepting edits has finished.
    const MutexLock journal_lock(journal_mutex_);
    const MutexLock lock(mutex_);
    outcome.status = open_ ? Status() : closed();
    if (!outcome.status) return outcome;
    open_ = false;
  }
  outcome = commit_pending(notices);
  // A program that saved a file in this moment is looked at anew at once: nobody can tell a
  // conflict that stays from an edit that was refused.
  constexpr int kTries = 20;
  for (int i = 0; i < kTries && outcome.status.code() == ErrorCode::conflict; ++i) {
    outcome = commit_pending(notices);
  }
  while (outcome.status.code() == ErrorCode::being_edited) {
    constexpr std::chrono::milliseconds kPause{50};
    CondVar nobody;
    Mutex pause;
    const MutexLock lock(pause);
    platform_.clock.wait_until(nobody, pause, platform_.clock.now() + kPause);
    outcome = commit_pending(notices);
  }
  const Status logs_closed = log_writer_.close(logs, notices);
  const bool saved = pending().chunks == 0;
  // Without the lock, the journal under that name may be another owner's.
  const bool held = folder_->lock->check_held().ok();
  if (!saved && held) preserve_unsaved(notices);
  outcome.status = describe_unsaved(outcome.status, held);
  if (outcome.status.ok()) outcome.status = logs_closed;
  Status released;
  if (ending == Ending::pass_on) {
    std::optional<IdleText> idle;
    if (saved && held && journal_.is_empty()) {
      idle = IdleText{.sequence = marks_.issued.get(),
                      .journal_token = journal_.token(),
                      .boot_id = platform_.process.boot_id()};
    }
    released = folder_->lock->pass_on(std::move(idle));
  } else {
    if (saved && held) released = journal_.remove();
    Status unlocked = folder_->lock->release();
    notices.fault(released);
    if (released.ok()) released = unlocked;
  }
  notices.fault(released);
  if (outcome.status.ok()) outcome.status = released;
  return outcome;
}

Pending Project::pending() const {
  const MutexLock lock(mutex_);
  return {pending_.size(), pending_.newest_sequence()};
}

// --- reading

Result<StoredText> Project::read(const std::string& chunk, Notices& notices) {
  StagedEdit pending;
  bool open = false;
  {
    const MutexLock lock(mutex_);
    open = open_;
    if (const StagedEdit* found = pending_.find(chunk)) pending = *found;
  }
  // Pending edits come first, and also while the project is being closed: until an edit is in its
  // file, it is nowhere else.
  if (pending.record != nullptr) {
    if (pending.edit().removal) return StoredText();
    std::string text(json::without_byte_order_mark(pending.file_text(settings_)));
    return StoredText{std::move(text), {}, pending.edit().text_digest.to_hex()};
  }
  return open ? read_committed(chunk, notices) : reader_.read(chunk, notices);
}

Result<StoredText> Project::read_committed(const std::string& chunk, Notices& notices) {
  Inspection found = chunks_.read(chunk);
  switch (decide_chunk({found.health, std::nullopt})) {
    case ChunkState::sound: {
      note_first_sight(chunk, found, notices);
      std::string revision = found.text_digest(settings_).to_hex();
      return StoredText{text_of(std::move(found)), {}, std::move(revision)};
    }
    case ChunkState::unreadable:
      return in_chunk(found.reason, chunk);
    default:
      break;
  }
  if (found.health == FileHealth::missing) {
    auto backup = folders_.backups->stat(layout::backup_file(chunk));
    if (!backup && backup.code() == ErrorCode::not_found) {
      if (Status other = find_other_spelling(chunk); !other) return other;
      return StoredText();
    }
  }
  auto healing = heal(chunk, notices);
  if (!healing) return reader_.read(chunk, notices);
  if (healing->has_text) {
    Status older;
    if (healing->older) {
      const bool healed = healing->reason.ok();
      older = in_chunk(
          healed ? Status(ErrorCode::healed, "an older version took its place") : healing->reason,
          chunk);
    }
    return stored(std::move(healing->text), older, settings_);
  }
  if (healing->reason.ok()) return StoredText();  // missing or removed
  return in_chunk(healing->reason, chunk);
}

// invalid_name when the chunk is there under another spelling of its name, as a project that was
// unpacked on another system may have it: it must not read as one that was never saved.
Status Project::find_other_spelling(const std::string& chunk) {
  std::string rival;
  {
    const MutexLock lock(mutex_);
    rival = names_.rival_of(chunk);
  }
  if (rival.empty() || !folders_.chunks->stat(folders_.naming.file_of(rival)).ok()) return {};
  return is_same_name(chunk, rival);
}

// Looks again once no commit can change the files. An error when this process is not the owner any
// more.
Result<Healing> Project::heal(const std::string& chunk, Notices& notices) {
  std::vector<Event> events;
  Healing healing;
  {
    const MutexLock commit_lock(commit_mutex_);
    if (Status status = check_open(); !status) return status;
    if (Status held = folder_->lock->check_held(); !held) return held;
    const auto backups = hold_files();
    if (!backups) return backups.status();
    healing = chunks_.heal(chunk, events);
    if (healing.state == ChunkState::removed) note_removal(chunk, notices);
    if (std::ranges::any_of(events, is_heal)) {
      log_changes({{.origin = LoggedChange::Origin::heal,
                    .revision = digest_of_compact(healing.text, settings_),
                    .previous = kUnknownDigest,
                    .chunk = chunk}});
    }
  }
  for (const Event& event : events) notices.event(in_file(event, folders_));
  // A program that is writing the file was reported when it began.
  if (healing.reason.code() != ErrorCode::being_edited) note_healing(chunk, healing, notices);
  return healing;
}

void Project::note_healing(const std::string& chunk, const Healing& healing, Notices& notices) {
  const MutexLock lock(mutex_);
  if (!healing.reason.ok()) {
    if (heal_troubles_.begin(chunk, healing.reason)) notices.fault(in_chunk(healing.reason, chunk));
  } else if (heal_troubles_.end(chunk)) {
    notices.event(in_file({Event::Kind::resumed, chunk, "the file is sound again"}, folders_));
  }
}

// Reported once for each removal.
void Project::note_removal(const std::string& chunk, Notices& notices) {
  bool is_ours = chunks_.has_own_backup(chunk);
  {
    const MutexLock lock(mutex_);
    is_ours = is_ours || names_.is_taken(chunk);  // its file was here
  }
  std::string kept_as;
  const Status accepted = is_ours ? chunks_.accept_removal(chunk, kept_as) : Status();
  const std::string kept = kept_as.empty()
                               ? folders_.shown(layout::kBackups, layout::backup_file(chunk))
                               : folders_.shown(layout::kQuarantine, kept_as);
  const MutexLock lock(mutex_);
  if (!removals_.insert(chunk).second) return;
  notices.event(
      in_file({Event::Kind::removed_outside, chunk,
               "its file was removed by another program or a person; the version before is kept "
               "as " +
                   kept},
              folders_));
  if (!accepted.ok()) notices.fault(in_chunk(accepted, chunk));
}

// The first time that a version is read it is remembered, also as what damage is healed from, and
// an edit by another program is reported.
void Project::note_first_sight(const std::string& chunk, const Inspection& found,
                               Notices& notices) {
  if (chunks_.versions().known(chunk, found.info)) return;
  const KnownVersion version = ChunkFiles::version_of(found, settings_);
  chunks_.versions().remember(chunk, version);
  RecentText recent;
  recent.text_digest = version.text_digest;
  recent.verbatim = true;
  if (found.health == FileHealth::good) {
    recent.sequence = found.stamp->sequence;
    recent.journal_token = found.stamp->journal_token;
  }
  chunks_.recent_texts().remember(chunk, found.bytes, recent);
  std::vector<Event> events;
  chunks_.forget_edit(chunk, events);
  {
    const MutexLock lock(mutex_);
    removals_.erase(chunk);
    if (heal_troubles_.end(chunk)) {
      events.push_back({Event::Kind::resumed, chunk, "the file is sound again"});
    }
  }
  for (const Event& event : events) notices.event(in_file(event, folders_));
  if (found.health == FileHealth::good) return;
  const bool edited = found.health == FileHealth::edited;
  notices.event(in_file({Event::Kind::external_edit, chunk,
                         edited ? "changed by another program, and accepted"
                                : "carries no stamp of this engine; it is JSON, and accepted"},
                        folders_));
}

Result<std::vector<std::string>> Project::list(Notices& /*notices*/) {
  // Pending edits first: a commit in between only moves them to the disk, where the listing finds
  // them.
  PendingSet pending;
  {
    const MutexLock lock(mutex_);
    pending = pending_.snapshot();
  }
  auto names = list_committed();
  if (!names || pending.empty()) return names;
  std::vector<std::string> saved;
  std::vector<std::string> removed;
  for (const auto& [chunk, staged] : pending) {
    (staged.edit().removal ? removed : saved).push_back(chunk);
  }
  std::vector<std::string> all;
  std::ranges::set_union(*names, saved, std::back_inserter(all));
  std::vector<std::string> left;
  std::ranges::set_difference(all, removed, std::back_inserter(left));
  return left;
}

Result<std::vector<std::string>> Project::list_committed() const {
  if (!chunks_.names_lost()) return list_chunk_files(folders_);
  auto all = list_all_chunks(folders_);
  if (!all) return all.status();
  return std::vector<std::string>(all->begin(), all->end());
}

Result<std::set<std::string>> Project::list_with_backups() {
  return list_all_chunks(folders_);
}

Status Project::health(HealthReport& report) {
  report.journal_bytes = journal_.size();
  report.bytes_written += journal_.bytes_written();
  if (folder_->lock->weak()) report.weakened.emplace_back("locks");
  if (weak_folders_ != nullptr && weak_folders_->weakened()) {
    report.weakened.emplace_back("folders");
  }
  return folder_health(folders_, report);
}

Result<VerifyReport> Project::verify(const ProgressHandler& progress) {
  return verify_project(folders_, platform_, settings_, progress);
}

Status Project::repair(const std::string& chunk, Notices& notices) {
  {
    const MutexLock lock(mutex_);
    if (pending_.find(chunk) != nullptr) return {};  // the file will be replaced anyway
  }
  const Inspection found = chunks_.read(chunk);
  switch (decide_chunk({found.health, std::nullopt})) {
    case ChunkState::sound: {
      note_first_sight(chunk, found, notices);
      std::vector<Event> events;
      Status repaired;
      {
        const MutexLock commit_lock(commit_mutex_);
        if (Status held = folder_->lock->check_held(); !held) return held;
        repaired = chunks_.repair_backup(chunk, events);
        if (repaired.ok() && found.health != FileHealth::good) repaired = chunks_.stamp(chunk);
        // Of a file that the application has had before, its first version is worth as much.
        if (repaired.ok() && settings_.keep_layout) repaired = chunks_.add_first_backup(chunk);
      }
      for (const Event& event : events) notices.event(in_file(event, folders_));
      return in_chunk(repaired, chunk);
    }
    case ChunkState::unreadable:
      return in_chunk(found.reason, chunk);
    default:
      break;
  }
  auto healing = heal(chunk, notices);
  return healing ? in_chunk(healing->reason, chunk) : healing.status();
}

}  // namespace safechunk
