// The journal: what is read is what was written, and never anything else.

#include "storage/journal/journal.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "platform/platform.h"
#include "support/sim_file_system.h"
#include "support/temporary_folder.h"

namespace safechunk {
namespace {

using test::read_file;
using test::TemporaryFolder;
using test::write_file;

constexpr std::uint32_t kToken = 77;

std::shared_ptr<JournalRecord> put(const std::string& chunk, const std::string& text) {
  auto record = std::make_shared<JournalRecord>();
  record->begin_put(chunk, text.size());
  record->buffer() += text;
  record->end_put();
  return record;
}

class JournalTest : public testing::Test {
 protected:
  JournalTest() : root_(system_file_system().open_directory(folder_.string()).value()) {}

  // "chunk=text" of every edit that an open finds, in order.
  std::vector<std::string> reread(std::string* damage = nullptr) {
    JournalContents contents;
    const Status status = Journal::read(*root_, contents);
    EXPECT_TRUE(status.ok()) << status.to_text();
    if (damage != nullptr) *damage = contents.damage;
    std::vector<std::string> edits;
    for (const auto& record : contents.records) {
      for (std::size_t i = 0; i < record->operations().size(); ++i) {
        const auto& operation = record->operations()[i];
        edits.push_back(operation.chunk + (operation.removal ? "-" : "=") +
                        std::string(record->text(i)));
      }
    }
    return edits;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Directory> root_;
};

using Edits = std::vector<std::string>;

// A JSON string of 33 MiB.
std::string huge_text() {
  std::string text(33U << 20U, 'x');
  text.front() = '"';
  text.back() = '"';
  return text;
}

// Kills: a journal that keeps the blocks of one huge record for ever, and one that cannot go on.
TEST_F(JournalTest, AResetGivesBackWhatIsFarTooLarge) {
  auto journal = Journal::create(*root_, kToken).value();
  ASSERT_TRUE(journal->append(*put("a", huge_text())).ok());
  ASSERT_TRUE(journal->reset(true).ok());
  EXPECT_LT(std::filesystem::file_size(folder_ / ".journal"), 4096U);
  ASSERT_TRUE(journal->append(*put("b", "2")).ok());
  EXPECT_EQ(reread(), (Edits{"b=2"}));
}

// Kills: zeros that read as damage, or that overwrite a record.
TEST_F(JournalTest, BlocksAheadAreACleanEnd) {
  auto journal = Journal::create(*root_, kToken).value();
  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    const std::string text = "\"" + std::string(1000, 'x') + std::to_string(i) + "\"";
    ASSERT_TRUE(journal->append(*put("a", text)).ok());
    if (i == 10) {
      ASSERT_TRUE(journal->sync_to(10).ok());
    }
    expected.push_back("a=" + text);
  }
  EXPECT_GE(read_file(folder_.path() / ".journal").size(), journal->size() + 8);
  std::string damage;
  EXPECT_EQ(reread(&damage), expected);
  EXPECT_EQ(damage, "");
}

TEST_F(JournalTest, GivesBackWhatWasAppended) {
  auto journal = Journal::create(*root_, kToken).value();
  ASSERT_TRUE(journal->append(*put("a", "[1]")).ok());
  auto several = put("b", "{}");
  several->add_removal("a");
  several->set_base(1, digest_of("x"));
  ASSERT_TRUE(journal->append(*several).ok());
  EXPECT_EQ(several->sequence(), 2U);
  std::string damage;
  EXPECT_EQ(reread(&damage), (Edits{"a=[1]", "b={}", "a-"}));
  EXPECT_EQ(damage, "");
}

// Its owner empties the journal and goes on, before each read of somebody else. Kills: the first
// records of an older use without the last ones, which say what is newest.
TEST(JournalBesideItsOwner, RecordsOfTwoUsesAreNotMixed) {
  const std::string old_text = "\"" + std::string(5000, 'o') + "\"";
  for (std::size_t nth = 0;; ++nth) {
    test::SimFileSystem files;
    const auto root = files.open_directory("/").value();
    auto journal = Journal::create(*root, kToken).value();
    for (const char* chunk : {"a", "b", "a"}) {
      ASSERT_TRUE(journal->append(*put(chunk, old_text)).ok());
    }
    std::size_t reads = 0;
    bool reached = false;
    files.set_hook([&](const test::SimCall& call) -> std::optional<int> {
      if (call.verb != "read_at" || reads++ != nth) return std::nullopt;
      reached = true;
      EXPECT_TRUE(journal->reset(false).ok());
      EXPECT_TRUE(journal->append(*put("c", old_text)).ok());
      EXPECT_TRUE(journal->append(*put("c", "2")).ok());
      return std::nullopt;
    });
    JournalContents contents;
    ASSERT_TRUE(Journal::read(*root, contents).ok());
    files.set_hook({});
    std::string chunks;
    for (const auto& record : contents.records) chunks += record->operations()[0].chunk;
    EXPECT_TRUE(chunks == "aba" || chunks == "cc") << "read " << nth << ": " << chunks;
    if (!reached) break;
    ASSERT_LT(nth, 100U);
  }
}

TEST_F(JournalTest, ContinuesWhereItWas) {
  { ASSERT_TRUE(Journal::create(*root_, kToken).value()->append(*put("a", "1")).ok()); }
  JournalContents contents;
  auto journal = Journal::open(*root_, contents).value();
  EXPECT_EQ(journal->token(), kToken);
  ASSERT_TRUE(journal->append(*put("b", "2")).ok());
  EXPECT_EQ(reread(), (Edits{"a=1", "b=2"}));
}

// Left-overs of an earlier use of the same blocks must not be read as records, even where they
// follow the new ones exactly.
TEST_F(JournalTest, ForgetsEverythingAtAReset) {
  auto journal = Journal::create(*root_, kToken).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(journal->append(*put("a", "1")).ok());
  const auto before = std::filesystem::file_size(folder_ / ".journal");
  ASSERT_TRUE(journal->reset(false).ok());
  EXPECT_EQ(reread(), Edits{});
  EXPECT_EQ(std::filesystem::file_size(folder_ / ".journal"), before);  // the blocks are kept
  ASSERT_TRUE(journal->append(*put("b", "2")).ok());
  std::string damage;
  EXPECT_EQ(reread(&damage), Edits{"b=2"});
  EXPECT_EQ(damage, "");
}

// A torn record of the same size as its successor: what followed the torn one stays dead, because
// each checksum continues the one before.
TEST_F(JournalTest, DoesNotReviveWhatFollowedATornRecord) {
  {
    auto journal = Journal::create(*root_, kToken).value();
    for (const char* text : {"1", "2", "3"}) ASSERT_TRUE(journal->append(*put("a", text)).ok());
  }
  std::string bytes = read_file(folder_ / ".journal");
  const std::size_t record = (bytes.size() - 32 - 8) / 3;
  bytes[32 + record + 20] ^= 1;
  write_file(folder_ / ".journal", bytes);
  JournalContents contents;
  auto journal = Journal::open(*root_, contents).value();
  EXPECT_EQ(contents.records.size(), 1U);
  EXPECT_NE(contents.damage, "");
  // A new second record: overwrite the terminator with what stood there before.
  ASSERT_TRUE(journal->append(*put("a", "9")).ok());
  std::string after = read_file(folder_ / ".journal");
  after.replace(32 + 2 * record, 8, bytes, 32 + 2 * record, 8);
  write_file(folder_ / ".journal", after);
  EXPECT_EQ(reread(), (Edits{"a=1", "a=9"}));
}

// G6: flips and cuts anywhere give a prefix of what was written, never anything else.
TEST_F(JournalTest, EveryFlippedByteAndEveryTruncationGivesAPrefix) {
  {
    auto journal = Journal::create(*root_, kToken).value();
    ASSERT_TRUE(journal->append(*put("alpha", R"({"k":[1,2]})")).ok());
    auto second = put("beta", "true");
    second->add_removal("alpha");
    ASSERT_TRUE(journal->append(*second).ok());
    ASSERT_TRUE(journal->append(*put("alpha", "null")).ok());
  }
  const Edits all = {R"(alpha={"k":[1,2]})", "beta=true", "alpha-", "alpha=null"};
  const std::string bytes = read_file(folder_ / ".journal");
  const auto is_prefix = [&](const Edits& edits) {
    // Records are read whole: one of the lengths 0, 1, 3, 4.
    return edits.size() <= all.size() && edits.size() != 2 &&
           std::equal(edits.begin(), edits.end(), all.begin());
  };
  const auto check = [&](const std::string& changed, std::size_t at) {
    write_file(folder_ / ".journal", changed);
    JournalContents contents;
    const Status status = Journal::read(*root_, contents);
    if (!status.ok()) return;  // the header
    const Edits edits = reread();
    EXPECT_TRUE(is_prefix(edits)) << "byte " << at;
  };
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      check(changed, at);
    }
    check(bytes.substr(0, at), at);
  }
}

