// What a failing save costs (G8), and what it must not cost.

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "engine/engine_meddling.h"
#include "storage/files/stamp.h"

namespace safechunk::test {
namespace {

using std::chrono::seconds;

// G8, "one unserialisable chunk blocks all later ones for ever". Kills: stopping at the first
// error, retrying without back-off, forgetting what failed, telling of a sync that was none.
TEST(EngineFailures, OneChunkDoesNotStopTheOthersAndIsRetried) {
  Machine machine;
  Faults faults;
  auto engine = machine.engine();
  engine.on_fault([&](const Error& error) { faults.add(error); });
  std::vector<std::string> statuses;
  engine.on_status([&](std::string_view text) { statuses.emplace_back(text); });
  Counter syncs;
  engine.on_sync([&] { syncs.add(); });
  Failing failing(machine.files, "create", "chunks/b.aba4139c.tmp", EIO);
  for (const char* chunk : {"a", "b", "c"}) put(engine, chunk, "1");
  EXPECT_EQ(engine.force_sync().code(), ErrorCode::io_error);
  EXPECT_EQ(machine.chunk("a"), "1\n");
  EXPECT_EQ(machine.chunk("b"), "(missing)");
  EXPECT_EQ(machine.chunk("c"), "1\n");
  EXPECT_TRUE(faults.has(ErrorCode::io_error, "b"));
  EXPECT_EQ(engine.fetch_chunk("b").value(), "1\n");
  auto health = engine.health_report().value();
  EXPECT_EQ(health.pending_chunks, 1U);
  EXPECT_EQ(health.failed_commits, 1U);
  EXPECT_NE(health.last_error.find("'b'"), std::string::npos) << health.last_error;

  for (const int delay : {1, 2, 4, 8, 16, 32, 60, 60}) {
    const auto next = machine.clock.now() + seconds(delay);
    machine.clock.await_deadline(next);
    machine.clock.advance(seconds(delay));
  }
  const auto last = machine.clock.now() + seconds(60);
  machine.clock.await_deadline(last);
  EXPECT_EQ(engine.health_report()->retries, 8U);
  EXPECT_EQ(syncs.count(), 0U);
  failing.stop();
  machine.clock.advance(seconds(60));
  machine.clock.await_idle();
  EXPECT_EQ(machine.chunk("b"), "1\n");
  EXPECT_FALSE(engine.health_report()->dirty_buffer);
  EXPECT_EQ(syncs.count(), 1U);
  // G7: told when it begins and when it ends, and not at each try.
  EXPECT_EQ(faults.list().size(), 1U);
  engine.on_status(nullptr);
  EXPECT_EQ(std::ranges::count(statuses, "resumed 'b': it is saved again"), 1);
}

// G8. Kills: a detach that removes the journal although something was not saved.
TEST(EngineFailures, DetachReportsAndKeepsTheJournalAndAttachReplays) {
  Machine machine;
  Faults faults;
  auto engine = machine.engine();
  engine.on_fault([&](const Error& error) { faults.add(error); });
  {
    const Failing failing(machine.files, "sync", "chunks/b.aba4139c.tmp", EIO);
    put(engine, "a", "1");
    put(engine, "b", "1");
    EXPECT_EQ(engine.detach().code(), ErrorCode::io_error);
  }
  EXPECT_TRUE(faults.has(ErrorCode::io_error, "b"));
  EXPECT_FALSE(engine.is_active());
  EXPECT_EQ(engine.status().code(), ErrorCode::io_error);
  EXPECT_EQ(machine.chunk("a"), "1\n");
  EXPECT_EQ(machine.chunk("b"), "(missing)");
  EXPECT_TRUE(machine.file(".journal"));
  EXPECT_FALSE(machine.file(".lock"));
  ASSERT_TRUE(engine.attach().ok());
  EXPECT_TRUE(engine.status().ok());
  EXPECT_EQ(machine.chunk("b"), "1\n");
  EXPECT_FALSE(engine.recovery_report().clean);
  EXPECT_EQ(engine.recovery_report().events.at(0).kind, Event::Kind::replayed);
}

// Somebody tidies up while the engine runs. Kills: acknowledging what is in a journal that no
// recovery finds (G1), and going on with such a journal (G3).
TEST(EngineFailures, AJournalThatAnotherProgramRemovesIsMissedAndReplaced) {
  for (const Durability durability : {Durability::journal, Durability::file}) {
    Machine machine;
    Faults faults;
    EngineOptions options;
    options.durability = durability;
    auto engine = machine.engine(options);
    engine.on_fault([&](const Error& error) { faults.add(error); });
    const auto remove_journal = [&] {
      auto folder = machine.files.open_directory("/project").value();
      ASSERT_TRUE(folder->unlink(".journal").ok());
    };
    const auto survives_a_power_cut = [&](const std::string& name, const std::string& text) {
      auto cut = machine.files.crash_clone(1, CrashModel::strict);
      Machine later;
      options.base_dir = "/";
      auto next = EngineAccess::construct("project", options, {*cut, later.clock, later.process});
      EXPECT_EQ(next.fetch_chunk(name).value(), text);
    };
    put(engine, "a", "1");
    put(engine, "b", "1");
    remove_journal();
    save(engine);
    EXPECT_TRUE(faults.has(ErrorCode::conflict));
    EXPECT_TRUE(machine.file(".journal"));
    survives_a_power_cut("a", "1\n");
    survives_a_power_cut("b", "1\n");

    remove_journal();
    EXPECT_EQ(engine.stage_update("2", "a").code(), ErrorCode::conflict);
    save(engine);
    survives_a_power_cut("a", "2\n");
    put(engine, "b", "2");
    EXPECT_NE(machine.file(".journal").value_or("").find('2'), std::string::npos);
    remove_journal();
    EXPECT_TRUE(engine.detach().ok());
    EXPECT_EQ(machine.chunk("b"), "2\n");
  }
}

// Kills: a dropped return code.
TEST(EngineFailures, AnUnfinishedJournalThatCannotBeRemovedIsTold) {
  Machine machine;
  auto engine = machine.engine();
  ASSERT_TRUE(engine.detach().ok());
  machine.write("", ".journal.5e890259.tmp", "unfinished");
  {
    const Failing failing(machine.files, "unlink", ".journal.5e890259.tmp", EIO);
    EXPECT_EQ(engine.attach().code(), ErrorCode::io_error);
  }
  EXPECT_TRUE(engine.attach().ok());
  EXPECT_FALSE(machine.file(".journal.5e890259.tmp"));
}

// Rule: an fsync that failed is never tried again on the same file. Kills: keeping the temp file.
TEST(EngineFailures, AFailedFsyncTakesAFreshFile) {
  Machine machine;
  std::vector<std::string> calls;
  bool failed = false;
  auto engine = machine.engine();
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.path != "project/chunks/a.749b0e0d.tmp") return std::nullopt;
    calls.push_back(call.verb);
    if (call.verb != "sync" || std::exchange(failed, true)) return std::nullopt;
    return EIO;
  });
  put(engine, "a", "1");
  EXPECT_EQ(engine.force_sync().code(), ErrorCode::io_error);
  EXPECT_EQ(calls.back(), "unlink");
  calls.clear();
  save(engine);
  machine.files.set_hook({});
  EXPECT_EQ(calls.at(0), "create");
  EXPECT_EQ(machine.chunk("a"), "1\n");
}

