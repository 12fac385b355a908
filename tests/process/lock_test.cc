// Who owns a project: contention, forks, dead and foreign owners, and those who may only read (G9).

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <atomic>
#include <cinttypes>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <sstream>
#include <thread>

#include "api/engine_access.h"
#include "platform/platform.h"
#include "support/child_process.h"
#include "support/folder_listing.h"
#include "support/forwarding_file_system.h"
#include "support/place.h"

namespace safechunk {
namespace {

using namespace std::chrono_literals;
using test::Child;
using test::listing_of;
using test::options_in;
using test::patient_options_in;
using test::Pipe;
using test::read_file;
using test::require;
using test::require_code;
using test::require_ok;
using test::TemporaryFolder;
using test::write_file;
namespace fs = std::filesystem;

double unix_time() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// A process that owns the project until it is killed.
class LiveOwner {
 public:
  explicit LiveOwner(const TemporaryFolder& folder, const std::function<void()>& more = nullptr)
      : child_([&] {
          SafeChunkEngine engine(test::project_id(), options_in(folder));
          require_ok(engine.status(), "attach");
          if (more) more();
          ready_.signal();
          for (;;) ::pause();
        }) {
    ready_.await_signal();
  }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  void kill() {
    child_.kill();
    EXPECT_EQ(child_.wait(), test::kKilled);
  }

 private:
  Pipe ready_;
  Child child_;
};

// A process that is alive and has nothing to do with the project.
class Bystander {
 public:
  Bystander()
      : child_([] {
          for (;;) ::pause();
        }) {}
  [[nodiscard]] pid_t pid() const { return child_.pid(); }

