// Every call that the engine makes to the file system, in its order, for each thing that it does.
// A change to durability (G1, G2, G4, G5, G13) thus shows as a diff of a text file, and so does a
// change of cost: an fsync more, a read that was not there.
//
// Kills: a directory that is not synced after a rename, a rename before the fsync of its file, a
// backup rotated without a sync of its folder, a journal cut before the files are durable. ("backup
// never fsynced, directories never fsynced" of the original.)

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>

#include "engine/engine_bench.h"
#include "engine/schedule.h"

namespace safechunk::test {
namespace {

using Lines = std::vector<std::string>;

// Everything between construction and take().
class Recording {
 public:
  explicit Recording(SimFileSystem& files) : files_(files) {
    files_.set_hook([this](const SimCall& call) -> std::optional<int> {
      std::string line = call.verb + " " + call.path;
      if (!call.target.empty()) line += " -> " + call.target;
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::move(line));
      return std::nullopt;
    });
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() { files_.set_hook({}); }

  Lines take() {
    files_.set_hook({});
    const std::lock_guard lock(mutex_);
    return std::move(lines_);
  }

 private:
  SimFileSystem& files_;
  std::mutex mutex_;
  Lines lines_;
};

Lines read_golden(const std::string& path) {
  std::ifstream file(path);
  Lines lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with('#')) lines.push_back(line);
  }
  return lines;
}

