// What happens between two calls of the engine: files that other programs change at that moment,
// and threads that detach.

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>

#include "unit/engine/engine_bench.h"

namespace safechunk::test {
namespace {

class Meanwhile : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    engine_.on_fault([this](const Error& error) { faults_.add(error); });
    for (const char* text : {"1", "2"}) {
      put(engine_, "a", text);
      save(engine_);
    }
  }
  ~Meanwhile() override { machine_.files.set_hook({}); }

  // Does `act` before the `times`-th call of `verb` on `path`; 0: before each. What it does itself
  // does not count.
  void before(std::string verb, std::string path, int times, std::function<void()> act) {
    calls_ = 0;
    machine_.files.set_hook([this, verb, path, times, act,
                             acting = false](const SimCall& call) mutable -> std::optional<int> {
      if (acting || call.verb != verb || call.path != "project/" + path) return std::nullopt;
      if (++calls_ != times && times != 0) return std::nullopt;
      acting = true;
      act();
      acting = false;
      return std::nullopt;
    });
  }
  void damage() { machine_.write("chunks", "a.json", "[gar"); }
  [[nodiscard]] bool exists(const std::string& path) const {
    return machine_.file(path).has_value();
  }

  Machine machine_{true, GetParam()};
  Faults faults_;
  int calls_ = 0;
  SafeChunkEngine engine_ = machine_.engine();
};

// --- reading

// Kills: healing in a project that this engine does not own any more.
TEST_P(Meanwhile, DetachedBeforeAHealItReadsOnly) {
  damage();
  before("open", "chunks/a.json", 1, [&] { engine_.detach().throw_if_error(); });
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "1\n");
  EXPECT_EQ(machine_.chunk("a"), "[gar");
  EXPECT_TRUE(faults_.has(ErrorCode::corrupt, "a"));
}

// Kills: healing through the folders of an earlier attach.
TEST_P(Meanwhile, AttachedAgainBeforeAHealItReadsOnly) {
  damage();
  before("open", "chunks/a.json", 1, [&] {
    engine_.detach().throw_if_error();
    engine_.attach().throw_if_error();
  });
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "1\n");
  EXPECT_EQ(machine_.chunk("a"), "[gar");
  machine_.files.set_hook({});
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "1\n");
  EXPECT_EQ(machine_.chunk("a"), "1\n");
}

TEST_P(Meanwhile, DetachedDuringARepairItSaysSo) {
  damage();
  before("open", "chunks/a.json", 1, [&] { engine_.detach().throw_if_error(); });
  EXPECT_EQ(engine_.repair().code(), ErrorCode::not_owner);
  EXPECT_EQ(machine_.chunk("a"), "[gar");
}

// Kills: returning the damaged bytes, or quarantining what is gone.
TEST_P(Meanwhile, AChunkThatVanishesBeforeItsHealIsAbsent) {
  damage();
  before("open", "chunks/a.json", 2, [&] {
    auto project = machine_.files.open_directory("/project").value();
    project->open_directory("chunks").value()->unlink("a.json").throw_if_error();
    project->open_directory("chunks_bak").value()->unlink("a.bak").throw_if_error();
  });
  EXPECT_EQ(engine_.find_chunk("a").value(), std::nullopt);
  EXPECT_FALSE(exists("chunks/a.json"));
}

// --- saving

// G5. With links the damaged file itself is what is rotated to the backup's name, and its stamp
// tells; without, it is looked at once more. Kills: a copy of damage that is stamped as good.
TEST_P(Meanwhile, AFileDamagedDuringACommitIsNoGoodBackup) {
  put(engine_, "a", "3");
  before("link", "chunks/a.json", 1, [&] { damage(); });
  const Status saved = engine_.force_sync();
  EXPECT_EQ(calls_, 1);
  machine_.files.set_hook({});
  if (!GetParam()) {
    EXPECT_EQ(saved.code(), ErrorCode::conflict);
    EXPECT_EQ(machine_.chunk("a"), "[gar");
    EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "1\n");
    save(engine_);
    EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "1\n");
  }
  EXPECT_EQ(machine_.chunk("a"), "3\n");
}