 private:
  Child child_;
};

// The allocators of the sanitizers hang by themselves in a child that was forked while another
// thread allocated: seen in stacks of such children.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kChildrenMayAllocate = false;
#elif defined(__has_feature)
constexpr bool kChildrenMayAllocate =
    !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
constexpr bool kChildrenMayAllocate = true;
#endif

// A PID that no process has any more.
pid_t dead_pid() {
  Child child([] {});
  const pid_t pid = child.pid();
  EXPECT_EQ(child.wait(), 0);
  return pid;
}

// --- contention

// SAFECHUNK_CONTENDERS changes their number.
int contenders() {
  const char* text = std::getenv("SAFECHUNK_CONTENDERS");
  return text == nullptr ? 8 : std::max(2, std::atoi(text));
}
constexpr int kRounds = 50;

// One line of the log. Appends of a line are atomic, so their order is that of the events.
class Log {
 public:
  explicit Log(const fs::path& path)
      : file_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)) {
    require(file_ >= 0, "cannot open the log");
  }
  ~Log() { ::close(file_); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void add(char what, std::uint64_t number) const {
    const std::string line =
        std::string(1, what) + " " + std::to_string(::getpid()) + " " + std::to_string(number);
    require(::write(file_, (line + "\n").data(), line.size() + 1) ==
                static_cast<ssize_t>(line.size() + 1),
            "cannot write the log");
  }

 private:
  int file_;
};

// Becomes the owner `rounds` times; each time counts the counter up by one. Who is mortal kills
// itself now and then in the middle of that.
void contend(const TemporaryFolder& folder, int rounds, bool mortal, unsigned seed) {
  std::mt19937 random(seed);
  const Log log(folder / "log");
  for (int round = 0; round < rounds;) {
    auto engine = SafeChunkEngine::open(test::project_id(), options_in(folder));
    if (!engine) {
      require_code(ErrorCode::locked, engine.status(), "open beside others");
      ::usleep(static_cast<useconds_t>(random() % 500));
      continue;
    }
    auto text = engine->find_chunk("a");
    require_ok(text.status(), "find_chunk");
    const std::uint64_t before = *text ? std::strtoull((*text)->c_str(), nullptr, 10) : 0;
    log.add('A', before);  // acquired, and this is what I found
    if (random() % 3 == 0) ::usleep(static_cast<useconds_t>(random() % 1000));
    require_ok(engine->stage_update(std::string_view(std::to_string(before + 1)), "a"),
               "stage_update");
    log.add('S', before + 1);  // staged: from now on it must be there, whatever happens to me
    if (mortal && random() % 15 == 0) ::raise(SIGKILL);
    if (random() % 4 == 0) require_ok(engine->force_sync(), "force_sync");
    log.add('R', before + 1);  // about to release
    require_ok(engine->detach(), "detach");
    ++round;
  }
}

// Reads the log and says what is wrong with it; nothing when never two processes were owners.
std::string judge_log(const fs::path& path, std::uint64_t& counter, int& owners) {
  std::istringstream lines(read_file(path));
  std::string owner;
  std::uint64_t least = 0;  // what the next owner must find at least
  std::map<std::string, bool> deposed;
  char what = 0;
  std::string pid;
  std::uint64_t number = 0;
  while (lines >> what >> pid >> number) {
    const std::string line = std::string(1, what) + " " + pid + " " + std::to_string(number);
    if (deposed[pid]) return line + ": this process went on after another one had become owner";
    if (what == 'A') {
      // The one before has released, or was killed: then it never writes again.
      if (!owner.empty()) deposed[owner] = true;
      if (owner == pid) return line + ": twice without a release";
      if (number < least) return line + ": an accepted update is lost";
      if (number > least + 1) return line + ": counted twice";
      owner = pid;
      ++owners;
    } else if (owner != pid) {
      return line + ": not the owner, that is " + owner;
    }
    if (what == 'A' || what == 'S') least = number;
    if (what == 'R') owner.clear();
  }
  counter = least;
  return {};
}

// G9, G3; field.md: "lock race (6 of 8 processes became owner)", "stale locks, PID reuse".
TEST(LockStorm, NeverTwoOwnersAndNoUpdateLost) {
  const TemporaryFolder folder;
  std::mt19937 random(test::seed_of_this_run());
  const int rounds = kRounds * test::storm_factor();
  // Whoever is killed has a successor; in the end all come through all their rounds.
  const int kills = contenders() * 6;
  int killed = 0;
  const auto start = [&] {
    const auto seed = static_cast<unsigned>(random());
    const bool mortal = killed < kills;
    return Child([&folder, rounds, mortal, seed] { contend(folder, rounds, mortal, seed); });
  };
  std::vector<Child> children;
  for (int i = 0; i < contenders(); ++i) children.push_back(start());
  while (!children.empty()) {
    // Now and then somebody is killed at a moment that it does not choose.
    if (killed < kills && random() % 8 == 0) children[random() % children.size()].kill();
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT | WNOHANG), 0);
    if (info.si_pid == 0) {
      ::usleep(5000);
      continue;
    }
    for (std::size_t i = 0; i < children.size(); ++i) {
      if (children[i].pid() != info.si_pid) continue;
      const int code = children[i].wait();
      ASSERT_TRUE(code == 0 || code == test::kKilled) << "a contender ended with " << code;
      if (code == test::kKilled) {
        ++killed;
        children[i] = start();
      } else {
        children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
      }
      break;
    }
  }
  std::uint64_t counter = 0;
  int owners = 0;
  EXPECT_EQ(judge_log(folder / "log", counter, owners), "");
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  const std::uint64_t last = std::strtoull(engine.fetch_chunk("a")->c_str(), nullptr, 10);
  EXPECT_TRUE(last == counter || last == counter + 1) << last << " after " << counter;
  EXPECT_TRUE(engine.verify()->sound());
  EXPECT_GE(owners, contenders() * rounds);
  std::printf("%d owners, %d of them or of those who waited were killed\n", owners, killed);
}

// --- containers

// Runs `body` as process 1 of a PID namespace of its own.
Child in_a_container(const std::function<void()>& body) {
  return Child([&body] {
    require(::unshare(CLONE_NEWPID) == 0, "unshare");
    Child first([&body] {
      require(::getpid() == 1, "not the first process");
      body();
    });
    require(first.wait() == 0, "the first process failed");
  });
}

// G9, G3: every owner here is process 1 of its host, boot and start time, as in containers over one
// volume; the kernel's lock tells them apart. Kills: judging owners by their PID.
TEST(LockContainers, TheSamePidInAnotherNamespaceIsAnotherProcess) {
  if (::geteuid() != 0) GTEST_SKIP() << "PID namespaces need root";
  const TemporaryFolder folder;
  Pipe ready;
  Pipe stop;
  Child owner = in_a_container([&] {
    SafeChunkEngine engine(test::project_id(), patient_options_in(folder));
    require_ok(engine.stage_update("[1]", "a"), "stage_update");
    ready.signal();
    stop.await_signal();
    test::leave(0);  // dies with its lock text and its journal
  });
  ready.await_signal();
  Child refused = in_a_container([&] {
    require_code(ErrorCode::locked,
                 SafeChunkEngine::open(test::project_id(), options_in(folder)).status(),
                 "open beside the owner in another container");
  });
  EXPECT_EQ(refused.wait(), 0);
  EXPECT_EQ(SafeChunkEngine::open(test::project_id(), options_in(folder)).code(),
            ErrorCode::locked);
  stop.signal();
  EXPECT_EQ(owner.wait(), 0);
  Child heir = in_a_container([&] {
    auto engine = SafeChunkEngine::open(test::project_id(), options_in(folder));
    require_ok(engine.status(), "open after the owner has died");
    require(engine->fetch_chunk("a").value() == "[\n    1\n]\n", "the staged update is there");
  });
  EXPECT_EQ(heir.wait(), 0);
}

