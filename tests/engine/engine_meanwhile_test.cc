// What happens between two calls of the engine: files that other programs change at that moment,
// and threads that detach.

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>

#include "engine/engine_bench.h"

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
    machine_.files.set_hook(
        [this, verb, path, times, act](const SimCall& call) -> std::optional<int> {
          if (acting_ || call.verb != verb || call.path != "project/" + path) return std::nullopt;
          if (++calls_ != times && times != 0) return std::nullopt;
          acting_ = true;
          act();
          acting_ = false;
          return std::nullopt;
        });
  }
  void damage() { machine_.write("chunks", "a.json", "[gar"); }
  [[nodiscard]] bool exists(const std::string& path) const {
    return machine_.file(path).has_value();
  }

  Machine machine_{true, GetParam()};
  Faults faults_;
  // Archives are made by several threads.
  std::atomic<bool> acting_{false};
  std::atomic<int> calls_{0};
  SafeChunkEngine engine_ = machine_.engine();
};

// --- reading

// Kills: healing in a project that this engine does not own any more.
TEST_P(Meanwhile, DetachedBeforeAHealItReadsOnly) {
  damage();
  before("open", "chunks/a.json", 1, [&] { engine_.detach().throw_if_error(); });
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "1\n");
  EXPECT_EQ(machine_.chunk("a"), "[gar");
  EXPECT_TRUE(faults_.has(ErrorCode::invalid_edit, "a"));
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

// G5. Kills: a backup that is made of what nobody has looked at, by a link or by a copy.
TEST_P(Meanwhile, AFileDamagedDuringACommitIsNoGoodBackup) {
  for (const auto& [verb, path] :
       {std::pair("sync", "chunks/a.749b0e0d.tmp"), std::pair("link", "chunks/a.json"),
        std::pair("stat", "chunks_bak/a.bak")}) {
    put(engine_, "a", "3");
    before(verb, path, 1, [&] { damage(); });
    EXPECT_EQ(engine_.force_sync().code(), ErrorCode::conflict) << verb;
    EXPECT_EQ(calls_, 1) << verb;
    machine_.files.set_hook({});
    EXPECT_EQ(machine_.chunk("a"), "[gar") << verb;
    EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "1\n") << verb;
    EXPECT_FALSE(exists("chunks_bak/a.bak.013f16a4.tmp")) << verb;
    save(engine_);
    EXPECT_EQ(machine_.chunk("a"), "3\n") << verb;
    EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "1\n") << verb;
    put(engine_, "a", "2");
    machine_.write("chunks", "a.json", "[gar");
    save(engine_);
  }
}

// G7. By writing in place, and as editors save. The edit that met it is not lost, and the worker
// tries it again. Kills: replacing what was not looked at, without a word.
TEST_P(Meanwhile, AHandEditDuringACommitIsReportedAndBecomesTheBackup) {
  std::string told;
  engine_.on_status([&](std::string_view text) { told += std::string(text) + "\n"; });
  for (const bool in_place : {true, false}) {
    told.clear();
    const std::string edit = in_place ? "\"by hand\"" : "\"by an editor\"";
    put(engine_, "a", in_place ? "3" : "4");
    before("sync", "chunks/a.749b0e0d.tmp", 1, [&] {
      machine_.write("chunks", in_place ? "a.json" : "a.json.swp", edit);
      const auto chunks = machine_.files.open_directory("/project/chunks").value();
      if (!in_place) chunks->rename("a.json.swp", "a.json").throw_if_error();
    });
    EXPECT_EQ(engine_.force_sync().code(), ErrorCode::conflict);
    machine_.files.set_hook({});
    EXPECT_TRUE(faults_.has(ErrorCode::conflict, "a"));
    EXPECT_EQ(machine_.chunk("a"), edit);
    machine_.clock.await_deadline(machine_.clock.now() + std::chrono::seconds(1));
    machine_.clock.advance(std::chrono::seconds(1));
    machine_.clock.await_idle();
    EXPECT_EQ(machine_.chunk("a"), in_place ? "3\n" : "4\n");
    EXPECT_EQ(machine_.file("chunks_bak/a.bak"), edit);
    EXPECT_NE(told.find("external_edit 'a'"), std::string::npos) << told;
  }
  engine_.on_status(nullptr);
}