TEST_P(Meanwhile, AFileRemovedDuringACommitIsSavedByTheNext) {
  put(engine_, "a", "3");
  before("link", "chunks/a.json", 1, [&] {
    machine_.files.open_directory("/project/chunks").value()->unlink("a.json").throw_if_error();
  });
  EXPECT_EQ(engine_.force_sync().code(), ErrorCode::not_found);
  machine_.files.set_hook({});
  EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "1\n");
  save(engine_);
  EXPECT_EQ(machine_.chunk("a"), "3\n");
}

TEST_P(Meanwhile, AFileThatBecomesUnreadableDuringACommitIsSavedByTheNext) {
  put(engine_, "a", "3");
  int opened = 0;
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb == "link" && call.path == "project/chunks/a.json") opened = 1;
    const bool again = opened != 0 && call.verb == "open" && call.path == "project/chunks/a.json";
    return again ? std::optional(EACCES) : std::nullopt;
  });
  EXPECT_EQ(engine_.force_sync().code(), GetParam() ? ErrorCode::ok : ErrorCode::permission_denied);
  machine_.files.set_hook({});
  EXPECT_EQ(machine_.file("chunks_bak/a.bak"), GetParam() ? "2\n" : "1\n");
  save(engine_);
  EXPECT_EQ(machine_.chunk("a"), "3\n");
}

// --- checkpoints

// Kills: healing for ever.
TEST_P(Meanwhile, AChunkThatIsDamagedAgainAndAgainRefusesTheCheckpoint) {
  before("open", "chunks/a.json", 0, [&] { damage(); });
  EXPECT_EQ(engine_.create_checkpoint().code(), ErrorCode::corrupt);
  EXPECT_GE(calls_, 2);
  machine_.files.set_hook({});
  EXPECT_TRUE(engine_.list_checkpoints()->empty());
}

TEST_P(Meanwhile, AnArchiveThatShrinksWhileItIsReadIsCorrupt) {
  const std::string name = engine_.create_checkpoint().value();
  const std::string archive = machine_.file("checkpoints/" + name).value();
  int reads = 0;
  for (int moment = 1; moment == 1 || reads >= moment - 1; ++moment) {
    before("read_at", "checkpoints/" + name, moment, [&] {
      auto folder = machine_.files.open_directory("/project/checkpoints").value();
      folder->open(name, OpenMode::read_write).value()->truncate(4).throw_if_error();
    });
    const Status verified = engine_.verify_checkpoint(name);
    reads = calls_;
    machine_.files.set_hook({});
    EXPECT_EQ(verified.ok(), reads < moment) << "read " << moment << ": " << verified.to_text();
    machine_.write("checkpoints", name, archive);
  }
  EXPECT_GT(reads, 1);
}

TEST_P(Meanwhile, ACheckpointThatVanishesIsNotListed) {
  const std::string name = engine_.create_checkpoint().value();
  const std::string folder = "checkpoint_folder_20200101_000000.zip";
  auto checkpoints = machine_.files.open_directory("/project/checkpoints").value();
  checkpoints->make_directory(folder).throw_if_error();
  ASSERT_EQ(engine_.list_checkpoints()->size(), 1U) << "a folder is no checkpoint";
  before("stat", "checkpoints/" + name, 1, [&] { checkpoints->unlink(name).throw_if_error(); });
  EXPECT_TRUE(engine_.list_checkpoints()->empty());
  EXPECT_EQ(calls_, 1);
}

INSTANTIATE_TEST_SUITE_P(All, Meanwhile, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "with" : "without") + "_links";
});

}  // namespace
}  // namespace safechunk::test
