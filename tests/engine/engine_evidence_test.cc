// What other programs wrote, and what is damaged, is somewhere afterwards: in its file, in the
// backup or in quarantine, and durably before its name is used again (G6, G7; invariant 6).

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>

#include "engine/engine_meddling.h"

namespace safechunk::test {
namespace {

class EngineEvidence : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    told_.listen(engine_);
    for (const char* text : {"1", "2"}) {
      for (const char* chunk : {"a", "b"}) put(engine_, chunk, text);
      save(engine_);
    }
  }
  // What the process leaves when it is killed with one update staged, of a file that is edited
  // afterwards.
  [[nodiscard]] std::unique_ptr<SimFileSystem> left_with_a_conflict() {
    put(engine_, "a", "\"staged\"");
    auto left = machine_.files.crash_clone(0, CrashModel::process);
    const auto chunks = left->open_directory("/project/chunks").value();
    const auto file = chunks->open("a.json", OpenMode::create).value();
    file->truncate(0).throw_if_error();
    (void)file->write_at(0, "\"by hand\"").value();
    file->sync().throw_if_error();
    return left;
  }
  static void expect_kept(const SimFileSystem& disk, std::string_view bytes) {
    for_each_power_cut(disk, {CrashModel::ordered, CrashModel::strict},
                       [&](SimFileSystem& cut, const std::string& where) {
                         EXPECT_TRUE(holds(cut, "quarantine/", bytes)) << where;
                       });
  }

  Machine machine_{true, GetParam()};
  Told told_;
  SafeChunkEngine engine_ = machine_.engine();
};

// G7. Another program saves in place; half of it is taken for damage, and it ends while the backup
// is being put in its place. Kills: a heal that does not look again before it renames.
TEST_P(EngineEvidence, AHandEditDuringAHealIsNotReplaced) {
  const std::string edit = "{\"edit\": \"the user's work\"}";
  for (const auto& [verb, path] :
       {std::pair("create", "chunks/a.749b0e0d.tmp"), std::pair("sync", "chunks/a.749b0e0d.tmp")}) {
    machine_.write("chunks", "a.json", "{\"edit\": \"the us");
    {
      const Meddler editor(machine_.files, verb, path, 1,
                           [&] { machine_.write("chunks", "a.json", edit); });
      (void)engine_.fetch_chunk("a");
      EXPECT_GE(editor.calls(), 1) << "no heal was begun";
    }
    EXPECT_EQ(machine_.chunk("a"), edit) << verb;
    EXPECT_EQ(engine_.fetch_chunk("a").value(), edit) << verb;
    EXPECT_FALSE(machine_.file("chunks/a.749b0e0d.tmp")) << verb;
    put(engine_, "a", "2");
    save(engine_);
  }
}

// Kills: the same when it is saved as editors do, by another file that gets the name.
TEST_P(EngineEvidence, AFileRenamedThereDuringAHealIsNotReplaced) {
  machine_.write("chunks", "a.json", "[half");
  {
    const Meddler editor(machine_.files, "sync", "chunks/a.749b0e0d.tmp", 1, [&] {
      machine_.write("chunks", "a.json.swp", "\"by an editor\"");
      const auto chunks = machine_.files.open_directory("/project/chunks").value();
      chunks->rename("a.json.swp", "a.json").throw_if_error();
    });
    (void)engine_.fetch_chunk("a");
    EXPECT_GE(editor.calls(), 1) << "no heal was begun";
  }
  EXPECT_EQ(machine_.chunk("a"), "\"by an editor\"");
}

// G6. Kills: a heal that finds the evidence in quarantine, and takes it for durable although the
// fsync of its folder has failed.
TEST_P(EngineEvidence, IsDurableBeforeTheHealAlsoAfterAFailedSync) {
  machine_.write("chunks", "a.json", "[evidence");
  {
    const Failing failing(machine_.files, "sync_directory", "project/quarantine", EIO);
    (void)engine_.fetch_chunk("a");
    EXPECT_GT(failing.hits(), 0);
  }
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  EXPECT_EQ(machine_.chunk("a"), "2\n");
  EXPECT_TRUE(told_.mentions("quarantine")) << told_.all();
  expect_kept(machine_.files, "[evidence");
}

// G7. Kills: the same with the text of a conflict, which is nowhere else when the journal goes.
TEST_P(EngineEvidence, OfAConflictIsDurableBeforeTheJournalGoesAlsoAfterAFailedSync) {
  const auto left = left_with_a_conflict();
  {
    const Failing failing(*left, "sync_directory", "project/quarantine", EIO);
    const Successor refused(*left);
    EXPECT_GT(failing.hits(), 0);
  }
  Successor next(*left, {}, 2);
  ASSERT_TRUE(next->is_active()) << next->status().to_text();
  EXPECT_EQ(next->fetch_chunk("a").value(), "\"by hand\"");
  expect_kept(*left, "\"staged\"");
}