// The two sequences side by side as diff(1) would print them, by their longest common subsequence.
std::string diff(const Lines& expected, const Lines& actual) {
  std::vector<std::vector<std::size_t>> common(expected.size() + 1,
                                               std::vector<std::size_t>(actual.size() + 1));
  for (std::size_t i = expected.size(); i-- > 0;) {
    for (std::size_t j = actual.size(); j-- > 0;) {
      common[i][j] = expected[i] == actual[j] ? common[i + 1][j + 1] + 1
                                              : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::string text;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < expected.size() || j < actual.size()) {
    if (i < expected.size() && j < actual.size() && expected[i] == actual[j]) {
      text += "  " + expected[i++] + "\n";
      ++j;
    } else if (i < expected.size() &&
               (j == actual.size() || common[i + 1][j] >= common[i][j + 1])) {
      text += "- " + expected[i++] + "\n";
    } else {
      text += "+ " + actual[j++] + "\n";
    }
  }
  return text;
}

void expect_golden(const std::string& name, const std::string& title, const Lines& actual) {
  const std::string path = std::string(SAFECHUNK_GOLDEN_FOLDER) + "/" + name + ".txt";
  if (std::getenv("SAFECHUNK_UPDATE_GOLDEN") != nullptr) {
    std::ofstream file(path);
    file << "# " << title << "\n";
    for (const std::string& line : actual) file << line << "\n";
    return;
  }
  const Lines expected = read_golden(path);
  EXPECT_TRUE(expected == actual)
      << "the calls of '" << title << "' are not those of tests/golden/" << name << ".txt:\n"
      << diff(expected, actual)
      << "When this change is meant, run the test with SAFECHUNK_UPDATE_GOLDEN=1 and say in the "
         "commit message why it is right.";
}

EngineOptions with(Durability durability) {
  EngineOptions options;
  options.durability = durability;
  return options;
}

void put_all(SafeChunkEngine& engine, const std::string& text) {
  for (const char* chunk : {"a", "b", "c"}) ASSERT_TRUE(engine.stage_update(text, chunk).ok());
}

TEST(Golden, TheDiffShowsWhatChanged) {
  EXPECT_EQ(diff({"sync a", "rename a"}, {"rename a", "sync a"}),
            "- sync a\n  rename a\n+ sync a\n");
}

TEST(Golden, AttachToANewProject) {
  Machine machine;
  Recording recording(machine.files);
  auto engine = machine.engine();
  ASSERT_TRUE(engine.is_active());
  expect_golden("attach_new", "attach: a project that does not exist yet", recording.take());
}

TEST(Golden, AttachAfterACleanDetach) {
  Machine machine;
  auto engine = machine.engine();
  put_all(engine, "1");
  ASSERT_TRUE(engine.detach().ok());
  Recording recording(machine.files);
  ASSERT_TRUE(engine.attach().ok());
  expect_golden("attach_clean", "attach: three chunks, cleanly detached", recording.take());
}

TEST(Golden, AttachAfterAKill) {
  Machine machine;
  {
    auto engine = machine.engine();
    put_all(engine, "1");
    ASSERT_TRUE(engine.force_sync().ok());
    ASSERT_TRUE(engine.stage_update("2", "a").ok());
    machine.files.kill();
  }
  const auto disk = machine.files.crash_clone(0, CrashModel::process);
  FakeProcess process(4243, 7);
  Recording recording(*disk);
  EngineOptions options;
  options.base_dir = "/";
  auto engine =
      EngineAccess::construct("project", options, Platform{*disk, machine.clock, process});
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  expect_golden("attach_after_kill", "attach: a killed owner left one staged update in the journal",
                recording.take());
  EXPECT_EQ(engine.fetch_chunk("a").value(), "2\n");
}

TEST(Golden, FirstCommitOfOneChunk) {
  Machine machine;
  auto engine = machine.engine();
  Recording recording(machine.files);
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  expect_golden("commit_first", "stage_update + force_sync: a new chunk", recording.take());
}

TEST(Golden, CommitOfOneChunk) {
  Machine machine;
  auto engine = machine.engine();
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  Recording recording(machine.files);
  ASSERT_TRUE(engine.stage_update("2", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  expect_golden("commit_one", "stage_update + force_sync: a chunk that was saved before",
                recording.take());
}

TEST(Golden, CommitOfAnEqualChunk) {
  Machine machine;
  auto engine = machine.engine();
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  Recording recording(machine.files);
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  expect_golden("commit_equal", "stage_update + force_sync: the text that is saved already",
                recording.take());
}

TEST(Golden, CommitOfThreeChunks) {
  Machine machine;
  auto engine = machine.engine();
  put_all(engine, "1");
  ASSERT_TRUE(engine.force_sync().ok());
  Recording recording(machine.files);
  put_all(engine, "2");
  ASSERT_TRUE(engine.force_sync().ok());
  expect_golden("commit_three", "3 x stage_update + force_sync: chunks that were saved before",
                recording.take());
}

TEST(Golden, CommitByTheJournal) {
  Machine machine;
  auto engine = machine.engine(with(Durability::journal));
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  ASSERT_TRUE(engine.create_checkpoint().ok());  // the file is there now
  machine.clock.await_idle();
  Recording recording(machine.files);
  ASSERT_TRUE(engine.stage_update("2", "a").ok());
  machine.clock.await_deadline(machine.clock.now() + std::chrono::seconds(1));
  ASSERT_TRUE(engine.force_sync().ok());
  machine.clock.await_deadline(machine.clock.now() + Debounce::kQuiet);
  machine.clock.advance(Debounce::kQuiet);
  machine.clock.await_idle();
  expect_golden("commit_journal",
                "Durability::journal: stage_update + force_sync, then the worker publishes",
                recording.take());
}

TEST(Golden, RemoveOneChunk) {
  Machine machine;
  auto engine = machine.engine();
  for (const char* text : {"1", "2"}) {
    ASSERT_TRUE(engine.stage_update(text, "a").ok());
    ASSERT_TRUE(engine.force_sync().ok());
  }
  Recording recording(machine.files);
  ASSERT_TRUE(engine.remove_chunk("a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  expect_golden("remove", "remove_chunk + force_sync: a chunk with a backup", recording.take());
}

TEST(Golden, FetchGoodChunk) {
  Machine machine;
  auto engine = machine.engine();
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  Recording recording(machine.files);
  ASSERT_TRUE(engine.fetch_chunk("a").ok());
  expect_golden("fetch", "fetch_chunk: a good chunk", recording.take());
}

TEST(Golden, Heal) {
  Machine machine;
  auto engine = machine.engine();
  for (const char* text : {"1", "2"}) {
    ASSERT_TRUE(engine.stage_update(text, "a").ok());
    ASSERT_TRUE(engine.force_sync().ok());
  }
  machine.write("chunks", "a.json", "[");
  Recording recording(machine.files);
  EXPECT_EQ(engine.fetch_chunk("a").value(), "2\n");
  expect_golden("heal", "fetch_chunk: a damaged chunk, whose newest version is in memory",
                recording.take());
}

TEST(Golden, CreateCheckpoint) {
  Machine machine;
  auto engine = machine.engine();
  // One file only: several are read by several threads, in any order.
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  Recording recording(machine.files);
  ASSERT_TRUE(engine.create_checkpoint().ok());
  expect_golden("checkpoint", "create_checkpoint: one chunk, nothing staged", recording.take());
}

TEST(Golden, DetachWithAStagedUpdate) {
  Machine machine;
  auto engine = machine.engine();
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  ASSERT_TRUE(engine.stage_update("2", "a").ok());
  Recording recording(machine.files);
  ASSERT_TRUE(engine.detach().ok());
  expect_golden("detach", "detach: one update is staged", recording.take());
}

TEST(Golden, DetachWithNothingStaged) {
  Machine machine;
  auto engine = machine.engine();
  Recording recording(machine.files);
  ASSERT_TRUE(engine.detach().ok());
  expect_golden("detach_clean", "detach: nothing is staged", recording.take());
}

// The names of checkpoints hold the local time.
[[maybe_unused]] const int kUseUtc = [] {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  return 0;
}();

}  // namespace
}  // namespace safechunk::test
