#include "storage/project/shared_project.h"

#include <algorithm>

#include "storage/files/project_layout.h"
#include "storage/journal/journal_record.h"

namespace safechunk {
namespace {

Status closed() {
  return Status(ErrorCode::not_owner, "the project is closed");
}

}  // namespace

SharedProject::SharedProject(Platform platform, ProjectLocation location,
                             const OpeningOptions& options)
    : platform_(platform),
      location_(std::move(location)),
      options_(options),
      pid_(platform.process.pid()),
      reader_(platform, location_, options.text, options.file_mode) {}

Result<Opened> SharedProject::open(Platform platform, const ProjectLocation& location,
                                   const OpeningOptions& options, std::optional<OwnerInfo>& holder,
                                   Notices& notices) {
  std::unique_ptr<SharedProject> shared(new SharedProject(platform, location, options));
  Opened opened;
  if (Status status = shared->take_place(); !status) return status;
  if (Status status = shared->open_project(opened, holder, notices); !status) return status;
  const CommitOutcome outcome = shared->end_turn(notices);
  // What an earlier process had accepted is reported, and tried again.
  notices.fault(outcome.status);
  opened.store = std::move(shared);
  return opened;
}

// --- turns

// The turn among the threads of this process.
Status SharedProject::take_place() {
  const auto self = std::this_thread::get_id();
  const auto deadline = platform_.clock.now() + options_.lock_timeout;
  const MutexLock lock(mutex_);
  while (holder_ && holder_ != self) {
    if (platform_.clock.now() >= deadline) {
      return Status(ErrorCode::locked, "another thread of this process writes to the project");
    }
    platform_.clock.wait_until(turn_ended_, mutex_, deadline);
  }
  if (closed_) return closed();
  holder_ = self;
  ++depth_;
  return {};
}

void SharedProject::give_place() {
  {
    const MutexLock lock(mutex_);
    if (--depth_ == 0) holder_.reset();
  }
  turn_ended_.notify_all();
}

bool SharedProject::has_turn() const {
  const MutexLock lock(mutex_);
  return holder_ == std::this_thread::get_id();
}

// The place must be taken; it is given back on error.
Status SharedProject::open_project(Opened& opened, std::optional<OwnerInfo>& holder,
                                   Notices& notices) {
  struct Guard {
    SharedProject* shared;
    ~Guard() {
      if (shared != nullptr) shared->give_place();
    }
  } guard{this};
  accepted_.clear();
  OpeningOptions options = options_;
  options.chunks_place = chunks_place_;
  auto project = Project::open_turn(platform_, location_, options, std::move(memory_), opened,
                                    holder, notices);
  memory_ = TurnMemory();
  if (!project) return project.status();
  project_ = *std::move(project);
  chunks_place_ = project_->chunks_place();
  guard.shared = nullptr;
  return {};
}

Status SharedProject::begin_turn(Notices& notices) {
  if (Status status = take_place(); !status) return status;
  if (project_ != nullptr) return {};
  Opened opened;
  std::optional<OwnerInfo> holder;
  return open_project(opened, holder, notices);
}

CommitOutcome SharedProject::end_turn(Notices& notices) {
  // The turn of a process that was forked within it belongs to its parent. Another thread may have
  // held the mutex at that moment.
  if (platform_.process.pid() != pid_) {
    CommitOutcome outcome;
    outcome.status = Status(ErrorCode::not_owner, "the turn belongs to the parent process");
    return outcome;
  }
  struct Guard {
    SharedProject& shared;
    ~Guard() { shared.give_place(); }
  } const guard{*this};
  {
    const MutexLock lock(mutex_);
    if (depth_ > 1) return {};
  }
  const std::unique_ptr<Project> project = std::move(project_);
  UnsavedChunks unsaved;
  CommitOutcome outcome = project->end_turn(unsaved, memory_, notices);
  unsaved_.store(unsaved.kept.size());
  const auto has_ours = [&](const std::set<std::string>& chunks) {
    return std::ranges::any_of(accepted_,
                               [&](const auto& chunk) { return chunks.contains(chunk); });
  };
  outcome.lost = has_ours(unsaved.lost);
  // Trouble with chunks of earlier turns has been reported, and is none of this turn.
  const bool all_saved = unsaved.kept.empty() && unsaved.lost.empty();
  const bool is_ours = all_saved || outcome.lost || has_ours(unsaved.kept);
  if (!is_ours && !accepted_.empty()) outcome.status = {};
  return outcome;
}

template <typename Value, typename Function>
Value SharedProject::in_turn(Notices& notices, const Function& function) {
  if (Status status = begin_turn(notices); !status) return status;
  struct Turn {
    SharedProject* shared;
    Notices& notices;
    CommitOutcome end() { return std::exchange(shared, nullptr)->end_turn(notices); }
    ~Turn() {
      if (shared != nullptr) (void)end();
    }
  } turn{this, notices};
  Value value = function(*project_);
  const CommitOutcome outcome = turn.end();
  if (!outcome.status.ok()) notices.fault(outcome.status);
  return value;
}

// --- writing

Accepted SharedProject::accept(const std::shared_ptr<Edits>& edits) {
  Accepted accepted = project_->accept(edits);
  if (accepted.result == Accepted::Result::refused) return accepted;
  // When the journal could not take it: the end of the turn saves it, or reports that it is lost.
  accepted.status = {};
  const auto record = std::static_pointer_cast<JournalRecord>(edits);
  for (const JournalOperation& operation : record->operations()) accepted_.insert(operation.chunk);
  return accepted;
}

Synced SharedProject::sync_accepted(Notices& /*notices*/) {
  return unsaved_.load() == 0 ? Synced::nothing_to_do : Synced::needs_commit;
}

CommitOutcome SharedProject::commit(Notices& notices) {
  CommitOutcome outcome;
  if (has_turn() || unsaved_.load() == 0) return outcome;
  outcome.status = begin_turn(notices);
  if (!outcome.status) {
    // Unless the project is closed this was a try that failed, and what is unsaved stays so.
    outcome.ran = outcome.status.code() != ErrorCode::not_owner;
    return outcome;
  }
  outcome = end_turn(notices);
  outcome.ran = true;
  return outcome;
}

Pending SharedProject::pending() const {
  return {unsaved_.load(), 0};
}

Status SharedProject::repair(const std::string& chunk, Notices& notices) {
  return in_turn<Status>(notices, [&](Project& project) { return project.repair(chunk, notices); });
}

Result<std::string> SharedProject::write_checkpoint(const CheckpointRequest& request,
                                                    const ProgressHandler& progress,
                                                    Notices& notices) {
  return in_turn<Result<std::string>>(notices, [&](Project& project) {
    return project.write_checkpoint(request, progress, notices);
  });
}

Status SharedProject::prune_checkpoints(const std::string& newest, const CheckpointRequest& request,
                                        std::size_t retention, Notices& notices) {
  return in_turn<Status>(notices, [&](Project& project) {
    return project.prune_checkpoints(newest, request, retention, notices);
  });
}

Result<std::set<std::string>> SharedProject::left_out_of(const std::string& name) {
  Notices nobody_waits;
  return in_turn<Result<std::set<std::string>>>(
      nobody_waits, [&](Project& project) { return project.left_out_of(name); });
}

Status SharedProject::remove_checkpoint(const std::string& name) {
  Notices nobody_waits;
  return in_turn<Status>(nobody_waits,
                         [&](Project& project) { return project.remove_checkpoint(name); });
}

Status SharedProject::close(Notices& notices) {
  if (Status status = take_place(); !status) return status;
  OpeningOptions at_once = options_;
  if (unsaved_.load() == 0) at_once.lock_timeout = std::chrono::milliseconds(0);
  Opened opened;
  std::optional<OwnerInfo> holder;
  auto project = Project::open_turn(platform_, location_, at_once, std::move(memory_), opened,
                                    holder, notices);
  Status status = project.status();
  if (project) status = (*project)->close(notices);
  if (project && status.ok()) {
    // Those who wait make another one.
    auto root = platform_.file_system.open_directory(location_.path());
    if (root) (void)(*root)->unlink(layout::kLockNext);
  }
  // Somebody else has the turn: then the files that only the last one needs none of are in use.
  if (status.code() == ErrorCode::locked && unsaved_.load() == 0) status = {};
  {
    const MutexLock lock(mutex_);
    closed_ = true;
  }
  give_place();
  return status;
}

// --- reading

Result<StoredText> SharedProject::read(const std::string& chunk, Notices& notices) {
  return has_turn() ? project_->read(chunk, notices) : reader_.read(chunk, notices);
}

Result<std::vector<std::string>> SharedProject::list(Notices& notices) {
  return has_turn() ? project_->list(notices) : reader_.list(notices);
}

Result<std::set<std::string>> SharedProject::list_with_backups() {
  Notices nobody_waits;
  return in_turn<Result<std::set<std::string>>>(
      nobody_waits, [](Project& project) { return project.list_with_backups(); });
}

Status SharedProject::health(HealthReport& report) {
  return reader_.health(report);
}

Result<VerifyReport> SharedProject::verify(const ProgressHandler& progress) {
  return reader_.verify(progress);
}

Result<std::vector<CheckpointInfo>> SharedProject::list_checkpoints() {
  return reader_.list_checkpoints();
}

// What the turns of all processes have saved: nobody waits meanwhile.
Status SharedProject::export_archive(const std::string& path, const CheckpointRequest& request,
                                     const ProgressHandler& progress, Notices& notices) {
  return reader_.export_archive(path, request, progress, notices);
}

Status SharedProject::read_checkpoint(const std::string& name, const ProgressHandler& progress,
                                      const ArchivedChunkHandler& handler) {
  return reader_.read_checkpoint(name, progress, handler);
}

}  // namespace safechunk
