// Who is refused and who is taken over (G9), as a table.

#include "storage/project/lock.h"

#include <gtest/gtest.h>

#include <cerrno>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"
#include "support/fake_process.h"
#include "support/manual_clock.h"
#include "support/sim_file_system.h"

namespace safechunk {
namespace {

constexpr std::int64_t kOwnPid = 500;
constexpr double kWritten = 10'000;

LockText legacy(std::int64_t pid, double created = 0) {
  LockText text;
  text.pid = pid;
  text.started = created;
  return text;
}

ProcessInfo process(std::int64_t pid, double started, std::string name = "python3") {
  return {pid, started, std::move(name)};
}

LockDecision decide(const std::optional<LockText>& text, const std::optional<ProcessInfo>& now) {
  return decide_lock(false, text, kWritten, kOwnPid, now);
}

TEST(LockText, IsReadAsItIsWritten) {
  LockText text;
  text.pid = 1234;
  text.host = "my host";
  text.boot_id = "b-1";
  text.started = 1700000000.25;
  text.token = "abc";
  EXPECT_EQ(text.encode(),
            "PID: 1234 :host=my_host boot=b-1 start=1700000000.25 token=abc\n"
            "CREATED: 1700000000.25\n");
  const auto back = LockText::decode(text.encode());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->pid, 1234);
  EXPECT_EQ(back->host, "my_host");
  EXPECT_EQ(back->boot_id, "b-1");
  EXPECT_DOUBLE_EQ(back->started, 1700000000.25);
  EXPECT_EQ(back->token, "abc");
}

TEST(LockText, ReadsTheOriginalAndRefusesNonsense) {
  const auto original = LockText::decode("PID: 77");
  ASSERT_TRUE(original);
  EXPECT_EQ(original->pid, 77);
  EXPECT_TRUE(original->token.empty());
  EXPECT_DOUBLE_EQ(LockText::decode("PID: 77\nCREATED: 5.5\n")->started, 5.5);
  for (const char* text : {"", "PID:", "PID: ", "PID: x", "PID: -4", "PID: 0",
                           "PID: 99999999999999999999999", "pid: 3",
                           "\x7F"
                           "ELF"}) {
    EXPECT_FALSE(LockText::decode(text)) << text;
  }
}

TEST(DecideLock, TakesAFreshFile) {
  EXPECT_EQ(decide_lock(true, std::nullopt, kWritten, kOwnPid, std::nullopt), LockDecision::take);
}

TEST(DecideLock, RespectsALiveOriginalEngine) {
  EXPECT_EQ(decide(legacy(77), process(77, 9'000)), LockDecision::refuse);
  EXPECT_EQ(decide(legacy(77, 9'000), process(77, 9'000.4)), LockDecision::refuse);
  EXPECT_EQ(decide(legacy(1), process(1, 9'000)), LockDecision::refuse);  // an app in a container
  ProcessInfo unknown_start{77, std::nullopt, ""};
  EXPECT_EQ(decide(legacy(77), unknown_start), LockDecision::refuse);
}

// Field fault "PID reuse and PID 1 lock out for ever".
TEST(DecideLock, TakesOverDeadAndRecycledPids) {
  EXPECT_EQ(decide(legacy(77), std::nullopt), LockDecision::take_stale);
  EXPECT_EQ(decide(legacy(77), process(77, 10'100)), LockDecision::take_stale);
  EXPECT_EQ(decide(legacy(77, 8'000), process(77, 9'000)), LockDecision::take_stale);
  EXPECT_EQ(decide(legacy(kOwnPid), process(kOwnPid, 9'000)), LockDecision::take_stale);
  EXPECT_EQ(decide(legacy(1), process(1, 1, "systemd")), LockDecision::take_stale);
}

TEST(DecideLock, TrustsTheKernelForItsOwnKind) {
  LockText ours = legacy(77, 9'000);
  ours.token = "t";
  EXPECT_EQ(decide(ours, process(77, 9'000)), LockDecision::take_stale);
  EXPECT_EQ(decide(std::nullopt, std::nullopt), LockDecision::take_stale);
}

// --- who comes and goes between two calls (docs/models/lock.pml)

// Does something once, when it is asked about another process.
class AskedProcess final : public Process {
 public:
  explicit AskedProcess(std::function<void()> when_asked) : when_asked_(std::move(when_asked)) {}
  std::int64_t pid() override { return kOwnPid; }
  std::optional<ProcessInfo> find(std::int64_t pid) override {
    if (pid != kOwnPid && when_asked_) std::exchange(when_asked_, nullptr)();
    return std::nullopt;
  }
  std::string host_name() override { return "host"; }
  std::string boot_id() override { return "boot"; }
  std::uint64_t random_token() override { return 1; }

 private:
  std::function<void()> when_asked_;
};

Result<ProjectLock> acquire(Directory& root, Process& process, FileSystem& file_system) {
  test::ManualClock clock;
  LockFound found;
  return ProjectLock::acquire(root, {file_system, clock, process}, FileRights(), false, found);
}

void write_lock(Directory& root, const std::string& text) {
  auto file = root.open(layout::kLock, OpenMode::create, 0644).value();
  ASSERT_EQ(file->write_at(0, text).value(), text.size());
}

// Where there are no kernel locks. Kills: taking a text of this engine for that of a dead owner, as
// is right where the kernel has let us have its lock.
TEST(DecideWeakLock, FollowsTheText) {
  LockText self;
  self.pid = kOwnPid;
  self.host = "host";
  self.boot_id = "boot";
  LockText ours = self;
  ours.pid = 77;
  ours.started = 1000;
  ours.token = "t";
  const auto weakly = [&](const std::optional<LockText>& text,
                          const std::optional<ProcessInfo>& now) {
    return decide_weak_lock(text, kWritten, kWritten + 60, self, now);
  };
  EXPECT_EQ(weakly(ours, process(77, 1000)), LockDecision::refuse);
  EXPECT_EQ(weakly(ours, process(77, 1001.5)), LockDecision::refuse) << "clock ticks";
  EXPECT_EQ(weakly(ours, ProcessInfo{77, std::nullopt, "x"}), LockDecision::refuse);
  EXPECT_EQ(weakly(ours, process(77, 2000)), LockDecision::take_stale) << "another process";
  EXPECT_EQ(weakly(ours, std::nullopt), LockDecision::take_stale);
  LockText other = ours;
  other.boot_id = "earlier";
  EXPECT_EQ(weakly(other, process(77, 1000)), LockDecision::take_stale) << "before a restart";
  other = ours;
  other.host = "elsewhere";
  EXPECT_EQ(weakly(other, std::nullopt), LockDecision::refuse) << "nobody can look there";
  other = ours;
  other.pid = kOwnPid;
  EXPECT_EQ(weakly(other, process(kOwnPid, 1000)), LockDecision::refuse) << "a second engine";
  EXPECT_EQ(weakly(legacy(77, 1000), process(77, 1000)),
            decide(legacy(77, 1000), process(77, 1000)));
  EXPECT_EQ(weakly(std::nullopt, std::nullopt), LockDecision::take_stale);
  EXPECT_EQ(decide_weak_lock(std::nullopt, kWritten, kWritten + 1, self, std::nullopt),
            LockDecision::refuse)
      << "its maker is about to write it";
}

// The original removes its file and ends after we opened it: what we locked has no name any more.
TEST(ProjectLock, IsNotAFileThatAnOriginalEngineRemovedMeanwhile) {
  test::SimFileSystem file_system;
  auto root = file_system.open_directory("/").value();
  write_lock(*root, "PID: 77\n");
  AskedProcess process([&] { EXPECT_TRUE(root->unlink(layout::kLock).ok()); });
  auto lock = acquire(*root, process, file_system);
  ASSERT_TRUE(lock) << lock.status().to_text();
  EXPECT_TRUE(lock->check_held().ok());
  test::FakeProcess other(600, 2);
  EXPECT_EQ(acquire(*root, other, file_system).code(), ErrorCode::locked);
}

// One owner leaves and another one comes after we opened the first one's file.
TEST(ProjectLock, RemoveStaleLeavesTheLockOfTheNextOwner) {
  test::SimFileSystem file_system;
  auto root = file_system.open_directory("/").value();
  write_lock(*root, "PID: 77 :host=h boot=b start=1.00 token=t\nCREATED: 1.00\n");
  test::FakeProcess other(600, 2);
  std::optional<ProjectLock> next;
  AskedProcess process([&] {
    ASSERT_TRUE(root->unlink(layout::kLock).ok());
    auto lock = acquire(*root, other, file_system);
    ASSERT_TRUE(lock);
    next.emplace(*std::move(lock));
  });
  test::ManualClock clock;
  EXPECT_EQ(ProjectLock::remove_stale(*root, {file_system, clock, process}, true).code(),
            ErrorCode::locked);
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->check_held().ok());
}

// Its owner lives and takes no kernel lock: only the text protects it. Kills: taking a lock whose
// text could not be read for one without a text; blaming another program for an error.
TEST(ProjectLock, IsNotTakenFromALiveOwnerWhileACallFails) {
  class LiveProcess final : public Process {
   public:
    std::int64_t pid() override { return kOwnPid; }
    std::optional<ProcessInfo> find(std::int64_t pid) override {
      return ProcessInfo{pid, std::nullopt, "python"};
    }
    std::string host_name() override { return "host"; }
    std::string boot_id() override { return "boot"; }
    std::uint64_t random_token() override { return 1; }
  };
  for (std::size_t broken = 0; broken < 20; ++broken) {
    test::SimFileSystem file_system;
    auto root = file_system.open_directory("/").value();
    write_lock(*root, "PID: 77\n");
    LiveProcess process;
    test::ManualClock clock;
    std::size_t calls = 0;
    file_system.set_hook([&](const test::SimCall&) -> std::optional<int> {
      return calls++ == broken ? std::optional(EIO) : std::nullopt;
    });
    EXPECT_FALSE(acquire(*root, process, file_system).ok()) << broken;
    calls = 0;
    EXPECT_FALSE(ProjectLock::remove_stale(*root, {file_system, clock, process}, false).ok());
  }
}

TEST(ProjectLock, WhatCannotBeLookedAtIsNotLost) {
  test::SimFileSystem file_system;
  auto root = file_system.open_directory("/").value();
  test::FakeProcess process(600, 2);
  auto lock = acquire(*root, process, file_system);
  ASSERT_TRUE(lock) << lock.status().to_text();
  file_system.set_hook([](const test::SimCall&) { return std::optional(EIO); });
  EXPECT_EQ(lock->check_held().code(), ErrorCode::io_error);
  file_system.set_hook({});
  EXPECT_TRUE(lock->check_held().ok());
}

const IdleText kIdle{.sequence = 7, .journal_token = 9, .boot_id = {}, .inode = 0};

IdleText idle_of(Process& process) {
  IdleText idle = kIdle;
  idle.boot_id = process.boot_id();
  return idle;
}

// What the process before has left is used on the same machine, before it is started again, and in
// the same folder. Kills: sequences that are used twice after a power cut, or in a copy.
TEST(ProjectLock, IsPassedOnWithWhatTheNextOneMustKnow) {
  test::SimFileSystem file_system;
  auto root = file_system.open_directory("/").value();
  test::FakeProcess process(600, 2);
  test::FakeProcess next(601, 3);
  test::ManualClock clock;
  LockFound found;
  const auto acquire_again = [&] {
    return ProjectLock::acquire(*root, {file_system, clock, next}, FileRights(), false, found);
  };
  const auto pass_on = [&](std::optional<IdleText> idle) {
    auto lock = acquire(*root, process, file_system);
    ASSERT_TRUE(lock) << lock.status().to_text();
    EXPECT_TRUE(lock->pass_on(std::move(idle)).ok());
  };
  const auto text = [&] {
    auto file = root->open(layout::kLock, OpenMode::read).value();
    return read_all(*file, 4096).value();
  };

  pass_on(idle_of(process));
  EXPECT_FALSE(ProjectLock::may_be_held(*root, next));
  const std::string left = text();
  {
    auto lock = acquire_again();
    ASSERT_TRUE(lock) << lock.status().to_text();
    EXPECT_FALSE(found.stale);
    ASSERT_TRUE(found.idle);
    EXPECT_EQ(found.idle->sequence, 7U);
    EXPECT_EQ(found.idle->journal_token, 9U);
    EXPECT_EQ(acquire(*root, process, file_system).code(), ErrorCode::locked);
  }
  // It has died: there may be something to recover.
  ASSERT_TRUE(acquire_again());
  EXPECT_TRUE(found.stale);
  EXPECT_FALSE(found.idle);

  pass_on(idle_of(process));
  next.boot = "another";
  ASSERT_TRUE(acquire_again());
  EXPECT_FALSE(found.idle) << "the machine was started again";
  EXPECT_FALSE(found.stale);
  next.boot = "boot";

  pass_on(std::nullopt);
  EXPECT_EQ(text(), "");
  ASSERT_TRUE(acquire_again());
  EXPECT_FALSE(found.idle) << "something is left to do";
  EXPECT_FALSE(found.stale);

  // A copy of the folder.
  root->unlink(layout::kLock).throw_if_error();
  write_lock(*root, left);
  ASSERT_TRUE(acquire_again());
  EXPECT_FALSE(found.idle);
  EXPECT_FALSE(found.stale);
}

TEST(ProjectLock, IdleTextsAreReadWholeOrNotAtAll) {
  IdleText idle = kIdle;
  idle.boot_id = "b";
  idle.inode = 11;
  const std::string text = idle.encode();
  EXPECT_EQ(text, "IDLE: 7 :boot=b journal=9 file=11\n");
  ASSERT_TRUE(IdleText::decode(text));
  EXPECT_EQ(IdleText::decode(text)->inode, 11U);
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(IdleText::decode(text.substr(0, size))) << size;
  }
  for (const char* bad :
       {"IDLE: -7 :boot=b journal=9 file=11\n",
        "IDLE: 99999999999999999999 :boot=b journal=9 file=1\n",
        "IDLE: 7 :boot=b journal=4294967296 file=1\n", "IDLE: 7 :boot=b journal=x file=1\n",
        "IDLE: 7 journal=9 file=1 :boot=b\n", "IDLE: 7 :boot=b journal=9 file=1 file=2\n"}) {
    EXPECT_FALSE(IdleText::decode(bad)) << bad;
  }
}

// Owners come and go between every open and the look behind it. Kills: a loop without end; a lock
// that is not the one under its name.
TEST(ProjectLock, ChangesHandsAtEveryTry) {
  test::SimFileSystem file_system;
  auto root = file_system.open_directory("/").value();
  int changes = 0;
  file_system.set_hook([&](const test::SimCall& call) -> std::optional<int> {
    if (call.verb != "try_lock") return std::nullopt;
    ++changes;
    root->unlink(layout::kLock).throw_if_error();
    (void)root->open(layout::kLock, OpenMode::create_exclusive).value();
    return std::nullopt;
  });
  test::FakeProcess process(600, 2);
  EXPECT_EQ(acquire(*root, process, file_system).code(), ErrorCode::locked);
  EXPECT_GT(changes, 10);
  file_system.set_hook({});
  EXPECT_TRUE(acquire(*root, process, file_system).ok());
}

// As a file system in user space may do for a moment. Kills: a loop without end.
TEST(ProjectLock, AFileThatCanNeverBeOpenedIsAnError) {
  test::SimFileSystem file_system;
  auto root = file_system.open_directory("/").value();
  int tries = 0;
  int failing = 1;
  file_system.set_hook([&](const test::SimCall& call) -> std::optional<int> {
    if (call.verb != "create" || tries++ >= failing) return std::nullopt;
    return ENOENT;
  });
  test::FakeProcess process(600, 2);
  EXPECT_TRUE(acquire(*root, process, file_system).ok());
  tries = 0;
  failing = 1'000'000;
  EXPECT_EQ(acquire(*root, process, file_system).code(), ErrorCode::not_found);
  EXPECT_LT(tries, 1000);
}

// Kills: an error of a lock that somebody else has removed already, which is what was asked for.
TEST(ProjectLock, RemoveStaleIsDoneWhenTheLockGoesMeanwhile) {
  const std::string dead = "PID: 77 :host=h boot=b start=1.00 token=t\nCREATED: 1.00\n";
  bool reached = true;
  for (std::size_t moment = 0; reached; ++moment) {
    test::SimFileSystem file_system;
    auto root = file_system.open_directory("/").value();
    write_lock(*root, dead);
    reached = false;
    std::size_t calls = 0;
    file_system.set_hook([&](const test::SimCall& call) -> std::optional<int> {
      if (call.path != layout::kLock || calls++ != moment) return std::nullopt;
      reached = true;
      root->unlink(layout::kLock).throw_if_error();
      return std::nullopt;
    });
    test::FakeProcess process(600, 2);
    test::ManualClock clock;
    const Status removed = ProjectLock::remove_stale(*root, {file_system, clock, process}, false);
    file_system.set_hook({});
    EXPECT_TRUE(removed.ok()) << "call " << moment << ": " << removed.to_text();
    EXPECT_FALSE(root->stat(layout::kLock).ok()) << "call " << moment;
  }
}

// A lock file that no engine wrote protects nobody; the kernel's lock on it does.
TEST(ProjectLock, ATextOfAnyLengthIsNoOwner) {
  test::SimFileSystem file_system;
  auto root = file_system.open_directory("/").value();
  test::FakeProcess process(600, 2);
  test::ManualClock clock;
  const Platform platform{file_system, clock, process};
  write_lock(*root, std::string(1U << 20U, 'x'));
  EXPECT_FALSE(ProjectLock::peek(*root).has_value());
  {
    auto other = root->open(layout::kLock, OpenMode::read_write).value();
    ASSERT_TRUE(other->try_lock().value());
    EXPECT_EQ(ProjectLock::remove_stale(*root, platform, true).code(), ErrorCode::locked);
    EXPECT_EQ(acquire(*root, process, file_system).code(), ErrorCode::locked);
  }
  ASSERT_TRUE(ProjectLock::remove_stale(*root, platform, false).ok());
  EXPECT_FALSE(root->stat(layout::kLock).ok());
  write_lock(*root, std::string(1U << 20U, 'x'));
  EXPECT_TRUE(acquire(*root, process, file_system).ok());
}

// Kills: an owner whose text has the tail of a longer one behind it.
TEST(ProjectLock, IsTakenWithAWholeTextOrNotAtAll) {
  bool reached = true;
  for (std::size_t broken = 0; reached; ++broken) {
    test::SimFileSystem file_system;
    auto root = file_system.open_directory("/").value();
    write_lock(*root, "PID: 77\n" + std::string(1000, '~'));
    std::size_t calls = 0;
    reached = false;
    file_system.set_hook([&](const test::SimCall&) -> std::optional<int> {
      reached = reached || calls == broken;
      return calls++ == broken ? std::optional(EIO) : std::nullopt;
    });
    test::FakeProcess process(600, 2);
    const auto lock = acquire(*root, process, file_system);
    file_system.set_hook({});
    if (lock) {
      EXPECT_EQ(file_system.contents().at(".lock").find('~'), std::string::npos) << broken;
    } else {
      EXPECT_TRUE(reached) << lock.status().to_text();
    }
  }
}

TEST(ProjectLock, PeekFindsNobodyInATextThatItDoesNotKnow) {
  test::SimFileSystem file_system;
  auto root = file_system.open_directory("/").value();
  write_lock(*root, "who knows");
  EXPECT_FALSE(ProjectLock::peek(*root).has_value());
}

// For those who only read. Kills: taking every lock file for a live owner; and declaring one dead
// of whom nothing can be known.
TEST(ProjectLock, MayBeHeldUnlessItsProcessIsGone) {
  test::SimFileSystem file_system;
  auto root = file_system.open_directory("/").value();
  test::FakeProcess process(600, 2);  // on "host", started at 1000
  process.others[700] = ProcessInfo{700, std::nullopt, "unknown"};
  EXPECT_FALSE(ProjectLock::may_be_held(*root, process));
  for (const auto& [text, expected] : std::vector<std::pair<std::string, bool>>{
           {"", false},
           {"who knows", false},
           {"PID: 600 :host=host boot=boot start=1000.00 token=ab\n", true},
           {"PID: 600 :host=host boot=boot start=1001.50 token=ab\n", true},
           {"PID: 600 :host=host boot=boot start=900.00 token=ab\n", false},
           {"PID: 600 :host=host boot=boot start=0.00 token=ab\n", true},
           {"PID: 700 :host=host boot=boot start=5.00 token=ab\n", true},
           {"PID: 701 :host=host boot=boot start=5.00 token=ab\n", false},
           {"PID: 701 :host=elsewhere boot=boot start=5.00 token=ab\n", true},
           {"PID: 600", true},
           {"PID: 701", false}}) {
    (void)root->unlink(layout::kLock);  // of the row before
    write_lock(*root, text);
    EXPECT_EQ(ProjectLock::may_be_held(*root, process), expected) << text;
  }
}

}  // namespace
}  // namespace safechunk
