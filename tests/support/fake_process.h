// Processes as a test wants them: this one, and no other that is alive unless it says so.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "platform/process.h"

namespace safechunk::test {

class FakeProcess final : public Process {
 public:
  explicit FakeProcess(std::int64_t pid = 4242, std::uint64_t token = 1,
                       std::string boot_id = "boot")
      : boot(std::move(boot_id)), pid_(pid), token_(token) {}

  std::int64_t pid() override { return pid_; }
  std::optional<ProcessInfo> find(std::int64_t pid) override {
    if (pid == pid_) return ProcessInfo{pid, 1000.0, "test"};
    const auto found = others.find(pid);
    if (found == others.end()) return std::nullopt;
    return found->second;
  }
  std::string host_name() override { return "host"; }
  std::string boot_id() override { return boot; }
  // Different at every call, and the same in every run.
  std::uint64_t random_token() override {
    token_ = token_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return token_ | 1U;
  }

  std::map<std::int64_t, ProcessInfo> others;
  std::string boot;

 private:
  std::int64_t pid_;
  std::uint64_t token_;
};

}  // namespace safechunk::test
