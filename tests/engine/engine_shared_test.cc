// Engines that write to one project in turn (Mode::shared), over one simulated disk: what they
// leave to each other, and what readers see of them.

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "api/engine_access.h"
#include "storage/journal/journal.h"
#include "storage/project/lock.h"
#include "support/fake_process.h"
#include "support/manual_clock.h"
#include "support/sim_file_system.h"

namespace safechunk::test {
namespace {

constexpr const char* kLock = "project/.lock";

EngineOptions options_of(Mode mode, std::chrono::milliseconds lock_timeout) {
  EngineOptions options;
  options.base_dir = "/";
  options.indent = 0;
  options.mode = mode;
  options.lock_timeout = lock_timeout;
  return options;
}

// A process with an engine of its own.
struct Member {
  explicit Member(SimFileSystem& files, std::int64_t pid = 500, Mode mode = Mode::shared,
                  const std::string& boot = "boot", std::chrono::milliseconds lock_timeout = {})
      : process(pid, static_cast<std::uint64_t>(pid), boot),
        engine(EngineAccess::construct("project", options_of(mode, lock_timeout),
                                       Platform{files, clock, process})) {}

  void put(const std::string& chunk, const std::string& text) {
    engine.stage_update(std::string_view(text), chunk).throw_if_error();
  }
  std::string get(const std::string& chunk) { return engine.fetch_chunk(chunk).value(); }
  Status change_both(const std::string& text) {
    auto transaction = engine.transaction();
    transaction.stage(std::string_view(text), "a").throw_if_error();
    transaction.stage(std::string_view(text), "b").throw_if_error();
    return transaction.commit();
  }

