// Threads that meet at the worst moment: what one call promises while another one runs.

#include <gtest/gtest.h>

#include <cerrno>
#include <future>
#include <thread>
#include <vector>

#include "engine/engine_bench.h"
#include "support/forwarding_file_system.h"

namespace safechunk::test {
namespace {

// --- transactions

// G6. Kills: a transaction that goes on writing into the record that it has given away.
TEST(EngineInterleavings, ATransactionIsUsedAgainWhileItsUnitIsRetried) {
  Machine machine;
  auto engine = machine.engine();
  const std::string text = '"' + std::string(300'000, 'x') + '"';
  auto transaction = engine.transaction();
  ASSERT_TRUE(transaction.stage(std::string_view(text), "a").ok());
  {
    const Failing failing(machine.files, "write_at", "chunks/a.749b0e0d.tmp", ENOSPC);
    EXPECT_EQ(transaction.commit().code(), ErrorCode::no_space);
    EXPECT_EQ(transaction.commit().code(), ErrorCode::no_space) << "the unit is still not saved";
  }
  bool staged = false;
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb != "create" || call.path != "project/chunks/a.749b0e0d.tmp") return std::nullopt;
    if (!std::exchange(staged, true)) {
      const std::string other = '"' + std::string(1U << 20U, 'y') + '"';
      EXPECT_TRUE(transaction.stage(std::string_view(other), "b").ok());
    }
    return std::nullopt;
  });
  save(engine);
  machine.files.set_hook({});
  EXPECT_TRUE(staged);
  EXPECT_TRUE(machine.chunk("a") == text + "\n");
  EXPECT_EQ(machine.chunk("b"), "(missing)");
  ASSERT_TRUE(transaction.commit().ok());
  EXPECT_EQ(machine.chunk("b").size(), (1U << 20U) + 3);
}

// Kills: an empty transaction that says yes although its unit has not been saved.
TEST(EngineInterleavings, ATransactionIsCommittedAgainUntilItIsSaved) {
  Machine machine;
  auto engine = machine.engine();
  Failing failing(machine.files, "write_at", "chunks/a.749b0e0d.tmp", ENOSPC);
  auto transaction = engine.transaction();
  ASSERT_TRUE(transaction.stage("1", "a").ok());
  ASSERT_TRUE(transaction.stage("2", "b").ok());
  std::atomic<bool> ended{false};
  std::thread other([&] {
    while (!ended) (void)engine.force_sync();
  });
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(transaction.commit().ok());
  failing.stop();
  EXPECT_TRUE(transaction.commit().ok());
  ended = true;
  other.join();
  EXPECT_EQ(machine.chunk("a"), "1\n");
  EXPECT_EQ(machine.chunk("b"), "2\n");
}

// Kills: not_owner, which says that nothing was staged.
TEST(EngineInterleavings, ATransactionThatIsStagedWhenTheProjectIsLostSaysSo) {
  Machine machine;
  auto engine = machine.engine();
  auto root = machine.files.open_directory("/project").value();
  root->unlink(".lock").throw_if_error();
  auto transaction = engine.transaction();
  ASSERT_TRUE(transaction.stage("1", "a").ok());
  const Status committed = transaction.commit();
  EXPECT_EQ(committed.code(), ErrorCode::locked);
  EXPECT_TRUE(committed.error().message.starts_with("staged, and not committed"))
      << committed.to_text();
  EXPECT_TRUE(engine.is_dirty());
  (void)engine.detach();
  EXPECT_EQ(transaction.commit().code(), ErrorCode::locked);
  ASSERT_TRUE(transaction.stage("2", "a").ok());
  EXPECT_EQ(transaction.commit().code(), ErrorCode::not_owner);
}

