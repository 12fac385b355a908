// The door to the tests of crashes: one save, a power cut before each of its calls, and what the
// next owner finds. crash_states_test.cc does the same with many workloads and models.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "api/engine_access.h"
#include "support/fake_process.h"
#include "support/manual_clock.h"
#include "support/place.h"
#include "support/sim_file_system.h"

namespace safechunk::test {
namespace {

SafeChunkEngine open_project(SimFileSystem& disk, ManualClock& clock, FakeProcess& process) {
  EngineOptions options;
  options.base_dir = "/";
  return EngineAccess::construct(project_id(), in_this_place(options),
                                 Platform{disk, clock, process});
}

// G1, G2: the save is there whole or not at all, and after its acknowledgement it is there. Kills:
// any fsync or rename of a save that is left out or comes at another place.
TEST(FirstCrash, ASaveIsThereWholeOrNotAtAll) {
  const std::string chunk = chunk_here("settings");
  std::set<std::string> met;
  for (std::size_t cut = 0, calls = 1; cut <= calls; ++cut) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      SimFileSystem disk;
      ManualClock clock;
      FakeProcess process;
      SafeChunkEngine engine = open_project(disk, clock, process);
      ASSERT_TRUE(engine.stage_update("1", chunk).ok());
      ASSERT_TRUE(engine.force_sync().ok());
      ASSERT_TRUE(engine.stage_update("2", chunk).ok());

      // The power is cut before the call with the number `cut`.
      const std::size_t begin = disk.calls();
      std::unique_ptr<SimFileSystem> left;
      disk.set_hook([&](const SimCall& call) -> std::optional<int> {
        if (call.number == begin + cut) left = disk.crash_clone(seed, CrashModel::strict);
        return std::nullopt;
      });
      ASSERT_TRUE(engine.force_sync().ok());
      calls = disk.calls() - begin;
      const bool acknowledged = left == nullptr;
      if (acknowledged) left = disk.crash_clone(seed, CrashModel::strict);
      disk.set_hook({});

      ManualClock later;
      FakeProcess successor(4243);
      SafeChunkEngine next = open_project(*left, later, successor);
      const std::string found = next.fetch_chunk(chunk).value();
      EXPECT_TRUE(found == "2\n" || (found == "1\n" && !acknowledged)) << found << ", cut " << cut;
      met.insert(found);
    }
  }
  EXPECT_EQ(met.size(), 2U) << "the cuts came all before or all after the save";
}

}  // namespace
}  // namespace safechunk::test
