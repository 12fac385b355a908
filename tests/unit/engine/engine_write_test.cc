// Writing: when the worker saves (G10), what a failing save costs (G8), transactions (G4), limits.

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <thread>

#include "unit/engine/engine_bench.h"

namespace safechunk::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Stages and lets nobody wonder whether it worked.
void put(SafeChunkEngine& engine, const std::string& chunk, const std::string& text) {
  const Status status = engine.stage_update(std::string_view(text), chunk);
  ASSERT_TRUE(status.ok()) << status.to_text();
}
void save(SafeChunkEngine& engine) {
  const Status status = engine.force_sync();
  ASSERT_TRUE(status.ok()) << status.to_text();
}

// --- when the worker writes

// Kills: a worker that does not wake up for a new deadline.
TEST(EngineWorker, CommitsAfterTheDebounceDelay) {
  Machine machine;
  Counter syncs;
  auto engine = machine.engine();
  engine.on_sync([&] { syncs.add(); });
  put(engine, "a", "1");
  machine.clock.await_deadline(machine.clock.now() + seconds(1));
  EXPECT_EQ(machine.chunk("a"), "(missing)");
  machine.clock.advance(seconds(1));
  syncs.await(1);
  EXPECT_EQ(machine.chunk("a"), "1\n");
  machine.clock.await_idle();
  EXPECT_FALSE(engine.health_report()->dirty_buffer);
}

// G10, "debounce starves under steady edits". Kills: a deadline without max_delay.
TEST(EngineWorker, SteadyEditsAreWrittenByMaxDelay) {
  Machine machine;
  Counter syncs;
  auto engine = machine.engine();
  engine.on_sync([&] { syncs.add(); });
  const auto first = machine.clock.now();
  int edits = 0;
  while (machine.clock.now() < first + seconds(5)) {
    put(engine, "a", std::to_string(++edits));
    const auto deadline = std::min(machine.clock.now() + seconds(1), first + seconds(5));
    machine.clock.await_deadline(deadline);
    EXPECT_EQ(syncs.count(), 0U);
    machine.clock.advance(milliseconds(900));
  }
  syncs.await(1);
  EXPECT_EQ(machine.chunk("a"), std::to_string(edits) + "\n");
}

TEST(EngineWorker, SavesWhatWasStagedWhileItSaved) {
  Machine machine;
  std::atomic<bool> staged{false};
  auto engine = machine.engine();
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    // G1 "staging goes on meanwhile". Kills: dropping what was staged during a commit.
    if (call.verb == "rename" && !staged.exchange(true)) put(engine, "a", "2");
    return std::nullopt;
  });
  put(engine, "a", "1");
  save(engine);
  EXPECT_TRUE(staged);
  EXPECT_EQ(machine.chunk("a"), "1\n");
  EXPECT_EQ(engine.fetch_chunk("a").value(), "2\n");
  EXPECT_TRUE(engine.health_report()->dirty_buffer);
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "2\n");
}

// --- failing saves

// G8, "one unserialisable chunk blocks all later ones for ever". Kills: stopping at the first
// error, retrying without back-off, forgetting what failed.
TEST(EngineFailures, OneChunkDoesNotStopTheOthersAndIsRetried) {
  Machine machine;
  Faults faults;
  auto engine = machine.engine();
  engine.on_fault([&](const Error& error) { faults.add(error); });
  Failing failing(machine.files, "create", "chunks/b.tmp", ENOSPC);
  for (const char* chunk : {"a", "b", "c"}) put(engine, chunk, "1");
  EXPECT_EQ(engine.force_sync().code(), ErrorCode::no_space);
  EXPECT_EQ(machine.chunk("a"), "1\n");
  EXPECT_EQ(machine.chunk("b"), "(missing)");
  EXPECT_EQ(machine.chunk("c"), "1\n");
  EXPECT_TRUE(faults.has(ErrorCode::no_space, "b"));
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
  failing.stop();
  machine.clock.advance(seconds(60));
  machine.clock.await_idle();
  EXPECT_EQ(machine.chunk("b"), "1\n");
  EXPECT_FALSE(engine.health_report()->dirty_buffer);
}

