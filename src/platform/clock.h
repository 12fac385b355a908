// Time as the engine sees it, replaceable so that tests need neither sleeps nor a wall clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

#include "base/mutex.h"

namespace safechunk {

class Clock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~Clock() = default;
  virtual TimePoint now() = 0;              // monotonic
  virtual std::int64_t unix_time_ns() = 0;  // wall clock, may jump
  // The parts of a wall-clock time in the time zone of this machine.
  virtual std::tm local_time(std::int64_t unix_time_ns) = 0;
  // Waits until `wake` is notified or `deadline` has passed, and sometimes returns for no reason.
  // TimePoint::max() means without a deadline.
  virtual void wait_until(CondVar& wake, Mutex& mutex, TimePoint deadline) REQUIRES(mutex) = 0;
};

Clock& system_clock();

}  // namespace safechunk
