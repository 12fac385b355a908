// A writing process is killed with SIGKILL, again and again, in one project.

#include <gtest/gtest.h>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>

#include "support/child_process.h"
#include "support/file_system_probe.h"
#include "support/place.h"

namespace safechunk {
namespace {

using namespace std::chrono_literals;
using test::Child;
using test::Pipe;
using test::TemporaryFolder;
using Json = nlohmann::json;
namespace fs = std::filesystem;

const std::vector<std::string> kChunks =
    test::has_one_chunk()
        ? std::vector<std::string>{"a"}
        : std::vector<std::string>{"chunk0", "chunk1", "chunk2", "chunk3", "chunk4"};
// Of the transactions.
const std::vector<std::string> kPair =
    test::has_one_chunk() ? kChunks : std::vector<std::string>{"left", "right"};
const int kKills = test::is_project() ? 100 : 30;

// Edit number n, the same for the writer and for the judge: which chunks it changes, and to what.
struct Edit {
  explicit Edit(std::uint64_t number) : number_(number) {
    std::mt19937_64 random(number);
    kind_ = random() % 8;
    chunk_ = kChunks[random() % kChunks.size()];
    padding_ = std::string(random() % 3000, static_cast<char>('a' + random() % 26));
  }
  // A transaction over two chunks (G4), or one chunk.
  [[nodiscard]] bool is_transaction() const { return kind_ == 0; }
  [[nodiscard]] std::vector<std::string> chunks() const {
    if (is_transaction()) return kPair;
    return {chunk_};
  }
  [[nodiscard]] std::string text() const {
    return Json{{"number", number_}, {"padding", padding_}}.dump();
  }

 private:
  std::uint64_t number_;
  std::uint64_t kind_ = 0;
  std::string chunk_;
  std::string padding_;
};

struct Report {
  std::uint64_t number;
  std::uint64_t synced;  // force_sync returned after this edit
};

// Stages edits from `first` on, and reports each one after it was accepted, until it is killed.
void write_until_killed(const TemporaryFolder& folder, const Pipe& pipe, std::uint64_t first,
                        unsigned seed) {
  std::mt19937_64 random(seed);
  EngineOptions options = test::options_in(folder);
  options.debounce_delay = std::chrono::milliseconds(random() % 10);
  options.max_delay = 20ms;
  if (random() % 3 == 0) options.durability = Durability::journal;
  if (random() % 4 == 0) options.journal_limit = 20'000;
  const std::uint64_t sync_every = random() % 2 == 0 ? 3 + random() % 20 : ~0ULL;
  SafeChunkEngine engine(test::project_id(), options);
  test::require_ok(engine.status(), "attach");
  for (std::uint64_t number = first;; ++number) {
    const Edit edit(number);
    if (edit.is_transaction()) {
      auto transaction = engine.transaction();
      for (const std::string& chunk : edit.chunks()) {
        test::require_ok(transaction.stage(edit.text(), chunk), "stage in a transaction");
      }
      test::require_ok(transaction.commit(), "commit");
    } else {
      test::require_ok(engine.stage_update(std::string_view(edit.text()), edit.chunks().front()),
                       "stage_update");
    }
    Report report{number, 0};
    if (number % sync_every == 0) {
      test::require_ok(engine.force_sync(), "force_sync");
      report.synced = 1;
    }
    pipe.write({reinterpret_cast<const char*>(&report), sizeof report});
  }
}

// Reads the files as a program would that knows nothing of the engine, until `stop` is closed. At
// every instant each file is one complete version (G2) and none is older than the one before. Where
// the file system does not replace names atomically a file may be away for a moment, no more.
void watch_files(const TemporaryFolder& folder, const Pipe& stop, bool may_be_away) {
  std::map<std::string, std::uint64_t> seen;
  std::vector<std::string> names = kChunks;
  names.insert(names.end(), kPair.begin(), kPair.end());
  while (stop.read(std::chrono::steady_clock::now()).empty()) {
    for (const std::string& name : names) {
      std::ifstream file(folder / ("project/chunks/" + name + ".json"), std::ios::binary);
      if (!file.is_open()) {
        test::require(may_be_away || !seen.contains(name), name + ".json is away");
        continue;
      }
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      const Json value = Json::parse(text, nullptr, false);
      test::require(!value.is_discarded(), name + ".json is not a complete version: " + text);
      const std::uint64_t number = value["number"];
      test::require(value == Json::parse(Edit(number).text()), name + ".json holds a mixture");
      test::require(number >= seen[name], name + ".json went back to an older version");
      seen[name] = number;
    }
  }
}

class KillStorm : public testing::Test {
 protected:
  // The number that each chunk must hold when every edit up to `last` was accepted.
  void accept(std::uint64_t number) {
    for (const std::string& chunk : Edit(number).chunks()) expected_[chunk] = number;
    last_ = number;
  }

