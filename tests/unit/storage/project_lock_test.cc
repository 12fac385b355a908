// Who is refused and who is taken over (G9), as a table.

#include "storage/project_lock.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace safechunk
