// Life of an engine: attach, detach, the worker, ownership.

#include "engine/engine_core.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <new>

#include "base/chunk_name.h"
#include "base/limits.h"
#include "engine/open_engines.h"

namespace safechunk {
namespace {

Status check(const std::string& project_id, const EngineOptions& options) {
  const bool is_path = options.place != PlaceKind::project;
  if (is_path && (project_id.empty() || project_id.find('\0') != std::string::npos)) {
    return Status(ErrorCode::invalid_argument, "the path is empty, or holds a NUL byte");
  }
  if (Status status = check_name(project_id, "project id"); !status && !is_path) {
    if (project_id.find('/') == std::string::npos) return status;
    Error error = status.error();
    error.message += "; the folder in which the project lies is the option base_dir";
    return error;
  }
  const auto invalid = [](const char* message) {
    return Status(ErrorCode::invalid_argument, message);
  };
  if (options.debounce_delay.count() < 0) return invalid("debounce_delay is negative");
  if (options.max_delay.count() < 0) return invalid("max_delay is negative");
  if (options.indent > 16) return invalid("indent is above 16");
  if (options.depth_limit > limits::kDepth) return invalid("depth_limit is above 1,000,000");
  const bool is_mode = (options.file_mode & 0600U) == 0600U && (options.file_mode & ~0666U) == 0;
  if (options.file_mode != 0 && !is_mode) {
    return invalid("file_mode must be 0600, or that with bits of 0066");
  }
  if (options.base_dir.find('\0') != std::string::npos) return invalid("base_dir holds a NUL byte");
  return {};
}

std::string time_of(Clock& clock) {
  const std::tm time = clock.local_time(clock.unix_time_ns());
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &time);
  return text.data();
}

Status forked() {
  return Status(ErrorCode::not_owner, "the engine belongs to the parent process");
}

}  // namespace

EngineCore::EngineCore(std::string project_id, const EngineOptions& options,
                       std::unique_ptr<Place> place, Clock& clock, Process& process,
                       const CallSite& where)
    : project_id_(std::move(project_id)),
      durability_(options.durability),
      read_only_(options.mode == Mode::read),
      opened_at_(where),
      options_status_(check(project_id_, options)),
      place_(std::move(place)),
      clock_(clock),
      process_(process),
      status_(options_status_),
      schedule_(options.debounce_delay, options.max_delay) {}

// --- what an engine is

bool EngineCore::is_forked() const {
  const std::int64_t owner = owner_pid_.load();
  return owner != 0 && owner != process_.pid();
}

bool EngineCore::is_active() const {
  return observe(false, [&]() REQUIRES(mutex_) { return state_ == State::active; });
}

bool EngineCore::is_dirty() const {
  return observe(
      false, [&]() REQUIRES(mutex_) { return store_ != nullptr && store_->pending().chunks > 0; });
}

Status EngineCore::status() const {
  return observe(forked(), [&]() REQUIRES(mutex_) { return status_; });
}

std::optional<OwnerInfo> EngineCore::owner() const {
  return observe(std::optional<OwnerInfo>(), [&]() REQUIRES(mutex_) { return owner_; });
}

RecoveryReport EngineCore::recovery_report() const {
  return observe(RecoveryReport(), [&]() REQUIRES(mutex_) { return recovery_; });
}

Status EngineCore::check_active() const {
  if (state_ == State::active) return {};
  Error error;
  error.code = ErrorCode::not_owner;
  error.message = "this engine does not own the project";
  if (read_only_) error.message = "this engine was opened for reading only";
  if (!status_.ok()) error.message += " (" + status_.error().message + ")";
  error.path = place_->path();
  return error;
}

Result<std::shared_ptr<Store>> EngineCore::owned_store() const {
  if (!options_status_) return options_status_;
  if (is_forked()) return forked();
  const MutexLock lock(mutex_);
  if (Status status = check_active(); !status) return status;
  return store_;
}