  ManualClock clock;
  FakeProcess process;
  SafeChunkEngine engine;
};

std::uint32_t journal_token(SimFileSystem& files) {
  auto root = files.open_directory("/project").value();
  JournalContents contents;
  Journal::read(*root, contents).throw_if_error();
  return contents.token;
}

// As a copy or a disk that comes back may do: the file stays, and has an older text.
void write_text(SimFileSystem& files, const char* name, const std::string& text) {
  auto root = files.open_directory("/project").value();
  auto file = root->open(name, OpenMode::read_write).value();
  file->truncate(0).throw_if_error();
  (void)file->write_at(0, text).value();
}

// G16. Kills: a journal whose sequences are used twice because a power cut took the newest text.
TEST(EngineShared, GoesOnWithTheJournalInTheSameBootOnly) {
  SimFileSystem files;
  std::uint32_t token = 0;
  {
    Member one(files);
    one.put("a", "1");
    token = journal_token(files);
    Member two(files, 501);
    two.put("a", "2");
    one.put("a", "3");
    EXPECT_EQ(journal_token(files), token);
    EXPECT_TRUE(two.engine.recovery_report().clean);
    files.set_hook([](const SimCall&) { return std::optional(EIO); });  // as if both had died
  }
  files.set_hook({});
  Member three(files, 502, Mode::shared, "another boot");
  three.put("a", "4");
  EXPECT_NE(journal_token(files), token);
  EXPECT_EQ(three.get("a"), "4\n");
}

// Each edit of one journal has a sequence of its own, whatever chunk it changes.
TEST(EngineShared, LeavesTheSequenceToTheNextTurn) {
  SimFileSystem files;
  Member one(files);
  Member two(files, 501);
  std::uint64_t last = 0;
  for (const char* chunk : {"a", "b", "c"}) {
    (last % 2 == 0 ? one : two).put(chunk, "1");
    const auto idle = IdleText::decode(files.contents().at(kLock));
    ASSERT_TRUE(idle);
    EXPECT_EQ(idle->sequence, last + 1);
    last = idle->sequence;
  }
}

// An older text of the lock file over a journal that has something. Kills: taking the text's word.
TEST(EngineShared, RecoversWhatIsInTheJournalWhateverTheLockSays) {
  SimFileSystem files;
  Member one(files);
  Member two(files, 501);
  one.put("a", "1");
  const std::string old = files.contents().at(kLock);
  files.set_hook([](const SimCall& call) -> std::optional<int> {
    const bool of_a_chunk = call.path.starts_with("project/chunks/") && call.path.ends_with("tmp");
    return of_a_chunk ? std::optional(ENOSPC) : std::nullopt;
  });
  EXPECT_FALSE(one.engine.stage_update("2", "a").ok());
  files.set_hook({});
  write_text(files, ".lock", old);
  two.put("b", "1");
  EXPECT_EQ(files.contents().at("project/chunks/a.json"), "2\n");
}

// Kills: an edit whose sequence belongs to another journal.
TEST(EngineShared, DoesNotGoOnWithAnotherJournal) {
  SimFileSystem files;
  Member one(files);
  one.put("a", "1");
  const std::uint32_t token = journal_token(files);
  auto root = files.open_directory("/project").value();
  root->unlink(".journal").throw_if_error();
  (void)Journal::create(*root, token + 2).value();
  one.put("a", "2");
  EXPECT_NE(journal_token(files), token);
  EXPECT_NE(journal_token(files), token + 2);
}

// G4. A disk that was unplugged and came back may have an older text in its lock file, and the same
// machine goes on. Kills: sequences below those of the stamps, which make half a transaction look
// newer than its record.
TEST(EngineShared, UsesNoSequenceTwiceWhenTheLockHasAnOlderText) {
  SimFileSystem files;
  Member one(files);
  one.put("a", "1");
  one.put("b", "1");
  const std::string old = files.contents().at(kLock);
  for (const char* text : {"2", "3", "4"}) one.put("b", text);
  std::size_t states = 0;
  for (std::size_t crash = 0;; ++crash) {
    auto copy = files.crash_clone(0, CrashModel::process);
    write_text(*copy, ".lock", old);
    std::unique_ptr<SimFileSystem> left;
    std::size_t calls = 0;
    Member two(*copy, 501);
    copy->set_hook([&](const SimCall&) -> std::optional<int> {
      if (calls++ == crash) left = copy->crash_clone(0, CrashModel::process);
      return std::nullopt;
    });
    ASSERT_TRUE(two.change_both("9").ok());
    copy->set_hook({});
    if (left == nullptr) break;
    Member three(*left, 502);
    EXPECT_EQ(three.get("a") == "9\n", three.get("b") == "9\n") << "call " << crash;
    ++states;
  }
  EXPECT_GT(states, 20U);
}

// What could not be saved stays in the journal, the lock's text says that there is something to
// recover, and the next turn of another process saves it. Kills: an idle text over a full journal.
TEST(EngineShared, WhatATurnCouldNotSaveTheNextOneSaves) {
  SimFileSystem files;
  Member one(files);
  Member two(files, 501);
  one.put("a", "1");
  files.set_hook([](const SimCall& call) -> std::optional<int> {
    const bool of_a_chunk = call.path.starts_with("project/chunks/") && call.path.ends_with("tmp");
    return of_a_chunk ? std::optional(ENOSPC) : std::nullopt;
  });
  const Status failed = one.engine.stage_update("2", "a");
  files.set_hook({});
  EXPECT_EQ(failed.code(), ErrorCode::no_space) << failed.to_text();
  EXPECT_NE(failed.to_text().find("kept in the journal: 'a'"), std::string::npos)
      << failed.to_text();
  EXPECT_TRUE(one.engine.is_dirty());
  EXPECT_EQ(files.contents().at(kLock), "");
  EXPECT_EQ(two.get("a"), "2\n");  // readers see it in the journal
  two.put("b", "1");
  EXPECT_EQ(files.contents().at("project/chunks/a.json"), "2\n");
  EXPECT_TRUE(IdleText::decode(files.contents().at(kLock)));
  EXPECT_TRUE(one.engine.force_sync().ok());
  EXPECT_FALSE(one.engine.is_dirty());
}

// G16: a transaction that neither files nor journal could take is no success, also when the disk
// works again a moment later. Kills: an edit that is lost and acknowledged.
TEST(EngineShared, WhatIsLostIsAnError) {
  SimFileSystem files;
  Member one(files);
  ASSERT_TRUE(one.change_both("1").ok());
  bool failing = true;
  files.set_hook([&](const SimCall& call) -> std::optional<int> {
    const bool writes = call.verb == "write_at" && !call.path.ends_with("/.lock");
    // The end of the turn: from here on the disk has space again.
    if (failing && call.verb == "write_at" && call.path.ends_with("/.lock")) return std::nullopt;
    if (call.verb == "close" && call.path.ends_with("/.lock")) failing = false;
    return failing && writes ? std::optional(ENOSPC) : std::nullopt;
  });
  auto transaction = one.engine.transaction();
  transaction.stage("2", "a").throw_if_error();
  transaction.stage("2", "b").throw_if_error();
  const Status lost = transaction.commit();
  EXPECT_FALSE(failing);
  EXPECT_EQ(lost.code(), ErrorCode::no_space) << lost.to_text();
  EXPECT_NE(lost.to_text().find("lost"), std::string::npos) << lost.to_text();
  EXPECT_EQ(one.get("a") + one.get("b"), "1\n1\n");
  files.set_hook({});
  // The transaction still has its edits.
  EXPECT_TRUE(transaction.commit().ok());
  EXPECT_EQ(one.get("a") + one.get("b"), "2\n2\n");
}

// The journal failed, and the file was saved: that is a success.
TEST(EngineShared, AnEditThatOnlyTheJournalRefusedIsSaved) {
  SimFileSystem files;
  Member one(files);
  one.put("a", "1");
  bool failed = false;
  files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (failed || call.verb != "write_at" || call.path != "project/.journal") return std::nullopt;
    failed = true;
    return ENOSPC;
  });
  const Status saved = one.engine.stage_update("2", "a");
  files.set_hook({});
  EXPECT_TRUE(failed);
  EXPECT_TRUE(saved.ok()) << saved.to_text();
  EXPECT_EQ(files.contents().at("project/chunks/a.json"), "2\n");
  Member two(files, 501);
  two.put("a", "3");
  EXPECT_EQ(one.get("a"), "3\n");
}