// G5: what the disk has made of a temporary file is looked at before it gets a name. Kills: not
// comparing what is read back.
TEST(EngineFailures, AFileThatReadsBackOtherwiseIsNotPublished) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "a", "1");
  save(engine);
  bool changed = false;
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb != "sync" || call.path != "project/chunks/a.749b0e0d.tmp" ||
        std::exchange(changed, true)) {
      return std::nullopt;
    }
    auto chunks = machine.files.open_directory("/project/chunks").value();
    (void)chunks->open("a.749b0e0d.tmp", OpenMode::read_write).value()->write_at(0, "3").value();
    return std::nullopt;
  });
  put(engine, "a", "2");
  EXPECT_EQ(engine.force_sync().code(), ErrorCode::io_error);
  EXPECT_TRUE(changed);
  EXPECT_EQ(machine.chunk("a"), "1\n");
  machine.files.set_hook({});
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "2\n");
}

// G5: a version whose name may not survive a power cut does not take the place of the backup.
// Kills: counting it as durable although the fsync of its folder failed.
TEST(EngineFailures, AVersionThatIsNotDurableIsNoBackup) {
  Machine machine;
  auto engine = machine.engine();
  for (const char* text : {"1", "2"}) {
    put(engine, "a", text);
    save(engine);
  }
  Failing failing(machine.files, "sync_directory", "project/chunks", EIO);
  put(engine, "a", "3");
  EXPECT_EQ(engine.force_sync().code(), ErrorCode::io_error);
  EXPECT_EQ(machine.chunk("a"), "3\n");
  failing.stop();
  put(engine, "a", "4");
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "4\n");
  EXPECT_EQ(machine.file("chunks_bak/a.bak"), "2\n");
}

