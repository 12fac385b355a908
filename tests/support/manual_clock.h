// A clock that stands still until a test moves it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "platform/clock.h"

namespace safechunk::test {

class ManualClock final : public Clock {
 public:
  TimePoint now() override {
    const std::lock_guard lock(mutex_);
    return now_;
  }

  std::int64_t unix_time_ns() override {
    const std::lock_guard lock(mutex_);
    return unix_ns_;
  }

  // Returns when notified; the engine's worker then looks at the time again.
  void wait_until(CondVar& wake, Mutex& mutex, TimePoint deadline) REQUIRES(mutex) override {
    {
      const std::lock_guard own(mutex_);
      if (now_ >= deadline) return;
      waiting_.insert({&wake, &mutex});
      changed_.notify_all();
    }
    wake.wait(mutex);
    const std::lock_guard own(mutex_);
    waiting_.erase({&wake, &mutex});
  }

  // The same for every machine that runs the tests.
  std::tm local_time(std::int64_t unix_time_ns) override {
    const std::time_t seconds = unix_time_ns / 1'000'000'000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return parts;
  }

  // Sets the clock on the wall, which nobody waits for.
  void set_unix_time(std::int64_t seconds) {
    const std::lock_guard lock(mutex_);
    unix_ns_ = seconds * 1'000'000'000;
  }

  // Moves the time and wakes everybody who waits.
  void advance(std::chrono::nanoseconds by) {
    std::set<std::pair<CondVar*, Mutex*>> waiting;
    {
      const std::lock_guard lock(mutex_);
      now_ += by;
      unix_ns_ += by.count();
      waiting = waiting_;
      waiting_.clear();  // none waits again before it has looked at the time
    }
    for (const auto& [wake, mutex] : waiting) {
      // Under the waiter's lock: it is in wait() and cannot miss this, nor can it destroy either of
      // the two before we are done with them.
      const MutexLock lock(*mutex);
      wake->notify_all();
    }
  }

  // Blocks until the worker waits.
  void await_waiter() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !waiting_.empty(); });
  }

  void set_unix_time_ns(std::int64_t value) {
    const std::lock_guard lock(mutex_);
    unix_ns_ = value;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  TimePoint now_{std::chrono::hours(1)};
  std::int64_t unix_ns_ = 1'800'000'000'000'000'000;
  std::set<std::pair<CondVar*, Mutex*>> waiting_;
};

}  // namespace safechunk::test
