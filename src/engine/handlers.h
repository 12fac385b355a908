// The application's handlers, and how they are called: never while a lock is held (G11).
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/changes.hpp>
#include <safechunk/events.hpp>
#include <safechunk/status.hpp>

#include "base/mutex.h"
#include "engine/event_queue.h"
#include "store/notices.h"

namespace safechunk {

class Handlers {
 public:
  using StatusHandler = std::function<void(std::string_view)>;
  using SyncHandler = std::function<void()>;
  using FaultHandler = std::function<void(const Error&)>;
  using DirtyHandler = std::function<void(bool)>;

  void set_status(StatusHandler handler) EXCLUDES(mutex_);
  void set_sync(SyncHandler handler) EXCLUDES(mutex_);
  // Delivers the faults that were kept because there was no handler, on this thread.
  void set_fault(FaultHandler handler) EXCLUDES(mutex_);

  // The next tell_dirty() tells it when something is staged.
  void set_dirty(DirtyHandler handler) EXCLUDES(mutex_);
  // Removes all of them, for ever: nothing that they use is used after the calls that run.
  void clear() EXCLUDES(mutex_);

  // Asks `is_dirty`, and tells the handler when that is not what it was told last. One thread tells
  // at a time, so that the last call is right; others leave it to that one, and do not wait.
  void tell_dirty(const std::function<bool()>& is_dirty) EXCLUDES(mutex_);

  // Calls the handlers in order, on this thread. An exception that a handler throws is contained:
  // it becomes a fault of its own, unless the fault handler threw it.
  void deliver(Notices notices) EXCLUDES(mutex_);

  // The same for a handler that is not kept here, and for a fault.
  void deliver_change(const ChangeHandler& handler, const Change& change) EXCLUDES(mutex_);
  void deliver_fault(const Error& error) EXCLUDES(mutex_);

  // The same for a thread that asks. Everything is kept from the first of these on, and so are the
  // faults that wait for a handler.
  Result<std::optional<EngineEvent>> next_event(Clock& clock, std::chrono::milliseconds timeout)
      EXCLUDES(mutex_);
  Result<int> event_descriptor() EXCLUDES(mutex_);
  void wake_events() { events_.wake(); }

  [[nodiscard]] std::string last_error() const EXCLUDES(mutex_);

 private:
  Status open_events() EXCLUDES(mutex_);
  std::vector<Notices::Notice> take_waiting_faults() REQUIRES(mutex_);
  void deliver_fault(const Notices::Notice& notice) EXCLUDES(mutex_);
  template <typename Call>
  void contain(const char* handler, Call call) EXCLUDES(mutex_);

  EventQueue events_;

  mutable Mutex mutex_;
  std::shared_ptr<const StatusHandler> on_status_ GUARDED_BY(mutex_);
  std::shared_ptr<const SyncHandler> on_sync_ GUARDED_BY(mutex_);
  std::shared_ptr<const FaultHandler> on_fault_ GUARDED_BY(mutex_);
  std::shared_ptr<const DirtyHandler> on_dirty_ GUARDED_BY(mutex_);
  std::atomic<bool> hears_dirty_{false};  // there is such a handler; most engines have none
  bool told_dirty_ GUARDED_BY(mutex_) = false;
  bool telling_dirty_ GUARDED_BY(mutex_) = false;
  bool look_again_ GUARDED_BY(mutex_) = false;
  std::vector<Notices::Notice> waiting_faults_ GUARDED_BY(mutex_);
  std::size_t dropped_faults_ GUARDED_BY(mutex_) = 0;  // there were too many to keep
  std::string last_error_ GUARDED_BY(mutex_);
};

}  // namespace safechunk
