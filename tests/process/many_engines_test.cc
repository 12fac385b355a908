// P18: many engines in one process need few threads, and few descriptors each.

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "support/child_process.h"
#include "support/file_system_probe.h"

namespace safechunk {
namespace {

using test::Child;
using test::TemporaryFolder;
namespace fs = std::filesystem;

constexpr std::size_t kEngines = 200;
constexpr std::size_t kDescriptorsEach = 4;
constexpr std::size_t kThreads = 3;  // beside that of the application

std::size_t entries_in(const char* folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// Those of the engines; a sanitizer may have one of its own.
std::size_t threads() {
  std::size_t count = 0;
  std::error_code gone;
  for (const auto& task : fs::directory_iterator("/proc/self/task", gone)) {
    std::ifstream name(task.path() / "comm");
    std::string text;
    if (std::getline(name, text) && text == "safechunk") ++count;
  }
  return count;
}

// Kills: a thread for each engine; folders that stay open; a thread that stays when nobody needs
// it; engines of which the worker forgets one.
TEST(ManyEngines, ShareTheirThreadsAndNeedFourDescriptorsEach) {
  const TemporaryFolder folder;
  Child child([&] {
    EngineOptions options = test::options_in(folder);
    options.debounce_delay = std::chrono::milliseconds(1);
    const std::size_t before = entries_in("/proc/self/fd");
    std::vector<SafeChunkEngine> engines;
    engines.reserve(kEngines);
    std::atomic<std::size_t> saved{0};
    for (std::size_t i = 0; i < kEngines; ++i) {
      engines.emplace_back("project" + std::to_string(i), options);
      engines.back().on_sync([&] { ++saved; });
    }
    test::require(threads() <= 1, "threads for engines that have nothing to do");
    std::size_t most = 0;
    const auto began = std::chrono::steady_clock::now();
    for (SafeChunkEngine& engine : engines) {
      test::require_ok(engine.stage_update("1", "a"), "stage_update");
      most = std::max(most, threads());
    }
    test::require(test::eventually([&] {
                    most = std::max(most, threads());
                    return saved == kEngines;
                  }),
                  "an engine was not saved");
    // One more for each second in which the disk keeps all of them waiting.
    const auto passed = std::chrono::steady_clock::now() - began;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(passed).count();
    test::require(most <= kThreads + static_cast<std::size_t>(seconds), "many threads");
    const std::size_t descriptors = entries_in("/proc/self/fd") - before;
    test::require(descriptors <= kEngines * kDescriptorsEach, "many descriptors");
    for (SafeChunkEngine& engine : engines) test::require_ok(engine.detach(), "detach");
    test::require(threads() == 0, "a thread is left");
    test::require(entries_in("/proc/self/fd") == before, "a descriptor is left");
    ::_exit(0);
  });
  EXPECT_EQ(child.wait(), 0);
  for (std::size_t i = 0; i < kEngines; ++i) {
    const std::string project = "project" + std::to_string(i);
    EXPECT_EQ(test::read_file(folder.path() / project / "chunks/a.json"), "1\n");
  }
}

}  // namespace
}  // namespace safechunk