// G15. What a person saves between stage_update() and the save that follows would be in the backup
// until the next save only. Kills: that.
TEST_P(Meanwhile, AHandEditOfAStagedChunkIsKeptForGood) {
  put(engine_, "a", "3");
  machine_.write("chunks", "a.json", "\"by hand\"");
  save(engine_);
  EXPECT_EQ(machine_.chunk("a"), "3\n");
  EXPECT_TRUE(faults_.has(ErrorCode::conflict, "a"));
  for (const char* text : {"4", "5"}) {
    put(engine_, "a", text);
    save(engine_);
  }
  const auto quarantine = machine_.files.open_directory("/project/quarantine").value();
  const auto kept = quarantine->list().value();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(machine_.file("quarantine/" + kept[0]), "\"by hand\"");
}

// Where there was nothing, and where there shall be nothing.
TEST_P(Meanwhile, AFileThatAppearsDuringACommitIsNotReplacedUnseen) {
  put(engine_, "new", "3");
  before("sync", "chunks/new.5cd01922.tmp", 1,
         [&] { machine_.write("chunks", "new.json", "\"by hand\""); });
  EXPECT_EQ(engine_.force_sync().code(), ErrorCode::conflict);
  EXPECT_EQ(machine_.chunk("new"), "\"by hand\"");
  save(engine_);
  EXPECT_EQ(machine_.file("chunks_bak/new.bak"), "\"by hand\"");

  ASSERT_TRUE(engine_.remove_chunk("a").ok());
  before("sync_data", ".journal", 1, [&] { machine_.write("chunks", "a.json", "\"by hand\""); });
  EXPECT_EQ(engine_.force_sync().code(), ErrorCode::conflict);
  machine_.files.set_hook({});
  EXPECT_EQ(machine_.chunk("a"), "\"by hand\"");
  save(engine_);
  EXPECT_FALSE(exists("chunks/a.json"));
}

// G4. Kills: finding it out after another member has been published.
TEST_P(Meanwhile, AHandEditOfOneMemberHoldsBackTheTransaction) {
  auto transaction = engine_.transaction();
  for (const char* chunk : {"a", "z"}) ASSERT_TRUE(transaction.stage("3", chunk).ok());
  before("sync_data", ".journal", 1, [&] { machine_.write("chunks", "z.json", "\"by hand\""); });
  EXPECT_EQ(transaction.commit().code(), ErrorCode::conflict);
  machine_.files.set_hook({});
  EXPECT_EQ(machine_.chunk("a"), "2\n");
  EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "1\n");
  save(engine_);
  EXPECT_EQ(machine_.chunk("a"), "3\n");
  EXPECT_EQ(machine_.file("chunks_bak/z.bak"), "\"by hand\"");
}

// G14. Kills: looking at the contents only.
TEST_P(Meanwhile, AModeThatIsChangedDuringACommitSurvives) {
  put(engine_, "a", "3");
  const auto chunks = machine_.files.open_directory("/project/chunks").value();
  before("sync", "chunks/a.749b0e0d.tmp", 1, [&] {
    const auto file = chunks->open("a.json", OpenMode::read_write).value();
    file->set_permissions({0600, 0, 0}).throw_if_error();
  });
  EXPECT_EQ(engine_.force_sync().code(), ErrorCode::conflict);
  machine_.files.set_hook({});
  save(engine_);
  EXPECT_EQ(machine_.chunk("a"), "3\n");
  EXPECT_EQ(chunks->stat("a.json").value().permissions.mode, 0600U);
}

TEST_P(Meanwhile, AFileRemovedDuringACommitIsSavedByTheNext) {
  put(engine_, "a", "3");
  before("link", "chunks/a.json", 1, [&] {
    machine_.files.open_directory("/project/chunks").value()->unlink("a.json").throw_if_error();
  });
  EXPECT_EQ(engine_.force_sync().code(), ErrorCode::conflict);
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
TEST_P(Meanwhile, AChunkThatIsDamagedAgainAndAgainDoesNotHinderTheCheckpoint) {
  before("open", "chunks/a.json", 0, [&] { damage(); });
  EXPECT_TRUE(engine_.create_checkpoint().ok());
  EXPECT_GE(calls_, 2);
  machine_.files.set_hook({});
  EXPECT_EQ(engine_.list_checkpoints()->size(), 1U);
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