// --- two engines in one process

// G9; field.md: "A second instance constructs without error and is inactive", "attach() on a live
// engine kills it", "a non-owner can sync and prune".
TEST(Lock, TwoEnginesInOneProcess) {
  const TemporaryFolder folder;
  const std::string line = std::to_string(__LINE__ + 1);
  SafeChunkEngine first(test::project_id(), options_in(folder));
  ASSERT_TRUE(first.stage_update("1", "a").ok());
  {
    SafeChunkEngine second(test::project_id(), options_in(folder));
    EXPECT_FALSE(second.is_active());
    const std::string message = second.status().error().message;
    EXPECT_EQ(message.find("this process has it open already, since 2"), 0U) << message;
    EXPECT_NE(message.find("lock_test.cc:" + line + "; use that engine"), std::string::npos)
        << message;
    EXPECT_EQ(second.status().code(), ErrorCode::locked);
    ASSERT_TRUE(second.owner().has_value());
    EXPECT_EQ(second.owner()->pid, ::getpid());
    EXPECT_EQ(second.attach().code(), ErrorCode::locked);
    EXPECT_EQ(second.force_sync().code(), ErrorCode::not_owner);
    EXPECT_EQ(second.create_checkpoint("x", 1).code(), ErrorCode::not_owner);
    EXPECT_TRUE(second.detach().ok());
  }
  EXPECT_TRUE(first.attach().ok());  // already ours: nothing happens
  EXPECT_TRUE(first.is_active());
  EXPECT_EQ(*first.fetch_chunk("a"), "1\n");
  SafeChunkEngine second(test::project_id(), options_in(folder));
  EXPECT_FALSE(second.is_active());
  EXPECT_TRUE(first.detach().ok());
  EXPECT_TRUE(second.attach().ok());
  EXPECT_TRUE(second.is_active());
  EXPECT_EQ(*second.fetch_chunk("a"), "1\n");
  // What was the owner does not release the lock of its successor.
  EXPECT_TRUE(first.detach().ok());
  EXPECT_EQ(first.attach().code(), ErrorCode::locked);
  EXPECT_TRUE(second.stage_update("2", "a").ok());
  EXPECT_TRUE(second.force_sync().ok());
}

// G9: a third process is told who owns the project: pid, host, since when.
TEST(Lock, TellsWhoOwnsTheProject) {
  const TemporaryFolder folder;
  const double before = unix_time();
  const LiveOwner owner(folder);
  const double after = unix_time();
  char host[256] = {};
  ASSERT_EQ(::gethostname(host, sizeof host - 1), 0);
  const SafeChunkEngine engine(test::project_id(), options_in(folder));
  EXPECT_EQ(engine.status().code(), ErrorCode::locked);
  const auto told = engine.owner();
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->pid, owner.pid());
  EXPECT_EQ(told->host, host);
  EXPECT_GE(told->since, before - 1);
  EXPECT_LE(told->since, after + 1);
  EXPECT_NE(engine.status().to_text().find(std::to_string(owner.pid())), std::string::npos);
}

// Design §2: the form that every published version of the original engine reads as a live owner.
TEST(Lock, TextIsAsPublished) {
  const TemporaryFolder folder;
  const double before = unix_time();
  const LiveOwner owner(folder);
  const double after = unix_time();
  const std::string text = read_file(folder / "project/.lock");
  const std::regex form(
      R"(PID: (\d+) :host=(\S+) boot=(\S+) start=(\d+\.\d+) token=([0-9a-f-]{32,36})\n)"
      R"(CREATED: (\d+\.\d+)\n)");
  std::smatch found;
  ASSERT_TRUE(std::regex_match(text, found, form)) << text;
  EXPECT_EQ(found[1], std::to_string(owner.pid()));
  std::string boot = read_file("/proc/sys/kernel/random/boot_id");
  boot.pop_back();
  EXPECT_EQ(found[3], boot);
  EXPECT_EQ(found[4], found[6]);
  // The clock of /proc counts from the second of the boot.
  EXPECT_GE(std::stod(found[6]), before - 2);
  EXPECT_LE(std::stod(found[6]), after + 2);
}