// G4, over crashes that each leave the set half refused. Kills: a rewritten journal that forgets
// that an edit took the place of a member.
TEST(EngineInterleavings, ARewrittenJournalKeepsSetsTogether) {
  Machine machine;
  EngineOptions options;
  options.base_dir = "/";
  {
    auto engine = machine.engine();
    for (const char* chunk : {"a", "b"}) put(engine, chunk, "0");
  }
  auto files = machine.files.crash_clone(0, CrashModel::process);
  for (int life = 0; life < 3; ++life) {
    files->set_hook([](const SimCall& call) -> std::optional<int> {
      const bool broken = call.verb == "write_at" && call.path == "project/chunks/b.aba4139c.tmp";
      return broken ? std::optional(ENOSPC) : std::nullopt;
    });
    ManualClock clock;
    auto engine = EngineAccess::construct("project", options, {*files, clock, machine.process});
    if (life == 0) {
      auto transaction = engine.transaction();
      ASSERT_TRUE(transaction.stage("1", "a").ok());
      ASSERT_TRUE(transaction.stage("1", "b").ok());
      EXPECT_EQ(transaction.commit().code(), ErrorCode::no_space);
      put(engine, "a", "2");
    }
    EXPECT_EQ(engine.force_sync().code(), ErrorCode::no_space);
    EXPECT_EQ(files->contents().at("project/chunks/a.json"), "0\n") << "life " << life;
    EXPECT_EQ(engine.fetch_chunk("a").value(), "2\n");
    EXPECT_EQ(engine.fetch_chunk("b").value(), "1\n");
    auto next = files->crash_clone(0, CrashModel::process);
    files->kill();
    { const auto gone = std::move(engine); }
    files = std::move(next);
  }
}

// --- detach and attach

// G1. Kills: taking "nothing is staged" of a detach that could not save for "all is saved".
TEST(EngineInterleavings, ForceSyncBesideADetachThatCannotSave) {
  for (int round = 0; round < 200; ++round) {
    Machine machine;
    auto engine = machine.engine();
    const Failing failing(machine.files, "write_at", "chunks/a.749b0e0d.tmp", ENOSPC);
    put(engine, "a", "1");
    std::atomic<int> begun{0};
    std::atomic<int> saved{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        ++begun;
        for (;;) {
          const Status status = engine.force_sync();
          if (status.ok()) ++saved;
          if (status.code() == ErrorCode::not_owner) return;
        }
      });
    }
    while (begun < 3) std::this_thread::yield();
    EXPECT_EQ(engine.detach().code(), ErrorCode::no_space);
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(saved, 0) << "round " << round;
  }
}

// The engine's own reads never go back to what was before a staged edit. Kills: reading as somebody
// else does as soon as the detach has begun, while its commit is still to come.
TEST(EngineInterleavings, AReadDuringADetachSeesWhatIsStaged) {
  Machine machine;
  auto engine = machine.engine();
  for (const char* chunk : {"changed", "removed"}) put(engine, chunk, "1");
  save(engine);
  put(engine, "changed", "2");
  ASSERT_TRUE(engine.remove_chunk("removed").ok());
  std::atomic<bool> reading{false};
  std::atomic<int> reads{0};
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (reading.exchange(true)) return std::nullopt;
    std::thread([&] {
      ++reads;
      EXPECT_EQ(engine.fetch_chunk("changed").value(), "2\n") << call.verb << " " << call.path;
      EXPECT_EQ(engine.find_chunk("removed").value(), std::nullopt)
          << call.verb << " " << call.path;
    }).join();
    reading = false;
    return std::nullopt;
  });
  EXPECT_TRUE(engine.detach().ok());
  machine.files.set_hook({});
  EXPECT_GT(reads, 20);
}

// G1. Kills: counting what an earlier life of the engine has acknowledged for this one.
TEST(EngineInterleavings, ForceSyncOverADetachAndAnAttach) {
  Machine machine;
  AfterStatFileSystem files(machine.files);
  EngineOptions options;
  options.base_dir = "/";
  options.durability = Durability::journal;
  std::atomic<bool> done{false};
  auto engine =
      EngineAccess::construct("project", options, {files, machine.clock, machine.process});
  for (int i = 0; i < 50; ++i) put(engine, "old", std::to_string(i));
  files.act = [&](const std::string& name) {
    if (name != ".lock" || done.exchange(true)) return;
    std::thread([&] {
      engine.detach().throw_if_error();
      engine.attach().throw_if_error();
    }).join();
  };
  save(engine);
  EXPECT_TRUE(done);
  put(engine, "new", "1");
  save(engine);
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    const auto cut = machine.files.crash_clone(seed, CrashModel::ordered);
    ManualClock clock;
    FakeProcess process(4243, 7);
    auto next = EngineAccess::construct("project", options, {*cut, clock, process});
    EXPECT_EQ(next.fetch_chunk("new").value(), "1\n") << "seed " << seed;
    cut->kill();
  }
}