TEST_F(JournalTest, RewriteKeepsJustTheGivenRecords) {
  auto journal = Journal::create(*root_, kToken).value();
  auto kept = put("b", "2");
  ASSERT_TRUE(journal->append(*put("a", "1")).ok());
  ASSERT_TRUE(journal->append(*kept).ok());
  ASSERT_TRUE(journal->rewrite({kept}, kToken + 1).ok());
  EXPECT_EQ(reread(), Edits{"b=2"});
  ASSERT_TRUE(journal->append(*put("c", "3")).ok());
  EXPECT_EQ(reread(), (Edits{"b=2", "c=3"}));
  EXPECT_EQ(journal->token(), kToken + 1);
}

TEST_F(JournalTest, ASubsetIsARecordOfTheSameSequence) {
  auto journal = Journal::create(*root_, kToken).value();
  auto record = put("a", "1");
  record->add_removal("b");
  record->begin_put("c", 1);
  record->buffer() += "3";
  record->end_put();
  ASSERT_TRUE(journal->append(*record).ok());
  auto subset = std::make_shared<JournalRecord>();
  for (const std::size_t operation : {1U, 2U}) subset->add_copy(*record, operation);
  EXPECT_EQ(subset->sequence(), record->sequence());
  ASSERT_TRUE(journal->rewrite({subset}, kToken).ok());
  EXPECT_EQ(reread(), (Edits{"b-", "c=3"}));
}