// --- fork

// G9; field.md: "a forked child frees the parent's lock".
TEST(LockFork, ChildIsInactiveReadsAndReleasesNothing) {
  if (!kChildrenMayAllocate) GTEST_SKIP() << "not with a sanitizer's allocator";
  const TemporaryFolder folder;
  auto engine = std::make_unique<SafeChunkEngine>(test::project_id(), patient_options_in(folder));
  ASSERT_TRUE(engine->stage_update("1", "a").ok());
  ASSERT_TRUE(engine->create_checkpoint().ok());
  ASSERT_TRUE(engine->stage_update("2", "a").ok());  // staged in the parent only
  const auto before = listing_of(folder.path());
  for (const bool destroys : {false, true}) {
    Child child([&] {
      require(!engine->is_active(), "active in a child");
      require_code(ErrorCode::not_owner, engine->status(), "status");
      require_code(ErrorCode::not_owner, engine->stage_update("3", "a"), "stage_update");
      require_code(ErrorCode::not_owner, engine->remove_chunk("a"), "remove_chunk");
      require_code(ErrorCode::not_owner, engine->force_sync(), "force_sync");
      require_code(ErrorCode::not_owner, engine->attach(), "attach");
      auto transaction = engine->transaction();
      require_ok(transaction.stage("3", "a"), "stage in a transaction");
      require_code(ErrorCode::not_owner, transaction.commit(), "commit");
      require_code(ErrorCode::not_owner, engine->create_checkpoint().status(), "checkpoint");
      const auto archives = engine->list_checkpoints();
      require_ok(archives.status(), "list_checkpoints");
      require(archives->size() == 1, "one checkpoint");
      const std::string archive = archives->front().file_name;
      require_ok(engine->verify_checkpoint(archive), "verify_checkpoint");
      require_code(ErrorCode::not_owner, engine->restore_checkpoint(archive), "restore");
      require_code(ErrorCode::not_owner, engine->delete_checkpoint(archive), "delete");
      require_code(ErrorCode::not_owner, engine->repair(), "repair");
      require(*engine->fetch_chunk("a") == "1\n", "reads what is committed");
      require(engine->list_chunks()->size() == 1, "lists");
      require(engine->verify()->sound(), "verifies");
      require(!engine->health_report()->engine_active, "health");
      require_ok(engine->detach(), "detach is idempotent");
      require(!SafeChunkEngine::open(test::project_id(), options_in(folder)).ok(),
              "the parent owns it");
      if (destroys) engine.reset();
    });
    EXPECT_EQ(child.wait(), 0);
  }
  EXPECT_EQ(listing_of(folder.path()), before);
  EXPECT_TRUE(engine->is_active());
  EXPECT_TRUE(engine->stage_update("4", test::chunk_here("b")).ok());
  EXPECT_TRUE(engine->force_sync().ok());
  EXPECT_EQ(*engine->fetch_chunk("a"), test::has_one_chunk() ? "4\n" : "2\n");
  Child stranger([&] {
    require_code(ErrorCode::locked,
                 SafeChunkEngine::open(test::project_id(), options_in(folder)).status(),
                 "the lock is still held");
  });
  EXPECT_EQ(stranger.wait(), 0);
  EXPECT_TRUE(engine->detach().ok());
}

// G9: at whatever moment it is forked, with locks held by threads that it does not have, a child
// answers and does not hang.
TEST(LockFork, ChildOfABusyEngineDoesNotHang) {
  if (!kChildrenMayAllocate) GTEST_SKIP() << "not with a sanitizer's allocator";
  const TemporaryFolder folder;
  EngineOptions options = options_in(folder);
  options.debounce_delay = 1ms;
  SafeChunkEngine engine(test::project_id(), options);
  ASSERT_TRUE(engine.stage_update("0", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        EXPECT_TRUE(engine.stage_update(std::string_view(std::to_string(i)), "a").ok());
        if (t == 0) {
          EXPECT_TRUE(engine.force_sync().ok());
        }
        if (t == 1) {
          EXPECT_TRUE(engine.fetch_chunk("a").ok());
        }
        if (t == 2) {
          EXPECT_TRUE(engine.health_report().ok());
        }
        std::this_thread::yield();
      }
    });
  }
  for (int i = 0; i < 30 * test::storm_factor() && !HasFailure(); ++i) {
    Child child([&] {
      require(!engine.is_active(), "active in a child");
      require_code(ErrorCode::not_owner, engine.stage_update("1", "b"), "stage_update");
      require_code(ErrorCode::not_owner, engine.force_sync(), "force_sync");
      require_ok(engine.fetch_chunk("a").status(), "fetch_chunk");
      require_ok(engine.list_chunks().status(), "list_chunks");
      require_ok(engine.health_report().status(), "health_report");
      require_ok(engine.verify().status(), "verify");
      (void)engine.owner();
      (void)engine.recovery_report();
      require_ok(engine.detach(), "detach");
    });
    EXPECT_EQ(child.wait(), 0);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(engine.is_active());
  EXPECT_FALSE(engine.find_chunk("b")->has_value());
}

