// The engine behind the public classes: who may call what, when edits are written, and who hears of
// it. Where they are kept is the business of the Store.
//
// Locks, in the order in which they are taken; none is held while a handler runs:
//
// - accept_mutex_: held while edits are accepted, and by a restore from its safety checkpoint on
// - mutex_: memory only, never held during I/O
//
// A Store takes its own locks after these.
// The files: engine_core.cc (life), engine_write.cc, engine_read.cc, checkpoints.cc.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <safechunk/options.hpp>
#include <safechunk/reports.hpp>

#include "base/mutex.h"
#include "engine/background.h"
#include "engine/change_feed.h"
#include "engine/handlers.h"
#include "engine/schedule.h"
#include "platform/clock.h"
#include "platform/process.h"
#include "store/store.h"

namespace safechunk {

class EngineCore : public std::enable_shared_from_this<EngineCore> {
 public:
  // `where`: the line that opens it.
  EngineCore(std::string project_id, const EngineOptions& options, std::unique_ptr<Place> place,
             Clock& clock, Process& process, const CallSite& where);

  // Life: as the public class says.
  Status attach();
  Status detach();
  // For the destructor: detaches, and no handler attaches again. Waits for the end of a worker
  // whose handler has detached before, because that handler may use things that go now; but not
  // when it is called on a worker itself.
  void close();
  [[nodiscard]] bool is_active() const;
  [[nodiscard]] bool is_dirty() const;
  [[nodiscard]] Status status() const;
  [[nodiscard]] std::optional<OwnerInfo> owner() const;
  [[nodiscard]] RecoveryReport recovery_report() const;
  // True in a forked child of the process that attached: nothing may be locked or released there.
  [[nodiscard]] bool is_forked() const;

  // Writing. The caller fills the edits, which are then staged whole.
  [[nodiscard]] std::shared_ptr<Edits> new_edits(std::size_t expected_size) const {
    return place_->new_edits(expected_size);
  }
  Status stage(const std::shared_ptr<Edits>& edits);
  // For transactions. An error of stage_unit() means that nothing was staged; commit_unit() gives
  // locked instead of not_owner.
  Status stage_unit(const std::shared_ptr<Edits>& edits);
  Status commit_unit();
  // `edits` may have conditions, and gets the removal.
  Status remove_chunk(std::string_view chunk, const std::shared_ptr<Edits>& edits);
  // Adds to the edits what is to be staged in place of what was read.
  using UpdateFunction = std::function<Status(const StoredText& present, Edits& edits)>;
  Status update(std::string_view chunk, const UpdateFunction& function);
  Status force_sync();
  void set_debounce_delay(std::chrono::milliseconds delay);

  // Reading.
  Status check_readable() const;  // ok when there is a project that can be read
  Result<StoredText> read_chunk(std::string_view chunk);
  Result<std::vector<std::string>> list_chunks();
  Result<HealthReport> health_report();
  Result<VerifyReport> verify(const ProgressHandler& progress);
  Status repair(const ProgressHandler& progress);

  // Checkpoints.
  Result<std::string> create_checkpoint(const CheckpointOptions& options,
                                        const ProgressHandler& progress);
  Status export_archive(const std::string& file, const ExportOptions& options,
                        const ProgressHandler& progress);
  Result<std::vector<CheckpointInfo>> list_checkpoints();
  Status verify_checkpoint(std::string_view name, const ProgressHandler& progress);
  Status restore_checkpoint(std::string_view name, const ProgressHandler& progress);
  Status delete_checkpoint(std::string_view name);

  // Logs. `log` is checked here.
  Result<std::uint64_t> append_log(const std::string& log, std::span<const std::string_view> texts);
  Status sync_log(const std::string& log);
  Status compact_log(const std::string& log, const LogWriter::Keep& keep);
  Status repair_log(const std::string& log);
  Result<std::string> rotate_log(const std::string& log);
  Status remove_log(const std::string& log);
  Result<LogPage> read_log(const std::string& log, std::uint64_t from, std::size_t limit);
  Result<LogPage> tail_log(const std::string& log, std::size_t count);
  Result<std::unique_ptr<LogSource>> follow_log(const std::string& log,
                                                std::optional<std::uint64_t> from);
  Result<std::vector<LogInfo>> list_logs();

