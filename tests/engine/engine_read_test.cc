// Reading, healing and health: G5, G6, G7, and "unreadable (EACCES) is treated as corrupt", "total
// loss returns {} with no fault".

#include <gtest/gtest.h>

#include <cerrno>

#include "engine/engine_bench.h"

namespace safechunk::test {
namespace {

// Two versions of chunk "a": 1 is the backup, 2 the primary.
class EngineRead : public testing::Test {
 protected:
  void SetUp() override {
    engine_.on_fault([this](const Error& error) { faults_.add(error); });
    for (const char* text : {"1", "2"}) {
      ASSERT_TRUE(engine_.stage_update(text, "a").ok());
      ASSERT_TRUE(engine_.force_sync().ok());
    }
  }

  // The next attach knows of good versions only what is on disk.
  void forget_recent_texts() {
    ASSERT_TRUE(engine_.detach().ok());
    ASSERT_TRUE(engine_.attach().ok());
  }

  Machine machine_;
  Faults faults_;
  SafeChunkEngine engine_ = machine_.engine();
};

// G17. Kills: putting a chunk back by two versions when a typo or rot damages it.
TEST_F(EngineRead, DamageIsHealedByTheNewestGoodVersion) {
  machine_.write("chunks", "a.json", "{\n  \"x\": 1,\n  oops\n}");
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  EXPECT_EQ(machine_.chunk("a"), "2\n");
  EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "1\n");
  EXPECT_TRUE(faults_.has(ErrorCode::invalid_edit, "a"));
  bool located = false;
  for (const Error& error : faults_.list()) {
    located = located || (error.message.find("line 3, column 3") != std::string::npos &&
                          error.message.find("quarantine/a.json.") != std::string::npos);
  }
  EXPECT_TRUE(located) << "says where the mistake is, and where the text is kept";
  forget_recent_texts();
  machine_.write("chunks", "a.json", "[gar");
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "1\n");
}

// G17. Kills: going back behind a hand edit that was read, to what the engine saved before it.
TEST_F(EngineRead, AHandEditThatWasReadIsAGoodVersion) {
  machine_.clock.advance(std::chrono::seconds(3));
  machine_.write("chunks", "a.json", "[\"by hand\"]");
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "[\"by hand\"]");
  machine_.clock.advance(std::chrono::seconds(3));
  machine_.write("chunks", "a.json", "[\"by hand\",]");
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "[\"by hand\"]");  // as that hand has laid it out
}

// The same for what it only read since it was attached.
TEST_F(EngineRead, WhatWasReadIsAGoodVersion) {
  forget_recent_texts();
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  machine_.write("chunks", "a.json", "[gar");
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
}

// Names that are one under the rules of other systems, as a project unpacked from there has them.
// Kills: reading such a chunk as one that was never saved.
TEST_F(EngineRead, AnotherSpellingOfANameIsNamed) {
  ASSERT_TRUE(engine_.detach().ok());
  machine_.write("chunks", "A\u030Angstr\u00F6m.json", "[1]");
  const auto expect_named = [](SafeChunkEngine& engine) {
    for (const char* name : {"\u00C5ngstr\u00F6m", "\u00E5ngstr\u00F6m"}) {
      const auto read = engine.find_chunk(name);
      EXPECT_EQ(read.code(), ErrorCode::invalid_name) << name;
      EXPECT_NE(read.error().message.find("A\u030Angstr\u00F6m"), std::string::npos);
    }
    EXPECT_EQ(engine.find_chunk("angstrom").value(), std::nullopt);
  };
  expect_named(engine_);  // as a reader
  ASSERT_TRUE(engine_.attach().ok());
  expect_named(engine_);
}

// Rule 3. Kills: giving an older version with a plain success.
TEST_F(EngineRead, AnOlderVersionIsNeverAPlainSuccess) {
  EXPECT_TRUE(engine_.read_chunk("a")->older.ok());
  machine_.write("chunks", "a.json", "[gar");
  const ChunkRead healed = engine_.read_chunk("a").value();
  EXPECT_EQ(healed.text, "2\n");
  EXPECT_EQ(healed.older.code(), ErrorCode::healed);
  EXPECT_TRUE(engine_.read_chunk("a")->older.ok()) << "from now on it is what is in the file";
}