// A file that another program has put there by renaming it, and that is in the page cache only;
// with the stamp of the chunk's first version, as `cp --preserve=xattr` makes it, or without.
class EngineFoundOnDisk : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    put(engine_, "a", "1");
    save(engine_);
    const std::string stamp =
        chunks()->open("a.json", OpenMode::read).value()->attribute(Stamp::kAttribute).value();
    for (const char* text : {"2", "3"}) {
      put(engine_, "a", text);
      save(engine_);
    }
    {
      const auto copy = chunks()->open("a.copy", OpenMode::create_exclusive).value();
      (void)copy->write_at(0, "1\n").value();
      if (GetParam()) copy->set_attribute(Stamp::kAttribute, stamp).throw_if_error();
    }
    chunks()->rename("a.copy", "a.json").throw_if_error();
  }
  ~EngineFoundOnDisk() override { machine_.files.set_hook({}); }

  [[nodiscard]] std::unique_ptr<Directory> chunks() {
    return machine_.files.open_directory("/project/chunks").value();
  }
  // Every power cut leaves that file as it is.
  void expect_durable(const std::string& path, const std::string& bytes) {
    EXPECT_EQ(machine_.file(path), bytes);
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      const auto cut = machine_.files.crash_clone(seed, CrashModel::strict);
      EXPECT_EQ(cut->contents()["project/" + path], bytes) << "seed " << seed;
    }
  }
  // How often the found file is synced from now on; the first time fails when that is asked for.
  void count_syncs(bool fail) {
    machine_.files.set_hook([this, fail](const SimCall& call) -> std::optional<int> {
      if (call.verb != "sync" || call.path != "project/chunks/a.json") return std::nullopt;
      return ++syncs_ == 1 && fail ? std::optional(EIO) : std::nullopt;
    });
  }

  Machine machine_;
  int syncs_ = 0;
  SafeChunkEngine engine_ = machine_.engine();
};

// G1. Kills: believing a stamp, or the eyes: what can be read is not durable yet.
TEST_P(EngineFoundOnDisk, AnEqualUpdateMakesItDurableOnce) {
  count_syncs(false);
  put(engine_, "a", "1");
  save(engine_);
  expect_durable("chunks/a.json", "1\n");
  put(engine_, "a", "1");
  save(engine_);
  EXPECT_EQ(syncs_, 1);
}

// G1. Kills: acknowledging it although its folder, or another file of the commit, failed.
TEST_P(EngineFoundOnDisk, AnEqualUpdateIsNotAcknowledgedBeforeTheFolderIsDurable) {
  put(engine_, "a", "1");
  {
    const Failing failing(machine_.files, "sync_directory", "project/chunks", EIO);
    EXPECT_EQ(engine_.force_sync().code(), ErrorCode::io_error);
  }
  save(engine_);
  expect_durable("chunks/a.json", "1\n");
}

// Rule: an fsync that failed is never tried again on the same file.
TEST_P(EngineFoundOnDisk, AnEqualUpdateIsWrittenWhenItsFsyncFailed) {
  count_syncs(true);
  put(engine_, "a", "1");
  EXPECT_EQ(engine_.force_sync().code(), ErrorCode::io_error);
  save(engine_);
  EXPECT_EQ(syncs_, 1);
  expect_durable("chunks/a.json", "1\n");
}

