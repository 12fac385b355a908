#include "engine/event_queue.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace safechunk {

Status EventQueue::open() {
  const MutexLock lock(mutex_);
  if (readiness_ != nullptr) return {};
  auto readiness = new_readiness();
  if (readiness) readiness_ = *std::move(readiness);
  return readiness.status();
}

bool EventQueue::is_open() const {
  const MutexLock lock(mutex_);
  return readiness_ != nullptr;
}

void EventQueue::push(EngineEvent event) {
  const MutexLock lock(mutex_);
  if (readiness_ == nullptr) return;
  if (events_.size() >= limits::kPendingEvents) {
    const auto is_no_fault = [](const EngineEvent& kept) {
      return kept.kind != EngineEvent::Kind::fault;
    };
    const auto least = std::ranges::find_if(events_, is_no_fault);
    events_.erase(least == events_.end() ? events_.begin() : least);
    ++dropped_;
  }
  events_.push_back(std::move(event));
  readiness_->set();
  told_.notify_all();
}

std::optional<EngineEvent> EventQueue::take() {
  std::optional<EngineEvent> event;
  if (!events_.empty()) {
    event = std::move(events_.front());
    events_.pop_front();
    event->dropped = std::exchange(dropped_, 0);
  } else {
    woken_ = false;
  }
  if (events_.empty() && !woken_) readiness_->clear();
  return event;
}

std::optional<EngineEvent> EventQueue::next(Clock& clock, std::chrono::milliseconds timeout) {
  const auto deadline = clock.now() + timeout;
  const MutexLock lock(mutex_);
  if (readiness_ == nullptr) return {};
  while (events_.empty() && !woken_ && clock.now() < deadline) {
    clock.wait_until(told_, mutex_, deadline);
  }
  return take();
}

void EventQueue::wake() {
  const MutexLock lock(mutex_);
  if (readiness_ == nullptr) return;
  woken_ = true;
  readiness_->set();
  told_.notify_all();
}

int EventQueue::descriptor() const {
  const MutexLock lock(mutex_);
  return readiness_ == nullptr ? -1 : readiness_->descriptor();
}

}  // namespace safechunk