// A function that throws ends the turn and changes nothing.
TEST(EngineShared, AnExceptionOfTheFunctionEndsTheTurn) {
  SimFileSystem files;
  Member one(files);
  Member two(files, 501);
  one.put("a", "1");
  EXPECT_THROW(
      (void)one.engine.update(
          "a", [](const ChunkRead&) -> Result<std::string> { throw std::runtime_error("x"); }),
      std::runtime_error);
  EXPECT_TRUE(IdleText::decode(files.contents().at(kLock)));
  two.put("a", "2");
  one.put("a", "3");
  EXPECT_EQ(two.get("a"), "3\n");
}

// Nobody else writes between the function's reading and its result. Kills: an update without a
// turn.
TEST(EngineShared, AnUpdateIsOneTurn) {
  SimFileSystem files;
  Member one(files);
  Member two(files, 501);
  one.put("a", "1");
  ASSERT_TRUE(one.engine
                  .update("a",
                          [&](const ChunkRead& present) -> Result<std::string> {
                            EXPECT_EQ(two.engine.stage_update("7", "b").code(), ErrorCode::locked);
                            EXPECT_EQ(*present.text, "1\n");
                            return std::string("2");
                          })
                  .ok());
  EXPECT_EQ(two.get("a"), "2\n");
}

