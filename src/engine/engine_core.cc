// Lifecycle: attach, detach, the worker, ownership.

#include "engine/engine_core.h"

#include <new>

#include "base/chunk_name.h"
#include "base/limits.h"
#include "storage/project_layout.h"

namespace safechunk {
namespace {

thread_local const EngineCore* worker_of = nullptr;

std::string absolute_base(FileSystem& file_system, const std::string& base) {
  auto absolute = file_system.absolute_path(base);
  return absolute ? *absolute : base;
}

TextSettings text_settings(const EngineOptions& options) {
  return {.size_limit = options.chunk_size_limit,
          .depth_limit = options.depth_limit,
          .indent = options.indent};
}

Status check(const std::string& project_id, const EngineOptions& options) {
  if (Status status = check_name(project_id, "project id"); !status) return status;
  const auto invalid = [](const char* message) {
    return Status(ErrorCode::invalid_argument, message);
  };
  if (options.debounce_delay.count() < 0) return invalid("debounce_delay is negative");
  if (options.max_delay.count() < 0) return invalid("max_delay is negative");
  if (options.indent > 16) return invalid("indent is above 16");
  if (options.depth_limit > limits::kDepth) return invalid("depth_limit is above 1,000,000");
  if (options.base_dir.find('\0') != std::string::npos) return invalid("base_dir holds a NUL byte");
  return {};
}

}  // namespace

EngineCore::EngineCore(std::string project_id, EngineOptions options, Platform platform)
    : location_{absolute_base(platform.file_system, options.base_dir), std::move(project_id)},
      project_path_(location_.base + (location_.base.ends_with('/') ? "" : "/") +
                    location_.project_id),
      options_(std::move(options)),
      settings_(text_settings(options_)),
      platform_(platform),
      options_status_(check(location_.project_id, options_)),
      status_(options_status_),
      debounce_(options_.debounce_delay, options_.max_delay) {}

bool EngineCore::is_forked() const {
  const std::int64_t owner = owner_pid_.load();
  return owner != 0 && owner != platform_.process.pid();
}

bool EngineCore::is_active() const {
  if (is_forked()) return false;
  const std::lock_guard lock(mutex_);
  return state_ == State::active;
}

bool EngineCore::is_dirty() const {
  if (is_forked()) return false;
  const std::lock_guard lock(mutex_);
  return !staging_.empty();
}

Status EngineCore::status() const {
  if (is_forked()) return Status(ErrorCode::not_owner, "the engine belongs to the parent process");
  const std::lock_guard lock(mutex_);
  return status_;
}

std::optional<OwnerInfo> EngineCore::owner() const {
  if (is_forked()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return owner_;
}

RecoveryReport EngineCore::recovery_report() const {
  if (is_forked()) return {};
  const std::lock_guard lock(mutex_);
  return recovery_;
}

Result<std::shared_ptr<OpenProject>> EngineCore::owned_project() const {
  if (!options_status_) return options_status_;
  if (is_forked()) return Status(ErrorCode::not_owner, "the engine belongs to the parent process");
  const std::lock_guard lock(mutex_);
  if (Status status = check_active(); !status) return status;
  return project_;
}

Status EngineCore::check_active() const {
  if (state_ == State::active) return {};
  Error error;
  error.code = ErrorCode::not_owner;
  error.message = "this engine does not own the project";
  if (!status_.ok()) error.message += " (" + status_.error().message + ")";
  error.path = project_path_;
  return error;
}

// --- attach

Status EngineCore::attach() {
  if (!options_status_) return options_status_;
  if (is_forked()) return Status(ErrorCode::not_owner, "the engine belongs to the parent process");
  if (options_.read_only) return Status(ErrorCode::not_owner, "opened for reading only");
  {
    Lock lock(mutex_);
    // A handler must not wait for the detach that waits for the handler.
    const bool awaited = worker_.is_current() || archiving_ == std::this_thread::get_id();
    if (state_ == State::detaching && awaited) {
      return Status(ErrorCode::not_owner, "the engine is being detached");
    }
    state_changed_.wait(lock, [&] { return state_ == State::active || state_ == State::inactive; });
    if (state_ == State::active) return {};
    if (closed_) return Status(ErrorCode::not_owner, "the engine is being closed");
    state_ = State::attaching;
    owner_pid_.store(platform_.process.pid());  // a child that is forked from now on is none
  }
  Notices notices;
  Status status;
  try {
    status = open_and_recover(notices);
    if (status.ok()) notices.status("attached to project '" + location_.project_id + "'");
    // Before anybody sees the engine active, and may detach it.
    if (status.ok()) start_worker(notices);
  } catch (...) {
    abandon();
    throw;
  }
  {
    const Lock lock(mutex_);
    state_ = status.ok() ? State::active : State::inactive;
    status_ = status;
    if (!status.ok()) owner_pid_.store(0);
  }
  state_changed_.notify_all();
  deliver(std::move(notices));
  return status;
}

// When memory failed on the way: lets go of everything, so that nobody waits for the end of what
// has no end. The lock file is stale from now on, and the journal has what was staged.
void EngineCore::abandon() noexcept {
  worker_.stop();
  {
    const Lock lock(mutex_);
    state_ = State::inactive;
    project_.reset();
    owner_.reset();
    owner_pid_.store(0);
    staging_ = Staging();
    debounce_.clear();
    back_off_.succeeded();
  }
  state_changed_.notify_all();
}

// Where the result is settled, and must be returned although memory fails while it is told.
void EngineCore::deliver(Notices notices) noexcept {
  try {
    events_.deliver(std::move(notices));
  } catch (const std::bad_alloc&) {  // NOLINT: there is no memory to tell it with
  }
}

Status EngineCore::open_and_recover(Notices& notices) {
  OwnerInfo owner;
  auto opened = open_project(platform_, location_, settings_, owner);
  if (!opened) {
    const Lock lock(mutex_);
    owner_ = owner.pid != 0 ? std::optional(owner) : std::nullopt;
    return opened.status();
  }
  const std::shared_ptr<OpenProject> project = *std::move(opened);
  const std::lock_guard gate(gate_);
  {
    const Lock lock(mutex_);
    project_ = project;
    owner_ = project->lock->owner();
    recovery_ = project->report;
    names_ = std::move(project->names);
    staging_ = Staging();
    for (const auto& record : project->records) {
      staging_.add(record, true);
      for (const JournalOperation& operation : record->operations()) {
        if (!operation.removal) names_[fold_case(operation.chunk)] = operation.chunk;
      }
    }
    for (const std::string& chunk : project->settled) staging_.discard(chunk);
    project->records.clear();
    committed_through_ = 0;
    unsaved_ = false;
    journal_must_vanish_ = false;
    acknowledged_ = 0;
    uncertain_ = 0;
    burst_ = false;
    back_off_.succeeded();
    debounce_.clear();
  }
  for (const Event& event : project->report.events) notices.event(event);
  // A failure is reported and retried by the worker; what it concerns stays staged and journaled.
  (void)commit_staged(*project, notices);
  {
    const Lock lock(mutex_);
    if (!staging_.empty()) uncertain_ = staging_.newest_sequence();
  }
  return project->had_journal ? renew_journal(*project, notices) : Status();
}

// A journal that outlived its owner gets a new file and a new token before anything is accepted:
// sequences of the old one may have been lost with a power cut, and must not be used twice.
Status EngineCore::renew_journal(OpenProject& project, Notices& notices) {
  const std::lock_guard stage_lock(stage_mutex_);
  const auto token = static_cast<std::uint32_t>(platform_.process.random_token() | 1U);
  Status status = rewrite_journal(project, token);
  if (status.ok()) return status;
  notices.fault(status);
  // The old journal still has everything; the next attach tries again.
  (void)project.lock->release();
  const Lock lock(mutex_);
  project_.reset();
  owner_.reset();
  staging_ = Staging();
  debounce_.clear();
  back_off_.succeeded();
  return status;
}

// --- the worker

void EngineCore::start_worker(Notices& notices) {
  std::uint64_t generation = 0;
  {
    const Lock lock(mutex_);
    generation = ++worker_generation_;
  }
  // The thread keeps the core alive, so that a handler may destroy the engine.
  Status started =
      worker_.start([self = shared_from_this(), generation] { self->run_worker(generation); });
  notices.fault(started);
  const Lock lock(mutex_);
  if (started.ok()) ++workers_;  // it waits for the end of attach()
}

void EngineCore::run_worker(std::uint64_t generation) {
  worker_of = this;
  Lock lock(mutex_);
  state_changed_.wait(lock, [&] { return state_ != State::attaching; });
  while (worker_generation_ == generation) {
    const auto retry_at = back_off_.retry_at();
    const auto deadline = std::min(debounce_.deadline(), retry_at);
    if (platform_.clock.now() < deadline) {
      worker_sleeps_until_ = deadline;
      platform_.clock.wait_until(wake_, lock, deadline);
      worker_sleeps_until_ = Clock::TimePoint::min();
      continue;
    }
    const bool retry = retry_at <= debounce_.deadline();
    lock.unlock();
    Notices notices;
    try {
      (void)commit_now(retry, notices);  // reported through the notices
    } catch (const std::bad_alloc&) {    // NOLINT: commit_now has seen to it that it is retried
    }
    deliver(std::move(notices));
    lock.lock();
  }
  --workers_;
  state_changed_.notify_all();
}

void EngineCore::close() {
  {
    const Lock lock(mutex_);
    closed_ = true;
  }
  (void)detach();  // reported to on_fault
  if (worker_of == this) return;
  Lock lock(mutex_);
  // A progress handler cannot detach: then its worker goes on.
  state_changed_.wait(lock, [&] { return workers_ == 0 || state_ == State::active; });
}

// --- detach

Status EngineCore::detach() {
  if (is_forked()) return {};
  {
    Lock lock(mutex_);
    if (state_ == State::detaching && worker_.is_current()) return {};
    if (archiving_ == std::this_thread::get_id()) {
      return Status(ErrorCode::invalid_argument, "detach() called from a progress handler");
    }
    state_changed_.wait(lock, [&] { return state_ == State::active || state_ == State::inactive; });
    if (state_ == State::inactive) return {};
    state_ = State::detaching;  // from here on nothing more is accepted
    ++worker_generation_;
    wake_.notify_all();
    state_changed_.wait(lock, [&] { return !archiving_; });  // it sees the state, and ends
  }
  Notices notices;
  Status status;
  try {
    status = finish_detach(notices);
    notices.status("detached from project '" + location_.project_id + "'");
  } catch (...) {
    abandon();
    throw;
  }
  worker_.stop();
  {
    const Lock lock(mutex_);
    state_ = State::inactive;
    status_ = status;
    owner_.reset();
    owner_pid_.store(0);
  }
  state_changed_.notify_all();
  deliver(std::move(notices));
  return status;
}

// What could not be saved shall at least be durable in the journal, and that alone: what was saved
// may be changed by others until the next attach.
void EngineCore::keep_unsaved(OpenProject& project, std::uint64_t newest, Notices& notices) {
  Status kept;
  {
    const std::lock_guard stage_lock(stage_mutex_);
    kept = rewrite_journal(project, project.journal->token());
  }
  notices.fault(kept);
  if (!kept) notices.fault(sync_journal(project, newest, notices));
}

Status EngineCore::finish_detach(Notices& notices) {
  const std::lock_guard gate(gate_);
  { const std::lock_guard barrier(stage_mutex_); }  // whoever was staging has finished
  std::shared_ptr<OpenProject> project;
  {
    const Lock lock(mutex_);
    project = project_;
  }
  Status status = commit_staged(*project, notices);
  bool saved = false;
  std::uint64_t newest = 0;
  {
    const Lock lock(mutex_);
    saved = staging_.empty();
    newest = staging_.newest_sequence();
  }
  // Without the lock, the journal under that name may be another owner's.
  const bool held = project->lock->check_held().ok();
  if (!saved && held) keep_unsaved(*project, newest, notices);
  {
    const Lock lock(mutex_);
    project_.reset();
    staging_ = Staging();
    debounce_.clear();
    back_off_.succeeded();
  }
  if (saved && held) {
    Status removed = project->journal->remove();
    notices.fault(removed);
    if (status.ok()) status = removed;
  }
  Status released = project->lock->release();
  notices.fault(released);
  return status.ok() ? released : status;
}

}  // namespace safechunk