// G15. A program has truncated the file and is about to write. Kills: healing over it, and saving
// over it before it had time.
TEST_F(EngineRead, AFileThatIsBeingWrittenIsLeftAlone) {
  const auto chunks = machine_.files.open_directory("/project/chunks").value();
  auto editor = chunks->open("a.json", OpenMode::read_write).value();
  editor->truncate(0).throw_if_error();
  const ChunkRead read = engine_.read_chunk("a").value();
  EXPECT_EQ(read.text, "2\n");
  EXPECT_EQ(read.older.code(), ErrorCode::being_edited);
  EXPECT_EQ(machine_.chunk("a"), "");
  EXPECT_TRUE(faults_.has(ErrorCode::being_edited, "a"));
  const std::size_t reported = faults_.list().size();
  (void)engine_.read_chunk("a").value();
  EXPECT_EQ(faults_.list().size(), reported) << "one episode is reported once";
  EXPECT_FALSE(engine_.repair().ok());
  EXPECT_EQ(machine_.chunk("a"), "");
  (void)editor->write_at(0, "\"by hand\"").value();
  editor.reset();
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "\"by hand\"");
}

// The same for a save: it waits, other chunks are saved, and after the patience the file itself
// goes to quarantine, so that what the program writes later is somewhere.
TEST_F(EngineRead, ASaveWaitsForAProgramThatIsWritingTheFile) {
  const auto chunks = machine_.files.open_directory("/project/chunks").value();
  auto editor = chunks->open("a.json", OpenMode::read_write).value();
  put(engine_, "a", "3");
  put(engine_, "b", "3");
  machine_.clock.advance(std::chrono::seconds(1));
  machine_.clock.await_deadline(machine_.clock.now() + std::chrono::seconds(1));  // the back-off
  EXPECT_EQ(machine_.chunk("a"), "2\n");
  EXPECT_EQ(machine_.chunk("b"), "3\n");
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "3\n");
  EXPECT_TRUE(faults_.has(ErrorCode::being_edited, "a"));
  machine_.clock.advance(std::chrono::seconds(6));
  machine_.clock.await_idle();
  EXPECT_EQ(machine_.chunk("a"), "3\n");
  (void)editor->write_at(0, "\"late\"").value();
  editor.reset();
  EXPECT_EQ(machine_.chunk("a"), "3\n");
  bool kept = false;
  for (const auto& [path, bytes] : machine_.files.contents()) {
    kept = kept || (path.starts_with("project/quarantine/") && bytes == "\"late\"");
  }
  EXPECT_TRUE(kept);
  EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "2\n") << "the backup is a copy";
}

// Kills: patience that was used up by an earlier program, whose chunk was then removed.
TEST_F(EngineRead, EachProgramIsWaitedForAnew) {
  const auto chunks = machine_.files.open_directory("/project/chunks").value();
  const auto save = [&] {
    machine_.clock.advance(std::chrono::seconds(1));
    machine_.clock.await_deadline(machine_.clock.now() + std::chrono::seconds(1));
  };
  {
    const auto editor = chunks->open("a.json", OpenMode::read_write).value();
    ASSERT_TRUE(engine_.remove_chunk("a").ok());
    save();
    EXPECT_EQ(machine_.chunk("a"), "2\n");
  }
  machine_.clock.advance(std::chrono::seconds(2));
  machine_.clock.await_idle();
  ASSERT_EQ(machine_.chunk("a"), "(missing)");
  machine_.clock.advance(std::chrono::seconds(10));
  machine_.write("chunks", "a.json", "4");
  const auto editor = chunks->open("a.json", OpenMode::read_write).value();
  put(engine_, "a", "5");
  save();
  EXPECT_EQ(machine_.chunk("a"), "4");
}

// "heal or save over a corrupt primary rotates the corrupt bytes over the good backup". Kills: a
// rotation that does not look at what it rotates.
TEST_F(EngineRead, SavingOverADamagedChunkKeepsTheBackup) {
  machine_.write("chunks", "a.json", "[gar");
  ASSERT_TRUE(engine_.stage_update("3", "a").ok());
  ASSERT_TRUE(engine_.force_sync().ok());
  EXPECT_EQ(machine_.chunk("a"), "3\n");
  EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "1\n");
  EXPECT_EQ(engine_.health_report()->quarantine_files, 1U);
  EXPECT_TRUE(faults_.has(ErrorCode::invalid_edit, "a"));
}

TEST_F(EngineRead, DamageBeyondHealingIsAnErrorAndKeptOnce) {
  forget_recent_texts();
  machine_.write("chunks", "a.json", "[gar");
  machine_.write("chunks_bak", "a.bak", "[bage");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(engine_.fetch_chunk("a").code(), ErrorCode::lost);
    EXPECT_EQ(engine_.find_chunk("a").code(), ErrorCode::lost);
  }
  EXPECT_TRUE(faults_.has(ErrorCode::lost, "a"));
  EXPECT_EQ(engine_.health_report()->quarantine_files, 2U);
  EXPECT_EQ(machine_.chunk("a"), "[gar") << "evidence is never deleted";
  EXPECT_TRUE(engine_.create_checkpoint().ok()) << "of the other chunks";
  ASSERT_TRUE(engine_.remove_chunk("a").ok());
  ASSERT_TRUE(engine_.force_sync().ok());
  EXPECT_FALSE(engine_.find_chunk("a")->has_value());
}

