#include "engine/handlers.h"

#include <exception>
#include <new>
#include <utility>

#include "base/limits.h"

namespace safechunk {
namespace {

template <typename Handler>
std::shared_ptr<const Handler> share(Handler handler) {
  if (!handler) return nullptr;
  return std::make_shared<const Handler>(std::move(handler));
}

EngineEvent to_event(const Notices::Notice& notice) {
  EngineEvent event;
  switch (notice.kind) {
    case Notices::Notice::Kind::status:
      break;
    case Notices::Notice::Kind::sync:
      event.kind = EngineEvent::Kind::sync;
      break;
    case Notices::Notice::Kind::fault:
      event.kind = EngineEvent::Kind::fault;
      break;
  }
  event.error = notice.error;
  event.recovery = notice.event;
  event.older = notice.older;
  return event;
}

}  // namespace

// The handlers before are destroyed when no lock is held: what they use may have a say in that.

void Handlers::set_status(StatusHandler handler) {
  auto next = share(std::move(handler));
  const MutexLock lock(mutex_);
  on_status_.swap(next);
}

void Handlers::set_sync(SyncHandler handler) {
  auto next = share(std::move(handler));
  const MutexLock lock(mutex_);
  on_sync_.swap(next);
}

void Handlers::set_dirty(DirtyHandler handler) {
  auto next = share(std::move(handler));
  const MutexLock lock(mutex_);
  on_dirty_.swap(next);
  hears_dirty_.store(on_dirty_ != nullptr);
  told_dirty_ = false;
}

void Handlers::clear() {
  set_status(nullptr);
  set_sync(nullptr);
  set_fault(nullptr);
  set_dirty(nullptr);
}

void Handlers::tell_dirty(const std::function<bool()>& is_dirty) {
  if (!hears_dirty_.load()) return;
  MutexLock lock(mutex_);
  look_again_ = true;
  if (telling_dirty_) return;
  telling_dirty_ = true;
  while (std::exchange(look_again_, false)) {
    lock.unlock();
    const bool dirty = is_dirty();
    lock.lock();
    auto handler = on_dirty_;
    if (!handler || dirty == told_dirty_) continue;
    told_dirty_ = dirty;
    lock.unlock();
    try {
      contain("on_dirty", [&] { (*handler)(dirty); });
    } catch (const std::bad_alloc&) {  // NOLINT: there is no memory to report what it threw
    }
    handler.reset();
    lock.lock();
  }
  telling_dirty_ = false;
}

void Handlers::set_fault(FaultHandler handler) {
  auto next = share(std::move(handler));
  std::vector<Notices::Notice> kept;
  {
    const MutexLock lock(mutex_);
    on_fault_.swap(next);
    if (on_fault_) kept = take_waiting_faults();
  }
  for (const Notices::Notice& fault : kept) deliver_fault(fault);
}

std::vector<Notices::Notice> Handlers::take_waiting_faults() {
  if (dropped_faults_ > 0) {
    Error& last = waiting_faults_.back().error;
    last.message += " (and " + std::to_string(dropped_faults_) + " more faults after this one)";
  }
  dropped_faults_ = 0;
  return std::exchange(waiting_faults_, {});
}

template <typename Call>
void Handlers::contain(const char* handler, Call call) {
  std::string what;
  try {
    call();
    return;
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
    what = "an unknown exception";
  }
  Error error;
  error.code = ErrorCode::invalid_argument;
  error.message = std::string("the handler ") + handler + " threw: " + what;
  deliver_fault(error);
}

void Handlers::deliver(Notices notices) {
  for (const Notices::Notice& notice : notices.list) {
    if (notice.kind == Notices::Notice::Kind::fault) {
      deliver_fault(notice);
      continue;
    }
    if (events_.is_open()) events_.push(to_event(notice));
    MutexLock lock(mutex_);
    const auto on_status = on_status_;
    const auto on_sync = on_sync_;
    lock.unlock();
    if (notice.kind == Notices::Notice::Kind::status) {
      if (on_status) contain("on_status", [&] { (*on_status)(notice.error.message); });
    } else if (on_sync) {
      contain("on_sync", [&] { (*on_sync)(); });
    }
  }
}

void Handlers::deliver_fault(const Error& error) {
  deliver_fault(Notices::Notice{.kind = Notices::Notice::Kind::fault, .error = error});
}

void Handlers::deliver_fault(const Notices::Notice& notice) {
  const Error& error = notice.error;
  MutexLock lock(mutex_);
  last_error_ = error.to_text();
  const auto on_fault = on_fault_;
  if (events_.is_open()) {
    events_.push(to_event(notice));
  } else if (!on_fault) {
    if (waiting_faults_.size() < limits::kPendingFaults) {
      waiting_faults_.push_back(notice);
    } else {
      ++dropped_faults_;
    }
  }
  lock.unlock();
  if (!on_fault) return;
  try {
    (*on_fault)(error);
  } catch (...) {
    const MutexLock again(mutex_);
    last_error_ += "; and the handler on_fault threw";
  }
}

Status Handlers::open_events() {
  const MutexLock lock(mutex_);
  if (events_.is_open()) return {};
  if (Status status = events_.open(); !status) return status;
  for (const Notices::Notice& fault : take_waiting_faults()) events_.push(to_event(fault));
  return {};
}

Result<std::optional<EngineEvent>> Handlers::next_event(Clock& clock,
                                                        std::chrono::milliseconds timeout) {
  if (Status status = open_events(); !status) return status;
  return events_.next(clock, timeout);
}

Result<int> Handlers::event_descriptor() {
  if (Status status = open_events(); !status) return status;
  return events_.descriptor();
}

void Handlers::deliver_change(const ChangeHandler& handler, const Change& change) {
  contain("on_change", [&] { handler(change); });
}

std::string Handlers::last_error() const {
  const MutexLock lock(mutex_);
  return last_error_;
}

}  // namespace safechunk