// G9. While another thread attaches, at whichever of its fsyncs. Kills: a destructor that waits for
// an attach that nobody carries on in the child.
TEST(LockFork, ChildOfAnAttachingEngineMayDestroyIt) {
  if (!kChildrenMayAllocate) GTEST_SKIP() << "not with a sanitizer's allocator";
  constexpr unsigned kHangsAfterSeconds = 10;
  const TemporaryFolder folder;
  const Platform real = system_platform();
  std::atomic<int> syncs = 0;
  std::atomic<int> blocks_at = 0;
  std::atomic<bool> blocked = false;
  std::atomic<bool> go_on = false;
  test::HookedFileSystem files(real.file_system, [&](const char* verb) {
    if (std::string_view(verb) != "sync" || ++syncs != blocks_at) return;
    blocked = true;
    blocked.notify_all();
    go_on.wait(false);
  });
  auto engine = std::make_unique<SafeChunkEngine>(EngineAccess::construct(
      test::project_id(), patient_options_in(folder), Platform{files, real.clock, real.process}));
  ASSERT_TRUE(engine->is_active()) << engine->status().to_text();
  ASSERT_TRUE(engine->detach().ok());
  syncs = 0;
  ASSERT_TRUE(engine->attach().ok());
  const int syncs_of_an_attach = syncs;
  ASSERT_GT(syncs_of_an_attach, 0);
  for (int moment = 1; moment <= syncs_of_an_attach && !HasFailure(); ++moment) {
    ASSERT_TRUE(engine->detach().ok());
    syncs = 0;
    blocks_at = moment;
    blocked = go_on = false;
    std::thread attaching([&] { EXPECT_TRUE(engine->attach().ok()); });
    blocked.wait(false);
    Child child([&] {
      ::alarm(kHangsAfterSeconds);
      engine.reset();
    });
    EXPECT_EQ(child.wait(), 0) << "forked at fsync " << moment;
    go_on = true;
    go_on.notify_all();
    attaching.join();
    EXPECT_TRUE(engine->is_active()) << "the child has released the parent's lock";
  }
}

// G9: a child that lives on, forked or spawned, does not keep the lock of a parent that died.
TEST(LockFork, LockIsFreeWhenTheParentDiesThoughItsChildLivesOn) {
  for (const bool spawned : {false, true}) {
    const TemporaryFolder folder;
    Pipe grandchild_pid;
    const auto leave_a_child = [&] {
      pid_t pid = 0;
      if (spawned) {
        const char* arguments[] = {"sleep", "1000", nullptr};
        char* const environment[] = {nullptr};
        require(::posix_spawn(&pid, "/bin/sleep", nullptr, nullptr, const_cast<char**>(arguments),
                              environment) == 0,
                "posix_spawn");
      } else {
        pid = ::fork();
        if (pid == 0) {
          ::alarm(100);
          for (;;) ::pause();
        }
      }
      grandchild_pid.write({reinterpret_cast<const char*>(&pid), sizeof pid});
    };
    LiveOwner owner(folder, leave_a_child);
    const std::string bytes = grandchild_pid.read(std::chrono::steady_clock::now() + 10s);
    pid_t grandchild = 0;
    ASSERT_EQ(bytes.size(), sizeof grandchild);
    std::memcpy(&grandchild, bytes.data(), sizeof grandchild);
    EXPECT_EQ(SafeChunkEngine::open(test::project_id(), options_in(folder)).code(),
              ErrorCode::locked);
    owner.kill();
    EXPECT_EQ(::kill(grandchild, 0), 0);
    // Between fork or spawn and exec the child may hold it for a moment.
    EXPECT_TRUE(test::eventually(
        [&] { return SafeChunkEngine::open(test::project_id(), options_in(folder)).ok(); }));
    EXPECT_EQ(::kill(grandchild, SIGKILL), 0);
  }
}