// G5. Kills: a second name for what may be empty after a power cut, in place of a good backup.
TEST_P(EngineFoundOnDisk, ItIsDurableWhenItBecomesTheBackup) {
  put(engine_, "a", "4");
  save(engine_);
  expect_durable("chunks_bak/a.bak", "1\n");
}

TEST_P(EngineFoundOnDisk, ACopyBecomesTheBackupWhenItsFsyncFailed) {
  count_syncs(true);
  put(engine_, "a", "4");
  EXPECT_EQ(engine_.force_sync().code(), ErrorCode::io_error);
  EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "2\n");
  save(engine_);
  EXPECT_EQ(syncs_, 1);
  expect_durable("chunks_bak/a.bak", "1\n");
}

INSTANTIATE_TEST_SUITE_P(All, EngineFoundOnDisk, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "with" : "without") + "_a_stamp";
});

// G4: without a durable journal a set could become visible in part. Kills: publishing it although
// the journal could neither be synced nor replaced.
TEST(EngineFailures, ASetIsNotPublishedWithoutItsJournal) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "a", "1");
  put(engine, "b", "1");
  save(engine);
  bool broken = true;
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    const bool journal = call.verb == "sync_data" || call.path.ends_with(".journal.5e890259.tmp");
    return broken && journal ? std::optional(EIO) : std::nullopt;
  });
  auto transaction = engine.transaction();
  ASSERT_TRUE(transaction.stage("2", "a").ok());
  ASSERT_TRUE(transaction.stage("2", "b").ok());
  EXPECT_EQ(transaction.commit().code(), ErrorCode::io_error);
  EXPECT_EQ(machine.chunk("a"), "1\n");
  EXPECT_EQ(machine.chunk("b"), "1\n");
  broken = false;
  save(engine);
  machine.files.set_hook({});
  EXPECT_EQ(machine.chunk("a"), "2\n");
  EXPECT_EQ(machine.chunk("b"), "2\n");
}

// G4. What may need space, at whichever member of the transaction: its damaged file's way into
// quarantine, its backup, its new version. Kills: making them while the set is published.
class EngineHalfATransaction : public testing::TestWithParam<bool> {};

TEST_P(EngineHalfATransaction, IsNotVisibleWhenTheDiskIsFull) {
  const bool links = GetParam();
  for (const char* part : {"quarantine/", "chunks_bak/", "chunks/b.aba4139c.tmp"}) {
    Machine machine(true, links);
    auto engine = machine.engine();
    for (const char* chunk : {"a", "b", "c"}) put(engine, chunk, "1");
    save(engine);
    machine.write("chunks", "c.json", "[gar");
    int written = 0;
    bool full = true;
    machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
      const bool grows = call.verb == "create" || call.verb == "link" || call.verb == "write_at";
      if (!full || !grows || (call.path + call.target).find(part) == std::string::npos) {
        return std::nullopt;
      }
      // The first backup is made, the second is not.
      return std::string(part) != "chunks_bak/" || ++written > (links ? 1 : 3)
                 ? std::optional(ENOSPC)
                 : std::nullopt;
    });
    auto transaction = engine.transaction();
    for (const char* chunk : {"a", "b", "c"}) ASSERT_TRUE(transaction.stage("2", chunk).ok());
    EXPECT_EQ(transaction.commit().code(), ErrorCode::no_space) << part;
    EXPECT_EQ(machine.chunk("a"), "1\n") << part;
    EXPECT_EQ(machine.chunk("b"), "1\n") << part;
    EXPECT_EQ(machine.chunk("c"), "[gar") << part;
    for (const char* left :
         {"chunks/a.749b0e0d.tmp", "chunks_bak/a.bak.013f16a4.tmp", "chunks_bak/a.bak"}) {
      EXPECT_FALSE(machine.file(left)) << left << ", " << part;
    }
    full = false;
    save(engine);
    machine.files.set_hook({});
    for (const char* chunk : {"a", "b", "c"}) EXPECT_EQ(machine.chunk(chunk), "2\n") << part;
    EXPECT_EQ(machine.file("chunks_bak/a.bak"), "1\n") << part;
    EXPECT_EQ(engine.health_report()->quarantine_files, 1U) << part;
  }
}

