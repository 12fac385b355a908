// The threads that all engines of a process share (P18).
#include "engine/background.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "engine_bench.h"
#include "support/manual_clock.h"

namespace safechunk::test {
namespace {

using std::chrono::seconds;

constexpr auto kNever = Clock::TimePoint::max();

class BackgroundTest : public testing::Test {
 protected:
  // Goes on when open() says so.
  class Gate {
   public:
    void pass() {
      entered_.add();
      opened_.wait();
    }
    void await_entry() { entered_.await(1); }
    void open() { opening_.set_value(); }

   private:
    Counter entered_;
    std::promise<void> opening_;
    std::shared_future<void> opened_ = opening_.get_future().share();
  };

  // The threads use the clock to their end, and the last task may have ended without
  // waiting for it.
  ~BackgroundTest() override {
    background.reset();
    threads_ended->get_future().wait();
  }

  void start(BackgroundTask& task, BackgroundTask::Body body) {
    ASSERT_TRUE(task.start(background, std::move(body)).ok());
  }

  ManualClock clock;
  const std::shared_ptr<std::promise<void>> threads_ended = std::make_shared<std::promise<void>>();
  std::shared_ptr<Background> background{new Background(clock),
                                         [threads_ended = threads_ended](Background* last) {
                                           delete last;
                                           threads_ended->set_value();
                                         }};
};

// Kills: a thread for each task.
TEST_F(BackgroundTest, OneThreadDoesAllTasksThatDoNotMeet) {
  constexpr std::size_t kTasks = 1000;
  std::set<std::thread::id> threads;  // used by one thread at a time, when the test is right
  Counter done;
  std::vector<std::unique_ptr<BackgroundTask>> tasks;
  for (std::size_t i = 0; i < kTasks; ++i) {
    tasks.push_back(std::make_unique<BackgroundTask>());
    start(*tasks.back(), [&] {
      threads.insert(std::this_thread::get_id());
      done.add();
      return kNever;
    });
  }
  for (std::size_t i = 0; i < kTasks; ++i) {
    tasks[i]->do_at(clock.now());
    done.await(i + 1);
    clock.await_waiter();
  }
  EXPECT_EQ(threads.size(), 1U);
}

TEST_F(BackgroundTest, ATaskRunsWhenItIsDueAndNotBefore) {
  std::vector<Clock::TimePoint> runs;
  Counter done;
  BackgroundTask task;
  const auto begin = clock.now();
  start(task, [&] {
    runs.push_back(clock.now());
    done.add();
    return runs.size() == 1 ? clock.now() + seconds(5) : kNever;
  });
  task.do_at(begin + seconds(3));
  clock.await_waiter();
  clock.advance(seconds(2));
  clock.await_waiter();
  clock.advance(seconds(1));
  done.await(1);
  clock.await_waiter();
  clock.advance(seconds(4));
  clock.await_waiter();
  EXPECT_EQ(done.count(), 1U);
  task.do_at(clock.now() + seconds(60));  // instead of what it has said itself
  clock.advance(seconds(59));
  clock.await_waiter();
  EXPECT_EQ(done.count(), 1U);
  clock.advance(seconds(1));
  done.await(2);
  EXPECT_EQ(runs, (std::vector{begin + seconds(3), begin + seconds(67)}));
}

// Kills: the engines of a process that wait for the handler of one of them.
TEST_F(BackgroundTest, ATaskThatTakesLongKeepsNoOtherWaiting) {
  Gate slow;
  Counter done;
  BackgroundTask first;
  BackgroundTask second;
  start(first, [&] {
    slow.pass();
    return kNever;
  });
  start(second, [&] {
    done.add();
    return kNever;
  });
  first.do_at(clock.now());
  slow.await_entry();
  for (std::size_t i = 1; i <= 3; ++i) {
    second.do_at(clock.now());
    done.await(i);
  }
  slow.open();
}

// P18: few threads. Kills: a thread for each task that is due, and tasks that wait for ever.
TEST_F(BackgroundTest, AThirdWaitsASecondForTwoThatTakeLong) {
  Gate slow;
  Gate slower;
  Counter done;
  BackgroundTask first;
  BackgroundTask second;
  BackgroundTask third;
  start(first, [&] {
    slow.pass();
    return kNever;
  });
  start(second, [&] {
    slower.pass();
    return kNever;
  });
  start(third, [&] {
    done.add();
    return kNever;
  });
  first.do_at(clock.now());
  slow.await_entry();
  second.do_at(clock.now());
  slower.await_entry();
  third.do_at(clock.now());
  clock.await_waiter();
  EXPECT_EQ(done.count(), 0U);
  clock.advance(Background::kPatience);
  done.await(1);
  // From then on these two count no more. Kills: one task a second for all others.
  for (std::size_t i = 2; i <= 5; ++i) {
    third.do_at(clock.now());
    done.await(i);
  }
  slow.open();
  slower.open();
}

// Kills: a stop() that returns while the body runs.
TEST_F(BackgroundTest, StopWaitsForTheBody) {
  Gate gate;
  std::atomic<bool> ended{false};
  BackgroundTask task;
  start(task, [&] {
    gate.pass();
    ended = true;
    return kNever;
  });
  task.do_at(clock.now());
  gate.await_entry();
  std::thread opener([&] { gate.open(); });
  task.stop();
  EXPECT_TRUE(ended);
  opener.join();
}

// Kills: a body that waits for itself, or runs again; what it holds, destroyed under the lock.
TEST_F(BackgroundTest, ABodyMayStopItsTaskAndStartItAgain) {
  Counter done;
  BackgroundTask task;
  auto other = std::make_shared<BackgroundTask>();  // goes with the first body
  start(*other, [] { return kNever; });
  start(task, [&, held = other] {
    task.stop();
    EXPECT_TRUE(task.start(background,
                           [&] {
                             done.add();
                             return kNever;
                           })
                    .ok());
    task.do_at(clock.now());
    done.add();
    return clock.now();  // of no use: it was the last run
  });
  other.reset();
  task.do_at(clock.now());
  done.await(2);
  task.stop();
  EXPECT_EQ(done.count(), 2U);
}

// Kills: an end of the threads that a new task waits for in vain.
TEST_F(BackgroundTest, TasksMayComeAndGoAtTheSameTime) {
  constexpr int kRounds = 500;
  const auto come_and_go = [&] {
    for (int i = 0; i < kRounds; ++i) {
      Counter done;
      BackgroundTask task;
      start(task, [&] {
        done.add();
        return kNever;
      });
      task.do_at(clock.now());
      done.await(1);
    }
  };
  std::thread other(come_and_go);
  come_and_go();
  other.join();
}

TEST(SystemBackground, IsOneForAllEnginesOfAProcess) {
  EXPECT_EQ(Background::of(system_clock(), 1), Background::of(system_clock(), 1));
  EXPECT_NE(Background::of(system_clock(), 1), Background::of(system_clock(), 2));
}

}  // namespace
}  // namespace safechunk::test
