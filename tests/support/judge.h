// Judges the states that crashes leave: as they lie, reopened, and with the recovery crashed again.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/digest.h"
#include "support/place.h"
#include "support/processor_clock.h"
#include "support/recovered.h"
#include "support/sim_file_system.h"
#include "support/workload.h"

namespace safechunk::test {

inline const char* name_of(CrashModel model) {
  switch (model) {
    case CrashModel::process:
      return "process";
    case CrashModel::ordered:
      return "ordered";
    case CrashModel::strict:
      return "strict";
  }
  return "?";
}

// Judges crash states of one workload.
class Judge {
 public:
  Judge(Durability durability, std::uint64_t round_seed)
      : durability_(durability), round_seed_(round_seed) {}

  // The states that a crash at this moment may leave. Recoveries are crashed `depth` levels deep.
  void judge(const SimFileSystem& file_system, const History& history, const std::string& where,
             std::uint64_t seeds, int depth) {
    ++places_;
    if (number_of(where, kSampling) % one_in_ != 0) return;
    if (ProcessorClock::now() > deadline_) return;
    ++judged_places_;
    history_ = history;
    crash_everywhere(file_system, where, seeds, depth, {boot_, false});
  }

  // States that differ in what a program finds.
  [[nodiscard]] std::size_t distinct_states() const { return seen_.size(); }
  [[nodiscard]] std::size_t failures() const { return failures_; }
  // Where it was called, and where it has judged.
  [[nodiscard]] std::size_t places() const { return places_; }
  [[nodiscard]] std::size_t judged_places() const { return judged_places_; }
  // From now on states are chosen by this seed. What was judged once is not judged again, unless
  // deeper.
  void begin_round(std::uint64_t seed) { round_seed_ = seed; }
  // Who recovers. Where processes write in turn it matters whether the machine was started again.
  void recover_as(Mode mode) { mode_ = mode; }
  // The name of the boot in which the judged process lives.
  void set_boot(std::string boot) { boot_ = std::move(boot); }
  // Power cuts that leave the machine running, as when a disk is unplugged.
  void keep_boot() { keeps_boot_ = true; }
  // Every how many calls a recovery is crashed again; others in each round.
  void crash_recoveries_every(std::uint64_t calls) { stride_ = calls; }
  // Judges only some of the places that it is called at, others in each round, and none after that
  // time.
  void judge_one_in(std::uint64_t count, ProcessorClock::time_point deadline) {
    one_in_ = count;
    deadline_ = deadline;
  }

 private:
  static constexpr std::size_t kReported = 5;
  static constexpr std::uint64_t kSampling = 1'000'000;  // no number of a state

  // What the machine has been through.
  struct Machine {
    std::string boot;
    bool power_cut = false;
  };

  // Crashes `file_system` in every model and with several seeds.
  void crash_everywhere(const SimFileSystem& file_system, const std::string& where,
                        std::uint64_t seeds, int depth, const Machine& machine) {
    const Machine restarted{machine.boot + (keeps_boot_ ? "" : "+"), true};
    judge_clone(file_system, CrashModel::process, 0, where, depth, machine);
    for (std::uint64_t i = 0; i < seeds; ++i) {
      const std::uint64_t seed = number_of(where, i);
      judge_clone(file_system, CrashModel::ordered, seed, where, depth, restarted);
      judge_clone(file_system, CrashModel::strict, seed, where, depth, restarted);
    }
  }

  // The same for the same round and place, and different everywhere else.
  [[nodiscard]] std::uint64_t number_of(const std::string& where, std::uint64_t i) const {
    return checksum_of(where + ":" + std::to_string(i), round_seed_);
  }

  void judge_clone(const SimFileSystem& file_system, CrashModel model, std::uint64_t seed,
                   const std::string& where, int depth, const Machine& machine) {
    const bool power_cut = machine.power_cut;
    auto clone = file_system.crash_clone(seed, model);
    const std::string found = clone->fingerprint();
    seen_.insert(found);
    const auto [judged, fresh] =
        judged_.try_emplace(found + std::to_string(history_.first_allowed(power_cut)) +
                                (mode_ == Mode::shared ? machine.boot : std::string()),
                            depth);
    if (!fresh && judged->second >= depth) return;
    judged->second = depth;
    const std::string here = where + " > " + name_of(model) + " seed " + std::to_string(seed);
    for (const auto& [path, bytes] : clone->contents()) {
      check_file(path, bytes, history_, [&](const std::string& what) { fail(here, what); });
    }
    const ProjectState recovered = reopen(*clone, here, depth, machine);
    check_state(recovered, history_, power_cut,
                [&](const std::string& what) { fail(here, what + "; recovery said:" + events_); });
  }