// Privacy: who may not read a chunk must not read it in quarantine, with links and without. Kills:
// a copy with the mode of the umask.
TEST_F(EngineRead, EvidenceIsForThoseWhoMayReadTheChunk) {
  for (const bool links : {true, false}) {
    Machine machine(true, links);
    auto engine = machine.engine();
    put(engine, "a", "1");
    save(engine);
    const auto chunks = machine.files.open_directory("/project/chunks").value();
    chunks->open("a.json", OpenMode::read_write)
        .value()
        ->set_permissions({0600, 0, 0})
        .throw_if_error();
    machine.write("chunks", "a.json", "[gar");
    EXPECT_EQ(engine.fetch_chunk("a").value(), "1\n");
    const auto quarantine = machine.files.open_directory("/project/quarantine").value();
    const auto kept = quarantine->list().value();
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_EQ(quarantine->stat(kept.front()).value().permissions.mode, 0600U);
  }
}

// G6. A disk that is full can still give the data. Kills: healing before the evidence is safe.
TEST_F(EngineRead, WithoutRoomForQuarantineTheBackupIsReturnedAndNothingChanged) {
  machine_.write("chunks", "a.json", "[gar");
  const auto before = machine_.files.contents();
  {
    const Failing failing(machine_.files, "make_directory", "quarantine", ENOSPC);
    EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  }
  EXPECT_EQ(machine_.files.contents(), before);
  EXPECT_TRUE(faults_.has(ErrorCode::no_space, "a"));
  EXPECT_EQ(engine_.health_report()->heals, 0U);
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  EXPECT_EQ(machine_.chunk("a"), "2\n");
  EXPECT_EQ(engine_.health_report()->heals, 1U);
}

// G8. Kills: naming something else than the call that failed.
TEST_F(EngineRead, AHealThatFailsNamesItsCause) {
  machine_.write("chunks", "a.json", "[gar");
  const Failing failing(machine_.files, "sync", "chunks/a.749b0e0d.tmp", EIO);
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  EXPECT_TRUE(faults_.has(ErrorCode::io_error, "a"));
  EXPECT_EQ(engine_.repair().code(), ErrorCode::io_error);
  EXPECT_EQ(machine_.chunk("a"), "[gar");
}

// Kills: telling that the bytes are in quarantine when there was no room for them.
TEST_F(EngineRead, DamageBeyondHealingTellsWhereTheBytesAre) {
  forget_recent_texts();
  machine_.write("chunks", "a.json", "[gar");
  machine_.write("chunks_bak", "a.bak", "[bage");
  const auto message = [&] { return engine_.fetch_chunk("a").error().message; };
  {
    const Failing failing(machine_.files, "make_directory", "quarantine", ENOSPC);
    EXPECT_NE(message().find("kept where they are ("), std::string::npos) << message();
  }
  EXPECT_TRUE(message().ends_with("the bytes are kept")) << message();
}

// Kills: treating every failure to read as damage.
TEST_F(EngineRead, UnreadableIsReportedAndNothingHealedOverIt) {
  for (const auto& [error, code] :
       {std::pair(EACCES, ErrorCode::permission_denied), std::pair(EIO, ErrorCode::io_error)}) {
    const auto before = machine_.files.contents();
    for (const char* verb : {"open", "read_at"}) {
      const Failing failing(machine_.files, verb, "chunks/a.json", error);
      EXPECT_EQ(engine_.fetch_chunk("a").code(), code);
      EXPECT_EQ(engine_.remove_chunk("a").code(), code);
      EXPECT_GT(failing.hits(), 0);
    }
    EXPECT_EQ(machine_.files.contents(), before);
  }
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  EXPECT_EQ(engine_.health_report()->quarantine_files, 0U);
}

// It may become unreadable between the look that found damage and the heal. Kills: a heal that does
// not look for itself.
TEST_F(EngineRead, UnreadableAtTheSecondLookIsNotHealedOver) {
  machine_.write("chunks", "a.json", "[gar");
  const auto before = machine_.files.contents();
  int opened = 0;
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb != "open" || call.path != "project/chunks/a.json" || ++opened == 1) {
      return std::nullopt;
    }
    return EACCES;
  });
  EXPECT_EQ(engine_.fetch_chunk("a").code(), ErrorCode::permission_denied);
  machine_.files.set_hook({});
  EXPECT_EQ(opened, 2);
  EXPECT_EQ(machine_.files.contents(), before);
}