// G4. Kills: going on with the group when its first rename has failed.
TEST_P(EngineHalfATransaction, IsNotVisibleWhenItsFirstRenameFails) {
  Machine machine(true, GetParam());
  auto engine = machine.engine();
  for (const char* chunk : {"a", "b"}) put(engine, chunk, "1");
  save(engine);
  Failing failing(machine.files, "rename", "chunks/a.749b0e0d.tmp", EIO);
  auto transaction = engine.transaction();
  for (const char* chunk : {"a", "b"}) ASSERT_TRUE(transaction.stage("2", chunk).ok());
  EXPECT_EQ(transaction.commit().code(), ErrorCode::io_error);
  EXPECT_EQ(machine.chunk("b"), "1\n");
  failing.stop();
  save(engine);
  for (const char* chunk : {"a", "b"}) EXPECT_EQ(machine.chunk(chunk), "2\n");
}

INSTANTIATE_TEST_SUITE_P(All, EngineHalfATransaction, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "with" : "without") + "_links";
});

// G8: what the journal refused is kept in memory, said, and saved. Kills: a stage that drops it.
TEST(EngineFailures, AnUpdateThatTheJournalRefusesIsStagedAllTheSame) {
  Machine machine;
  auto engine = machine.engine();
  Failing failing(machine.files, "write_at", ".journal", ENOSPC);
  EXPECT_EQ(engine.stage_update("1", "a").code(), ErrorCode::no_space);
  EXPECT_EQ(engine.fetch_chunk("a").value(), "1\n");
  failing.stop();
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "1\n");
  ASSERT_TRUE(engine.detach().ok());
  EXPECT_FALSE(machine.file(".journal"));
}

// G3. Kills: taking an edit that the journal has refused for one that it has, when the same text is
// staged again, or another one upon it.
TEST(EngineFailures, WhatTheJournalRefusedIsNothingToRelyOn) {
  for (const char* next_text : {"1", "2"}) {
    Machine machine;
    auto engine = machine.engine();
    put(engine, "a", "0");
    save(engine);
    {
      const Failing failing(machine.files, "write_at", ".journal", ENOSPC);
      EXPECT_EQ(engine.stage_update("1", "a").code(), ErrorCode::no_space);
    }
    put(engine, "a", next_text);
    const auto killed = machine.files.crash_clone(0, CrashModel::process);
    Successor next(*killed);
    EXPECT_EQ(next->fetch_chunk("a").value(), std::string(next_text) + "\n")
        << recovery_of(next.engine());
  }
}

// G3. An older edit of the chunk is being published when the journal is replaced, and only its text
// could tell (no stamps). Kills: a journal whose newest edit stands upon what is being replaced:
// after a kill it would count as overtaken by another program.
TEST(EngineFailures, AnEditStagedDuringACommitSurvivesTheJournalsReplacement) {
  Machine machine(false, true);
  auto engine = machine.engine();
  put(engine, "a", "1");
  save(engine);
  put(engine, "a", "2");
  bool staged = false;
  bool failed = false;
  std::vector<std::unique_ptr<SimFileSystem>> killed;
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb == "create" && call.path.ends_with("chunks/a.749b0e0d.tmp") &&
        !std::exchange(staged, true)) {
      put(engine, "a", "3");
    }
    if (call.verb == "sync_data" && call.path.ends_with("/.journal") &&
        !std::exchange(failed, true)) {
      return EIO;
    }
    if (failed) killed.push_back(machine.files.crash_clone(0, CrashModel::process));
    return std::nullopt;
  });
  save(engine);
  machine.files.set_hook({});
  EXPECT_TRUE(failed);
  EXPECT_EQ(engine.fetch_chunk("a").value(), "3\n");
  EngineOptions options;
  options.base_dir = "/";
  for (std::size_t i = 0; i < killed.size(); ++i) {
    FakeProcess process(4243, 7);
    auto next =
        EngineAccess::construct("project", options, Platform{*killed[i], machine.clock, process});
    EXPECT_EQ(next.fetch_chunk("a").value(), "3\n") << "killed at call " << i;
  }
}

