// G1 to G5 when a file system is shut down under a writing process, at random moments: a real child
// writes on ext4 or xfs, the shutdown ioctl stops the file system at once, with or without writing
// its log, and the next mount replays the log. What the child had acknowledged over a pipe must be
// there, nothing that it did not issue, and a second recovery finds nothing to do.
//
// SAFECHUNK_POWER_CUTS  shutdowns per case (default 2)
// SAFECHUNK_SEED        chooses the edits and the moments; the moments depend on the machine, too
//
// Kills: missing fsyncs of files and folders, acknowledging after a failed fsync.

#include <gtest/gtest.h>
#include <linux/types.h>
#include <sys/ioctl.h>

#include <random>

#include "support/child_process.h"
#include "support/place.h"
#include "support/private_mounts.h"
#include "support/real_disk.h"
#include "support/recovered_on_disk.h"

namespace safechunk::test {
namespace {

constexpr std::uint64_t kImageBytes = 400ULL << 20U;  // xfs wants 300 MB
// EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are the same.
constexpr unsigned long kShutdown = _IOR('X', 125, __u32);

struct Flag {
  const char* name;
  __u32 value;
};
constexpr Flag kFlags[] = {{"flushed", 0}, {"log_flushed", 1}, {"nothing_flushed", 2}};

// The child tells of its edits by one byte each.
constexpr char kIssued = 'i';
constexpr char kStaged = 's';
constexpr char kAcknowledged = 'a';
constexpr char kFailed = 'f';

// Edit number n of a life, the same for the writer and for the judge.
History::Unit edit(std::uint64_t seed, std::uint64_t number) {
  std::mt19937_64 random(seed + number);
  const auto text = [&] {
    return "[" + std::to_string(number) + ",\"" +
           std::string(random() % 3000, static_cast<char>('a' + random() % 26)) + "\"]";
  };
  const std::string chunk(1, static_cast<char>('a' + random() % 4));
  if (random() % 8 == 0) return {{chunk, text()}, {"other", text()}};
  return {{chunk, text()}};
}

// Writes until a call fails.
void write_until_shutdown(const std::string& base, const Pipe& pipe, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  FakeProcess process(4242, seed);
  EngineOptions options =
      crash_test_options(random() % 2 == 0 ? Durability::file : Durability::journal, base);
  options.debounce_delay = options.max_delay = std::chrono::milliseconds(random() % 20);
  if (random() % 4 == 0) options.journal_limit = 20'000;
  const std::uint64_t sync_every = 1 + random() % 8;
  auto engine = EngineAccess::construct(project_id(), options,
                                        Platform{system_file_system(), system_clock(), process});
  require_ok(engine.status(), "attach");
  const auto tell = [&](char what) { pipe.write({&what, 1}); };
  for (std::uint64_t number = 0;; ++number) {
    const History::Unit unit = edit(seed, number);
    tell(kIssued);
    Status status;
    if (unit.size() == 1) {
      const auto& [chunk, text] = *unit.begin();
      status = engine.stage_update(std::string_view(*text), chunk);
      if (status.ok()) tell(kStaged);
      if (status.ok() && number % sync_every == 0) {
        status = random() % 16 == 0 ? engine.create_checkpoint("shutdown", 2).status()
                                    : engine.force_sync();
        if (status.ok()) tell(kAcknowledged);
      }
    } else {
      auto transaction = engine.transaction();
      for (const auto& [chunk, text] : unit) {
        require_ok(transaction.stage(std::string_view(*text), chunk), "stage in a transaction");
      }
      status = transaction.commit();
      if (status.ok()) {
        tell(kStaged);
        tell(kAcknowledged);
      }
    }
    if (!status) {
      tell(kFailed);
      return;
    }
  }
}

using Case = std::tuple<RealFileSystem, Flag>;

class Shutdowns : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!private_mounts().empty()) GTEST_SKIP() << "no mounts here: " << private_mounts();
    if (::access("/dev/loop-control", R_OK | W_OK) != 0) GTEST_SKIP() << "no loop devices here";
    memory_.emplace("tmpfs");
    write_file(image(), "");
    std::filesystem::resize_file(image(), kImageBytes);
    run(std::string(file_system().mkfs) + " " + image());
  }
  static const RealFileSystem& file_system() { return std::get<0>(GetParam()); }
  [[nodiscard]] std::string image() const { return (memory_->path() / "image").string(); }

  // One life of a writer, ended by a shutdown after `pause`. Records what it told.
  void live_and_shut_down(std::uint64_t seed, std::chrono::microseconds pause, History& history) {
    const Mounted mounted(image(), file_system().type, file_system().options);
    Pipe pipe;
    Child writer([&] { write_until_shutdown(mounted.path(), pipe, seed); });
    pipe.close_writer();
    std::string told = pipe.read(std::chrono::steady_clock::now() + patience());
    ASSERT_FALSE(told.empty()) << "the writer did not come so far";
    const auto deadline = std::chrono::steady_clock::now() + pause;
    while (std::chrono::steady_clock::now() < deadline) told += pipe.read(deadline);
    told += pipe.read(deadline);  // what is there already
    const std::size_t before = told.size();
    ASSERT_EQ(told.find(kFailed), std::string::npos) << "the writer failed before the shutdown";
    {
      const Descriptor root(mounted.path(), O_RDONLY | O_DIRECTORY);
      __u32 flag = std::get<1>(GetParam()).value;
      ASSERT_EQ(::ioctl(root.get(), kShutdown, &flag), 0) << std::strerror(errno);
    }
    told += pipe.read_all();
    ASSERT_EQ(writer.wait(), 0);
    ASSERT_TRUE(told.ends_with(kFailed)) << "the writer noticed nothing";
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < told.size(); ++i) {
      if (told[i] == kIssued) history.issue(edit(seed, number++));
      if (told[i] == kStaged) history.staged();
      if (told[i] == kAcknowledged && i < before) history.acknowledged();
    }
    edits_ += number;
  }

  std::optional<MemoryDisk> memory_;
  std::uint64_t edits_ = 0;
};

TEST_P(Shutdowns, LoseNothingThatWasAcknowledged) {
  std::mt19937_64 random(seed_of_this_run());
  const std::uint64_t shutdowns = setting("SAFECHUNK_POWER_CUTS", 2);
  History history;
  for (std::uint64_t i = 0; i < shutdowns; ++i) {
    const std::uint64_t seed = random();
    const std::chrono::microseconds pause(random() % 30'000);
    live_and_shut_down(seed, pause, history);
    if (HasFatalFailure()) return;
    const Mounted mounted(image(), file_system().type, file_system().options);
    const ProjectState found = check_project_on_disk(mounted.path(), history, Durability::file,
                                                     "shutdown " + std::to_string(i));
    if (HasFailure()) return;
    history.restart(found);
  }
  std::printf("%llu shutdowns judged, %llu edits\n", static_cast<unsigned long long>(shutdowns),
              static_cast<unsigned long long>(edits_));
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(All, Shutdowns,
                         testing::Combine(testing::Values(kExt4Ordered, kExt4Writeback, kXfs),
                                          testing::ValuesIn(kFlags)),
                         case_name);

}  // namespace
}  // namespace safechunk::test