// The original wrote NaN, and files with a byte-order mark were accepted.
TEST_F(EngineRead, LegacyTextIsReadableButCannotBeStaged) {
  machine_.write("chunks", "nan.json", "{\"x\": NaN, \"y\": -Infinity}");
  machine_.write("chunks", "bom.json", "\xEF\xBB\xBF[1]");
  EXPECT_EQ(engine_.fetch_chunk("nan").value(), "{\"x\": NaN, \"y\": -Infinity}");
  EXPECT_EQ(engine_.fetch_chunk("bom").value(), "[1]");
  EXPECT_EQ(engine_.stage_update("{\"x\": NaN}", "nan").code(), ErrorCode::invalid_json);
  // Editors of Windows put a byte-order mark there; it is not kept.
  EXPECT_TRUE(engine_.stage_update("\xEF\xBB\xBF[1]", "bom").ok());
  const auto name = engine_.create_checkpoint();
  ASSERT_TRUE(name.ok()) << name.status().to_text();
  ASSERT_TRUE(engine_.stage_update("0", "nan").ok());
  ASSERT_TRUE(engine_.restore_checkpoint(*name).ok());
  EXPECT_NE(engine_.fetch_chunk("nan")->find("NaN"), std::string::npos);
}

// G2 for those who read beside the owner. Kills: removing the chunk before its backup.
TEST_F(EngineRead, AReaderDuringARemovalSeesNothingOlder) {
  ASSERT_TRUE(engine_.remove_chunk("a").ok());
  int removed = 0;
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    const bool removes = call.path == "project/chunks/a.json"
                             ? call.verb == "rename"
                             : call.verb == "unlink" && call.path == "project/chunks_bak/a.bak";
    if (!removes) return std::nullopt;
    return ++removed == 1 ? std::nullopt : std::optional(EIO);
  });
  EXPECT_EQ(engine_.force_sync().code(), ErrorCode::io_error);
  EXPECT_EQ(removed, 2);
  {
    EngineOptions options;
    options.mode = Mode::read;
    SafeChunkEngine reader = machine_.engine(options);
    EXPECT_EQ(reader.fetch_chunk("a").value(), "2\n");
  }
  machine_.files.set_hook({});
  EXPECT_TRUE(engine_.force_sync().ok());
  EXPECT_EQ(machine_.chunk("a"), "(missing)");
}

// G1: the journal on the disk may be older than a backup. Kills: a healed file without its place in
// the journal's order, upon which an old record that a power cut brings back would be replayed.
TEST_F(EngineRead, AfterAHealNoOlderEditComesBack) {
  ASSERT_TRUE(engine_.stage_update("7", "a").ok());
  ASSERT_TRUE(engine_.stage_update("7", "b").ok());
  ASSERT_TRUE(engine_.force_sync().ok());  // two chunks: the journal is synced, and keeps this
  for (const char* text : {"2", "9"}) {
    ASSERT_TRUE(engine_.stage_update(text, "a").ok());
    ASSERT_TRUE(engine_.force_sync().ok());
  }
  forget_recent_texts();
  machine_.write("chunks", "a.json", "[gar");
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  for (std::uint64_t seed = 0; seed < 32; ++seed) {
    const auto cut = machine_.files.crash_clone(seed, CrashModel::ordered);
    ManualClock clock;
    FakeProcess process(4243, 1000);
    auto engine = EngineAccess::construct("project", {.base_dir = "/"}, {*cut, clock, process});
    EXPECT_EQ(engine.fetch_chunk("a").value(), "2\n") << "seed " << seed;
    cut->kill();
  }
}

TEST_F(EngineRead, HealthAsTheOriginalComputesIt) {
  machine_.write("chunks", "left.904e9af7.tmp", "");
  ASSERT_TRUE(engine_.stage_update("1", "b").ok());
  const HealthReport health = engine_.health_report().value();
  EXPECT_TRUE(health.engine_active);
  EXPECT_TRUE(health.dirty_buffer);
  EXPECT_DOUBLE_EQ(health.storage_usage, 50.0);  // the simulated disk: 1000 used, 1000 free
  EXPECT_EQ(health.orphaned_artifacts, 1U);
  EXPECT_EQ(health.shards, 1U);
  EXPECT_EQ(health.pending_chunks, 1U);
  EXPECT_TRUE(health.stamps_supported);
  EXPECT_EQ(health.owner->pid, 4242);
  EXPECT_DOUBLE_EQ(health.last_sync_unix_time, 1'800'000'000.0);
  EXPECT_GT(health.bytes_written, 4U);
  ASSERT_TRUE(engine_.detach().ok());
  EXPECT_FALSE(engine_.health_report()->engine_active);
}

}  // namespace
}  // namespace safechunk::test