// --- texts that others left

struct Opened {
  ErrorCode code;
  std::int64_t owner;
  bool told;  // that a stale lock was taken over
};

Opened open_with_lock_text(const std::string& text, double age = 0) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "project");
  const fs::path lock = folder / "project/.lock";
  write_file(lock, text);
  if (age > 0) {
    const auto then = static_cast<time_t>(unix_time() - age);
    const timespec times[2] = {{then, 0}, {then, 0}};
    EXPECT_EQ(::utimensat(AT_FDCWD, lock.c_str(), times, 0), 0);
  }
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  const bool locked = engine.status().code() == ErrorCode::locked;
  if (locked) {
    EXPECT_EQ(read_file(lock), text) << "a refused engine changed the lock";
  }
  bool told = false;
  for (const Event& event : engine.recovery_report().events) {
    told = told || event.kind == Event::Kind::stale_lock;
  }
  return {engine.status().code(), engine.owner() ? engine.owner()->pid : 0, told};
}

void expect_taken_over(const Opened& opened) {
  EXPECT_EQ(opened.code, ErrorCode::ok);
  EXPECT_EQ(opened.owner, ::getpid());
  EXPECT_TRUE(opened.told);  // G7
}

void expect_respected(const Opened& opened, std::int64_t owner) {
  EXPECT_EQ(opened.code, ErrorCode::locked);
  EXPECT_EQ(opened.owner, owner);
}

std::string our_text(pid_t pid) {
  return "PID: " + std::to_string(pid) +
         " :host=somewhere boot=5a8e3b2c-0000-4000-8000-000000000000 start=1700000000.00 "
         "token=0123456789abcdef0123456789abcdef\nCREATED: 1700000000.00\n";
}

