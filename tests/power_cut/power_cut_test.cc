// G1 to G5 on real file systems after a power cut: the workloads of the crash tests run on ext4,
// xfs and btrfs, mounted from a disk that logs every write and flush (block_log). A cut may come
// before any file-system call of the engine; the disk then has what was flushed, and any part of
// what was written since. The file system replays its own journal, the engine recovers, and the
// result is judged as in the simulated crashes.
//
// SAFECHUNK_POWER_CUTS  cuts per case (default 4)
// SAFECHUNK_CRASH_SEED  chooses the cuts (default 1)
//
// Kills: missing fsyncs of files and folders that the simulated disk might be too kind to.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "support/forwarding_file_system.h"
#include "support/private_mounts.h"
#include "support/real_disk.h"
#include "support/recovered_on_disk.h"

namespace safechunk::test {
namespace {

namespace fs = std::filesystem;

// The server process, and what it serves.
class BlockLog {
 public:
  BlockLog() {
    server_ = ::fork();
    if (server_ == 0) {
      ::execl(SAFECHUNK_BLOCK_LOG, "block_log", "-f", "-s", folder_.path().c_str(),
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    if (server_ < 0) throw std::runtime_error("cannot fork");
    while (!fs::exists(folder_ / "control")) {
      int status = 0;
      if (::waitpid(server_, &status, WNOHANG) != 0) throw std::runtime_error("no block log");
      ::usleep(1000);
    }
    control_.emplace(folder_ / "control", O_WRONLY);
  }
  BlockLog(const BlockLog&) = delete;
  BlockLog& operator=(const BlockLog&) = delete;
  ~BlockLog() {
    control_.reset();
    ::umount2(folder_.path().c_str(), MNT_DETACH);
    ::kill(server_, SIGTERM);
    ::waitpid(server_, nullptr, 0);
  }

  [[nodiscard]] std::string disk() const { return (folder_ / "disk").string(); }
  [[nodiscard]] std::string view() const { return (folder_ / "view").string(); }
  // Remembers this moment; the first is number 0.
  void mark() { command("mark"); }
  void show(std::size_t mark, std::uint64_t seed) {
    command("view " + std::to_string(mark) + " " + std::to_string(seed));
  }

 private:
  void command(const std::string& text) {
    if (::write(control_->get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      throw std::runtime_error("the block log refused " + text);
    }
  }

  TemporaryFolder folder_;
  pid_t server_ = -1;
  std::optional<Descriptor> control_;
};

constexpr RealFileSystem kFileSystems[] = {kExt4Ordered, kExt4Writeback, kXfs, kBtrfs};

using Case = std::tuple<RealFileSystem, Workload, Durability>;

class PowerCuts : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!private_mounts().empty()) GTEST_SKIP() << "no mounts here: " << private_mounts();
    if (::access("/dev/fuse", R_OK | W_OK) != 0) GTEST_SKIP() << "no /dev/fuse here";
    if (::access("/dev/loop-control", R_OK | W_OK) != 0) GTEST_SKIP() << "no loop devices here";
  }
};

TEST_P(PowerCuts, LoseNothingThatWasAcknowledged) {
  const auto& [file_system, workload, durability] = GetParam();
  const std::uint64_t seed = setting("SAFECHUNK_CRASH_SEED", 1);
  const std::uint64_t cuts = setting("SAFECHUNK_POWER_CUTS", 4);
  std::mt19937_64 random(seed);

  BlockLog log;
  run(std::string(file_system.mkfs) + " " + log.disk());
  SharedHistory history;
  std::vector<std::pair<std::string, History>> moments;
  {
    const Mounted mounted(log.disk(), file_system.type, file_system.options);
    const Descriptor root(mounted.path(), O_RDONLY | O_DIRECTORY);
    std::mutex marking;  // the worker calls the file system, too
    HookedFileSystem hooked(system_file_system(), [&](const char* verb) {
      const std::lock_guard lock(marking);
      // The kernel writes back when it likes, or another program asks for it.
      if (random() % 16 == 0 && ::syncfs(root.get()) != 0) throw std::runtime_error("syncfs");
      moments.emplace_back(verb, history.snapshot());
      log.mark();
    });
    {
      Session session(hooked, history, durability, 1, mounted.path(), workload.journal_limit,
                      {workload.mode, 4242, "boot"});
      ASSERT_TRUE(session.engine().is_active()) << session.engine().status().to_text();
      workload.run(session);
      ASSERT_TRUE(session.engine().detach().ok());
    }
    moments.emplace_back("the end", history.snapshot());
    log.mark();
  }
  const std::size_t wanted = std::min<std::size_t>(cuts, moments.size());
  for (std::size_t i = 0; i < wanted; ++i) {
    const std::size_t mark = i + 1 == wanted
                                 ? moments.size() - 1
                                 : (i * moments.size() + random() % moments.size()) / wanted;
    const std::uint64_t view_seed = random();
    log.show(mark, view_seed);
    const Mounted mounted(log.view(), file_system.type, file_system.options);
    const auto& [verb, so_far] = moments[mark];
    const std::string where = "SAFECHUNK_CRASH_SEED=" + std::to_string(seed) +
                              ", cut before call " + std::to_string(mark) + " (" + verb +
                              "), view " + std::to_string(view_seed);
    (void)check_project_on_disk(mounted.path(), so_far, durability, where);
    if (HasFailure()) return;
  }
  std::printf("%zu calls, %zu power cuts judged\n", moments.size(), wanted);
}

std::vector<Workload> all_workloads() {
  std::vector<Workload> all = workloads();
  all.push_back(longest_workload());
  return all;
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const auto& [file_system, workload, durability] = info.param;
  return std::string(file_system.name) + "_" + workload.name +
         (durability == Durability::file ? "_file" : "_journal");
}

INSTANTIATE_TEST_SUITE_P(All, PowerCuts,
                         testing::Combine(testing::ValuesIn(kFileSystems),
                                          testing::ValuesIn(all_workloads()),
                                          testing::Values(Durability::file, Durability::journal)),
                         case_name);

}  // namespace
}  // namespace safechunk::test