// G8. Kills: a detach that removes the journal although something was not saved.
TEST(EngineFailures, DetachReportsAndKeepsTheJournalAndAttachReplays) {
  Machine machine;
  Faults faults;
  auto engine = machine.engine();
  engine.on_fault([&](const Error& error) { faults.add(error); });
  {
    const Failing failing(machine.files, "sync", "chunks/b.tmp", EIO);
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

// Rule: an fsync that failed is never tried again on the same file. Kills: keeping the temp file.
TEST(EngineFailures, AFailedFsyncTakesAFreshFile) {
  Machine machine;
  std::vector<std::string> calls;
  bool failed = false;
  auto engine = machine.engine();
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.path != "project/chunks/a.tmp") return std::nullopt;
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
    if (call.verb != "sync" || call.path != "project/chunks/a.tmp" ||
        std::exchange(changed, true)) {
      return std::nullopt;
    }
    auto chunks = machine.files.open_directory("/project/chunks").value();
    (void)chunks->open("a.tmp", OpenMode::read_write).value()->write_at(0, "3").value();
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
    const bool journal = call.verb == "sync_data" || call.path.ends_with(".journal.tmp");
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
    if (!replaceable && call.path.ends_with(".journal.tmp")) return EIO;
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

// --- force_sync

TEST(EngineForceSync, NothingStagedCostsNothing) {
  Machine machine;
  auto engine = machine.engine();
  const auto calls = machine.files.calls();
  save(engine);
  EXPECT_EQ(machine.files.calls(), calls);
}

// G1 and cost: threads share commits. Kills: one commit per caller; a caller that returns before
// its own edit is durable.
TEST(EngineForceSync, ThreadsShareCommits) {
  Machine machine;
  auto engine = machine.engine();
  constexpr int kThreads = 16;
  std::atomic<int> commits{0};
  Counter staged;
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb != "sync_directory" || call.path != "project/chunks") return std::nullopt;
    // The first commit holds the gate until everybody has staged.
    if (++commits == 1) staged.await(kThreads);
    return std::nullopt;
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const std::string chunk = "c" + std::to_string(i);
      put(engine, chunk, std::to_string(i));
      staged.add();
      save(engine);
      EXPECT_EQ(machine.chunk(chunk), std::to_string(i) + "\n");
    });
  }
  for (std::thread& thread : threads) thread.join();
  machine.files.set_hook({});
  EXPECT_LT(commits, 4);
  const auto cut = machine.files.crash_clone(3, CrashModel::strict);
  for (int i = 0; i < kThreads; ++i) {
    const auto contents = cut->contents();
    const auto found = contents.find("project/chunks/c" + std::to_string(i) + ".json");
    ASSERT_NE(found, contents.end()) << i;
    EXPECT_EQ(found->second, std::to_string(i) + "\n");
  }
}

TEST(EngineForceSync, TwoDurabilitiesGiveOneResult) {
  for (const Durability durability : {Durability::file, Durability::journal}) {
    Machine machine;
    EngineOptions options;
    options.durability = durability;
    Counter syncs;
    auto engine = machine.engine(options);
    engine.on_sync([&] { syncs.add(); });
    put(engine, "a", "1");
    save(engine);
    EXPECT_EQ(syncs.count(), 1U);
    save(engine);
    EXPECT_EQ(syncs.count(), 1U) << "nothing new was saved";
    ASSERT_TRUE(engine.detach().ok());
    EXPECT_EQ(machine.chunk("a"), "1\n");
    EXPECT_EQ(syncs.count(), 1U) << "told twice";
  }
}

// --- transactions

