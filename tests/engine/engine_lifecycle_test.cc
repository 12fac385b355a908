// Attach, detach, moves, destruction (G9, G10).

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine_bench.h"
#include "storage/journal/journal.h"

namespace safechunk::test {
namespace {

using std::chrono::milliseconds;

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

// --- options

TEST(EngineOptionsCheck, EveryCallSaysWhatIsWrong) {
  using Change = void (*)(EngineOptions&);
  const Change changes[] = {[](EngineOptions& o) { o.debounce_delay = milliseconds(-1); },
                            [](EngineOptions& o) { o.max_delay = milliseconds(-1); },
                            [](EngineOptions& o) { o.indent = 17; },
                            [](EngineOptions& o) { o.depth_limit = 1'000'001; },
                            [](EngineOptions& o) { o.base_dir = std::string("/a\0b", 4); }};
  for (const Change change : changes) {
    Machine machine;
    EngineOptions options;
    options.base_dir = "/";
    change(options);
    auto engine = EngineAccess::construct("project", options, machine.platform());
    EXPECT_FALSE(engine.is_active());
    for (const ErrorCode code :
         {engine.status().code(), engine.attach().code(), engine.force_sync().code(),
          engine.stage_update("1", "a").code(), engine.remove_chunk("a").code(),
          engine.fetch_chunk("a").code(), engine.list_chunks().code(),
          engine.create_checkpoint().code(), engine.list_checkpoints().code(),
          engine.verify_checkpoint("checkpoint_x_20200101_000000.zip").code(),
          engine.health_report().code(), engine.verify().code(), engine.repair().code()}) {
      EXPECT_EQ(code, ErrorCode::invalid_argument);
    }
    EXPECT_TRUE(machine.files.contents().empty());
  }
}

TEST(EngineOptionsCheck, AReaderOfAProjectThatIsNotThere) {
  Machine machine;
  EngineOptions options;
  options.mode = Mode::read;
  auto reader = machine.engine(options);
  EXPECT_TRUE(reader.list_chunks()->empty());
  EXPECT_EQ(reader.find_chunk("a").value(), std::nullopt);
  EXPECT_EQ(reader.health_report().code(), ErrorCode::not_found);
  EXPECT_EQ(reader.verify().code(), ErrorCode::not_found);
  EXPECT_EQ(reader.list_checkpoints().code(), ErrorCode::not_found);
  EXPECT_EQ(reader.verify_checkpoint("checkpoint_x_20200101_000000.zip").code(),
            ErrorCode::not_found);
  EXPECT_EQ(reader.repair().code(), ErrorCode::not_owner);
  EXPECT_TRUE(machine.files.contents().empty());
}

// FORMAT.md: everything but chunks/ may be deleted after a clean detach, and the original makes its
// checkpoints folder later. Kills: using a folder that is not there; and a project that looks empty
// to whoever does not own it.
TEST(EngineOptionsCheck, AReaderOfAProjectWithChunksOnly) {
  Machine machine;
  {
    auto engine = machine.engine();
    put(engine, "a", "1");
    put(engine, "b", "1");
  }
  auto root = machine.files.open_directory("/project").value();
  root->remove_directory("chunks_bak").throw_if_error();
  root->remove_directory("checkpoints").throw_if_error();
  EngineOptions options;
  options.mode = Mode::read;
  {
    auto reader = machine.engine(options);
    EXPECT_EQ(reader.fetch_chunk("a").value(), "1\n");
    EXPECT_EQ(reader.find_chunk("c").value(), std::nullopt);
    EXPECT_EQ(reader.list_chunks().value(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(reader.health_report()->shards, 2U);
    EXPECT_TRUE(reader.list_checkpoints()->empty());
    EXPECT_EQ(reader.verify_checkpoint("checkpoint_x_20200101_000000.zip").code(),
              ErrorCode::not_found);
    EXPECT_TRUE(reader.verify()->sound());
    EXPECT_EQ(reader.verify()->files.size(), 2U);
    machine.write("chunks", "b.json", "[gar");
    EXPECT_EQ(reader.fetch_chunk("b").code(), ErrorCode::lost);
    EXPECT_FALSE(reader.verify()->sound());
    for (const char* folder : {"chunks_bak", "checkpoints"}) {
      const Failing failing(machine.files, "stat", std::string("project/") + folder, EIO);
      EXPECT_EQ(reader.list_checkpoints().code(), ErrorCode::io_error) << folder;
    }
  }
  EXPECT_FALSE(machine.file("chunks_bak/"));
  EXPECT_FALSE(machine.file("checkpoints/"));
  auto owner = machine.engine();
  EXPECT_EQ(owner.fetch_chunk("a").value(), "1\n");
}

// --- journals that nobody of ours wrote

std::shared_ptr<JournalRecord> record_of(const std::string& chunk, const std::string& text) {
  auto record = std::make_shared<JournalRecord>();
  record->begin_put(chunk, text.size());
  record->buffer() += text;
  record->end_put();
  return record;
}

// G12: good checksums do not make a good name. G6: what cannot be replayed is kept. Kills:
// replaying what no engine would have staged; dropping it, or the good edits of the same chunk,
// with it.
TEST(EngineJournal, UnusableEditsAreReportedAndTheOthersReplayed) {
  Machine machine;
  { auto engine = machine.engine(); }
  {
    auto root = machine.files.open_directory("/project").value();
    auto journal = Journal::create(*root, 5).value();
    for (const auto& [chunk, text] : std::vector<std::pair<std::string, std::string>>{
             {"../x", "1"}, {"good", "[1"}, {"good", "[1]"}, {"good", "[1,"}, {"nul", "1"}}) {
      ASSERT_TRUE(journal->append(*record_of(chunk, text)).ok());
    }
    const auto both = record_of("bad", "[2");
    both->add_removal("../y");
    both->begin_put("together", 1);
    both->buffer() += "2";
    both->end_put();
    ASSERT_TRUE(journal->append(*both).ok());
  }
  {
    const Failing failing(machine.files, "create", "project/quarantine/", ENOSPC);
    EXPECT_EQ(machine.engine().status().code(), ErrorCode::no_space) << "evidence comes first";
  }
  auto engine = machine.engine();
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  EXPECT_EQ(engine.list_chunks().value(), (std::vector<std::string>{"good", "together"}));
  EXPECT_EQ(engine.fetch_chunk("good").value(), "[\n    1\n]\n");
  std::size_t reported = 0;
  for (const Event& event : engine.recovery_report().events) {
    if (event.kind == Event::Kind::journal_damaged) ++reported;
  }
  EXPECT_EQ(reported, 6U);
  std::multiset<std::string> kept;
  for (const auto& [path, bytes] : machine.files.contents()) {
    if (path.starts_with("project/quarantine/journal.unusable.")) kept.insert(bytes);
  }
  EXPECT_EQ(kept, (std::multiset<std::string>{"1", "[1", "[1,", "[2"}));  // once per content
}

// Kills: a reader that gives the last committed version as the newest one while it cannot know.
TEST(EngineJournal, AReaderThatCannotReadItSaysSo) {
  Machine machine;
  {
    auto owner = machine.engine();
    put(owner, "a", "1");
    ASSERT_TRUE(owner.force_sync().ok());
    put(owner, "a", "2");
    machine.files.kill();
  }
  const auto left = machine.files.crash_clone(0, CrashModel::process);
  left->set_hook([](const SimCall& call) -> std::optional<int> {
    const bool journal = call.verb == "open" && call.path == "project/.journal";
    return journal ? std::optional(EACCES) : std::nullopt;
  });
  EngineOptions options;
  options.base_dir = "/";
  options.mode = Mode::read;
  FakeProcess process(5000);
  auto reader =
      EngineAccess::construct("project", options, Platform{*left, machine.clock, process});
  Faults faults;
  reader.on_fault([&](const Error& error) { faults.add(error); });
  const auto read = reader.read_chunk("a");
  ASSERT_TRUE(read.ok()) << read.status().to_text();
  EXPECT_EQ(read->text, "1\n");
  EXPECT_EQ(read->older.code(), ErrorCode::permission_denied);
  EXPECT_NE(read->older.error().path.find(".journal"), std::string::npos);
  EXPECT_TRUE(faults.has(ErrorCode::permission_denied, "a"));
  EXPECT_EQ(reader.read_chunk("b")->older.code(), ErrorCode::permission_denied);  // it may be there
}

// Kills: a reader that takes a project without chunks/ for an empty one.
TEST(EngineJournal, AReaderDoesNotTakeALostFolderForAnEmptyProject) {
  Machine machine;
  {
    auto owner = machine.engine();
    for (const char* text : {"1", "2"}) {
      put(owner, "a", text);
      ASSERT_TRUE(owner.force_sync().ok());
    }
  }
  machine.files.open_directory("/project/chunks").value()->unlink("a.json").throw_if_error();
  machine.files.open_directory("/project").value()->remove_directory("chunks").throw_if_error();
  EngineOptions options;
  options.mode = Mode::read;
  auto reader = machine.engine(options);
  EXPECT_EQ(reader.fetch_chunk("a").code(), ErrorCode::lost);
}

// Kills: verify that does not look into the journal of an owner that is gone, or takes the lock
// file that it left behind for its life.
TEST(EngineJournal, VerifyTellsWhatTheJournalOfADeadOwnerCanHeal) {
  Machine machine;
  std::unique_ptr<SimFileSystem> left;
  {
    auto engine = machine.engine();
    ASSERT_TRUE(engine.stage_update("1", "a").ok());
    ASSERT_TRUE(engine.force_sync().ok());
    ASSERT_TRUE(engine.stage_update("2", "a").ok());
    left = machine.files.crash_clone(0, CrashModel::process);
  }
  auto chunks = left->open_directory("/project/chunks").value();
  ASSERT_TRUE(chunks->open("a.json", OpenMode::read_write).value()->write_at(0, "[").ok());
  FakeProcess reader_process(77, 99);
  const auto state_of = [&](const std::string& path) -> std::string {
    EngineOptions options;
    options.base_dir = "/";
    options.mode = Mode::read;
    auto reader =
        EngineAccess::construct("project", options, {*left, machine.clock, reader_process});
    const VerifyReport report = reader.verify().value();
    for (const FileVerdict& file : report.files) {
      if (file.path == path) return std::string(to_string(file.state));
    }
    return "(not told)";
  };
  EXPECT_EQ(state_of("chunks/a.json"), "healable");
  EXPECT_EQ(state_of(".journal"), "good");
  auto root = left->open_directory("/project").value();
  auto journal = root->open(".journal", OpenMode::read_write).value();
  ASSERT_TRUE(journal->write_at(40, "x").ok());
  // A live owner may be about to finish the last record; one that is gone is not.
  const std::int64_t owner = machine.process.pid();
  reader_process.others[owner] = *machine.process.find(owner);
  EXPECT_EQ(state_of(".journal"), "good");
  *reader_process.others[owner].started += 100;  // somebody else has that number now
  EXPECT_EQ(state_of(".journal"), "lost");
  reader_process.others.clear();
  EXPECT_EQ(state_of(".journal"), "lost");
  EXPECT_EQ(state_of("chunks/a.json"), "lost");
  ASSERT_TRUE(root->unlink(".lock").ok());
  EXPECT_EQ(state_of(".journal"), "lost");
}

}  // namespace
}  // namespace safechunk::test