// What a live process of that PID would have written as CREATED.
double started_at(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  const std::string system = read_file("/proc/stat");
  const double booted = std::stod(system.substr(system.find("btime ") + 6));
  return booted + std::stod(field) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// G9: the kernel lock of ours is gone, so its writer is, whatever lives under that PID now.
TEST(StaleLock, OfOursIsTakenOver) {
  const Bystander alive;
  expect_taken_over(open_with_lock_text(our_text(dead_pid())));
  expect_taken_over(open_with_lock_text(our_text(::getpid())));
  expect_taken_over(open_with_lock_text(our_text(alive.pid())));
  expect_taken_over(open_with_lock_text(our_text(1)));
}

// field.md: the original's lock text is exactly "PID: <n>"; it has no kernel lock.
TEST(StaleLock, LegacyTextOfADeadProcessIsTakenOver) {
  expect_taken_over(open_with_lock_text("PID: " + std::to_string(dead_pid())));
  expect_taken_over(open_with_lock_text("PID: " + std::to_string(dead_pid()) + "\n"));
}

TEST(StaleLock, LegacyTextWithOurOwnPidIsTakenOver) {
  expect_taken_over(open_with_lock_text("PID: " + std::to_string(::getpid())));
}

TEST(StaleLock, LegacyTextOfAZombieIsTakenOver) {
  Child child([] {});
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
  expect_taken_over(open_with_lock_text("PID: " + std::to_string(child.pid())));
}

// The process named in the lock ends while it is asked about: an answer, and never an exception.
TEST(StaleLock, LegacyTextOfAProcessThatIsJustEnding) {
  for (int i = 0; i < 50 * test::storm_factor(); ++i) {
    Child child([i] { ::usleep(static_cast<useconds_t>(i % 20 * 50)); });
    const TemporaryFolder folder;
    fs::create_directories(folder / "project");
    write_file(folder / "project/.lock", "PID: " + std::to_string(child.pid()));
    std::thread reaper([&child] { EXPECT_EQ(child.wait(), 0); });
    EXPECT_TRUE(test::eventually(
        [&] { return SafeChunkEngine::open(test::project_id(), options_in(folder)).ok(); }));
    reaper.join();
  }
}

TEST(StaleLock, LegacyTextOfALiveProcessIsRespected) {
  const Bystander alive;
  const std::string text = "PID: " + std::to_string(alive.pid());
  expect_respected(open_with_lock_text(text), alive.pid());
  std::ostringstream created;
  created << std::fixed << text << "\nCREATED: " << started_at(alive.pid()) << "\n";
  expect_respected(open_with_lock_text(created.str()), alive.pid());
  expect_respected(open_with_lock_text(created.str(), 86400), alive.pid());
}

// field.md: "PID reuse and PID 1 lock out for ever".
TEST(StaleLock, RecycledPidIsTakenOver) {
  const Bystander alive;
  const std::string text = "PID: " + std::to_string(alive.pid());
  // The process that wrote it was created at another time than the one that has its PID now.
  expect_taken_over(open_with_lock_text(text + "\nCREATED: 1700000000.25\n"));
  // Without that line: the process is younger than the file.
  expect_taken_over(open_with_lock_text(text, 86400));
}

TEST(StaleLock, UnknownTextIsTakenOver) {
  for (const std::string& text : {std::string("?"), std::string("PID: x"), std::string("PID: -1"),
                                  std::string("PID: 0"), std::string("PID: 99999999999999999999"),
                                  std::string(100, '\0'), std::string(1 << 20, 'P')}) {
    expect_taken_over(open_with_lock_text(text));
  }
  // An owner that died between creating and writing it.
  EXPECT_EQ(open_with_lock_text("").code, ErrorCode::ok);
}

// field.md: "detach removes somebody else's lock".
TEST(Lock, DetachLeavesTheLockOfSomebodyElse) {
  const TemporaryFolder folder;
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  fs::remove(folder / "project/.lock");
  write_file(folder / "project/.lock", "PID: 1");
  // It is not ours any more: nothing may be written, and what was staged stays in the journal.
  EXPECT_EQ(engine.force_sync().code(), ErrorCode::not_owner);
  EXPECT_FALSE(engine.detach().ok());
  EXPECT_EQ(read_file(folder / "project/.lock"), "PID: 1");
  EXPECT_FALSE(fs::exists(folder / "project/chunks/a.json"));
  fs::remove(folder / "project/.lock");
  ASSERT_TRUE(engine.attach().ok());
  EXPECT_EQ(*engine.fetch_chunk("a"), "1\n");
}

// --- unlock

TEST(Unlock, RemovesOnlyWhatNobodyHolds) {
  const TemporaryFolder folder;
  LiveOwner owner(folder);
  const Bystander alive;
  const fs::path lock = folder / "project/.lock";
  EXPECT_EQ(unlock_project(test::project_id(), folder.string(), false, test::place()).code(),
            ErrorCode::locked);
  EXPECT_EQ(unlock_project(test::project_id(), folder.string(), true, test::place()).code(),
            ErrorCode::locked);
  EXPECT_TRUE(fs::exists(lock));
  owner.kill();
  EXPECT_TRUE(unlock_project(test::project_id(), folder.string(), false, test::place()).ok());
  EXPECT_FALSE(fs::exists(lock));
  EXPECT_TRUE(unlock_project(test::project_id(), folder.string(), false, test::place()).ok());
  write_file(lock, "PID: " + std::to_string(alive.pid()));
  EXPECT_EQ(unlock_project(test::project_id(), folder.string(), false, test::place()).code(),
            ErrorCode::locked);
  EXPECT_TRUE(fs::exists(lock));
  EXPECT_TRUE(unlock_project(test::project_id(), folder.string(), true, test::place()).ok());
  EXPECT_FALSE(fs::exists(lock));
  EXPECT_EQ(unlock_project("nowhere", folder.string()).code(), ErrorCode::not_found);
}

// --- those who may only read

// A folder with everything that an owner would repair: a damaged chunk, a missing one, an edited
// one, left-over temporary files, a journal.
void make_damaged_project(const TemporaryFolder& folder) {
  Child owner([&] {
    SafeChunkEngine engine(test::project_id(), patient_options_in(folder));
    for (const char* text : {"[1]", "[2]"}) {
      for (const char* chunk : {"damaged", "edited", "good", "missing"}) {
        require_ok(engine.stage_update(text, chunk), "stage_update");
      }
      require_ok(engine.force_sync(), "force_sync");
    }
    require_ok(engine.create_checkpoint().status(), "create_checkpoint");
    require_ok(engine.stage_update("[3]", "good"), "stage_update");
    test::leave(0);  // and leaves a lock and a journal
  });
  ASSERT_EQ(owner.wait(), 0);
  test::write_long_ago(folder / "project/chunks/damaged.json", "[");
  write_file(folder / "project/chunks/edited.json", "[7]");
  write_file(folder / "project/chunks/good.c72f3e81.tmp", "[");
  write_file(folder / "project/chunks_bak/good.bak.22582d13.tmp", "[");
  fs::remove(folder / "project/chunks/missing.json");
}

// `owner_gone`: its journal counts then, too.
void read_everything(SafeChunkEngine& engine, bool owner_gone) {
  EXPECT_FALSE(engine.is_active());
  EXPECT_EQ(*engine.fetch_chunk("good"), owner_gone ? "[\n    3\n]\n" : "[\n    2\n]\n");
  EXPECT_EQ(*engine.fetch_chunk("damaged"), "[\n    1\n]\n");
  EXPECT_EQ(*engine.fetch_chunk("missing"), "{}");  // somebody removed it
  EXPECT_EQ(*engine.fetch_chunk("edited"), "[7]");
  EXPECT_EQ(*engine.fetch_chunk("nobody"), "{}");
  EXPECT_EQ(*engine.list_chunks(), (std::vector<std::string>{"damaged", "edited", "good"}));
  EXPECT_FALSE(engine.verify()->sound());
  EXPECT_TRUE(engine.health_report().ok());
  const auto archives = engine.list_checkpoints();
  ASSERT_EQ(archives->size(), 1U);
  EXPECT_TRUE(engine.verify_checkpoint(archives->front().file_name).ok());
  // And everything that would change something is refused.
  EXPECT_EQ(engine.stage_update("1", "good").code(), ErrorCode::not_owner);
  EXPECT_EQ(engine.remove_chunk("good").code(), ErrorCode::not_owner);
  EXPECT_EQ(engine.force_sync().code(), ErrorCode::not_owner);
  EXPECT_EQ(engine.repair().code(), ErrorCode::not_owner);
  const TemporaryFolder out;
  EXPECT_TRUE(engine.export_archive(out / "x.zip").ok());
  EXPECT_EQ(engine.restore_checkpoint(archives->front().file_name).code(), ErrorCode::not_owner);
  EXPECT_EQ(engine.delete_checkpoint(archives->front().file_name).code(), ErrorCode::not_owner);
  auto transaction = engine.transaction();
  EXPECT_TRUE(transaction.stage("1", "good").ok());
  EXPECT_EQ(transaction.commit().code(), ErrorCode::not_owner);
  EXPECT_TRUE(engine.detach().ok());
}

// G9: "Non-owners read committed data and change nothing on disk, not even temp files".
TEST(Reader, OpenedForReadingChangesNothing) {
  if (const char* reason = test::no_several_chunks()) GTEST_SKIP() << reason;
  const TemporaryFolder folder;
  make_damaged_project(folder);
  const auto before = listing_of(folder.path());
  {
    EngineOptions options = options_in(folder);
    options.mode = Mode::read;
    SafeChunkEngine engine(test::project_id(), options);
    read_everything(engine, true);
    EXPECT_EQ(engine.attach().code(), ErrorCode::not_owner);
    EXPECT_TRUE(SafeChunkEngine::open(test::project_id(), options).ok());
    EXPECT_EQ(SafeChunkEngine::open("nowhere", options).code(), ErrorCode::not_found);
    options.base_dir += "/new/folder";
    EXPECT_EQ(SafeChunkEngine::open(test::project_id(), options).code(), ErrorCode::not_found);
  }
  EXPECT_EQ(listing_of(folder.path()), before);
}

// The same beside an original engine that is alive, and one that holds just the kernel lock.
TEST(Reader, RefusedByALiveOwnerChangesNothing) {
  if (const char* reason = test::no_several_chunks()) GTEST_SKIP() << reason;
  const Bystander alive;
  for (const bool legacy : {true, false}) {
    const TemporaryFolder folder;
    make_damaged_project(folder);
    const fs::path lock = folder / "project/.lock";
    if (legacy) write_file(lock, "PID: " + std::to_string(alive.pid()));
    const int held = ::open(lock.c_str(), O_RDWR | O_CLOEXEC);
    if (!legacy) {
      ASSERT_EQ(::flock(held, LOCK_EX | LOCK_NB), 0);
    }
    const auto before = listing_of(folder.path());
    {
      SafeChunkEngine engine(test::project_id(), options_in(folder));
      EXPECT_EQ(engine.status().code(), ErrorCode::locked);
      read_everything(engine, !legacy);
      EXPECT_EQ(engine.create_checkpoint().code(), ErrorCode::not_owner);
      EXPECT_EQ(engine.attach().code(), ErrorCode::locked);
      EXPECT_EQ(SafeChunkEngine::open(test::project_id(), options_in(folder)).code(),
                ErrorCode::locked);
    }
    EXPECT_EQ(listing_of(folder.path()), before);
    ::close(held);
  }
}

}  // namespace
}  // namespace safechunk
