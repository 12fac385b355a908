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
  Debounce(Duration debounce_delay, Duration max_delay) : least_max_delay_(max_delay) {
    set_delay(debounce_delay);
  }

  // For edits from now on.
  void set_delay(Duration debounce_delay) {
    debounce_delay_ = std::min(debounce_delay, kForever);
    max_delay_ = std::min(std::max(debounce_delay, least_max_delay_), kForever);
  }

  void edited(TimePoint now) {
    if (deadline_ == TimePoint::max()) latest_ = now + max_delay_;
    last_edit_ = now;
    deadline_ = std::min(now + debounce_delay_, latest_);
  }
  // Due when no edit comes for kQuiet; one that does postpones it as usual.
  void due_when_quiet(TimePoint now) {
    if (deadline_ == TimePoint::max()) latest_ = now + max_delay_;
    deadline_ = std::min({deadline_, latest_, now + kQuiet});
  }
  // A commit that began at `began` has taken everything but edits that came later.
  void only_newer_edits_since(TimePoint began) {
    latest_ = began + max_delay_;
    deadline_ = std::min(last_edit_ + debounce_delay_, latest_);
  }
  void clear() { deadline_ = TimePoint::max(); }
  // TimePoint::max() when nothing waits.
  [[nodiscard]] TimePoint deadline() const { return deadline_; }

 private:
  Duration least_max_delay_;
  Duration debounce_delay_{};
  Duration max_delay_{};
  TimePoint last_edit_ = TimePoint::min();
  TimePoint latest_ = TimePoint::max();
  TimePoint deadline_ = TimePoint::max();
};

// When to try again after a failed commit: 1 s, doubling to 60 s (G8); always 1 s after a failure
// that may end at any moment.
class BackOff {
 public:
  using TimePoint = Clock::TimePoint;
  static constexpr std::chrono::seconds kFirst{1};
  static constexpr std::chrono::seconds kLongest{60};

  void failed(TimePoint now, bool may_end_soon = false) {
    if (may_end_soon) delay_ = kFirst;
    retry_at_ = now + delay_;
    if (!may_end_soon) delay_ = std::min(delay_ * 2, kLongest);
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

// Both together: when the worker commits next, and why.
class Schedule {
 public:
  using TimePoint = Clock::TimePoint;

  Schedule(Debounce::Duration debounce_delay, Debounce::Duration max_delay)
      : debounce_(debounce_delay, max_delay) {}

  void set_debounce_delay(Debounce::Duration delay) { debounce_.set_delay(delay); }
  void edited(TimePoint now) { debounce_.edited(now); }
  // Everything is durable in the journal, and the files should follow when there is time. During a
  // burst of writes (edits arrived while the last commit ran) they wait for the normal deadline:
  // writing them in every short pause would compete with the journal sync that callers wait for.
  void journal_synced(TimePoint now) {
    if (!burst_) debounce_.due_when_quiet(now);
  }
  enum class Result { saved, failed, failed_for_now };
  // A commit ended. `newer_edits`: edits are pending that came after it had begun.
  void committed(TimePoint began, TimePoint now, Result result, bool newer_edits) {
    const bool failed = result != Result::saved;
    burst_ = !failed && newer_edits;
    if (newer_edits) {
      debounce_.only_newer_edits_since(began);
    } else {
      debounce_.clear();
    }
    if (failed) {
      back_off_.failed(now, result == Result::failed_for_now);
    } else {
      back_off_.succeeded();
    }
  }
  // A commit ended, nobody knows how.
  void failed(TimePoint now) { back_off_.failed(now); }
  // Nothing is pending.
  void clear() {
    debounce_.clear();
    back_off_.succeeded();
    burst_ = false;
  }

  // TimePoint::max() when nothing waits.
  [[nodiscard]] TimePoint next() const {
    return std::min(debounce_.deadline(), back_off_.retry_at());
  }
  // Whether next() is another try after a failure.
  [[nodiscard]] bool next_is_retry() const { return back_off_.retry_at() <= debounce_.deadline(); }
  [[nodiscard]] bool backing_off() const { return back_off_.retry_at() != TimePoint::max(); }

 private:
  Debounce debounce_;
  BackOff back_off_;
  bool burst_ = false;
};

}  // namespace safechunk
