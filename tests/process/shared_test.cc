// Several processes that write to one project in turn (Mode::shared, G16).

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "support/child_process.h"
#include "support/place.h"

namespace safechunk {
namespace {

using namespace std::chrono_literals;
using test::Child;
using test::Pipe;
using test::read_file;
using test::require;
using test::require_code;
using test::require_ok;
using test::TemporaryFolder;
namespace fs = std::filesystem;

constexpr int kProcesses = 16;
const int kUpdates = test::is_project() ? 60 : 15;  // of each; SAFECHUNK_STORM multiplies

EngineOptions shared_options(const TemporaryFolder& folder) {
  EngineOptions options = test::options_in(folder);
  options.mode = Mode::shared;
  options.lock_timeout = test::patience();
  return options;
}

SafeChunkEngine open_shared(const TemporaryFolder& folder) {
  auto engine = SafeChunkEngine::open(test::project_id(), shared_options(folder));
  require_ok(engine.status(), "open");
  return *std::move(engine);
}

std::uint64_t number_in(const std::string& text) {
  return std::strtoull(text.c_str(), nullptr, 10);
}

Status count_up(SafeChunkEngine& engine, const char* chunk = "a") {
  return engine.update(chunk, [](const ChunkRead& present) -> Result<std::string> {
    return std::to_string(number_in(present.text.value_or("0")) + 1);
  });
}

// What processes tell each other.
struct Board {
  std::atomic<std::uint64_t> attempted{0};
  std::atomic<std::uint64_t> acknowledged{0};
};

class SharedBoard {
 public:
  SharedBoard() {
    void* memory =
        ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    board_ = new (memory) Board;
  }
  SharedBoard(const SharedBoard&) = delete;
  SharedBoard& operator=(const SharedBoard&) = delete;
  ~SharedBoard() { (void)::munmap(board_, sizeof(Board)); }
  Board& operator*() const { return *board_; }
  Board* operator->() const { return board_; }