  // Changes. Need no attach.
  Result<std::unique_ptr<ChangeSource>> watch(const WatchOptions& options);
  Status on_change(ChangeHandler handler, const WatchOptions& options);

  // Events, for a thread that asks. Need no attach.
  Result<std::optional<EngineEvent>> next_event(std::chrono::milliseconds timeout);
  Result<int> event_descriptor();
  void wake_events();

  void on_dirty(Handlers::DirtyHandler handler);
  [[nodiscard]] Handlers& handlers() { return handlers_; }
  [[nodiscard]] const std::string& project_id() const { return project_id_; }
  [[nodiscard]] const std::string& project_path() const { return place_->path(); }
  [[nodiscard]] const std::string& only_chunk() const { return place_->only_chunk(); }
  [[nodiscard]] std::string path_of(std::string_view chunk) const { return place_->path_of(chunk); }

 private:
  enum class State { inactive, attaching, active, detaching };

  // Life.
  Status open_place(Notices& notices) EXCLUDES(mutex_);
  void start_worker(Notices& notices) EXCLUDES(mutex_);
  // What the worker has to do; see BackgroundTask::Body.
  Clock::TimePoint work(std::uint64_t generation) EXCLUDES(mutex_);
  // Whether this thread is the worker, and calls from a handler.
  [[nodiscard]] bool is_working() const REQUIRES(mutex_);
  void await_turn_of_life() REQUIRES(mutex_);
  void abandon() noexcept EXCLUDES(mutex_);
  // Calls the handlers. In a forked child there is nobody to call.
  void deliver(Notices notices) EXCLUDES(mutex_);
  void deliver_without_fail(Notices notices) noexcept EXCLUDES(mutex_);
  // What `read` gives, under the lock; `when_forked` in a forked child.
  template <typename Value, typename Read>
  Value observe(Value when_forked, Read read) const EXCLUDES(mutex_) {
    if (is_forked()) return when_forked;
    const MutexLock lock(mutex_);
    return read();
  }

  Status check_active() const REQUIRES(mutex_);
  // The store when this process owns the project and may change it, else not_owner.
  Result<std::shared_ptr<Store>> owned_store() const EXCLUDES(mutex_);
  // For reading: the store as long as there is one, else a reader that owns nothing.
  std::shared_ptr<StoreReader> readable() const EXCLUDES(mutex_);

  // In a turn of the store, for a log whose name is allowed.
  template <typename Value, typename Write>
  Value write_log(const std::string& log, const Write& write) EXCLUDES(mutex_);

  // Writing.
  Accepted stage_edits(const std::shared_ptr<Edits>& edits) EXCLUDES(accept_mutex_, mutex_);
  Status try_update(std::string_view chunk, const UpdateFunction& function)
      EXCLUDES(accept_mutex_, mutex_);
  Accepted accept_whole(const std::shared_ptr<Edits>& edits) EXCLUDES(accept_mutex_, mutex_);
  Accepted accept(const std::shared_ptr<Edits>& edits) REQUIRES(accept_mutex_);
  // When the schedule has changed.
  void tell_worker() REQUIRES(mutex_);
  Status commit(bool retry, Notices& notices) EXCLUDES(mutex_);
  Status commit_patiently(Notices& notices) EXCLUDES(mutex_);
  void record_commit(const Store& store, const CommitOutcome& outcome, Clock::TimePoint began)
      EXCLUDES(mutex_);
  Status sync_by_journal(Notices& notices) EXCLUDES(mutex_);
  void apply_back_pressure() EXCLUDES(mutex_);

