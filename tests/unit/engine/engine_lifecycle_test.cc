// Attach, detach, moves, destruction (G9, G10).

#include <gtest/gtest.h>

#include <thread>

#include "unit/engine/engine_bench.h"

namespace safechunk::test {
namespace {

// "edits accepted during detach are written after unlock". Kills: intake that stays open.
TEST(EngineLifecycle, StagingDuringDetachIsRefusedAndNeverWritten) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "a", "1");
  Status late;
  std::atomic<bool> asked{false};
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb != "rename" || asked.exchange(true)) return std::nullopt;
    std::thread([&] { late = engine.stage_update("2", "late"); }).join();
    return std::nullopt;
  });
  ASSERT_TRUE(engine.detach().ok());
  machine.files.set_hook({});
  EXPECT_TRUE(asked);
  EXPECT_EQ(late.code(), ErrorCode::not_owner);
  ASSERT_TRUE(engine.attach().ok());
  EXPECT_EQ(engine.list_chunks().value(), std::vector<std::string>{"a"});
}

// "attach() on a live engine kills it". Kills: an attach that opens the project again.
TEST(EngineLifecycle, AttachOnALiveEngineDoesNothing) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "a", "1");
  const auto calls = machine.files.calls();
  EXPECT_TRUE(engine.attach().ok());
  EXPECT_EQ(machine.files.calls(), calls);
  EXPECT_TRUE(engine.is_active());
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "1\n");
}

TEST(EngineLifecycle, DetachIsIdempotentAndAttachClaimsAgain) {
  Machine machine;
  auto engine = machine.engine();
  for (int round = 0; round < 3; ++round) {
    put(engine, "a", std::to_string(round));
    ASSERT_TRUE(engine.detach().ok());
    const auto calls = machine.files.calls();
    EXPECT_TRUE(engine.detach().ok());
    EXPECT_EQ(machine.files.calls(), calls);
    EXPECT_FALSE(engine.is_active());
    EXPECT_TRUE(engine.status().ok());
    EXPECT_EQ(engine.stage_update("9", "a").code(), ErrorCode::not_owner);
    EXPECT_EQ(engine.force_sync().code(), ErrorCode::not_owner);
    EXPECT_EQ(engine.remove_chunk("a").code(), ErrorCode::not_owner);
    EXPECT_EQ(engine.fetch_chunk("a").value(), std::to_string(round) + "\n");
    ASSERT_TRUE(engine.attach().ok());
    EXPECT_TRUE(engine.recovery_report().clean);
  }
}

// Every member may be called from any thread. Kills: a worker that is started after somebody else
// has detached already, and then runs for ever.
TEST(EngineLifecycle, AttachAndDetachFromManyThreads) {
  Machine machine;
  auto engine = machine.engine();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 50; ++round) {
        (void)(i % 2 == 0 ? engine.attach() : engine.detach());
        (void)engine.stage_update("1", "a");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(engine.attach().ok());
  put(engine, "b", "2");
  ASSERT_TRUE(engine.detach().ok());
  EXPECT_EQ(machine.chunk("b"), "2\n");
  EXPECT_FALSE(machine.file(".lock"));
}

TEST(EngineLifecycle, MovesKeepTheProject) {
  Machine machine;
  auto first = machine.engine();
  put(first, "a", "1");
  SafeChunkEngine second(std::move(first));
  EXPECT_TRUE(second.is_active());
  EXPECT_EQ(second.fetch_chunk("a").value(), "1\n");
  EngineOptions options;
  options.base_dir = "/";
  auto other = EngineAccess::construct("other", options, machine.platform());
  put(other, "b", "1");
  other = std::move(second);  // the other project is detached, and saved
  EXPECT_EQ(machine.files.contents().at("other/chunks/b.json"), "1\n");
  EXPECT_FALSE(machine.files.contents().contains("other/.lock"));
  EXPECT_EQ(other.project_id(), "project");
  save(other);
  EXPECT_EQ(machine.chunk("a"), "1\n");
}

TEST(EngineLifecycle, TheDestructorSavesAndReleases) {
  Machine machine;
  {
    auto engine = machine.engine();
    put(engine, "a", "1");
  }
  EXPECT_EQ(machine.chunk("a"), "1\n");
  EXPECT_FALSE(machine.file(".lock"));
  EXPECT_FALSE(machine.file(".journal"));
}

// G9, "detach removes somebody else's lock". Kills: removing the journal of whoever took over
// after our lock file had been removed by hand.
TEST(EngineLifecycle, AnOwnerWhoseLockWasTakenTouchesNothingMore) {
  using Case = std::pair<Durability, bool>;
  for (const auto& [durability, staged] :
       {Case(Durability::file, true), Case(Durability::file, false),
        Case(Durability::journal, true)}) {
    Machine machine;
    EngineOptions options;
    options.durability = durability;
    auto first = machine.engine(options);
    put(first, "a", "1");
    save(first);
    machine.files.open_directory("/project").value()->unlink(".lock").throw_if_error();
    options.base_dir = "/";
    WatchedClock clock;
    FakeProcess process(4243, 7);
    auto second =
        EngineAccess::construct("project", options, Platform{machine.files, clock, process});
    ASSERT_TRUE(second.is_active()) << second.status().to_text();
    put(second, "b", "2");
    if (staged) {
      (void)first.stage_update("9", "a");
      EXPECT_EQ(first.force_sync().code(), ErrorCode::not_owner);
    }
    EXPECT_EQ(first.detach().code(), ErrorCode::not_owner);
    EXPECT_TRUE(machine.file(".lock"));
    EXPECT_TRUE(machine.file(".journal")) << "the journal of the new owner is gone";
    ASSERT_TRUE(second.detach().ok());
    EXPECT_EQ(machine.chunk("a"), "1\n");
    EXPECT_EQ(machine.chunk("b"), "2\n");
  }
}

}  // namespace
}  // namespace safechunk::test