// G11. Kills: waiting in a progress handler for the detach that waits for the handler.
TEST(EngineInterleavings, AProgressHandlerAttachesDuringADetach) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "a", "1");
  std::thread other;
  Status attached;
  const auto progress = [&](std::uint64_t, std::uint64_t) {
    if (other.joinable()) return true;
    other = std::thread([&] { (void)engine.detach(); });
    while (engine.is_active()) std::this_thread::yield();
    attached = engine.attach();
    return true;
  };
  EXPECT_EQ(engine.create_checkpoint("x", 3, "", progress).code(), ErrorCode::cancelled);
  other.join();
  EXPECT_EQ(attached.code(), ErrorCode::not_owner);
  EXPECT_TRUE(engine.attach().ok());
}

// --- restore

// G13, G7. Kills: an edit that is in neither the safety checkpoint nor the restored state.
TEST(EngineInterleavings, AnEditDuringARestoreComesAfterIt) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "a", "1");
  const std::string name = engine.create_checkpoint().value();
  put(engine, "a", "2");
  put(engine, "b", "2");
  save(engine);
  std::future<void> other;
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    const bool reached =
        call.verb == "sync" && call.path.find("before_restore") != std::string::npos;
    if (reached && !other.valid()) {
      other = std::async(std::launch::async, [&] { put(engine, "a", "3"); });
      // Time for an engine that does not make it wait.
      (void)other.wait_for(std::chrono::milliseconds(100));
    }
    return std::nullopt;
  });
  EXPECT_TRUE(engine.restore_checkpoint(name).ok());
  other.get();
  machine.files.set_hook({});
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "3\n");
  EXPECT_EQ(machine.chunk("b"), "(missing)");
  const std::string safety = engine.list_checkpoints().value().front().file_name;
  EXPECT_TRUE(engine.restore_checkpoint(safety).ok());
  EXPECT_EQ(machine.chunk("a"), "2\n");
  EXPECT_EQ(machine.chunk("b"), "2\n");
}

// G8. Kills: a message that lets the caller believe that nothing will happen.
TEST(EngineInterleavings, ARestoreThatIsRetriedSaysSo) {
  Machine machine;
  auto engine = machine.engine();
  for (const char* chunk : {"a", "b"}) put(engine, chunk, "1");
  const std::string name = engine.create_checkpoint().value();
  for (const char* chunk : {"a", "b"}) put(engine, chunk, "2");
  save(engine);
  {
    const Failing failing(machine.files, "write_at", "chunks/b.aba4139c.tmp", ENOSPC);
    const Status restored = engine.restore_checkpoint(name);
    EXPECT_EQ(restored.code(), ErrorCode::no_space);
    EXPECT_TRUE(restored.error().message.starts_with("the restore is staged and will be retried"))
        << restored.to_text();
    EXPECT_EQ(machine.chunk("a"), "2\n");
  }
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "1\n");
  EXPECT_EQ(machine.chunk("b"), "1\n");
}

// G11. Kills: handlers that are called in the middle of a restore, where they may not detach.
TEST(EngineInterleavings, AHandlerDetachesAfterARestoreThatFillsTheJournal) {
  Machine machine;
  EngineOptions options;
  options.journal_limit = 10;
  auto engine = machine.engine(options);
  put(engine, "a", "1");
  const std::string name = engine.create_checkpoint().value();
  put(engine, "a", "2");
  save(engine);
  std::vector<Status> detached;
  engine.on_sync([&] { detached.push_back(engine.detach()); });
  EXPECT_TRUE(engine.restore_checkpoint(name).ok());
  engine.on_sync(nullptr);
  ASSERT_FALSE(detached.empty());
  for (const Status& status : detached) EXPECT_TRUE(status.ok()) << status.to_text();
  EXPECT_EQ(machine.chunk("a"), "1\n");
}

}  // namespace
}  // namespace safechunk::test