// G7. Kills: the same after a second crash, which has made the evidence visible and not durable.
TEST_P(EngineEvidence, OfAConflictIsDurableBeforeTheJournalGoesAlsoAfterTwoCrashes) {
  const auto left = left_with_a_conflict();
  std::unique_ptr<SimFileSystem> again;
  {
    const Meddler killer(*left, "sync_directory", "quarantine", 1,
                         [&] { again = left->crash_clone(0, CrashModel::process); });
    const Successor killed(*left);
  }
  ASSERT_TRUE(again);
  Successor next(*again, {}, 2);
  ASSERT_TRUE(next->is_active()) << next->status().to_text();
  expect_kept(*again, "\"staged\"");
}

// G8. Somebody tidies up. Kills: an engine that keeps the folder open, and from then on can neither
// heal nor save over damage.
TEST_P(EngineEvidence, ADeletedQuarantineFolderIsMadeAgain) {
  machine_.write("chunks", "a.json", "[x");
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  {
    const auto root = machine_.files.open_directory("/project").value();
    const auto quarantine = root->open_directory("quarantine").value();
    for (const std::string& name : quarantine->list().value()) {
      quarantine->unlink(name).throw_if_error();
    }
    root->remove_directory("quarantine").throw_if_error();
  }
  machine_.write("chunks", "b.json", "[heal");
  EXPECT_EQ(engine_.fetch_chunk("b").value(), "2\n");
  EXPECT_EQ(machine_.chunk("b"), "2\n");
  expect_kept(machine_.files, "[heal");
  machine_.write("chunks", "b.json", "[save");
  put(engine_, "b", "3");
  save(engine_);
  EXPECT_EQ(machine_.chunk("b"), "3\n");
  expect_kept(machine_.files, "[save");
}

// G7. Kills: removing what another program wrote after the removal was staged, and its backup with
// it, without a trace and without a word.
TEST_P(EngineEvidence, AHandEditBeforeARemovalIsKept) {
  ASSERT_TRUE(engine_.remove_chunk("a").ok());
  machine_.write("chunks", "a.json", "\"edited by hand\"");
  save(engine_);
  EXPECT_EQ(engine_.find_chunk("a").value(), std::nullopt);
  EXPECT_FALSE(machine_.file("chunks/a.json"));
  EXPECT_FALSE(machine_.file("chunks_bak/a.bak"));
  expect_kept(machine_.files, "\"edited by hand\"");
  EXPECT_TRUE(told_.mentions("'a'")) << told_.all();
}

// G7. Kills: telling of it only when its text was not in quarantine yet.
TEST_P(EngineEvidence, EachRemovalThatTookAHandEditAlongIsTold) {
  for (int time = 1; time <= 2; ++time) {
    put(engine_, "a", "1");
    save(engine_);
    const std::size_t before = told_.count("after its removal was staged");
    ASSERT_TRUE(engine_.remove_chunk("a").ok());
    machine_.write("chunks", "a.json", "\"edited by hand\"");
    save(engine_);
    EXPECT_GT(told_.count("after its removal was staged"), before) << "time " << time;
  }
  expect_kept(machine_.files, "\"edited by hand\"");
}

INSTANTIATE_TEST_SUITE_P(All, EngineEvidence, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "with" : "without") + "_links";
});

// G7. Kills: a conflict that is told only when its text was not in quarantine yet.
TEST(EngineConflict, IsToldAlsoWhenTheSameTextWasInOneBefore) {
  auto disk = std::make_unique<SimFileSystem>();
  for (int number = 1; number <= 3; ++number) {
    Successor owner(*disk, {}, number);
    ASSERT_TRUE(owner->is_active()) << owner->status().to_text();
    std::size_t conflicts = 0;
    for (const Event& event : owner->recovery_report().events) {
      if (event.kind == Event::Kind::conflict) ++conflicts;
    }
    EXPECT_EQ(conflicts, number == 1 ? 0U : 1U) << "owner " << number;
    put(owner.engine(), "a", std::to_string(number));
    save(owner.engine());
    put(owner.engine(), "a", "\"staged\"");
    auto killed = disk->crash_clone(0, CrashModel::process);
    disk->kill();
    const auto chunks = killed->open_directory("/project/chunks").value();
    const auto file = chunks->open("a.json", OpenMode::read_write).value();
    file->truncate(0).throw_if_error();
    (void)file->write_at(0, "\"by hand\"").value();
    disk = std::move(killed);
  }
}

}  // namespace
}  // namespace safechunk::test
