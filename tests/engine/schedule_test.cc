// G10: a steady stream of edits cannot postpone the write beyond max_delay ("debounce starves under
// steady edits"), and G8: retries after 1 s, doubling to 60 s. Pure rules over points in time.

#include "engine/schedule.h"

#include <gtest/gtest.h>

namespace safechunk {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using TimePoint = Clock::TimePoint;

constexpr TimePoint kStart{std::chrono::hours(1)};

TEST(Debounce, WaitsForNothingAtFirst) {
  const Debounce debounce(seconds(1), seconds(5));
  EXPECT_EQ(debounce.deadline(), TimePoint::max());
}

TEST(Debounce, OneEditIsDueAfterTheDebounceDelay) {
  Debounce debounce(seconds(1), seconds(5));
  debounce.edited(kStart);
  EXPECT_EQ(debounce.deadline(), kStart + seconds(1));
}

TEST(Debounce, ALaterEditPostpones) {
  Debounce debounce(seconds(1), seconds(5));
  debounce.edited(kStart);
  debounce.edited(kStart + milliseconds(600));
  EXPECT_EQ(debounce.deadline(), kStart + milliseconds(1600));
}

// G10. Kills: deadline = last edit + debounce_delay alone.
TEST(Debounce, SteadyEditsAreDueAtMaxDelayAfterTheFirst) {
  Debounce debounce(seconds(1), seconds(5));
  for (int i = 0; i < 100; ++i) {
    debounce.edited(kStart + i * milliseconds(100));
    EXPECT_LE(debounce.deadline(), kStart + seconds(5));
  }
  EXPECT_EQ(debounce.deadline(), kStart + seconds(5));
}

// Kills: a limit that is not moved on after a commit, so that all later edits are due at once.
TEST(Debounce, EachBurstHasALimitOfItsOwn) {
  Debounce debounce(seconds(1), seconds(5));
  debounce.edited(kStart);
  debounce.clear();
  EXPECT_EQ(debounce.deadline(), TimePoint::max());
  debounce.edited(kStart + seconds(60));
  EXPECT_EQ(debounce.deadline(), kStart + seconds(61));
}

// Kills: a raised max_delay that stays raised; a new delay that moves the deadline of earlier
// edits.
TEST(Debounce, AnotherDelayHoldsForLaterEdits) {
  Debounce debounce(seconds(1), seconds(5));
  debounce.edited(kStart);
  debounce.set_delay(seconds(30));
  EXPECT_EQ(debounce.deadline(), kStart + seconds(1));
  debounce.clear();
  debounce.edited(kStart + seconds(60));
  EXPECT_EQ(debounce.deadline(), kStart + seconds(90));
  debounce.clear();
  debounce.set_delay(seconds(2));
  debounce.edited(kStart + seconds(100));
  debounce.edited(kStart + seconds(104));
  EXPECT_EQ(debounce.deadline(), kStart + seconds(105));  // max_delay is 5 s again
  debounce.set_delay(std::chrono::hours(24 * 365 * 1000));
  debounce.clear();
  debounce.edited(kStart);
  EXPECT_GT(debounce.deadline(), kStart + std::chrono::hours(24 * 365));
}

TEST(Debounce, MaxDelayBelowDebounceDelayIsRaisedToIt) {
  Debounce debounce(seconds(3), seconds(1));
  debounce.edited(kStart);
  EXPECT_EQ(debounce.deadline(), kStart + seconds(3));
  debounce.edited(kStart + seconds(2));
  EXPECT_EQ(debounce.deadline(), kStart + seconds(3));
}

// Kills: an overflow, for which "never" is "at once".
TEST(Debounce, TheLongestDelayIsNeverDue) {
  Debounce debounce(Debounce::Duration::max(), Debounce::Duration::max());
  const auto now = Debounce::TimePoint() + std::chrono::hours(1);
  debounce.edited(now);
  EXPECT_GT(debounce.deadline(), now + std::chrono::hours(24 * 365));
}

TEST(Debounce, DelaysOfZeroAreDueAtOnce) {
  Debounce debounce(seconds(0), seconds(0));
  debounce.edited(kStart);
  EXPECT_EQ(debounce.deadline(), kStart);
}

// Kills: files that follow although the caller goes on writing, and edits in a row that postpone
// them without a limit when nothing had been edited before.
TEST(Debounce, WhatIsDueWhenQuietIsPostponedByEditsAsUsual) {
  Debounce fresh(seconds(1), seconds(5));
  fresh.due_when_quiet(kStart);
  EXPECT_EQ(fresh.deadline(), kStart + milliseconds(20));
  fresh.edited(kStart + milliseconds(10));
  EXPECT_EQ(fresh.deadline(), kStart + milliseconds(1010));
  for (int i = 1; i <= 100; ++i) {
    fresh.edited(kStart + milliseconds(100 * i));
    fresh.due_when_quiet(kStart + milliseconds(100 * i));
    EXPECT_LE(fresh.deadline(), kStart + seconds(5));
  }

  Debounce edited(milliseconds(15), seconds(5));
  edited.edited(kStart);
  edited.due_when_quiet(kStart);
  EXPECT_EQ(edited.deadline(), kStart + milliseconds(15));
}

// G8. Kills: a constant delay, a delay without a bound.
TEST(BackOff, DoublesFromOneSecondToAMinute) {
  BackOff back_off;
  EXPECT_EQ(back_off.retry_at(), TimePoint::max());
  for (const int expected : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    back_off.failed(kStart);
    EXPECT_EQ(back_off.retry_at(), kStart + seconds(expected));
  }
}

// Kills: a full disk that is tried again only a minute after there is space.
TEST(BackOff, TriesEachSecondWhatMayEndSoon) {
  BackOff back_off;
  for (int i = 0; i < 4; ++i) back_off.failed(kStart);
  for (int i = 0; i < 10; ++i) {
    back_off.failed(kStart, true);
    EXPECT_EQ(back_off.retry_at(), kStart + seconds(1));
  }
}

TEST(BackOff, BeginsAnewAfterASuccess) {
  BackOff back_off;
  for (int i = 0; i < 4; ++i) back_off.failed(kStart);
  back_off.succeeded();
  EXPECT_EQ(back_off.retry_at(), TimePoint::max());
  back_off.failed(kStart);
  EXPECT_EQ(back_off.retry_at(), kStart + seconds(1));
}

}  // namespace
}  // namespace safechunk
