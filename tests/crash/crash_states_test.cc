// G1 to G6, and G13 for checkpoints, after a crash at every call: each workload runs once; before
// every call of the file system the states that a crash may leave are cloned, reopened and judged,
// and the recovery itself is crashed again, two levels deep.
//
// SAFECHUNK_CRASH_SEEDS    states per call and model (default 2)
// SAFECHUNK_CRASH_STRIDE   every how many calls a recovery is crashed again (default 40)
// SAFECHUNK_CRASH_SEED     seed of the first round (default 1)
// SAFECHUNK_CRASH_SECONDS  each test runs rounds with the next seeds for so long, each over one in
//                          eight of the calls (default: one round over all)
//
// A failure prints the seed of its round; with SAFECHUNK_CRASH_SEED set to it, the test alone finds
// the failure again: which states a round judges follows from its seed and the place of the crash.

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <set>
#include <unordered_set>

#include "base/digest.h"
#include "crash/recovered.h"
#include "crash/workload.h"
#include "support/sim_file_system.h"

namespace safechunk::test {
namespace {

std::uint64_t setting(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

const char* name_of(CrashModel model) {
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

  // The states that a crash at this moment may leave.
  void judge(const SimFileSystem& file_system, const History& history, const std::string& where,
             std::uint64_t seeds, int depth = 2) {
    if (number_of(where, kSampling) % one_in_ != 0) return;
    if (std::chrono::steady_clock::now() > deadline_) return;
    history_ = history;
    crash_everywhere(file_system, where, seeds, depth, false);
  }

  [[nodiscard]] std::size_t distinct_states() const { return seen_.size(); }
  [[nodiscard]] std::size_t failures() const { return failures_; }
  // From now on states are chosen by this seed. What was judged once is not judged again.
  void begin_round(std::uint64_t seed) { round_seed_ = seed; }
  // Judges only some of the places that it is called at, others in each round, and none after that
  // time.
  void judge_one_in(std::uint64_t count, std::chrono::steady_clock::time_point deadline) {
    one_in_ = count;
    deadline_ = deadline;
  }

 private:
  static constexpr std::size_t kReported = 5;
  static constexpr std::uint64_t kSampling = 1'000'000;  // no number of a state

  // Crashes `file_system` in every model and with several seeds.
  void crash_everywhere(const SimFileSystem& file_system, const std::string& where,
                        std::uint64_t seeds, int depth, bool power_cut) {
    judge_clone(file_system, CrashModel::process, 0, where, depth, power_cut);
    for (std::uint64_t i = 0; i < seeds; ++i) {
      const std::uint64_t seed = number_of(where, i);
      judge_clone(file_system, CrashModel::ordered, seed, where, depth, true);
      judge_clone(file_system, CrashModel::strict, seed, where, depth, true);
    }
  }

  // The same for the same round and place, and different everywhere else.
  [[nodiscard]] std::uint64_t number_of(const std::string& where, std::uint64_t i) const {
    return checksum_of(where + ":" + std::to_string(i), round_seed_);
  }

  void judge_clone(const SimFileSystem& file_system, CrashModel model, std::uint64_t seed,
                   const std::string& where, int depth, bool power_cut) {
    auto clone = file_system.crash_clone(seed, model);
    const std::string key =
        clone->fingerprint() + std::to_string(history_.first_allowed(power_cut));
    if (!seen_.insert(key).second) return;
    const std::string here = where + " > " + name_of(model) + " seed " + std::to_string(seed);
    for (const auto& [path, bytes] : clone->contents()) {
      check_file(path, bytes, history_, [&](const std::string& what) { fail(here, what); });
    }
    const ProjectState recovered = reopen(*clone, here, depth, power_cut);
    check_state(recovered, history_, power_cut,
                [&](const std::string& what) { fail(here, what + "; recovery said:" + events_); });
  }

  ProjectState reopen(SimFileSystem& clone, const std::string& here, int depth, bool power_cut) {
    ManualClock clock;
    // Every owner in a chain of crashes has a token of its own; owners of different states need
    // not differ, or equal states would be counted twice.
    FakeProcess process(4243, 100 + static_cast<std::uint64_t>(depth));
    if (depth > 0) {
      const std::uint64_t first = number_of(here, 0) % stride_;
      clone.set_hook([&, first](const SimCall& call) -> std::optional<int> {
        // Each level multiplies, so only some calls of a recovery are crashed, others each time.
        if (call.number % stride_ == first) {
          crash_everywhere(
              clone, here + " > recovery call " + std::to_string(call.number) + " " + call.verb, 1,
              depth - 1, power_cut);
        }
        return std::nullopt;
      });
    }
    ProjectState state;
    events_.clear();
    {
      auto engine = EngineAccess::construct("project", crash_test_options(durability_),
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
      check_second_recovery(clone, state, here, depth);
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
                             const std::string& here, int depth) {
    auto again = clone.crash_clone(0, CrashModel::process);
    ManualClock clock;
    FakeProcess process(4244, 200 + static_cast<std::uint64_t>(depth));
    auto engine = EngineAccess::construct("project", crash_test_options(durability_),
                                          Platform{*again, clock, process});
    const Complain complain = [&](const std::string& what) { fail(here, what); };
    if (read_all(engine, complain) != state) complain("a second recovery changed something");
    check_nothing_was_done(engine, false, complain);
    again->kill();
  }

  void fail(const std::string& here, const std::string& what) {
    if (++failures_ > kReported) return;
    ADD_FAILURE() << "SAFECHUNK_CRASH_SEED=" << round_seed_ << ": " << here << "\n  " << what;
  }

  const Durability durability_;
  History history_;
  const std::uint64_t stride_ = std::max<std::uint64_t>(setting("SAFECHUNK_CRASH_STRIDE", 40), 1);
  std::uint64_t round_seed_;
  std::uint64_t one_in_ = 1;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  std::unordered_set<std::string> seen_;
  std::size_t failures_ = 0;
  std::string events_;  // of the last recovery
};

// --- a life after recovery

// What a second owner does with a project that the first one left by crashing.
void live_on(Session& session) {
  (void)session.put("a", "41");
  (void)session.sync();
  (void)session.put("a", "42");
  (void)session.put("b", "42");
  (void)session.remove("a");
  (void)session.sync();
  (void)session.put("a", "41");
  (void)session.sync();
}

// Opens what a crash left, goes on with it, and judges every crash of that.
void judge_second_life(SimFileSystem& file_system, SharedHistory& history, Durability durability,
                       const std::string& where, Judge& judge, std::uint64_t token) {
  Session session(file_system, history, durability, token);
  ASSERT_TRUE(session.engine().is_active()) << where << session.engine().status().to_text();
  const ProjectState found = session.state();
  history.change([&](History& changed) { changed.restart(found); });
  std::mutex judging;
  file_system.set_hook([&](const SimCall& call) -> std::optional<int> {
    const std::lock_guard lock(judging);
    judge.judge(file_system, history.snapshot(),
                where + " > second life, call " + std::to_string(call.number) + " " + call.verb, 1,
                0);
    return std::nullopt;
  });
  live_on(session);
  const std::lock_guard lock(judging);  // the worker may still be in the hook
  file_system.set_hook({});
  judge.judge(file_system, history.snapshot(), where + " > second life, end", 3, 0);
  file_system.kill();
}

struct Case {
  const Workload* workload;
  Durability durability;
  bool attributes;
  bool links;
};

std::string at(const SimCall& call) {
  return " call " + std::to_string(call.number) + " " + call.verb + " " + call.path;
}

class CrashStates : public testing::TestWithParam<Case> {};

// One owner from its birth to its end, judged before every call that it makes.
void judge_a_life(const Case& test, Judge& judge) {
  const std::uint64_t seeds = setting("SAFECHUNK_CRASH_SEEDS", 2);
  SimFileSystem file_system(test.attributes, test.links);
  SharedHistory history;
  std::mutex judging;  // the worker and the test's thread call the file system, too
  file_system.set_hook([&](const SimCall& call) -> std::optional<int> {
    const std::lock_guard lock(judging);
    judge.judge(file_system, history.snapshot(), test.workload->name + at(call), seeds);
    return std::nullopt;
  });
  {
    Session session(file_system, history, test.durability);
    ASSERT_TRUE(session.engine().is_active()) << session.engine().status().to_text();
    test.workload->run(session);
    ASSERT_TRUE(session.engine().detach().ok());
  }
  file_system.set_hook({});
  judge.judge(file_system, history.snapshot(), "after detach", seeds);
}

// The same when the fsync with this number fails, from there on. False when there are not so many.
bool judge_after_a_failed_sync(const Case& test, Judge& judge, std::uint64_t broken) {
  SimFileSystem file_system(test.attributes, test.links);
  SharedHistory history;
  std::mutex judging;
  std::uint64_t syncs = 0;
  std::string failed;
  Session session(file_system, history, test.durability);
  file_system.set_hook([&](const SimCall& call) -> std::optional<int> {
    const std::lock_guard lock(judging);
    if (!failed.empty()) {
      judge.judge(file_system, history.snapshot(),
                  test.workload->name + failed + " failed," + at(call), 2, 0);
    }
    if (!call.verb.starts_with("sync") || syncs++ != broken) return std::nullopt;
    failed = at(call);
    return EIO;
  });
  test.workload->run(session);
  const std::lock_guard lock(judging);  // the worker may still be in the hook
  file_system.set_hook({});
  file_system.kill();
  return !failed.empty();
}

TEST_P(CrashStates, RecoverToAPrefixOfWhatWasAcknowledged) {
  const std::uint64_t first = setting("SAFECHUNK_CRASH_SEED", 1);
  const std::chrono::seconds budget(setting("SAFECHUNK_CRASH_SECONDS", 0));
  const auto start = std::chrono::steady_clock::now();
  Judge judge(GetParam().durability, first);
  if (budget.count() > 0) judge.judge_one_in(8, start + budget);
  std::uint64_t rounds = 0;
  do {
    judge.begin_round(first + rounds++);
    judge_a_life(GetParam(), judge);
  } while (!HasFatalFailure() && std::chrono::steady_clock::now() - start < budget);
  EXPECT_EQ(judge.failures(), 0U);
  EXPECT_GT(judge.distinct_states(), 10U);
  std::printf("%zu distinct states judged, seeds %llu to %llu\n", judge.distinct_states(),
              static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + rounds - 1));
}

class AfterAFailedSync : public testing::TestWithParam<Case> {};

// G1, G4. Kills: a journal that takes the place of one whose fsync failed, and is not durable
// itself.
TEST_P(AfterAFailedSync, CrashesLoseNothingThatWasAcknowledged) {
  Judge judge(GetParam().durability, setting("SAFECHUNK_CRASH_SEED", 1));
  std::uint64_t syncs = 0;
  while (judge_after_a_failed_sync(GetParam(), judge, syncs)) ++syncs;
  EXPECT_GT(syncs, 3U);
  EXPECT_EQ(judge.failures(), 0U);
  std::printf("%llu syncs failed, %zu distinct states judged\n",
              static_cast<unsigned long long>(syncs), judge.distinct_states());
}

class SecondLife : public testing::TestWithParam<Case> {};

// Sequences, tokens and folders that a dead owner left half done must not harm its successor.
TEST_P(SecondLife, IsAsSafeAsTheFirst) {
  const Case& test = GetParam();
  constexpr std::size_t kEvery = 5;
  SimFileSystem file_system(test.attributes, test.links);
  SharedHistory history;
  std::mutex collecting;
  std::vector<std::pair<std::unique_ptr<SimFileSystem>, History>> crashed;
  file_system.set_hook([&](const SimCall& call) -> std::optional<int> {
    const std::lock_guard lock(collecting);
    if (call.number % kEvery != 0) return std::nullopt;
    for (const CrashModel model : {CrashModel::process, CrashModel::ordered, CrashModel::strict}) {
      crashed.emplace_back(file_system.crash_clone(call.number, model), history.snapshot());
    }
    return std::nullopt;
  });
  {
    Session session(file_system, history, test.durability);
    test.workload->run(session);
    file_system.kill();
  }
  Judge judge(test.durability, setting("SAFECHUNK_CRASH_SEED", 1));
  for (std::size_t i = 0; i < crashed.size(); ++i) {
    SharedHistory second;
    second.change([&](History& changed) { changed = crashed[i].second; });
    judge_second_life(*crashed[i].first, second, test.durability,
                      test.workload->name + " crash " + std::to_string(i), judge, 10'000 + i);
  }
  EXPECT_EQ(judge.failures(), 0U);
  std::printf("%zu crashes, %zu distinct states judged\n", crashed.size(), judge.distinct_states());
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Workload& workload : workloads()) {
    for (const Durability durability : {Durability::file, Durability::journal}) {
      cases.push_back({&workload, durability, true, true});
      cases.push_back({&workload, durability, false, false});
    }
  }
  return cases;
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const Case& test = info.param;
  return test.workload->name + (test.durability == Durability::file ? "_file" : "_journal") +
         (test.attributes ? "" : "_without_stamps_and_links");
}

std::vector<Case> cases_of(const std::set<std::string>& workloads) {
  std::vector<Case> cases;
  for (const Case& test : all_cases()) {
    if (workloads.contains(test.workload->name)) cases.push_back(test);
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, AfterAFailedSync,
                         testing::ValuesIn(cases_of({"W4_back_and_forth", "W5_transactions"})),
                         case_name);
INSTANTIATE_TEST_SUITE_P(
    All, SecondLife,
    testing::ValuesIn(cases_of({"W4_back_and_forth", "W5_transactions", "W9_large"})), case_name);
INSTANTIATE_TEST_SUITE_P(All, CrashStates, testing::ValuesIn(all_cases()), case_name);

}  // namespace
}  // namespace safechunk::test