std::shared_ptr<StoreReader> EngineCore::readable() const {
  auto store = observe(std::shared_ptr<Store>(), [&]() REQUIRES(mutex_) { return store_; });
  if (store != nullptr) return store;
  return place_->reader();
}

Result<std::optional<EngineEvent>> EngineCore::next_event(std::chrono::milliseconds timeout) {
  if (is_forked()) return forked();
  return handlers_.next_event(clock_, timeout);
}

Result<int> EngineCore::event_descriptor() {
  if (is_forked()) return forked();
  return handlers_.event_descriptor();
}

void EngineCore::wake_events() {
  if (!is_forked()) handlers_.wake_events();
}

// --- attach

void EngineCore::await_turn_of_life() {
  while (state_ != State::active && state_ != State::inactive) state_changed_.wait(mutex_);
}

Status EngineCore::attach() {
  if (!options_status_) return options_status_;
  if (is_forked()) return forked();
  if (read_only_) return Status(ErrorCode::not_owner, "opened for reading only");
  {
    const MutexLock lock(mutex_);
    // A handler must not wait for the detach that waits for the handler.
    const bool awaited = is_working() || archiving_ == std::this_thread::get_id();
    if (state_ == State::detaching && awaited) {
      return Status(ErrorCode::not_owner, "the engine is being detached");
    }
    await_turn_of_life();
    if (state_ == State::active) return {};
    if (closed_) return Status(ErrorCode::not_owner, "the engine is being closed");
    state_ = State::attaching;
    owner_pid_.store(process_.pid());  // a child that is forked from now on does not own it
  }
  Notices notices;
  Status status;
  try {
    status = open_place(notices);
    if (status.ok()) notices.status("attached to project '" + project_id_ + "'");
    // Before anybody sees the engine active, and may detach it.
    if (status.ok()) start_worker(notices);
  } catch (...) {
    abandon();
    throw;
  }
  {
    const MutexLock lock(mutex_);
    state_ = status.ok() ? State::active : State::inactive;
    status_ = status;
    if (!status.ok()) owner_pid_.store(0);
    if (status.ok()) tell_worker();
  }
  state_changed_.notify_all();
  deliver_without_fail(std::move(notices));
  return status;
}

Status EngineCore::open_place(Notices& notices) {
  std::optional<OwnerInfo> holder;
  auto opened = place_->open(holder, notices);
  const MutexLock lock(mutex_);
  if (!opened) {
    owner_ = holder;
    const bool is_here =
        opened.code() == ErrorCode::locked && holder && holder->pid == process_.pid();
    const std::string here =
        is_here ? describe_open(process_.pid(), place_->path()) : std::string();
    if (here.empty()) return opened.status();
    Error error = opened.status().error();
    error.message = here;
    return error;
  }
  if (opened->owner) note_opened(process_.pid(), this, place_->path(), opened_at_, time_of(clock_));
  store_ = std::move(opened->store);
  owner_ = opened->owner;
  recovery_ = std::move(opened->recovery);
  schedule_.clear();
  counters_.bytes_written += opened->recovered.bytes_written;
  // What an earlier owner had accepted and could not be committed is tried again by the worker.
  if (store_->pending().chunks > 0) schedule_.failed(clock_.now());
  return {};
}

// When memory failed on the way: lets go of everything, so that nobody waits for the end of an
// attach or detach that does not come. The lock file is stale from now on, and the journal has what
// was staged.
void EngineCore::abandon() noexcept {
  worker_.stop();
  {
    const MutexLock lock(mutex_);
    state_ = State::inactive;
    note_closed(process_.pid(), this);
    store_.reset();
    owner_.reset();
    owner_pid_.store(0);
    schedule_.clear();
  }
  state_changed_.notify_all();
}