// G4. Kills: publishing the members that did not fail.
TEST(EngineTransaction, LandsWholeOrNotAtAll) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "from", "100");
  put(engine, "to", "0");
  save(engine);
  Failing failing(machine.files, "sync", "chunks/to.tmp", EIO);
  auto transaction = engine.transaction();
  ASSERT_TRUE(transaction.stage("70", "from").ok());
  ASSERT_TRUE(transaction.stage("30", "to").ok());
  EXPECT_EQ(transaction.commit().code(), ErrorCode::io_error);
  EXPECT_EQ(machine.chunk("from"), "100\n");
  EXPECT_EQ(machine.chunk("to"), "0\n");
  put(engine, "from", "60");  // joins the transaction: it must not land without it
  EXPECT_EQ(engine.force_sync().code(), ErrorCode::io_error);
  EXPECT_EQ(machine.chunk("from"), "100\n");
  failing.stop();
  save(engine);
  EXPECT_EQ(machine.chunk("from"), "60\n");
  EXPECT_EQ(machine.chunk("to"), "30\n");
}

TEST(EngineTransaction, IsCheckedWhenStagedAndNothingHappensBefore) {
  Machine machine;
  auto engine = machine.engine();
  {
    auto dropped = engine.transaction();
    ASSERT_TRUE(dropped.stage("1", "a").ok());
    EXPECT_EQ(dropped.stage("[", "b").code(), ErrorCode::invalid_json);
    EXPECT_EQ(dropped.stage("1", "../b").code(), ErrorCode::invalid_name);
    EXPECT_EQ(dropped.remove("..").code(), ErrorCode::invalid_name);
  }
  EXPECT_FALSE(engine.health_report()->dirty_buffer);
  auto transaction = engine.transaction();
  EXPECT_TRUE(transaction.commit().ok());
  ASSERT_TRUE(transaction.stage("1", "a").ok());
  ASSERT_TRUE(transaction.commit().ok());
  ASSERT_TRUE(transaction.stage("2", "b").ok());  // it is empty, and used again
  ASSERT_TRUE(transaction.remove("a").ok());
  ASSERT_TRUE(transaction.commit().ok());
  EXPECT_EQ(machine.chunk("a"), "(missing)");
  EXPECT_EQ(machine.chunk("b"), "2\n");
}

// Kills: checking each name only against those that are there already.
TEST(EngineTransaction, RefusesNamesEqualButForCase) {
  Machine machine;
  auto engine = machine.engine();
  auto transaction = engine.transaction();
  ASSERT_TRUE(transaction.stage("1", "Users").ok());
  ASSERT_TRUE(transaction.stage("2", "users").ok());
  EXPECT_EQ(transaction.commit().code(), ErrorCode::invalid_name);
  EXPECT_TRUE(engine.list_chunks()->empty());
  EXPECT_FALSE(engine.health_report()->dirty_buffer);
}

// --- names, removal

TEST(EngineNames, EqualButForCaseAreRefused) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "Users", "1");
  EXPECT_EQ(engine.stage_update("2", "users").code(), ErrorCode::invalid_name);
  save(engine);
  EXPECT_EQ(engine.stage_update("2", "USERS").code(), ErrorCode::invalid_name);
  ASSERT_TRUE(engine.detach().ok());
  ASSERT_TRUE(engine.attach().ok());
  EXPECT_EQ(engine.stage_update("2", "users").code(), ErrorCode::invalid_name);
  ASSERT_TRUE(engine.remove_chunk("Users").ok());
  save(engine);
  put(engine, "users", "2");  // the name is free now
  save(engine);
  EXPECT_EQ(engine.list_chunks().value(), std::vector<std::string>{"users"});
}

// Kills: freeing a name because another one, equal but for case, was removed.
TEST(EngineNames, RemovingAnotherSpellingFreesNothing) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "users", "1");
  save(engine);
  auto transaction = engine.transaction();
  ASSERT_TRUE(transaction.remove("USERS").ok());
  ASSERT_TRUE(transaction.stage("1", "other").ok());
  ASSERT_TRUE(transaction.commit().ok());
  EXPECT_EQ(engine.stage_update("2", "Users").code(), ErrorCode::invalid_name);
}

TEST(EngineRemove, ThenCreateAgain) {
  Machine machine;
  auto engine = machine.engine();
  for (const char* text : {"1", "2"}) {
    put(engine, "a", text);
    save(engine);
  }
  ASSERT_TRUE(engine.remove_chunk("a").ok());
  EXPECT_EQ(engine.remove_chunk("a").code(), ErrorCode::not_found);
  EXPECT_TRUE(engine.list_chunks()->empty());
  put(engine, "a", "3");
  EXPECT_EQ(engine.fetch_chunk("a").value(), "3\n");
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "3\n");
  ASSERT_TRUE(engine.remove_chunk("a").ok());
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "(missing)");
  EXPECT_FALSE(machine.file("chunks_bak/a.bak")) << "a removed chunk would come back";
  put(engine, "a", "4");
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "4\n");
}