// G3. Kills: an update that says to stand upon the version that the engine knows, where another
// program has been since: after a kill it would count as overtaken.
TEST(EngineFailures, AnUpdateStagedAfterAnUnseenHandEditSurvivesAKill) {
  for (const bool stamps : {true, false}) {
    Machine machine(stamps, true);
    auto engine = machine.engine();
    put(engine, "a", "1");
    save(engine);
    machine.write("chunks", "a.json", "\"by hand\"");
    put(engine, "a", "2");
    const auto killed = machine.files.crash_clone(0, CrashModel::process);
    FakeProcess process(4243, 7);
    EngineOptions options;
    options.base_dir = "/";
    auto next =
        EngineAccess::construct("project", options, Platform{*killed, machine.clock, process});
    EXPECT_EQ(next.fetch_chunk("a").value(), "2\n");
    EXPECT_EQ(killed->contents().at("project/chunks/a.json"), "2\n");
    EXPECT_EQ(killed->contents().at("project/chunks_bak/a.bak"), "\"by hand\"");
  }
}

// G1. Kills: acknowledging a removal of which only the page cache knows.
TEST(EngineFailures, ARemovalThatAnotherProgramForestalledIsDurable) {
  Machine machine;
  auto engine = machine.engine();
  for (const char* text : {"1", "2"}) {
    put(engine, "a", text);
    save(engine);
  }
  ASSERT_TRUE(engine.remove_chunk("a").ok());
  auto project = machine.files.open_directory("/project").value();
  project->open_directory("chunks").value()->unlink("a.json").throw_if_error();
  project->open_directory("chunks_bak").value()->unlink("a.bak").throw_if_error();
  save(engine);
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    const auto cut = machine.files.crash_clone(seed, CrashModel::strict);
    ManualClock clock;
    FakeProcess process(4243, 7);
    auto next = EngineAccess::construct("project", {.base_dir = "/"}, {*cut, clock, process});
    EXPECT_EQ(next.find_chunk("a").value(), std::nullopt) << "seed " << seed;
    cut->kill();
  }
}

// G3 after a cut of the journal that failed half way: what is staged next survives a kill, or the
// call says that it would not. Kills: appending behind a header that nothing can read.
class EngineTornJournal : public testing::TestWithParam<bool> {};

TEST_P(EngineTornJournal, KeepsWhatIsStagedNextOrSaysSo) {
  const bool replaceable = GetParam();
  Machine machine;
  auto engine = machine.engine();
  put(engine, "a", "1");
  bool torn = false;
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (!replaceable && call.path.ends_with(".journal.5e890259.tmp")) return EIO;
    if (call.verb != "write_at" || !call.path.ends_with("/.journal") || std::exchange(torn, true)) {
      return std::nullopt;
    }
    auto root = machine.files.open_directory("/project").value();
    (void)root->open(".journal", OpenMode::read_write).value()->write_at(16, "torn").value();
    return EIO;
  });
  save(engine);  // the data is safe; the cut is a fault
  EXPECT_TRUE(torn);
  const Status staged = engine.stage_update("1", "b");
  EXPECT_EQ(staged.ok(), replaceable) << staged.to_text();
  const auto killed = machine.files.crash_clone(0, CrashModel::process);
  machine.files.set_hook({});
  FakeProcess process(4243, 7);
  EngineOptions options;
  options.base_dir = "/";
  {
    auto next =
        EngineAccess::construct("project", options, Platform{*killed, machine.clock, process});
    EXPECT_EQ(next.fetch_chunk("a").value(), "1\n");
    if (replaceable) {
      EXPECT_EQ(next.fetch_chunk("b").value(), "1\n");
    }
  }
  save(engine);
  EXPECT_EQ(machine.chunk("b"), "1\n");
  put(engine, "b", "2");  // the journal is whole again
}

INSTANTIATE_TEST_SUITE_P(All, EngineTornJournal, testing::Bool());

}  // namespace
}  // namespace safechunk::test
