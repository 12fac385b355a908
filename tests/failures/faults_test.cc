// G7, G8: the n-th call of the file system fails, once or for good, with each plausible error, or
// reads or writes less than it was asked to, for every n until a workload no longer reaches it.
// Nothing acknowledged or staged is lost, nothing hangs, and once calls succeed again everything
// staged is saved.
//
// Kills: dropped return codes and counts, acknowledging after a failed fsync, renaming after a
// failed fsync, syncing a file again whose fsync has failed.
//
// SAFECHUNK_FAULT_STRIDE   only one in so many calls fails, another one for each error (default 1);
//                          ten times as many in places other than a project

#include <gtest/gtest.h>

#include <cerrno>

#include "support/place.h"
#include "support/recovered.h"
#include "support/setting.h"
#include "support/sim_file_system.h"
#include "support/workload.h"

namespace safechunk::test {
namespace {

Complain complain_at(const std::string& where) {
  return [where](const std::string& what) { ADD_FAILURE() << where << ": " << what; };
}

// What is judged after a run in which the call `broken` failed.
void check_recovery(const SimFileSystem& file_system, const History& history, Durability durability,
                    CrashModel model, std::uint64_t seed, const std::string& where) {
  auto clone = file_system.crash_clone(seed, model);
  ManualClock clock;
  FakeProcess process(4243, 1000 + seed);
  auto engine = EngineAccess::construct(project_id(), crash_test_options(durability),
                                        Platform{*clone, clock, process});
  ASSERT_TRUE(engine.is_active()) << where << ": " << engine.status().to_text();
  const Complain complain =
      complain_at(where + ", model " + std::to_string(static_cast<int>(model)));
  check_state(read_all(engine, complain), history, model != CrashModel::process, complain);
  clone->kill();
}

struct Fault {
  int error;
  bool for_good;
};

std::string describe(int error) {
  if (error == SimFileSystem::kShort) return "moves half of the bytes";
  if (error == SimFileSystem::kStoresNothing) return "stores nothing";
  return "fails with errno " + std::to_string(error);
}

// One run of the workload in which call number `broken` (of those that a short count can happen to)
// fails. False when it was never reached.
bool run_with_fault(const Workload& workload, Durability durability, std::size_t broken,
                    const Fault& fault) {
  SimFileSystem file_system;
  bool reached = false;
  std::string failed_call;
  std::atomic<bool> repaired{false};
  std::size_t moves = 0;
  std::mutex noting;  // the worker and the test's thread call the file system, both
  file_system.set_hook([&](const SimCall& call) -> std::optional<int> {
    const std::lock_guard lock(noting);
    std::size_t number = call.number;
    if (fault.error < 0) {
      if (!call.moves_bytes()) return std::nullopt;
      number = moves++;
    }
    const bool hit = fault.for_good ? number >= broken : number == broken;
    if (!hit || repaired) return std::nullopt;
    if (!reached) failed_call = call.verb + " " + call.path;
    reached = true;
    return fault.error;
  });
  SharedHistory history;
  {
    Session session(file_system, history, durability, 1, "/", workload.journal_limit,
                    {workload.mode, 4242, "boot"});
    if (session.engine().is_active()) workload.run(session);
    std::unique_lock lock(noting);
    const bool failed = reached;
    const std::string where = workload.name + ", call " + std::to_string(broken) + " (" +
                              failed_call + ") " + describe(fault.error) +
                              (fault.for_good ? " for good" : " once");
    lock.unlock();
    if (failed) {
      const Complain complain = complain_at(where);
      // What was staged with success survives the process; what was acknowledged, a power cut.
      const History so_far = history.snapshot();
      check_recovery(file_system, so_far, durability, CrashModel::process, 0, where);
      check_recovery(file_system, so_far, durability, CrashModel::ordered, broken, where);
      check_recovery(file_system, so_far, durability, CrashModel::strict, broken, where);
      // Once the fault is gone, everything is saved.
      repaired = true;
      if (session.engine().is_active()) {
        // The next turn saves what those of others have left in the journal.
        if (workload.mode == Mode::shared) {
          const Status next = session.put(chunk_here("next"), "1");
          EXPECT_TRUE(next.ok()) << where << ": " << next.to_text();
        }
        const ProjectState wanted = read_all(session.engine(), complain);
        const Status saved = session.engine().force_sync();
        EXPECT_TRUE(saved.ok()) << where << ": " << saved.to_text();
        EXPECT_EQ(read_all(session.engine(), complain), wanted) << where;
        // And what was acknowledged after the fault is as durable as ever.
        for (const CrashModel model : {CrashModel::ordered, CrashModel::strict}) {
          auto clone = file_system.crash_clone(broken + 1, model);
          ManualClock clock;
          FakeProcess process(4243, 5000 + broken);
          auto engine = EngineAccess::construct(project_id(), crash_test_options(durability),
                                                Platform{*clone, clock, process});
          EXPECT_EQ(read_all(engine, complain), wanted) << where << ", power cut after the repair";
          clone->kill();
        }
      }
    }
    file_system.kill();
  }
  return reached;
}

// They stage and sync without caring for errors; the history tells what was refused from what is
// staged all the same.
std::vector<Workload> fault_workloads() {
  std::vector<Workload> all = workloads();
  all.push_back(longest_workload());
  return all;
}

// A long text makes each run long: only what can happen to the pieces of its file.
std::vector<Fault> faults_for(const Workload& workload) {
  std::vector<Fault> faults = {
      {SimFileSystem::kShort, false}, {SimFileSystem::kShort, true}, {EIO, false}};
  if (workload.name == longest_workload().name) return faults;
  faults.insert(faults.end(),
                {{EIO, true}, {SimFileSystem::kStoresNothing, false}, {EINTR, false}});
  for (const int error : {ENOSPC, EACCES, EROFS, EMFILE, EDQUOT}) {
    faults.push_back({error, false});
    faults.push_back({error, true});
  }
  return faults;
}

using Case = std::tuple<std::size_t, Durability>;
class Faults : public testing::TestWithParam<Case> {};

TEST_P(Faults, AtEveryCallLoseNothing) {
  const auto& [index, durability] = GetParam();
  const Workload workload = fault_workloads()[index];
  const auto stride =
      static_cast<std::size_t>(setting("SAFECHUNK_FAULT_STRIDE", 1) * (is_project() ? 1 : 10));
  std::size_t runs = 0;
  std::size_t first = 0;
  for (const Fault& fault : faults_for(workload)) {
    for (std::size_t broken = first++ % stride;; broken += stride) {
      if (!run_with_fault(workload, durability, broken, fault)) break;
      ++runs;
    }
  }
  EXPECT_GT(runs, 100U / stride);
  std::printf("%zu runs with a fault\n", runs);
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const auto& [index, durability] = info.param;
  return fault_workloads()[index].name + (durability == Durability::file ? "_file" : "_journal");
}

INSTANTIATE_TEST_SUITE_P(All, Faults,
                         testing::Combine(testing::Range<std::size_t>(0, fault_workloads().size()),
                                          testing::Values(Durability::file, Durability::journal)),
                         case_name);

// The journal may end with the version between, and only the journal can tell that it is not the
// last one. Kills: acknowledging edits that need no file although the journal could not be synced.
TEST(FaultsInOrder, AnEditBackIsNotAcknowledgedWithoutItsJournal) {
  SimFileSystem file_system;
  SharedHistory history;
  Session session(file_system, history, Durability::file);
  ASSERT_TRUE(session.put("a", "1").ok());
  ASSERT_TRUE(session.sync().ok());
  ASSERT_TRUE(session.put("a", "2").ok());
  ASSERT_TRUE(session.put("a", "1").ok());
  bool journal_synced = false;
  file_system.set_hook([&](const SimCall& call) -> std::optional<int> {
    journal_synced =
        journal_synced || (call.verb == "sync_data" && call.path == "project/.journal");
    return journal_synced ? std::optional(EIO) : std::nullopt;
  });
  EXPECT_EQ(session.sync().code(), ErrorCode::io_error);
  EXPECT_TRUE(journal_synced);
  EXPECT_TRUE(session.engine().is_dirty());
  file_system.set_hook(nullptr);
  EXPECT_TRUE(session.sync().ok());
  EXPECT_EQ(session.state(), (ProjectState{{"a", "1"}}));
}

}  // namespace
}  // namespace safechunk::test
