// What is left in a journal that could not be emptied, or must not be (G1, G8): nothing in it may
// undo what was saved since.

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

#include "engine/engine_meddling.h"
#include "storage/journal/journal.h"

namespace safechunk::test {
namespace {

// --- a journal that can be neither emptied nor replaced

// Removes chunk a, which has an update and its removal in the journal; the `nth` fdatasync of the
// journal fails, and there is no room for a new one. Says whether the fault happened.
bool expect_removed_for_good(int nth) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "a", "1");
  save(engine);
  put(engine, "a", '"' + std::string(360, 'x') + '"');
  EXPECT_TRUE(engine.remove_chunk("a").ok());
  int syncs = 0;
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.path == "project/.journal.5e890259.tmp") return ENOSPC;
    if (call.verb != "sync_data" || call.path != "project/.journal") return std::nullopt;
    return ++syncs == nth ? std::optional(EIO) : std::nullopt;
  });
  const Status removed = engine.force_sync();
  const bool happened = syncs >= nth;
  // Longer than what is in the journal: its last block is written again.
  (void)engine.stage_update(std::string_view('"' + std::string(2000, 'y') + '"'), "b");
  const auto stays_removed = [](SafeChunkEngine& next, const std::string& where) {
    EXPECT_EQ(next.find_chunk("a").value(), std::nullopt) << where;
  };
  if (removed.ok()) {
    after_each_power_cut(machine.files, {CrashModel::ordered}, {}, stays_removed);
  }
  machine.files.set_hook({});
  save(engine);
  after_each_power_cut(machine.files, {CrashModel::ordered}, {}, stays_removed);
  return happened;
}

// G1. Kills: acknowledging a removal although a power cut may bring back the records before it, and
// appending to such a journal: no file is left whose stamp could tell that they are old.
TEST(EngineJournalRemains, NeverBringBackWhatWasRemoved) {
  int nth = 1;
  while (expect_removed_for_good(nth)) {
    ASSERT_FALSE(HasFailure()) << "fdatasync " << nth << " of the journal failed";
    ++nth;
  }
  EXPECT_GT(nth, 1) << "no fdatasync of the journal could fail";
}

// --- a detach that could not save everything

class EngineUnsavedDetach : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    auto engine = machine_.engine();
    for (const char* chunk : {"a", "b"}) put(engine, chunk, "1");
    save(engine);
    const Failing failing(machine_.files, "create", "chunks/a.749b0e0d.tmp", EACCES);
    for (const char* chunk : {"a", "b"}) put(engine, chunk, "2");
    EXPECT_EQ(engine.force_sync().code(), ErrorCode::permission_denied);
    EXPECT_EQ(engine.detach().code(), ErrorCode::permission_denied);
    EXPECT_EQ(machine_.chunk("b"), "2\n");
  }
  [[nodiscard]] std::set<std::string> chunks_in_the_journal() {
    const auto root = machine_.files.open_directory("/project").value();
    JournalContents contents;
    EXPECT_TRUE(Journal::read(*root, contents).ok());
    std::set<std::string> chunks;
    for (const auto& record : contents.records) {
      for (const JournalOperation& operation : record->operations()) chunks.insert(operation.chunk);
    }
    return chunks;
  }

  Machine machine_{GetParam()};
};

// G8. Kills: a journal that keeps what was saved along with what was not.
TEST_P(EngineUnsavedDetach, LeavesAJournalOfWhatIsStillToBeSaved) {
  EXPECT_EQ(chunks_in_the_journal(), std::set<std::string>{"a"});
  auto next = machine_.engine();
  ASSERT_TRUE(next.is_active()) << next.status().to_text();
  EXPECT_EQ(next.fetch_chunk("a").value(), "2\n");
  EXPECT_EQ(next.fetch_chunk("b").value(), "2\n");
}

// G7. Somebody goes back to the version before, as git checkout does, by a new file. Kills: taking
// that for the state upon which the saved update was staged, and replaying it.
TEST_P(EngineUnsavedDetach, UndoesNoLaterRevert) {
  remove_file(machine_.files, "chunks", "b.json");
  machine_.write("chunks", "b.json", "1\n");
  auto next = machine_.engine();
  ASSERT_TRUE(next.is_active()) << next.status().to_text();
  EXPECT_EQ(next.fetch_chunk("a").value(), "2\n");
  EXPECT_EQ(next.fetch_chunk("b").value(), "1\n") << recovery_of(next);
}

INSTANTIATE_TEST_SUITE_P(All, EngineUnsavedDetach, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "with" : "without") + "_stamps";
});

}  // namespace
}  // namespace safechunk::test