  // One writer, from fork to SIGKILL.
  void run_writer(std::mt19937_64& random) {
    Pipe pipe;
    const auto seed = static_cast<unsigned>(random());
    Child writer([&] { write_until_killed(folder_, pipe, last_ + 1, seed); });
    pipe.close_writer();
    // Either a moment after the first edit, or any moment from the fork on.
    std::string reports;
    const auto pause = std::chrono::microseconds(random() % 25'000);
    if (random() % 5 != 0) {
      reports = pipe.read(std::chrono::steady_clock::now() + test::patience());
      ASSERT_FALSE(reports.empty()) << "the writer did not come so far";
    }
    const auto deadline = std::chrono::steady_clock::now() + pause;
    while (std::chrono::steady_clock::now() < deadline) reports += pipe.read(deadline);
    writer.kill();
    ASSERT_EQ(writer.wait(), test::kKilled);
    reports += pipe.read_all();
    ASSERT_EQ(reports.size() % sizeof(Report), 0U);
    for (std::size_t offset = 0; offset < reports.size(); offset += sizeof(Report)) {
      Report report{};
      std::memcpy(&report, reports.data() + offset, sizeof report);
      ASSERT_EQ(report.number, last_ + 1);
      accept(report.number);
      synced_ += report.synced;
    }
  }

  // One process that only opens and closes the project, killed while it recovers.
  void interrupt_recovery(std::mt19937_64& random) {
    Child opener([&] {
      for (;;) SafeChunkEngine engine(test::project_id(), test::options_in(folder_));
    });
    ::usleep(static_cast<useconds_t>(random() % 6'000));
    opener.kill();
    ASSERT_EQ(opener.wait(), test::kKilled);
  }

  void judge(int round) {
    SCOPED_TRACE("round " + std::to_string(round));
    SafeChunkEngine engine(test::project_id(), test::options_in(folder_));
    ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
    // The edit after the last report may have been accepted without being reported any more.
    const std::uint64_t next = last_ + 1;
    bool next_accepted = false;
    std::size_t next_found = 0;
    for (const std::string& chunk : Edit(next).chunks()) {
      auto text = engine.find_chunk(chunk);
      ASSERT_TRUE(text.ok()) << text.status().to_text();
      if (*text && Json::parse(**text)["number"] == next) ++next_found;
    }
    next_accepted = next_found > 0;
    // G4: a transaction landed whole or not at all.
    if (next_accepted) {
      ASSERT_EQ(next_found, Edit(next).chunks().size());
      accept(next);
    }
    // G3: nothing that was accepted is lost, and nothing else is there.
    for (const auto& [chunk, number] : expected_) {
      auto text = engine.find_chunk(chunk);
      ASSERT_TRUE(text.ok() && *text) << chunk << " of edit " << number << " is lost";
      ASSERT_EQ(Json::parse(**text), Json::parse(Edit(number).text())) << chunk;
    }
    ASSERT_EQ(engine.list_chunks()->size(), expected_.size());
    auto verdict = engine.verify();
    ASSERT_TRUE(verdict.ok()) << verdict.status().to_text();
    const bool stamps = test::keeps_attributes();
    for (const FileVerdict& file : verdict->files) {
      const bool unstamped = !stamps && file.state == FileVerdict::State::unstamped;
      ASSERT_TRUE(unstamped || file.state == FileVerdict::State::good)
          << file.path << ": " << file.detail;
    }
    for (const Event& event : engine.recovery_report().events) {
      ASSERT_TRUE(event.kind == Event::Kind::stale_lock || event.kind == Event::Kind::temporary ||
                  event.kind == Event::Kind::replayed || torn_tail(event))
          << to_string(event.kind) << " " << event.chunk << ": " << event.detail;
    }
    // The rest of a torn append is kept; this recovery or one that was killed may have met it.
    if (fs::exists(folder_ / "project/quarantine")) {
      for (const auto& kept : fs::directory_iterator(folder_ / "project/quarantine")) {
        ASSERT_TRUE(kept.path().filename().string().starts_with("journal.")) << kept.path();
      }
    }
    const Status detached = engine.detach();
    ASSERT_TRUE(detached.ok()) << detached.to_text();
    ASSERT_FALSE(fs::exists(folder_ / "project/.journal"));
    ASSERT_FALSE(fs::exists(folder_ / "project/.lock"));
  }

  // A kill inside the append of a record, which was not accepted, is told as such.
  static bool torn_tail(const Event& event) { return event.kind == Event::Kind::journal_damaged; }

  TemporaryFolder folder_;
  std::map<std::string, std::uint64_t> expected_;
  std::uint64_t last_ = 0;
  std::uint64_t synced_ = 0;
};

// G2, G3, G4; field.md: "everything staged dies with the process".
TEST_F(KillStorm, EverythingStagedSurvivesTheProcess) {
  std::mt19937_64 random(test::seed_of_this_run());
  Pipe stop;
  const bool atomic = test::replaces_names_atomically();
  if (!atomic) std::printf("this file system does not replace names atomically for readers\n");
  Child watcher([&] { watch_files(folder_, stop, !atomic); });
  const int kills = kKills * test::storm_factor();
  for (int round = 0; round < kills && !HasFatalFailure(); ++round) {
    run_writer(random);
    if (HasFatalFailure()) break;
    if (random() % 3 == 0) interrupt_recovery(random);
    if (HasFatalFailure()) break;
    judge(round);
  }
  stop.signal();
  EXPECT_EQ(watcher.wait(), 0) << "a reader saw something that is no complete version";
  std::printf("%d kills, %llu edits accepted, %llu force_syncs\n", kills,
              static_cast<unsigned long long>(last_), static_cast<unsigned long long>(synced_));
}

// G3: abort() and a segmentation fault are no better than SIGKILL.
TEST(Kill, EverythingStagedSurvivesAbortAndSegmentationFault) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGTERM}) {
    const TemporaryFolder folder;
    Child child([&] {
      SafeChunkEngine engine(test::project_id(), test::patient_options_in(folder));
      test::require_ok(engine.stage_update("[1]", "a"), "stage_update");
      ::signal(signal, SIG_DFL);
      ::raise(signal);
    });
    ASSERT_EQ(child.wait(), -signal);
    SafeChunkEngine engine(test::project_id(), test::options_in(folder));
    EXPECT_EQ(*engine.fetch_chunk("a"), "[\n    1\n]\n");
    EXPECT_EQ(engine.recovery_report().events.size(), 2U);  // stale lock, replayed
  }
}

// G3: exit() inside the program, without destroying the engine, is a crash like any other.
TEST(Kill, EverythingStagedSurvivesAnExitThatDestroysNothing) {
  const TemporaryFolder folder;
  Child child([&] {
    SafeChunkEngine engine(test::project_id(), test::patient_options_in(folder));
    test::require_ok(engine.stage_update("[1]", "a"), "stage_update");
    test::leave(7);
  });
  ASSERT_EQ(child.wait(), 7);
  SafeChunkEngine engine(test::project_id(), test::options_in(folder));
  EXPECT_EQ(*engine.fetch_chunk("a"), "[\n    1\n]\n");
}

// The host waits for SIGTERM in its own thread, and has blocked it there. Kills: a worker that
// takes it, which ends the process.
TEST(Signals, AreLeftToTheHost) {
  const TemporaryFolder folder;
  Child child([&] {
    SafeChunkEngine engine(test::project_id(), test::options_in(folder));
    test::require_ok(engine.stage_update("1", "a"), "stage_update");
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    test::require(::pthread_sigmask(SIG_BLOCK, &term, nullptr) == 0, "cannot block");
    test::require(::kill(::getpid(), SIGTERM) == 0, "cannot send");
    int received = 0;
    test::require(::sigwait(&term, &received) == 0 && received == SIGTERM, "cannot wait");
    bool named = false;
    for (const auto& task : fs::directory_iterator("/proc/self/task")) {
      named = named || test::read_file(task.path() / "comm") == "safechunk\n";
    }
    test::require(named, "the worker has no name");
    test::require_ok(engine.detach(), "detach");
    ::_exit(0);
  });
  EXPECT_EQ(child.wait(), 0);
}

}  // namespace
}  // namespace safechunk
