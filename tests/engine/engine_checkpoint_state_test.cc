// A checkpoint is one consistent state, of what a reader would get, and a restore gives that state
// and no other (G13), while chunks rot, vanish and are replaced.

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <future>
#include <string>

#include "engine/engine_meddling.h"

namespace safechunk::test {
namespace {

// G6. Rot that still is JSON is found when the archive is written; then it is replaced, so that the
// bytes are no file's any more. Kills: judging pinned bytes without the stamp that goes with them.
TEST(EngineCheckpointState, RotThatIsReplacedMeanwhileIsNotArchived) {
  for (const bool links : {true, false}) {
    Machine machine(true, links);
    auto engine = machine.engine();
    for (const char* chunk : {"a", "b"}) {
      put(engine, chunk, "[11111111]");
      save(engine);
    }
    rot(machine.files, "b", 6, '9');
    std::optional<Result<std::string>> name;
    {
      const Meddler meddler(machine.files, "open", "chunks/b.json", 1, [&] {
        put(engine, "b", "[2]");
        save(engine);
      });
      name = engine.create_checkpoint("x", 5);
      EXPECT_GE(meddler.calls(), 1);
    }
    if (!name->ok()) {
      EXPECT_EQ(name->code(), ErrorCode::corrupt);
      EXPECT_TRUE(engine.list_checkpoints()->empty());
      continue;
    }
    put(engine, "b", "[3]");
    save(engine);
    ASSERT_TRUE(engine.restore_checkpoint(**name).ok());
    EXPECT_EQ(engine.fetch_chunk("b").value(), "[\n    2\n]\n") << "links " << links;
  }
}

class EngineBackupOnly : public testing::Test {
 protected:
  void SetUp() override {
    put(engine_, "a", "1");
    save(engine_);
    without_b_ = engine_.create_checkpoint("without", 5).value();
    for (const char* text : {"1", "2"}) {
      for (const char* chunk : {"b", "c", "d"}) put(engine_, chunk, text);
      save(engine_);
    }
  }
  void remove(std::initializer_list<std::string> chunks) {
    for (const std::string& chunk : chunks) {
      remove_file(machine_.files, "chunks", chunk + ".json");
    }
  }

