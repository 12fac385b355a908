// Time as the engine sees it, replaceable so that tests need neither sleeps nor a wall clock.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace safechunk {

class Clock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~Clock() = default;
  virtual TimePoint now() = 0;              // monotonic
  virtual std::int64_t unix_time_ns() = 0;  // wall clock, may jump
  // Waits until `wake` is notified or `deadline` has passed, spuriously at times.
  // TimePoint::max() means without a deadline.
  virtual void wait_until(std::condition_variable& wake, std::unique_lock<std::mutex>& lock,
                          TimePoint deadline) = 0;
};

Clock& system_clock();

}  // namespace safechunk