// Kills: a turn that is refused although it may wait.
TEST(EngineShared, ATurnWaitsForThatOfAnother) {
  SimFileSystem files;
  Member one(files);
  Member two(files, 501, Mode::shared, "boot", std::chrono::seconds(1));
  const auto here = std::this_thread::get_id();
  std::atomic<bool> tried{false};
  std::atomic<bool> done{false};
  files.set_hook([&](const SimCall& call) -> std::optional<int> {
    const bool tries = call.verb == "try_lock" && call.path == kLock;
    if (tries && std::this_thread::get_id() != here) tried = true;
    return std::nullopt;
  });
  std::thread other;
  ASSERT_TRUE(one.engine
                  .update("a",
                          [&](const ChunkRead&) -> Result<std::string> {
                            other = std::thread([&] {
                              const Status status = two.engine.stage_update("2", "b");
                              EXPECT_TRUE(status.ok()) << status.to_text();
                              done = true;
                            });
                            while (!tried) std::this_thread::yield();
                            return std::string("1");
                          })
                  .ok());
  while (!done) two.clock.advance(std::chrono::microseconds(100));
  other.join();
  files.set_hook({});  // what it uses goes before the engines do
  EXPECT_EQ(one.get("a") + one.get("b"), "1\n2\n");
}

// G9. A turn of another process begins while a reader looks at the journal: the edit that it finds
// there is none that a dead process has left. Kills: not looking at the lock again.
TEST(EngineShared, AReaderTakesNoLiveTurnForADeadOne) {
  SimFileSystem files;
  Member one(files);
  one.put("a", "1");
  Member reader(files, 501, Mode::read);
  one.process.others[501] = {501, 1000.0, "test"};
  reader.process.others[500] = {500, 1000.0, "test"};
  std::vector<std::string> told;
  reader.engine.on_status([&](std::string_view text) { told.emplace_back(text); });

  std::mutex mutex;
  std::condition_variable changed;
  enum class Stage { before, in_turn, read } stage = Stage::before;
  const auto set = [&](Stage next) {
    const std::lock_guard lock(mutex);
    stage = next;
    changed.notify_all();
  };
  const auto await = [&](Stage wanted) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return stage >= wanted; });
  };
  const auto reading = std::this_thread::get_id();
  std::thread writer;
  files.set_hook([&](const SimCall& call) -> std::optional<int> {
    const bool reads_journal = call.path == "project/.journal" && call.verb == "open";
    if (std::this_thread::get_id() == reading && reads_journal && !writer.joinable()) {
      writer = std::thread([&] { one.put("a", "2"); });
      await(Stage::in_turn);
    }
    const bool saves = call.verb == "create" && call.path.starts_with("project/chunks/");
    if (std::this_thread::get_id() != reading && saves) {
      set(Stage::in_turn);  // its record is in the journal
      await(Stage::read);
    }
    return std::nullopt;
  });
  EXPECT_EQ(reader.get("a"), "1\n");
  set(Stage::read);
  ASSERT_TRUE(writer.joinable());
  writer.join();
  files.set_hook({});
  EXPECT_EQ(reader.get("a"), "2\n");
  EXPECT_TRUE(told.empty()) << told.front();
}

// G13. Others wait for a checkpoint and for a restore, and go on behind them.
TEST(EngineShared, CheckpointsAndRestoresAreTurns) {
  SimFileSystem files;
  Member one(files);
  Member two(files, 501);
  ASSERT_TRUE(one.change_both("1").ok());
  CheckpointOptions options;
  options.label = "then";
  std::size_t refused = 0;
  const auto write_meanwhile = [&](std::uint64_t, std::uint64_t) {
    refused += two.change_both("5").code() == ErrorCode::locked ? 1 : 0;
    return true;
  };
  const auto name = one.engine.create_checkpoint(options, write_meanwhile);
  ASSERT_TRUE(name) << name.status().to_text();
  EXPECT_GT(refused, 0U);
  ASSERT_TRUE(two.change_both("2").ok());
  bool tried = false;
  files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb == "rename" && call.path.starts_with("project/chunks/") &&
        !std::exchange(tried, true)) {
      EXPECT_EQ(two.change_both("6").code(), ErrorCode::locked);
    }
    return std::nullopt;
  });
  ASSERT_TRUE(one.engine.restore_checkpoint(*name).ok());
  files.set_hook({});
  EXPECT_TRUE(tried);
  EXPECT_EQ(two.get("a") + two.get("b"), "1\n1\n");
  ASSERT_TRUE(two.change_both("3").ok());
  EXPECT_EQ(one.get("a") + one.get("b"), "3\n3\n");
}

