// Durability::journal: when the files follow what the journal has made durable.

#include <gtest/gtest.h>

#include <thread>

#include "engine/engine_bench.h"
#include "engine/schedule.h"

namespace safechunk::test {
namespace {

using std::chrono::seconds;

class JournalBurst : public testing::Test {
 protected:
  JournalBurst() {
    EngineOptions options;
    options.durability = Durability::journal;
    engine_ = machine_.engine(options);
  }

  void save(const std::string& text) {
    ASSERT_TRUE(engine_.stage_update(std::string_view(text), "a").ok());
    // So that the worker, when it is idle later, has been busy in between.
    machine_.clock.await_deadline(machine_.clock.now() + seconds(1));
    ASSERT_TRUE(engine_.force_sync().ok());
  }

  // Until the worker has seen that nothing more comes, and has committed.
  void be_quiet() {
    machine_.clock.await_deadline(machine_.clock.now() + Debounce::kQuiet);
    machine_.clock.advance(Debounce::kQuiet);
  }

  Machine machine_;
  SafeChunkEngine engine_{""};  // inactive until it is assigned
};

TEST_F(JournalBurst, OneUpdateFollowsWhenNothingElseComes) {
  save("1");
  be_quiet();
  machine_.clock.await_idle();
  EXPECT_EQ(machine_.chunk("a"), "1\n");
}

// Kills: files that follow although the caller is about to write them again.
TEST_F(JournalBurst, TheNextEditPostponesTheFilesToTheDeadline) {
  save("1");
  machine_.clock.await_deadline(machine_.clock.now() + Debounce::kQuiet);
  ASSERT_TRUE(engine_.stage_update(std::string_view("2"), "a").ok());
  machine_.clock.await_deadline(machine_.clock.now() + seconds(1));
  EXPECT_EQ(machine_.chunk("a"), "(missing)");
  machine_.clock.advance(seconds(1));
  machine_.clock.await_idle();
  EXPECT_EQ(machine_.chunk("a"), "2\n");
}

// Kills: files that follow in every pause although the last commit had not ended when more came.
TEST_F(JournalBurst, WhatComesDuringACommitWaitsForTheDeadlineAndIsDurable) {
  std::atomic<int> state{0};  // 0: no commit yet, 1: it waits in its rename, 2: it may go on
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    int expected = 0;
    if (call.verb == "rename" && call.target == "project/chunks/a.json" &&
        state.compare_exchange_strong(expected, 1)) {
      state.notify_all();
      state.wait(1);
    }
    return std::nullopt;
  });
  save("1");
  be_quiet();
  state.wait(0);
  ASSERT_TRUE(engine_.stage_update(std::string_view("2"), "a").ok());
  state = 2;
  state.notify_all();
  // The commit has ended when the worker waits again: for the second edit, by its deadline.
  machine_.clock.await_deadline(machine_.clock.now() + seconds(1));
  ASSERT_TRUE(engine_.force_sync().ok());
  machine_.clock.await_deadline(machine_.clock.now() + seconds(1));
  EXPECT_EQ(machine_.chunk("a"), "1\n");
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  machine_.clock.advance(seconds(1));
  machine_.clock.await_idle();
  EXPECT_EQ(machine_.chunk("a"), "2\n");
  // And the burst is over.
  save("3");
  be_quiet();
  machine_.clock.await_idle();
  EXPECT_EQ(machine_.chunk("a"), "3\n");
}

}  // namespace
}  // namespace safechunk::test