  Machine machine_;
  Told told_;  // outlives the engine, which reports its end
  SafeChunkEngine engine_ = machine_.engine();
  std::string without_b_;
};

// Rule 4 of the folder that is shared: a file that somebody removed stays removed, for every face.
// Kills: healing it from its backup; archiving it.
TEST_F(EngineBackupOnly, AFileThatSomebodyRemovedStaysRemoved) {
  told_.listen(engine_);
  remove({"b"});
  EXPECT_EQ(engine_.find_chunk("b").value(), std::nullopt);
  EXPECT_EQ(engine_.fetch_chunk("b").value(), "{}");
  EXPECT_EQ(engine_.list_chunks().value(), (std::vector<std::string>{"a", "c", "d"}));
  EXPECT_EQ(told_.count("removed_outside 'b'"), 1U) << told_.all();
  EXPECT_TRUE(told_.mentions("quarantine/b.bak.")) << "says how to get it back: " << told_.all();
  const std::string name = engine_.create_checkpoint("later", 5).value();
  ASSERT_TRUE(engine_.repair().ok());
  EXPECT_EQ(machine_.chunk("b"), "(missing)");
  EXPECT_EQ(machine_.file("chunks_bak/b.bak"), std::nullopt);
  put(engine_, "b", "3");
  save(engine_);
  ASSERT_TRUE(engine_.restore_checkpoint(name).ok());
  EXPECT_EQ(engine_.find_chunk("b").value(), std::nullopt);
}

// Kills: removals that were accepted, and count on as names that were lost: the last of several
// would bring all of them back.
TEST_F(EngineBackupOnly, RemovalsOneAfterTheOtherStayRemoved) {
  std::vector<std::string> left = {"a", "b", "c", "d"};
  while (!left.empty()) {
    remove({left.back()});
    EXPECT_EQ(engine_.find_chunk(left.back()).value(), std::nullopt) << left.back();
    left.pop_back();
    EXPECT_EQ(engine_.list_chunks().value(), left);
  }
}

// The same while nobody has the project open. Kills: an attach that says nothing of it.
TEST_F(EngineBackupOnly, RemovalsBetweenAttachesStayRemoved) {
  std::vector<std::string> left = {"a", "b", "c", "d"};
  told_.listen(engine_);
  while (left.size() > 1) {  // a has no backup
    ASSERT_TRUE(engine_.detach().ok());
    const std::string chunk = left.back();
    remove({chunk});
    left.pop_back();
    ASSERT_TRUE(engine_.attach().ok());
    EXPECT_EQ(told_.count("removed_outside '" + chunk + "'"), 1U) << told_.all();
    EXPECT_EQ(engine_.list_chunks().value(), left);
  }
}

// Rule 5. Kills: taking another engine's file for what is left of a removed chunk.
TEST_F(EngineBackupOnly, BackupsOfOtherEnginesStay) {
  machine_.write("chunks_bak", "theirs.lcca.bak", "[1]");
  ASSERT_TRUE(engine_.detach().ok());
  ASSERT_TRUE(engine_.attach().ok());
  EXPECT_EQ(engine_.find_chunk("theirs.lcca").value(), std::nullopt);
  EXPECT_TRUE(engine_.repair().ok());
  EXPECT_EQ(machine_.file("chunks_bak/theirs.lcca.bak"), "[1]");
}

// Rule 5. Kills: a restore that removes backups whose chunk it does not know.
TEST_F(EngineBackupOnly, ARestoreLeavesForeignBackupsAlone) {
  machine_.write("chunks_bak", "theirs.lcca.bak", "of another engine");
  remove({"b"});
  ASSERT_TRUE(engine_.restore_checkpoint(without_b_).ok());
  EXPECT_EQ(engine_.list_chunks().value(), std::vector<std::string>{"a"});
  EXPECT_EQ(machine_.file("chunks_bak/theirs.lcca.bak"), "of another engine");
  EXPECT_EQ(machine_.file("chunks_bak/b.bak"), "1\n");
}

// A sync that is not done, a wrong mount, half a restore. Kills: taking most of the chunks as
// removed.
TEST_F(EngineBackupOnly, ManyNamesGoneAtOnceAreNoRemoval) {
  ASSERT_TRUE(engine_.detach().ok());
  remove({"a", "b", "c", "d"});
  told_.listen(engine_);
  ASSERT_TRUE(engine_.attach().ok());
  EXPECT_TRUE(told_.mentions("nothing is taken as removed")) << told_.all();
  EXPECT_EQ(engine_.list_chunks().value(), (std::vector<std::string>{"b", "c", "d"}));
  EXPECT_EQ(engine_.fetch_chunk("b").value(), "1\n");
  const std::string name = engine_.create_checkpoint("all", 5).value();
  for (const char* chunk : {"b", "c", "d"}) {
    ASSERT_TRUE(engine_.remove_chunk(chunk).ok()) << chunk;
  }
  save(engine_);
  ASSERT_TRUE(engine_.restore_checkpoint(name).ok());
  for (const char* chunk : {"b", "c", "d"}) {
    EXPECT_EQ(engine_.find_chunk(chunk).value(), "1\n") << chunk;
  }
}

// Kills: a save after such a loss that leaves so many files that the next owner takes the others
// for removed.
TEST_F(EngineBackupOnly, ASaveAfterALossOfNamesBringsTheOthersBack) {
  ASSERT_TRUE(engine_.detach().ok());
  remove({"a", "b", "c", "d"});
  ASSERT_TRUE(engine_.attach().ok());
  ASSERT_TRUE(engine_.stage_update("9", "b").ok());
  ASSERT_TRUE(engine_.stage_update("9", "e").ok());
  save(engine_);
  ASSERT_TRUE(engine_.detach().ok());
  ASSERT_TRUE(engine_.attach().ok());
  EXPECT_EQ(engine_.list_chunks().value(), (std::vector<std::string>{"b", "c", "d", "e"}));
  EXPECT_EQ(engine_.fetch_chunk("c").value(), "1\n");
}

// The same when the disk fails meanwhile. Kills: trying that once only.
TEST_F(EngineBackupOnly, LostNamesAreTriedAgainWithTheNextSave) {
  ASSERT_TRUE(engine_.detach().ok());
  remove({"a", "b", "c", "d"});
  ASSERT_TRUE(engine_.attach().ok());
  for (const int error : {EIO, 0}) {
    const SimFileSystem::Hook fail = [&](const SimCall& call) -> std::optional<int> {
      const bool heals_c = call.verb == "create" && call.path == "project/chunks/c.024958e2.tmp";
      return heals_c && error != 0 ? std::optional(error) : std::nullopt;
    };
    machine_.files.set_hook(fail);
    ASSERT_TRUE(engine_.stage_update(std::to_string(error), "b").ok());
    save(engine_);
  }
  machine_.files.set_hook({});
  ASSERT_TRUE(engine_.detach().ok());
  ASSERT_TRUE(engine_.attach().ok());
  EXPECT_EQ(engine_.fetch_chunk("c").value(), "1\n");
}

// Does something when it is asked for the time of day: before a checkpoint pins its files.
class TellingClock final : public Clock {
 public:
  TimePoint now() override { return clock_.now(); }
  std::int64_t unix_time_ns() override {
    if (on_first_look && !looked_.exchange(true)) on_first_look();
    return clock_.unix_time_ns();
  }
  std::tm local_time(std::int64_t unix_time_ns) override { return clock_.local_time(unix_time_ns); }
  void wait_until(CondVar& wake, Mutex& lock, TimePoint deadline) REQUIRES(lock) override {
    clock_.wait_until(wake, lock, deadline);
  }