TEST_F(JournalTest, TellsForeignAndNewerFiles) {
  JournalContents contents;
  write_file(folder_ / ".journal", "something else entirely, and long enough for a header");
  EXPECT_EQ(Journal::read(*root_, contents).code(), ErrorCode::corrupt);
  write_file(folder_ / ".journal", std::string(100, '\0'));
  EXPECT_EQ(Journal::read(*root_, contents).code(), ErrorCode::not_found);
  write_file(folder_ / ".journal", "");
  EXPECT_EQ(Journal::read(*root_, contents).code(), ErrorCode::not_found);
}

// --- while a call fails

// Each time with the next call failing, of those that `run` makes while it is armed, until none is
// left.
class JournalFaults : public testing::Test {
 protected:
  template <typename Run>
  void at_every_call(Run run) {
    for (std::size_t broken = 0;; ++broken) {
      test::SimFileSystem files;
      const auto root = files.open_directory("/").value();
      std::size_t calls = 0;
      bool armed = false;
      files.set_hook([&](const test::SimCall&) -> std::optional<int> {
        return armed && calls++ == broken ? std::optional(EIO) : std::nullopt;
      });
      run(files, *root, armed);
      files.set_hook({});
      if (HasFailure()) FAIL() << "call " << broken;
      if (calls <= broken) return;
    }
  }

