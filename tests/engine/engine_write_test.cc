// Writing: when the worker saves (G10), what a failing save costs (G8), transactions (G4), limits.

#include <gtest/gtest.h>

#include <cerrno>
#include <thread>

#include "engine/engine_bench.h"

namespace safechunk::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

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
  Failing failing(machine.files, "sync", "chunks/to.08655971.tmp", EIO);
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

TEST(EngineNames, AnotherUnicodeSpellingIsRefusedAndNamesTheOneThatIsThere) {
  Machine machine;
  auto engine = machine.engine();
  const std::string composed = "caf\u00e9";
  const std::string decomposed = "cafe\u0301";
  put(engine, composed, "1");
  const Status refused = engine.stage_update("2", decomposed);
  EXPECT_EQ(refused.code(), ErrorCode::invalid_name);
  EXPECT_NE(refused.error().message.find("'" + composed + "'"), std::string::npos);
  EXPECT_EQ(engine.stage_update("2", "CAFE\u0301").code(), ErrorCode::invalid_name);
  save(engine);
  ASSERT_TRUE(engine.detach().ok());
  ASSERT_TRUE(engine.attach().ok());
  EXPECT_EQ(engine.stage_update("2", decomposed).code(), ErrorCode::invalid_name);
  EXPECT_EQ(engine.list_chunks().value(), std::vector<std::string>{composed});
  EXPECT_TRUE(machine.file("chunks/" + composed + ".json")) << "as it was given";
  ASSERT_TRUE(engine.remove_chunk(composed).ok());
  save(engine);
  put(engine, decomposed, "2");
  save(engine);
  EXPECT_EQ(engine.list_chunks().value(), std::vector<std::string>{decomposed});
}

// Kills: refusing a name because of one that another program has removed or renamed, until the next
// attach; and because of one that would be healed, or is staged, not refusing it.
TEST(EngineNames, OneThatAnotherProgramRemovedIsFree) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "users", "1");
  save(engine);
  const auto chunks = machine.files.open_directory("/project/chunks").value();
  chunks->rename("users.json", "Users.json").throw_if_error();
  put(engine, "Users", "2");
  EXPECT_EQ(engine.stage_update("3", "users").code(), ErrorCode::invalid_name);
  save(engine);
  EXPECT_EQ(machine.chunk("Users"), "2\n");

  ASSERT_TRUE(machine.file("chunks_bak/Users.bak"));
  chunks->unlink("Users.json").throw_if_error();
  EXPECT_EQ(engine.stage_update("3", "users").code(), ErrorCode::invalid_name);
  const auto backups = machine.files.open_directory("/project/chunks_bak").value();
  backups->unlink("Users.bak").throw_if_error();
  put(engine, "users", "3");
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

// Kills: refusing a name until the removal of its other spelling is committed, in which case no
// restore could go back to it; forgetting that the name is taken by the new spelling from then on.
TEST(EngineNames, AnotherSpellingTakesThePlaceOfOneThatIsRemoved) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "users", "1");
  const auto before = engine.create_checkpoint();
  ASSERT_TRUE(before.ok());

  ASSERT_TRUE(engine.remove_chunk("users").ok());
  put(engine, "Users", "2");
  EXPECT_EQ(engine.stage_update("3", "users").code(), ErrorCode::invalid_name);
  save(engine);
  EXPECT_EQ(engine.list_chunks().value(), std::vector<std::string>{"Users"});
  EXPECT_EQ(engine.stage_update("3", "users").code(), ErrorCode::invalid_name);

  auto transaction = engine.transaction();
  ASSERT_TRUE(transaction.stage("4", "USERS").ok());
  ASSERT_TRUE(transaction.remove("Users").ok());
  ASSERT_TRUE(transaction.commit().ok());
  EXPECT_EQ(engine.list_chunks().value(), std::vector<std::string>{"USERS"});

  ASSERT_TRUE(engine.restore_checkpoint(*before).ok());
  EXPECT_EQ(engine.list_chunks().value(), std::vector<std::string>{"users"});
  EXPECT_EQ(machine.chunk("users"), "1\n");
  EXPECT_EQ(engine.stage_update("5", "USERS").code(), ErrorCode::invalid_name);
  EXPECT_TRUE(engine.stage_update("5", "users").ok());
}