 private:
  Board* board_ = nullptr;
};

// G16. Kills: an update that reads before it has the lock.
TEST(Shared, ManyProcessesCountTogether) {
  const TemporaryFolder folder;
  const int updates = kUpdates * test::storm_factor();
  std::vector<Child> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.emplace_back([&] {
      SafeChunkEngine engine = open_shared(folder);
      for (int n = 0; n < updates; ++n) require_ok(count_up(engine), "update");
      require_ok(engine.detach(), "detach");
    });
  }
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(read_file(folder / "project/chunks/a.json"),
            std::to_string(kProcesses * updates) + "\n");
  // The last one leaves nothing but the chunks behind.
  EXPECT_FALSE(fs::exists(folder / "project/.journal"));
  EXPECT_FALSE(fs::exists(folder / "project/.lock"));
  EXPECT_FALSE(fs::exists(folder / "project/.lock.next"));
  SafeChunkEngine engine(test::project_id(), test::options_in(folder));
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  EXPECT_TRUE(engine.recovery_report().events.empty());
  EXPECT_TRUE(engine.verify()->sound());
}

// G16, G3: whoever is killed costs the others nothing but its lock's release.
TEST(Shared, KillsCostNobodyAnUpdate) {
  const TemporaryFolder folder;
  const SharedBoard board;
  std::mt19937 random(test::seed_of_this_run());
  const int kills = (test::is_project() ? 40 : 10) * test::storm_factor();
  // Some take the whole project for each update, and remove journal and lock behind it.
  const auto start_owner = [&] {
    return Child([&] {
      EngineOptions options = test::options_in(folder);
      options.lock_timeout = test::patience();
      for (;;) {
        SafeChunkEngine engine(test::project_id(), options);
        require_ok(engine.status(), "open as owner");
        ++board->attempted;
        require_ok(count_up(engine), "update of an owner");
        ++board->acknowledged;
        require_ok(engine.detach(), "detach");
      }
    });
  };
  const auto start = [&] {
    if (random() % 8 == 0) return start_owner();
    return Child([&] {
      SafeChunkEngine engine = open_shared(folder);
      for (;;) {
        ++board->attempted;
        require_ok(count_up(engine), "update");
        ++board->acknowledged;
      }
    });
  };
  std::vector<Child> children;
  children.push_back(start_owner());
  while (children.size() < kProcesses) children.push_back(start());
  for (int n = 0; n < kills; ++n) {
    ::usleep(50'000);
    Child& victim = children[random() % children.size()];
    victim.kill();
    ASSERT_EQ(victim.wait(), test::kKilled);
    victim = start();
  }
  for (Child& child : children) child.kill();
  for (Child& child : children) EXPECT_EQ(child.wait(), test::kKilled);
  SafeChunkEngine engine = open_shared(folder);
  const std::uint64_t counter = number_in(*engine.fetch_chunk("a"));
  EXPECT_LE(board->acknowledged.load(), counter);
  EXPECT_LE(counter, board->attempted.load());
  EXPECT_GT(counter, 0U);
  EXPECT_TRUE(engine.verify()->sound());
  std::printf("acknowledged %lu, counter %lu, attempted %lu\n",
              static_cast<unsigned long>(board->acknowledged.load()),
              static_cast<unsigned long>(counter),
              static_cast<unsigned long>(board->attempted.load()));
}

// G9.
TEST(Shared, AnOwnerAndSharedProcessesExcludeEachOther) {
  const TemporaryFolder folder;
  auto shared = SafeChunkEngine::open(test::project_id(), shared_options(folder));
  ASSERT_TRUE(shared) << shared.status().to_text();
  ASSERT_TRUE(shared->stage_update("1", "a").ok());
  {
    // Nobody has its turn: the owner gets the project, and finds it clean.
    SafeChunkEngine owner(test::project_id(), test::patient_options_in(folder));
    ASSERT_TRUE(owner.is_active()) << owner.status().to_text();
    EXPECT_TRUE(owner.recovery_report().clean);
    ASSERT_TRUE(owner.stage_update("2", "a").ok());
    Child child([&] {
      EngineOptions options = shared_options(folder);
      options.lock_timeout = 20ms;
      const auto other = SafeChunkEngine::open(test::project_id(), options);
      require_code(ErrorCode::locked, other.status(), "open");
      const std::string text = other.status().to_text();
      require(text.find("process " + std::to_string(::getppid())) != std::string::npos, text);
      require(text.find("waited 20 ms (lock_timeout)") != std::string::npos, text);
    });
    EXPECT_EQ(child.wait(), 0);
    // A reader sees what is committed meanwhile.
    EXPECT_EQ(*shared->fetch_chunk("a"), "1\n");
    EXPECT_TRUE(owner.detach().ok());
  }
  EXPECT_EQ(*shared->fetch_chunk("a"), "2\n");
  ASSERT_TRUE(count_up(*shared, "a").ok());
  EXPECT_EQ(*shared->fetch_chunk("a"), "3\n");
  // While a turn lasts, no owner gets the project.
  ASSERT_TRUE(shared
                  ->update("a",
                           [&](const ChunkRead&) -> Result<std::string> {
                             const auto owner = SafeChunkEngine::open(test::project_id(),
                                                                      test::options_in(folder));
                             EXPECT_EQ(owner.code(), ErrorCode::locked);
                             return std::string("4");
                           })
                  .ok());
}

// G9. A child that is forked in a turn, and comes back from the function as its parent does, ends
// nothing. Kills: a child that writes to the lock file of its parent's turn.
TEST(Shared, AForkInATurnLeavesTheTurnToTheParent) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer starts no thread in a child of a process that has threads";
#endif
  const TemporaryFolder folder;
  SafeChunkEngine engine = open_shared(folder);
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  bool is_child = false;
  const Status updated = engine.update("a", [&](const ChunkRead&) -> Result<std::string> {
    const pid_t child = ::fork();
    if (child == 0) {
      is_child = true;
      return std::string("77");
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(read_file(folder / "project/.lock").starts_with("PID: "));
    EXPECT_EQ(SafeChunkEngine::open(test::project_id(), test::options_in(folder)).code(),
              ErrorCode::locked);
    return std::string("2");
  });
  if (is_child) ::_exit(updated.code() == ErrorCode::not_owner ? 0 : 1);
  EXPECT_TRUE(updated.ok()) << updated.to_text();
  EXPECT_EQ(read_file(folder / "project/chunks/a.json"), "2\n");
  Child other([&] { require_ok(open_shared(folder).stage_update("3", "a"), "stage_update"); });
  EXPECT_EQ(other.wait(), 0);
}

// An owner with a lock_timeout waits for the turn of another process, or for another owner.
TEST(Shared, AnOwnerMayWait) {
  const TemporaryFolder folder;
  Pipe ready;
  Pipe stop;
  Child first([&] {
    SafeChunkEngine engine(test::project_id(), test::patient_options_in(folder));
    require_ok(engine.stage_update("1", "a"), "stage_update");
    ready.signal();
    stop.await_signal();
    require_ok(engine.detach(), "detach");
  });
  ready.await_signal();
  std::thread later([&] {
    ::usleep(50'000);
    stop.signal();
  });
  EngineOptions options = test::options_in(folder);
  options.lock_timeout = test::patience();
  const auto second = SafeChunkEngine::open(test::project_id(), options);
  later.join();
  EXPECT_TRUE(second) << second.status().to_text();
  EXPECT_EQ(first.wait(), 0);
}

// Half of the processes are stopped at a moment that they do not choose: some while they wait, one
// perhaps while it has its turn. Those that run go on, or are told who has the lock; when all run
// again nothing is lost.
TEST(Shared, StoppedProcessesLoseNothing) {
  const TemporaryFolder folder;
  const SharedBoard board;
  std::vector<Child> children;
  std::atomic<bool>* const stop =
      new (::mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<bool>(false);
  for (int i = 0; i < kProcesses; ++i) {
    children.emplace_back([&] {
      EngineOptions options = shared_options(folder);
      options.lock_timeout = 100ms;
      std::optional<SafeChunkEngine> engine;
      while (!*stop) {
        if (!engine) {
          auto opened = SafeChunkEngine::open(test::project_id(), options);
          if (opened) engine.emplace(*std::move(opened));
          continue;
        }
        ++board->attempted;
        const Status status = count_up(*engine);
        if (status.ok()) {
          ++board->acknowledged;
        } else {
          require_code(ErrorCode::locked, status, "update");
          --board->attempted;  // refused: nothing was changed
        }
      }
    });
  }
  for (int round = 0; round < 5; ++round) {
    ::usleep(100'000);
    for (int i = 0; i < kProcesses; i += 2) children[static_cast<std::size_t>(i)].kill(SIGSTOP);
    ::usleep(200'000);
    for (int i = 0; i < kProcesses; i += 2) children[static_cast<std::size_t>(i)].kill(SIGCONT);
  }
  *stop = true;
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
  SafeChunkEngine engine = open_shared(folder);
  EXPECT_EQ(number_in(*engine.fetch_chunk("a")), board->acknowledged.load());
  EXPECT_EQ(board->attempted.load(), board->acknowledged.load());
  EXPECT_GT(board->acknowledged.load(), 0U);
  (void)::munmap(stop, sizeof *stop);
}

// A process that holds the lock for long, again and again, lets one that waits go first.
TEST(Shared, NobodyStarves) {
  const TemporaryFolder folder;
  const SharedBoard board;
  Child greedy([&] {
    SafeChunkEngine engine = open_shared(folder);
    for (;;) {
      require_ok(engine.update("a",
                               [](const ChunkRead&) -> Result<std::string> {
                                 ::usleep(20'000);
                                 return std::string("1");
                               }),
                 "update");
      ++board->attempted;
    }
  });
  SafeChunkEngine engine = open_shared(folder);
  ASSERT_TRUE(test::eventually([&] { return board->attempted.load() > 1; }));
  constexpr int kTurns = 20;
  const std::uint64_t before = board->attempted.load();
  for (int n = 0; n < kTurns; ++n) ASSERT_TRUE(count_up(engine).ok());
  // One of its turns before each of ours, and what it had begun.
  EXPECT_LE(board->attempted.load() - before, 3U * kTurns);
  greedy.kill();
}

}  // namespace
}  // namespace safechunk
