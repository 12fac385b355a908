// Who is alive, and since when: what decides about the lock of a dead owner (G9, "PID reuse and
// PID 1 lock out for ever").

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "platform/process.h"

namespace safechunk {
namespace {

TEST(PosixProcess, FindsItself) {
  Process& process = system_process();
  EXPECT_EQ(process.pid(), ::getpid());
  const auto self = process.find(process.pid());
  ASSERT_TRUE(self.has_value());
  ASSERT_TRUE(self->started.has_value());
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(*self->started, now + 2);
  EXPECT_GE(*self->started, now - 3600);
  EXPECT_FALSE(self->name.empty());
}

TEST(PosixProcess, KnowsThatInitHasAName) {
  const auto init = system_process().find(1);
  ASSERT_TRUE(init.has_value());
  EXPECT_FALSE(init->name.empty());
}

TEST(PosixProcess, RefusesNumbersThatAreNoProcess) {
  for (const std::int64_t pid : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40}) {
    EXPECT_FALSE(system_process().find(pid).has_value()) << pid;
  }
}

// Kills: kill(pid, 0) alone, for which a zombie lives until its parent looks at it.
TEST(PosixProcess, AZombieIsDead) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_GT(child, 0);
  siginfo_t info{};
  // Waits for its end, and leaves it a zombie.
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(system_process().find(child).has_value());
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(system_process().find(child).has_value());
}

TEST(PosixProcess, AnotherProcessIsAlive) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  ASSERT_GT(child, 0);
  EXPECT_TRUE(system_process().find(child).has_value());
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST(PosixProcess, TokensAndNames) {
  Process& process = system_process();
  EXPECT_NE(process.random_token(), 0U);
  EXPECT_NE(process.random_token(), process.random_token());
  EXPECT_FALSE(process.host_name().empty());
  EXPECT_EQ(process.boot_id(), process.boot_id());
}

}  // namespace
}  // namespace safechunk