// Kills: forgetting at a replay that the name is taken by the new spelling.
TEST(EngineNames, AnotherSpellingIsReplayedInThePlaceOfTheOne) {
  Machine machine;
  {
    auto engine = machine.engine();
    put(engine, "users", "1");
    save(engine);
    ASSERT_TRUE(engine.remove_chunk("users").ok());
    put(engine, "Users", "2");
    machine.files.kill();
  }
  auto after = machine.files.crash_clone(1, CrashModel::process);
  EngineOptions options;
  options.base_dir = "/";
  auto engine =
      EngineAccess::construct("project", options, {*after, machine.clock, machine.process});
  EXPECT_EQ(engine.list_chunks().value(), std::vector<std::string>{"Users"});
  EXPECT_EQ(engine.stage_update("3", "users").code(), ErrorCode::invalid_name);
}

// A file system that ignores case shows the old spelling under the new name. Kills: publishing over
// it, and then removing what was published.
TEST(EngineNames, AnotherSpellingIsRefusedWhereItIsTheSameFile) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "users", "1");
  save(engine);
  // As such a file system would: a second name of the same file.
  auto chunks = machine.files.open_directory("/project/chunks").value();
  ASSERT_TRUE(chunks->link("users.json", *chunks, "Users.json").ok());
  auto transaction = engine.transaction();
  ASSERT_TRUE(transaction.remove("users").ok());
  ASSERT_TRUE(transaction.stage("2", "Users").ok());
  EXPECT_EQ(transaction.commit().code(), ErrorCode::invalid_name);
  EXPECT_EQ(machine.chunk("users"), "1\n");
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
  EXPECT_EQ(engine.stage_update(std::string_view("\"" + std::string(99, 'x') + "\""), "a").code(),
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

// A file of exactly the limit can be read, checkpointed and restored, whoever wrote it.
TEST(EngineLimits, AChunkOfExactlyTheLimitIsRestored) {
  const std::string longest = "\"" + std::string(98, 'x') + "\"";
  const std::string with_newline = "\"" + std::string(97, 'x') + "\"\n";
  const std::string with_blanks = "[1" + std::string(97, ' ') + "]";
  for (const std::string& text : {longest, with_newline, with_blanks}) {
    ASSERT_EQ(text.size(), 100U);
    Machine machine;
    EngineOptions options;
    options.chunk_size_limit = 100;
    auto engine = machine.engine(options);
    machine.write("chunks", "a.json", text);
    EXPECT_EQ(engine.fetch_chunk("a").value(), text);
    const auto name = engine.create_checkpoint();
    ASSERT_TRUE(name.ok()) << name.status().to_text();
    put(engine, "a", "2");
    save(engine);
    const Status restored = engine.restore_checkpoint(*name);
    ASSERT_TRUE(restored.ok()) << restored.to_text();
    const std::string expected = text == with_blanks ? "[\n    1\n]\n" : text;
    EXPECT_EQ(machine.chunk("a"), expected);
    EXPECT_EQ(engine.fetch_chunk("a").value(), expected);
    put(engine, "a", text);
    EXPECT_EQ(engine.fetch_chunk("a").value(), expected) << "staged";
  }
}

// Kills: a limit for chunks that is one for the archive's description as well.
TEST(EngineLimits, AProjectOfTinyChunksHasCheckpoints) {
  Machine machine;
  EngineOptions options;
  options.chunk_size_limit = 10;
  std::string name;
  {
    auto engine = machine.engine(options);
    put(engine, "a", "\"1234567\"");
    name = engine.create_checkpoint().value();
    put(engine, "a", "2");
    EXPECT_TRUE(engine.restore_checkpoint(name).ok());
    EXPECT_EQ(engine.fetch_chunk("a").value(), "\"1234567\"\n");
  }
  options.chunk_size_limit = 9;
  auto engine = machine.engine(options);
  EXPECT_EQ(engine.verify_checkpoint(name).code(), ErrorCode::too_large);
}

// Of an archive that was made with a higher limit. Kills: restoring all the others without it.
TEST(EngineLimits, ARestoreOfAChunkThatIsTooLargeChangesNothing) {
  Machine machine;
  EngineOptions options;
  std::string name;
  {
    auto engine = machine.engine(options);
    put(engine, "b", "1");
    put(engine, "z", "\"" + std::string(398, 'x') + "\"");
    name = engine.create_checkpoint().value();
    put(engine, "b", "2");
    put(engine, "z", "2");
    save(engine);
  }
  options.chunk_size_limit = 399;
  auto engine = machine.engine(options);
  EXPECT_EQ(engine.restore_checkpoint(name).code(), ErrorCode::too_large);
  EXPECT_EQ(engine.fetch_chunk("b").value(), "2\n");
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

}  // namespace
}  // namespace safechunk::test