// --- limits

TEST(EngineLimits, TooLargeAndTooDeepAreRefusedAtTheCall) {
  Machine machine;
  EngineOptions options;
  options.chunk_size_limit = 100;
  options.depth_limit = 4;
  auto engine = machine.engine(options);
  EXPECT_EQ(engine.stage_update(std::string_view("\"" + std::string(98, 'x') + "\""), "a").code(),
            ErrorCode::too_large);
  EXPECT_EQ(engine.stage_update("[[[[[1]]]]]", "a").code(), ErrorCode::too_deep);
  EXPECT_TRUE(engine.stage_update("[[[[1]]]]", "a").ok());
  const Status bad = engine.stage_update("{\n  \"a\": tru\n}", "b");
  EXPECT_EQ(bad.code(), ErrorCode::invalid_json);
  ASSERT_TRUE(bad.error().position.has_value());
  EXPECT_EQ(bad.error().position->line, 2U);
  EXPECT_EQ(bad.error().chunk, "b");
  EXPECT_EQ(engine.list_chunks().value(), std::vector<std::string>{"a"});
}

// Kills: a file that the engine writes but refuses to read.
TEST(EngineLimits, WhatWouldBeTooLargeIndentedIsWrittenCompact) {
  Machine machine;
  EngineOptions options;
  options.chunk_size_limit = 100;
  auto engine = machine.engine(options);
  std::string text = "[0";
  while (text.size() < 90) text += ",1";
  text += "]";
  put(engine, "a", text);
  save(engine);
  EXPECT_EQ(machine.chunk("a"), text + "\n");
  EXPECT_EQ(engine.fetch_chunk("a").value(), text + "\n");
  ASSERT_TRUE(engine.detach().ok());
  ASSERT_TRUE(engine.attach().ok());
  EXPECT_EQ(engine.fetch_chunk("a").value(), text + "\n");
}

// A file of exactly the limit can be read, checkpointed and restored.
TEST(EngineLimits, AChunkOfExactlyTheLimitIsRestored) {
  Machine machine;
  EngineOptions options;
  options.chunk_size_limit = 400;
  auto engine = machine.engine(options);
  const std::string text = "\"" + std::string(397, 'x') + "\"";
  put(engine, "a", text);
  const auto name = engine.create_checkpoint();
  ASSERT_TRUE(name.ok()) << name.status().to_text();
  put(engine, "a", "2");
  save(engine);
  const Status restored = engine.restore_checkpoint(*name);
  ASSERT_TRUE(restored.ok()) << restored.to_text();
  EXPECT_EQ(engine.fetch_chunk("a").value(), text + "\n");
}

// Kills: a journal that grows without bound, and one that is cut before a durable commit.
TEST(EngineLimits, AFullJournalForcesACommit) {
  Machine machine;
  EngineOptions options;
  options.journal_limit = 4096;
  Counter syncs;
  auto engine = machine.engine(options);
  engine.on_sync([&] { syncs.add(); });
  const std::string text = "\"" + std::string(1000, 'x');
  for (int i = 0; i < 50; ++i) {
    put(engine, "a", text + std::to_string(i) + "\"");
    EXPECT_LE(engine.health_report()->journal_bytes, 4096U + 1200U);
  }
  EXPECT_GE(syncs.count(), 8U);
  EXPECT_NE(machine.chunk("a"), "(missing)");
  const auto disk = machine.files.crash_clone(0, CrashModel::process);
  FakeProcess process(4243, 7);
  EngineOptions plain;
  plain.base_dir = "/";
  auto next = EngineAccess::construct("project", plain, Platform{*disk, machine.clock, process});
  EXPECT_EQ(next.fetch_chunk("a").value(), text + "49\"\n");
}

// --- lifecycle

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