  // What an open finds after a crash; nothing when there is no journal, "?" when it is unreadable.
  static Edits after(const test::SimFileSystem& files, std::uint64_t seed,
                     test::CrashModel model = test::CrashModel::strict) {
    const auto crashed = files.crash_clone(seed, model);
    const auto root = crashed->open_directory("/").value();
    JournalContents contents;
    const Status status = Journal::read(*root, contents);
    if (status.code() == ErrorCode::not_found) return {};
    if (!status.ok() || !contents.damage.empty()) return {"?"};
    Edits edits;
    for (const auto& record : contents.records) {
      edits.push_back(record->operations().at(0).chunk + "=" + std::string(record->text(0)));
    }
    return edits;
  }

  static constexpr std::uint64_t kSeeds = 6;
};

// Kills: a journal without its header, one that is left behind and in the way of the next.
TEST_F(JournalFaults, CreateGivesOneThatKeepsOrNone) {
  at_every_call([&](test::SimFileSystem& files, Directory& root, bool& armed) {
    armed = true;
    auto journal = Journal::create(root, kToken);
    armed = false;
    if (!journal) journal = Journal::create(root, kToken);
    ASSERT_TRUE(journal) << journal.status().to_text();
    ASSERT_TRUE((*journal)->append(*put("a", "1")).ok());
    EXPECT_EQ(after(files, 0, test::CrashModel::process), Edits{"a=1"});
  });
}

// Kills: dropped errors of the writes, the fsyncs and the rename of a rewrite.
TEST_F(JournalFaults, ARewriteKeepsWhatItShallOrSaysSo) {
  at_every_call([&](test::SimFileSystem& files, Directory& root, bool& armed) {
    auto journal = Journal::create(root, kToken).value();
    auto kept = put("b", "2");
    ASSERT_TRUE(journal->append(*put("a", "1")).ok());
    ASSERT_TRUE(journal->append(*kept).ok());
    ASSERT_TRUE(journal->sync_to(kept->sequence()).ok());
    ASSERT_TRUE(root.sync().ok());
    armed = true;
    const Status rewritten = journal->rewrite({kept}, kToken + 1);
    armed = false;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      const Edits edits = after(files, seed);
      EXPECT_TRUE(edits == Edits{"b=2"} || (!rewritten.ok() && edits == (Edits{"a=1", "b=2"})));
    }
  });
}

// Kills: vouching for a reset, or for what is synced behind it, whose own fsync failed.
TEST_F(JournalFaults, AResetIsDurableOrTheJournalBroken) {
  at_every_call([&](test::SimFileSystem& files, Directory& root, bool& armed) {
    auto journal = Journal::create(root, kToken).value();
    auto record = put("a", "1");
    ASSERT_TRUE(journal->append(*record).ok());
    ASSERT_TRUE(journal->sync_to(record->sequence()).ok());
    ASSERT_TRUE(root.sync().ok());
    armed = true;
    const Status reset = journal->reset(true);
    armed = false;
    EXPECT_NE(reset.ok(), journal->broken());
    for (std::uint64_t seed = 0; reset.ok() && seed < kSeeds; ++seed) {
      EXPECT_EQ(after(files, seed), Edits{});
    }
  });
}

// Kills: a journal that is said to be gone, and would be replayed over what came after it.
TEST_F(JournalFaults, WhatIsRemovedStaysAway) {
  at_every_call([&](test::SimFileSystem& files, Directory& root, bool& armed) {
    auto journal = Journal::create(root, kToken).value();
    auto record = put("a", "1");
    ASSERT_TRUE(journal->append(*record).ok());
    ASSERT_TRUE(journal->sync_to(record->sequence()).ok());
    ASSERT_TRUE(root.sync().ok());
    armed = true;
    const Status removed = journal->remove();
    armed = false;
    for (std::uint64_t seed = 0; removed.ok() && seed < kSeeds; ++seed) {
      EXPECT_EQ(after(files, seed), Edits{});
    }
  });
}