// --- files that other programs remove

class LostFiles {
 protected:
  void save(Mode mode) {
    Member before(files_, 500, mode);
    for (const char* text : {R"({"n":0,"keep":1})", R"({"n":1,"keep":1})"}) {
      for (const char* chunk : {"a", "b", "c", "d"}) before.put(chunk, text);
      before.engine.force_sync().throw_if_error();
    }
  }
  void lose_most() {
    auto chunks = files_.open_directory("/project/chunks").value();
    for (const char* file : {"b.json", "c.json", "d.json"}) chunks->unlink(file).throw_if_error();
  }

  SimFileSystem files_;
};

class LostNames : public LostFiles, public testing::TestWithParam<Mode> {
 protected:
  void SetUp() override { save(GetParam()); }
};

class LostNamesOfTurns : public LostFiles, public testing::Test {
 protected:
  void SetUp() override { save(Mode::shared); }
};

// G15. Kills: an edit of a part that begins with an empty chunk, while reads give the backup.
TEST_P(LostNames, APartIsEditedInWhatReadsGive) {
  Member member(files_, 501, GetParam());
  lose_most();
  // An older version has taken its place, which the caller must know before editing it.
  const Status first = member.engine.stage_value("b", "/n", "7");
  EXPECT_EQ(first.code(), ErrorCode::healed) << first.to_text();
  ASSERT_TRUE(member.engine.stage_value("b", "/n", "7").ok());
  // A commit heals all of them.
  const Status merged = member.engine.stage_merge("c", R"({"n":8})");
  EXPECT_TRUE(merged.ok() || merged.code() == ErrorCode::healed) << merged.to_text();
  EXPECT_FALSE(member.engine.stage_value("d", "/n", "9", {.if_absent = true}).ok());
  member.engine.force_sync().throw_if_error();
  EXPECT_EQ(member.get("b"), "{\"n\":7,\"keep\":1}\n");
  EXPECT_NE(member.get("c").find("keep"), std::string::npos);
  EXPECT_NE(member.get("d").find("keep"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(All, LostNames, testing::Values(Mode::owner, Mode::shared),
                         [](const auto& mode) {
                           return std::string(mode.param == Mode::owner ? "owner" : "shared");
                         });

// Kills: files of new chunks, which make the lost ones look removed one by one.
TEST_F(LostNamesOfTurns, AreNotTakenAsRemovedWhenNewChunksCome) {
  Member member(files_, 501);
  lose_most();
  for (const char* chunk : {"n1", "n2", "n3", "n4"}) {
    member.put(chunk, "1");
    member.engine.force_sync().throw_if_error();
  }
  EXPECT_EQ(member.engine.list_chunks().value(),
            (std::vector<std::string>{"a", "b", "c", "d", "n1", "n2", "n3", "n4"}));
}

// Kills: edits that are acknowledged and go into a new folder beside the one that was moved away.
TEST(SharedTurns, RefuseAFolderThatIsNotTheOneBefore) {
  SimFileSystem files;
  Member member(files);
  member.put("a", "1");
  auto root = files.open_directory("/project").value();
  root->rename("chunks", "away").throw_if_error();
  for (const bool is_new : {false, true}) {
    EXPECT_EQ(member.engine.stage_update("2", "a").code(), ErrorCode::conflict) << is_new;
    if (is_new) {
      root->remove_directory("chunks").throw_if_error();
    } else {
      EXPECT_FALSE(root->stat("chunks"));
      root->make_directory("chunks").throw_if_error();
    }
  }
  root->rename("away", "chunks").throw_if_error();
  member.put("a", "3");
  EXPECT_EQ(member.get("a"), "3\n");
}

}  // namespace
}  // namespace safechunk::test