void EngineCore::deliver(Notices notices) {
  if (is_forked()) return;
  if (notices.heals > 0) {
    const MutexLock lock(mutex_);
    counters_.heals += notices.heals;
  }
  handlers_.deliver(std::move(notices));
  // Whatever changes it reports something, or nothing, here.
  handlers_.tell_dirty([this] { return is_dirty(); });
}

void EngineCore::on_dirty(Handlers::DirtyHandler handler) {
  handlers_.set_dirty(std::move(handler));
  if (!is_forked()) handlers_.tell_dirty([this] { return is_dirty(); });
}

// Where the result is settled, and must be returned although memory fails during the report.
void EngineCore::deliver_without_fail(Notices notices) noexcept {
  try {
    deliver(std::move(notices));
  } catch (const std::bad_alloc&) {  // NOLINT: there is no memory to report it with
  }
}

// --- the worker

void EngineCore::start_worker(Notices& notices) {
  std::uint64_t generation = 0;
  {
    const MutexLock lock(mutex_);
    generation = ++worker_generation_;
    working_.reserve(working_.size() + 1);  // so that work() needs no memory
  }
  // The task keeps the core alive, so that a handler may destroy the engine.
  notices.fault(
      worker_.start(Background::of(clock_, process_.pid()),
                    [self = shared_from_this(), generation] { return self->work(generation); }));
}

Clock::TimePoint EngineCore::work(std::uint64_t generation) {
  const auto self = std::this_thread::get_id();
  auto next = Clock::TimePoint::max();
  MutexLock lock(mutex_);
  working_.push_back(self);
  while (worker_generation_ == generation) {
    if (const auto deadline = schedule_.next(); clock_.now() < deadline) {
      next = deadline;
      break;
    }
    const bool retry = schedule_.next_is_retry();
    lock.unlock();
    Notices notices;
    try {
      (void)commit(retry, notices);    // reported through the notices
    } catch (const std::bad_alloc&) {  // NOLINT: commit() has seen to it that it is tried again
    }
    deliver_without_fail(std::move(notices));
    lock.lock();
  }
  working_.erase(std::ranges::find(working_, self));
  state_changed_.notify_all();
  return next;
}

bool EngineCore::is_working() const {
  return std::ranges::find(working_, std::this_thread::get_id()) != working_.end();
}

void EngineCore::tell_worker() {
  worker_.do_at(schedule_.next());
}

void EngineCore::close() {
  {
    const MutexLock lock(mutex_);
    closed_ = true;
  }
  (void)detach();  // reported to on_fault
  feed_.stop();
  {
    const MutexLock lock(mutex_);
    // A progress handler cannot detach: then its worker goes on.
    while (!working_.empty() && !is_working() && state_ != State::active) {
      state_changed_.wait(mutex_);
    }
  }
  handlers_.clear();
}

// --- detach

Status EngineCore::detach() {
  if (is_forked()) return {};
  std::shared_ptr<Store> store;
  {
    const MutexLock lock(mutex_);
    if (state_ == State::detaching && is_working()) return {};
    if (archiving_ == std::this_thread::get_id()) {
      return Status(ErrorCode::invalid_argument, "detach() called from a progress handler");
    }
    await_turn_of_life();
    if (state_ == State::inactive) return {};
    state_ = State::detaching;  // from here on nothing more is accepted
    ++worker_generation_;
    while (archiving_) state_changed_.wait(mutex_);  // it sees the state, and ends
    store = store_;
  }
  Notices notices;
  Status status;
  try {
    status = store->close(notices);
    notices.status("detached from project '" + project_id_ + "'");
  } catch (...) {
    abandon();
    throw;
  }
  {
    const MutexLock lock(mutex_);
    store_.reset();
    schedule_.clear();
  }
  worker_.stop();
  {
    const MutexLock lock(mutex_);
    state_ = State::inactive;
    note_closed(process_.pid(), this);
    status_ = status;
    owner_.reset();
    owner_pid_.store(0);
  }
  state_changed_.notify_all();
  deliver_without_fail(std::move(notices));
  return status;
}

}  // namespace safechunk