  ProjectState reopen(SimFileSystem& clone, const std::string& here, int depth,
                      const Machine& machine) {
    ManualClock clock;
    // Every owner in a chain of crashes has a token of its own; owners of different states need
    // not differ, or equal states would be counted twice.
    FakeProcess process(4243, 100 + static_cast<std::uint64_t>(depth), machine.boot);
    if (depth > 0) {
      const std::uint64_t first = number_of(here, 0) % stride_;
      clone.set_hook([&, first](const SimCall& call) -> std::optional<int> {
        // Each level multiplies, so only some calls of a recovery are crashed, others each time.
        if (call.number % stride_ == first) {
          crash_everywhere(
              clone, here + " > recovery call " + std::to_string(call.number) + " " + call.verb, 1,
              depth - 1, machine);
        }
        return std::nullopt;
      });
    }
    ProjectState state;
    events_.clear();
    {
      auto engine =
          EngineAccess::construct(project_id(), crash_test_options(durability_, "/", mode_),
                                  Platform{clone, clock, process});
      clone.set_hook({});
      if (!engine.is_active()) {
        fail(here, "attach failed: " + engine.status().to_text());
        return state;
      }
      const Complain complain = [&](const std::string& what) { fail(here, what); };
      state = read_all(engine, complain);
      check_checkpoints(engine, archives_in(clone), history_, complain);
      for (const Event& event : engine.recovery_report().events) {
        events_ +=
            "\n    " + std::string(to_string(event.kind)) + " " + event.chunk + ": " + event.detail;
      }
      check_second_recovery(clone, state, here, depth, machine);
      clone.kill();
    }
    return state;
  }

  static std::set<std::string> archives_in(const SimFileSystem& file_system) {
    constexpr std::string_view kFolder = "project/checkpoints/";
    std::set<std::string> files;
    for (const auto& [path, bytes] : file_system.contents()) {
      if (path.starts_with(kFolder) && path.size() > kFolder.size()) {
        files.insert(path.substr(kFolder.size()));
      }
    }
    return files;
  }

  // A recovery that is done has nothing left to do.
  void check_second_recovery(const SimFileSystem& clone, const ProjectState& state,
                             const std::string& here, int depth, const Machine& machine) {
    auto again = clone.crash_clone(0, CrashModel::process);
    ManualClock clock;
    FakeProcess process(4244, 200 + static_cast<std::uint64_t>(depth), machine.boot);
    auto engine = EngineAccess::construct(project_id(), crash_test_options(durability_, "/", mode_),
                                          Platform{*again, clock, process});
    const Complain complain = [&](const std::string& what) { fail(here, what); };
    if (read_all(engine, complain) != state) complain("a second recovery changed something");
    check_nothing_was_done(engine, false, complain);
    again->kill();
  }

  void fail(const std::string& here, const std::string& what) {
    if (++failures_ > kReported) return;
    ADD_FAILURE() << "SAFECHUNK_CRASH_SEED=" << round_seed_ << " SAFECHUNK_CRASH_STRIDE=" << stride_
                  << ": " << here << "\n  " << what;
  }

  const Durability durability_;
  Mode mode_ = Mode::owner;
  std::string boot_ = "boot";
  bool keeps_boot_ = false;
  History history_;
  std::uint64_t stride_ = 40;
  std::uint64_t round_seed_;
  std::uint64_t one_in_ = 1;
  ProcessorClock::time_point deadline_ = ProcessorClock::time_point::max();
  std::size_t places_ = 0;
  std::size_t judged_places_ = 0;
  std::unordered_set<std::string> seen_;
  // The same with what was promised: how deep each was judged.
  std::unordered_map<std::string, int> judged_;
  std::size_t failures_ = 0;
  std::string events_;  // of the last recovery
};

}  // namespace safechunk::test
