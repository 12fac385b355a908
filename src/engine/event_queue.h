// Keeps events for a thread that asks for them. Nobody who tells of one ever waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include <safechunk/events.hpp>

#include "base/mutex.h"
#include "platform/clock.h"
#include "platform/readiness.h"

namespace safechunk {

class EventQueue {
 public:
  // Keeps nothing before. ok when it is open.
  Status open() EXCLUDES(mutex_);
  [[nodiscard]] bool is_open() const EXCLUDES(mutex_);

  // When there are too many, the oldest one that is no fault is dropped, or the oldest fault.
  void push(EngineEvent event) EXCLUDES(mutex_);
  // The oldest one. Nothing after `timeout`, or after wake().
  std::optional<EngineEvent> next(Clock& clock, std::chrono::milliseconds timeout) EXCLUDES(mutex_);
  // Ends the next() that runs, or the next one.
  void wake() EXCLUDES(mutex_);
  // Readable when next() would return at once. -1 when it is not open.
  [[nodiscard]] int descriptor() const EXCLUDES(mutex_);

 private:
  std::optional<EngineEvent> take() REQUIRES(mutex_);

  mutable Mutex mutex_;
  CondVar told_;
  std::unique_ptr<Readiness> readiness_ GUARDED_BY(mutex_);  // null: not open
  std::deque<EngineEvent> events_ GUARDED_BY(mutex_);
  std::uint64_t dropped_ GUARDED_BY(mutex_) = 0;  // since the last one that was taken
  bool woken_ GUARDED_BY(mutex_) = false;
};

}  // namespace safechunk