// Kills: giving back the blocks of a huge record without syncing that.
TEST(JournalCalls, AHugeJournalThatWasEmptiedDurablyStaysEmpty) {
  test::SimFileSystem files;
  auto root = files.open_directory("/").value();
  auto journal = Journal::create(*root, kToken).value();
  auto record = put("a", huge_text());
  ASSERT_TRUE(journal->append(*record).ok());
  ASSERT_TRUE(journal->sync_to(record->sequence()).ok());
  ASSERT_TRUE(root->sync().ok());
  ASSERT_TRUE(journal->reset(true).ok());
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    const auto cut = files.crash_clone(seed, test::CrashModel::strict);
    JournalContents contents;
    ASSERT_TRUE(Journal::read(*cut->open_directory("/").value(), contents).ok());
    EXPECT_TRUE(contents.records.empty()) << "seed " << seed;
  }
}

// Another program removes or replaces the file: what is appended to it then, no recovery would
// find. Kills: an fdatasync of a file that has no name any more, taken for durable (G1); appending
// to one without a word (G3).
TEST_F(JournalTest, IsMissedByTheNextSyncAndTheNextFirstRecord) {
  const auto remove = [&] { ASSERT_TRUE(root_->unlink(".journal").ok()); };
  const auto replace = [&] {
    write_file(folder_ / "other", read_file(folder_.path() / ".journal"));
    ASSERT_TRUE(root_->rename("other", ".journal").ok());
  };
  for (const std::function<void()>& act : {std::function<void()>(remove), {replace}}) {
    auto journal = Journal::create(*root_, kToken).value();
    auto record = put("a", "1");
    ASSERT_TRUE(journal->append(*record).ok());
    act();
    EXPECT_EQ(journal->sync_to(record->sequence()).code(), ErrorCode::conflict);
    EXPECT_TRUE(journal->broken());
    ASSERT_TRUE(journal->rewrite({record}, kToken).ok());
    EXPECT_FALSE(journal->broken());
    EXPECT_EQ(reread(), Edits{"a=1"});
    ASSERT_TRUE(journal->append(*put("b", "2")).ok());
    ASSERT_TRUE(journal->sync_to(record->sequence() + 1).ok());
    EXPECT_EQ(reread(), (Edits{"a=1", "b=2"}));

    ASSERT_TRUE(journal->reset(false).ok());
    act();
    EXPECT_EQ(journal->append(*put("c", "3")).code(), ErrorCode::conflict);
    EXPECT_TRUE(journal->broken());
    ASSERT_TRUE(journal->rewrite({}, kToken).ok());
    EXPECT_TRUE(journal->append(*put("c", "3")).ok());
    EXPECT_EQ(reread(), Edits{"c=3"});
    EXPECT_TRUE(journal->remove().ok());
    EXPECT_TRUE(journal->remove().ok()) << "it is gone, which is what was asked for";
  }
}

// What the caller is not told about it cannot make up for. Kills: dropped return codes, and another
// cause than the true one.
TEST(JournalCalls, EveryFailingCallIsTold) {
  const auto for_every_call = [](const std::string& text, const auto& operation) {
    bool reached = true;
    for (std::size_t broken = 0; reached; ++broken) {
      test::SimFileSystem files;
      auto root = files.open_directory("/").value();
      auto journal = Journal::create(*root, kToken).value();
      journal->append(*put("a", text)).throw_if_error();
      std::size_t calls = 0;
      reached = false;
      files.set_hook([&](const test::SimCall&) -> std::optional<int> {
        reached = reached || calls == broken;
        return calls++ == broken ? std::optional(EIO) : std::nullopt;
      });
      const Status status = operation(*journal);
      files.set_hook({});
      EXPECT_EQ(status.code(), reached ? ErrorCode::io_error : ErrorCode::ok) << "call " << broken;
    }
  };
  for_every_call("1", [](Journal& journal) { return journal.sync_to(1); });
  for_every_call("1", [](Journal& journal) { return journal.reset(true); });
  for_every_call("1", [](Journal& journal) { return journal.rewrite({put("a", "1")}, kToken); });
  // So large that its blocks are given back.
  for_every_call('"' + std::string(33U << 20U, 'x') + '"',
                 [](Journal& journal) { return journal.reset(true); });
}

}  // namespace
}  // namespace safechunk