  // One checkpoint, restore or deletion at a time, and none while or after the engine detaches.
  // Held while archives are written and while progress handlers run; so it is no mutex.
  class ArchiveTurn {
   public:
    explicit ArchiveTurn(EngineCore& core) : core_(core) {}
    ArchiveTurn(const ArchiveTurn&) = delete;
    ArchiveTurn& operator=(const ArchiveTurn&) = delete;
    ~ArchiveTurn();
    // Waits. invalid_argument on a thread that has the turn already: a progress handler.
    Status take();

   private:
    EngineCore& core_;
    bool taken_ = false;
  };
  // One update() at a time; one that is called by another's function is part of it.
  class UpdateTurn {
   public:
    explicit UpdateTurn(EngineCore& core) : core_(core) {}
    UpdateTurn(const UpdateTurn&) = delete;
    UpdateTurn& operator=(const UpdateTurn&) = delete;
    ~UpdateTurn();
    // Waits. conflict when the function of an update of the same chunk calls it.
    Status take(const std::string& chunk);

   private:
    EngineCore& core_;
    bool taken_ = false;
  };
  // A turn of the store: taken before all locks, so that who waits for another process holds none.
  class StoreTurn {
   public:
    explicit StoreTurn(EngineCore& core) : core_(core) {}
    StoreTurn(const StoreTurn&) = delete;
    StoreTurn& operator=(const StoreTurn&) = delete;
    ~StoreTurn();
    // Waits. The errors of owned_store() and of Store::begin_turn().
    Status take(Notices& notices);
    // Afterwards take() may be called again.
    CommitOutcome end(Notices& notices);

   private:
    EngineCore& core_;
    std::shared_ptr<Store> store_;
    Clock::TimePoint began_;
  };
  // The caller's handler, which is also cancelled when the engine is being detached.
  ProgressHandler while_active(ProgressHandler progress) const;
  // Where this process does not own the project.
  Result<std::string> checkpoint_as_reader(const CheckpointRequest& request,
                                           const ProgressHandler& progress, Notices& notices);
  Status restore(const std::string& name, const ProgressHandler& progress, Notices& notices);
  Result<std::string> stage_restore(Store& store, const std::string& name,
                                    const std::set<std::string>& restored,
                                    const std::set<std::string>& left_out,
                                    const std::shared_ptr<Edits>& edits, Notices& notices)
      EXCLUDES(accept_mutex_);

  // Constant.
  const std::string project_id_;
  const Durability durability_;
  const bool read_only_;
  const CallSite opened_at_;
  const Status options_status_;
  const std::unique_ptr<Place> place_;
  Clock& clock_;
  Process& process_;

  Handlers handlers_;
  std::atomic<std::int64_t> owner_pid_{0};

  Mutex accept_mutex_ ACQUIRED_BEFORE(mutex_);

  mutable Mutex mutex_;
  CondVar state_changed_;  // for those who wait for attach, detach or a turn
  State state_ GUARDED_BY(mutex_) = State::inactive;
  bool closed_ GUARDED_BY(mutex_) = false;  // for ever
  Status status_ GUARDED_BY(mutex_);
  std::shared_ptr<Store> store_ GUARDED_BY(mutex_);
  std::optional<OwnerInfo> owner_ GUARDED_BY(mutex_);
  RecoveryReport recovery_ GUARDED_BY(mutex_);
  Schedule schedule_ GUARDED_BY(mutex_);
  std::uint64_t worker_generation_ GUARDED_BY(mutex_) = 0;
  // Threads in work(), also those whose handler has detached.
  std::vector<std::thread::id> working_ GUARDED_BY(mutex_);
  std::optional<std::thread::id> archiving_ GUARDED_BY(mutex_);  // the thread that has the turn
  std::optional<std::thread::id> updating_ GUARDED_BY(mutex_);   // the thread that has the turn
  std::vector<std::string> updated_ GUARDED_BY(mutex_);          // its chunks, the innermost last
  HealthReport counters_ GUARDED_BY(mutex_);

  BackgroundTask worker_;  // started and stopped by attach and detach, one at a time
  ChangeFeed feed_;
};

}  // namespace safechunk