  // Set while nobody looks.
  std::function<void()> on_first_look;

 private:
  std::atomic<bool> looked_{false};
  ManualClock clock_;
};

// G4, G13. A transaction comes between a checkpoint's commit and its pins, and its second rename
// fails. Kills: pinning half of it.
TEST(EngineCheckpointState, HoldsATransactionWholeOrNotAtAll) {
  SimFileSystem files;
  TellingClock clock;
  FakeProcess process;
  auto engine =
      EngineAccess::construct("project", {.base_dir = "/"}, Platform{files, clock, process});
  for (const char* chunk : {"a", "b"}) put(engine, chunk, "1");
  save(engine);
  const FailingOnce fault(files, "rename", "chunks/b.aba4139c.tmp", EIO);
  std::future<void> other;
  clock.on_first_look = [&] {
    other = std::async(std::launch::async, [&] {
      auto transaction = engine.transaction();
      for (const char* chunk : {"a", "b"}) ASSERT_TRUE(transaction.stage("2", chunk).ok());
      EXPECT_EQ(transaction.commit().code(), ErrorCode::io_error);
    });
    // Time for an engine that does not make it wait.
    (void)other.wait_for(std::chrono::milliseconds(100));
  };
  const auto name = engine.create_checkpoint("x", 5);
  ASSERT_TRUE(other.valid()) << "the clock was not asked";
  other.get();
  EXPECT_TRUE(fault.happened());
  save(engine);
  for (const char* chunk : {"a", "b"}) EXPECT_EQ(engine.fetch_chunk(chunk).value(), "2\n");
  if (!name) return;  // it was refused, which is as good
  ASSERT_TRUE(engine.restore_checkpoint(*name).ok());
  EXPECT_EQ(engine.fetch_chunk("a").value(), engine.fetch_chunk("b").value());
}

}  // namespace
}  // namespace safechunk::test
