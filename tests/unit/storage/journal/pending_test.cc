// What is accepted and not yet committed: G4 (a transaction stays whole while it waits) and G8 (a
// commit never drops what was staged while it ran).

#include "storage/journal/pending.h"

#include <gtest/gtest.h>

#include "storage/journal/journal.h"
#include "support/sim_file_system.h"

namespace safechunk {
namespace {

using Edits = std::vector<std::pair<std::string, std::string>>;

// Records with sequences, as the journal hands them out.
class Staged : public testing::Test {
 protected:
  std::shared_ptr<JournalRecord> record(const Edits& edits) {
    auto record = std::make_shared<JournalRecord>();
    for (const auto& [chunk, text] : edits) {
      if (text.empty()) {
        record->add_removal(chunk);
      } else {
        record->begin_put(chunk, text.size());
        record->buffer() += text;
        record->end_put();
      }
    }
    journal_->append(*record).throw_if_error();
    return record;
  }
  void add(const Edits& edits, bool journaled = true) { staging_.add(record(edits), journaled); }
  std::string text(const std::string& chunk) {
    const StagedEdit* found = staging_.find(chunk);
    return found == nullptr ? "(none)" : std::string(found->text());
  }
  std::uint64_t group(const std::string& chunk) { return staging_.find(chunk)->group; }

  test::SimFileSystem files_;
  std::unique_ptr<Directory> root_ = files_.open_directory("/").value();
  std::unique_ptr<Journal> journal_ = Journal::create(*root_, 7).value();
  PendingEdits staging_;
};

TEST_F(Staged, KeepsTheNewestEditOfAChunk) {
  EXPECT_TRUE(staging_.empty());
  add({{"a", "1"}});
  add({{"a", "2"}});
  add({{"b", ""}});
  EXPECT_EQ(text("a"), "2");
  EXPECT_TRUE(staging_.find("b")->edit().removal);
  EXPECT_EQ(staging_.find("c"), nullptr);
  EXPECT_EQ(staging_.size(), 2U);
  EXPECT_EQ(staging_.newest_sequence(), 3U);
}

TEST_F(Staged, EditsOnTheirOwnHaveNoGroup) {
  add({{"a", "1"}});
  add({{"b", "1"}});
  EXPECT_EQ(group("a"), 0U);
  EXPECT_EQ(group("b"), 0U);
}

// G4. Kills: an edit that leaves the group, so that the rest of the transaction lands without it.
TEST_F(Staged, AnEditThatReplacesAMemberJoinsTheGroup) {
  add({{"a", "1"}, {"b", "1"}});
  EXPECT_NE(group("a"), 0U);
  add({{"a", "2"}});
  EXPECT_EQ(text("a"), "2");
  EXPECT_EQ(group("a"), group("b"));
}

// G4. Kills: merging only the group of the first chunk that two transactions share.
TEST_F(Staged, TransactionsThatOverlapBecomeOneGroup) {
  add({{"a", "1"}, {"b", "1"}});
  add({{"c", "1"}, {"d", "1"}});
  EXPECT_NE(group("a"), group("c"));
  add({{"b", "2"}, {"c", "2"}});
  for (const char* chunk : {"b", "c", "d"}) EXPECT_EQ(group(chunk), group("a")) << chunk;
}

TEST_F(Staged, TransactionsThatShareNothingStayApart) {
  add({{"a", "1"}, {"b", "1"}});
  add({{"c", "1"}, {"d", "1"}});
  EXPECT_EQ(group("a"), group("b"));
  EXPECT_EQ(group("c"), group("d"));
  EXPECT_NE(group("a"), group("c"));
}

// G8, "fetch ignores staged data, and its heal overwrites newer staged data". Kills: erasing by
// name, whatever has been staged since the commit began.
TEST_F(Staged, CommittedKeepsWhatIsNewer) {
  add({{"a", "1"}});
  add({{"b", "1"}});
  const auto set = staging_.snapshot();
  add({{"a", "2"}});
  for (const auto& [chunk, edit] : set) staging_.committed(chunk, edit);
  EXPECT_EQ(text("a"), "2");
  EXPECT_EQ(staging_.find("b"), nullptr);
  staging_.committed("nobody", set.at("a"));
  EXPECT_EQ(staging_.size(), 1U);
}

TEST_F(Staged, ASnapshotKeepsItsTexts) {
  add({{"a", "1"}});
  const auto set = staging_.snapshot();
  add({{"a", "2"}});
  EXPECT_EQ(set.at("a").text(), "1");
}

// Kills: rewriting whole records. Their committed edits would look new to the next recovery and
// roll the chunk back.
TEST_F(Staged, TrimmedRecordsHoldOnlyWhatIsStaged) {
  add({{"a", "1"}, {"b", "1"}, {"c", "1"}});
  add({{"d", "1"}});
  const auto set = staging_.snapshot();
  staging_.committed("b", set.at("b"));
  const auto records = staging_.trim_records();
  ASSERT_EQ(records.size(), 2U);
  ASSERT_EQ(records[0]->operations().size(), 2U);
  EXPECT_EQ(records[0]->operations()[0].chunk, "a");
  EXPECT_EQ(records[0]->operations()[1].chunk, "c");
  EXPECT_EQ(records[0]->sequence(), 1U);
  EXPECT_EQ(records[1]->sequence(), 2U);
  EXPECT_EQ(text("a"), "1");
  EXPECT_EQ(text("c"), "1");
  EXPECT_EQ(group("a"), group("c"));
}

TEST_F(Staged, TrimmingKeepsRemovals) {
  add({{"a", "1"}, {"b", ""}});
  const auto set = staging_.snapshot();
  staging_.committed("a", set.at("a"));
  const auto records = staging_.trim_records();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_TRUE(records[0]->operations()[0].removal);
  EXPECT_EQ(records[0]->operations()[0].chunk, "b");
}

TEST_F(Staged, RemembersWhatOnlyMemoryHas) {
  add({{"a", "1"}}, false);
  add({{"b", "1"}});
  EXPECT_FALSE(staging_.find("a")->journaled);
  staging_.mark_journaled();
  EXPECT_TRUE(staging_.find("a")->journaled);
  staging_.discard("a");
  EXPECT_EQ(text("a"), "(none)");
}

}  // namespace
}  // namespace safechunk
