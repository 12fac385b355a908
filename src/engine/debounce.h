// When to write: pure rules over points in time.
#pragma once

#include <algorithm>
#include <chrono>

#include "platform/clock.h"

namespace safechunk {

// The deadline of the next commit: min(last edit + debounce_delay, first edit + max_delay), so that
// a steady stream of edits cannot postpone it for ever (G10).
class Debounce {
 public:
  using TimePoint = Clock::TimePoint;
  using Duration = std::chrono::milliseconds;
  static constexpr Duration kQuiet{20};
  static constexpr Duration kForever = std::chrono::hours(24 * 365 * 100);

  // Longer delays than kForever would overflow; they mean never.
  Debounce(Duration debounce_delay, Duration max_delay)
      : debounce_delay_(std::min(debounce_delay, kForever)),
        max_delay_(std::min(std::max(debounce_delay, max_delay), kForever)) {}

  void edited(TimePoint now) {
    if (deadline_ == TimePoint::max()) latest_ = now + max_delay_;
    deadline_ = std::min(now + debounce_delay_, latest_);
  }
  // Due when no edit comes for kQuiet; one that does postpones it as usual.
  void due_when_quiet(TimePoint now) {
    if (deadline_ == TimePoint::max()) latest_ = now + max_delay_;
    deadline_ = std::min({deadline_, latest_, now + kQuiet});
  }
  void clear() { deadline_ = TimePoint::max(); }
  // TimePoint::max() when nothing waits.
  [[nodiscard]] TimePoint deadline() const { return deadline_; }

 private:
  Duration debounce_delay_;
  Duration max_delay_;
  TimePoint latest_ = TimePoint::max();
  TimePoint deadline_ = TimePoint::max();
};

// When to try again after a failed commit: 1 s, doubling to 60 s (G8).
class BackOff {
 public:
  using TimePoint = Clock::TimePoint;
  static constexpr std::chrono::seconds kFirst{1};
  static constexpr std::chrono::seconds kLongest{60};

  void failed(TimePoint now) {
    retry_at_ = now + delay_;
    delay_ = std::min(delay_ * 2, kLongest);
  }
  void succeeded() {
    retry_at_ = TimePoint::max();
    delay_ = kFirst;
  }
  [[nodiscard]] TimePoint retry_at() const { return retry_at_; }

 private:
  TimePoint retry_at_ = TimePoint::max();
  std::chrono::seconds delay_ = kFirst;
};

}  // namespace safechunk
