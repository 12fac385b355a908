// G1 to G6, and G13 for checkpoints, after a crash at every call: before every call of the file
// system the states that a crash may leave are cloned, reopened and judged, and the recovery itself
// is crashed again, two levels deep.
//
// SAFECHUNK_CRASH_SEEDS    states per call and model (default 2)
// SAFECHUNK_CRASH_STRIDE   every how many calls a recovery is crashed again (default 40)
// SAFECHUNK_CRASH_ONE_IN   judges one in so many calls of the first round, one in so many failed
//                          fsyncs and second lives (default 1)
// SAFECHUNK_CRASH_SEED     seed of the first round (default 1)
// SAFECHUNK_CRASH_SECONDS  goes deeper for so long (default 0)
//
// In other places than a project (support/place.h) the defaults are coarser: 1, 400 and 16. There
// this also kills a side folder whose name is not durable before edits are accepted.
//
// The first round judges every call, however long that takes. When there is time to go deeper, it
// crashes recoveries sparsely and one level deep; the time goes to rounds with the next seeds, each
// over one in sixteen of the calls, whose recoveries are crashed as often as the stride says.
//
// A failure prints the seed of its round; with SAFECHUNK_CRASH_SEED set to it, the test alone finds
// the failure again: which states a round judges follows from its seed and the place of the crash.

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <set>

#include "support/judge.h"
#include "support/place.h"
#include "support/processor_clock.h"
#include "support/setting.h"

namespace safechunk::test {
namespace {

// --- a life after recovery

std::uint64_t one_in() {
  return std::max<std::uint64_t>(setting("SAFECHUNK_CRASH_ONE_IN", is_project() ? 1 : 16), 1);
}

// What a second owner does with a project that the first one left by crashing; or two processes in
// turn.
void live_on(Session& session, Session& other) {
  (void)session.put("a", "41");
  (void)session.sync();
  (void)other.put("a", "42");
  (void)session.transaction({{"a", "41"}, {"b", "41"}});
  (void)other.put("b", "42");
  (void)session.remove("a");
  (void)session.sync();
  (void)other.put("a", "41");
  (void)session.sync();
}

// Opens what a crash left, goes on with it, and judges every crash of that.
void judge_second_life(SimFileSystem& file_system, SharedHistory& history, Durability durability,
                       const std::string& where, Judge& judge, std::uint64_t token,
                       const SessionPlace& place) {
  Session session(file_system, history, durability, token, "/", Session::kJournalLimit, place);
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
  if (place.mode == Mode::shared) {
    Session other(session, place.mode, token + 1);
    live_on(session, other);
  } else {
    live_on(session, session);
  }
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
  Mode next = Mode::owner;  // who recovers what a crash left
  bool keeps_boot = false;  // a power cut leaves the machine running: the disk was unplugged
};

Judge judge_of(const Case& test, std::uint64_t seed) {
  Judge judge(test.durability, seed);
  judge.recover_as(test.next);
  if (test.keeps_boot) judge.keep_boot();
  return judge;
}

std::string at(const SimCall& call) {
  return " call " + std::to_string(call.number) + " " + call.verb + " " + call.path;
}

class CrashStates : public testing::TestWithParam<Case> {};

Session begin(const Case& test, SimFileSystem& file_system, SharedHistory& history) {
  SessionPlace place;
  place.mode = test.workload->mode;
  return {file_system, history, test.durability, 1, "/", test.workload->journal_limit, place};
}

// One owner from its birth to its end, judged before every call that it makes.
void judge_a_life(const Case& test, Judge& judge, int depth) {
  const std::uint64_t seeds = setting("SAFECHUNK_CRASH_SEEDS", is_project() ? 2 : 1);
  SimFileSystem file_system(test.attributes, test.links);
  SharedHistory history;
  std::mutex judging;  // the worker and the test's thread call the file system, too
  file_system.set_hook([&](const SimCall& call) -> std::optional<int> {
    const std::lock_guard lock(judging);
    judge.judge(file_system, history.snapshot(), test.workload->name + at(call), seeds, depth);
    return std::nullopt;
  });
  {
    Session session = begin(test, file_system, history);
    ASSERT_TRUE(session.engine().is_active()) << session.engine().status().to_text();
    test.workload->run(session);
    ASSERT_TRUE(session.engine().detach().ok());
  }
  file_system.set_hook({});
  judge.judge(file_system, history.snapshot(), "after detach", seeds, depth);
}

// The same when the fsync with this number fails, from there on. False when there are not so many.
bool judge_after_a_failed_sync(const Case& test, Judge& judge, std::uint64_t broken) {
  SimFileSystem file_system(test.attributes, test.links);
  SharedHistory history;
  std::mutex judging;
  std::uint64_t syncs = 0;
  std::string failed;
  Session session = begin(test, file_system, history);
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

void report_places(const Judge& judge, const char* round) {
  std::printf("%zu of %zu places judged in %s\n", judge.judged_places(), judge.places(), round);
}

TEST_P(CrashStates, RecoverToAPrefixOfWhatWasAcknowledged) {
  constexpr std::uint64_t kSparse = 40;
  constexpr std::uint64_t kOneIn = 16;
  const std::uint64_t first = setting("SAFECHUNK_CRASH_SEED", 1);
  const std::uint64_t stride =
      std::max<std::uint64_t>(setting("SAFECHUNK_CRASH_STRIDE", is_project() ? 40 : 400), 1);
  const std::chrono::seconds budget(setting("SAFECHUNK_CRASH_SECONDS", 0));
  const auto deadline = ProcessorClock::now() + budget;
  const bool goes_deeper = budget.count() > 0;
  Judge judge = judge_of(GetParam(), first);
  judge.crash_recoveries_every(goes_deeper ? kSparse : stride);
  judge.judge_one_in(one_in(), ProcessorClock::time_point::max());
  judge_a_life(GetParam(), judge, goes_deeper ? 1 : 2);
  if (one_in() == 1) {
    EXPECT_EQ(judge.judged_places(), judge.places());
  }
  EXPECT_GT(judge.places(), 10U);
  report_places(judge, "the first round");

  std::uint64_t rounds = 1;
  judge.crash_recoveries_every(stride);
  judge.judge_one_in(kOneIn, deadline);
  while (!HasFatalFailure() && ProcessorClock::now() < deadline) {
    judge.begin_round(first + rounds++);
    judge_a_life(GetParam(), judge, 2);
  }
  EXPECT_EQ(judge.failures(), 0U);
  EXPECT_GT(judge.distinct_states(), 10U / one_in());
  if (goes_deeper) report_places(judge, "all rounds");
  std::printf("%zu distinct states judged, seeds %llu to %llu\n", judge.distinct_states(),
              static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + rounds - 1));
}

class AfterAFailedSync : public testing::TestWithParam<Case> {};

// G1, G4. Kills: a journal that takes the place of one whose fsync failed, and is not durable
// itself.
TEST_P(AfterAFailedSync, CrashesLoseNothingThatWasAcknowledged) {
  Judge judge = judge_of(GetParam(), setting("SAFECHUNK_CRASH_SEED", 1));
  std::uint64_t syncs = 0;
  // Others for each seed.
  for (std::uint64_t broken = setting("SAFECHUNK_CRASH_SEED", 1) % one_in();
       judge_after_a_failed_sync(GetParam(), judge, broken); broken += one_in()) {
    ++syncs;
  }
  EXPECT_GT(syncs, 3U / one_in());
  EXPECT_EQ(judge.failures(), 0U);
  std::printf("%llu syncs failed, %zu distinct states judged\n",
              static_cast<unsigned long long>(syncs), judge.distinct_states());
}

class SecondLife : public testing::TestWithParam<Case> {};

// Sequences, tokens and folders that a dead owner left half done must not harm its successor.
TEST_P(SecondLife, IsAsSafeAsTheFirst) {
  const Case& test = GetParam();
  // Turns make many calls.
  const std::size_t every = (test.workload->mode == Mode::shared ? 100 : 5) * one_in();
  SimFileSystem file_system(test.attributes, test.links);
  SharedHistory history;
  std::mutex collecting;
  struct Crashed {
    std::unique_ptr<SimFileSystem> files;
    History history;
    std::string boot;
  };
  std::vector<Crashed> crashed;
  file_system.set_hook([&](const SimCall& call) -> std::optional<int> {
    const std::lock_guard lock(collecting);
    if (call.number % every != 0) return std::nullopt;
    for (const CrashModel model : {CrashModel::process, CrashModel::ordered, CrashModel::strict}) {
      const bool restarts = model != CrashModel::process && !test.keeps_boot;
      crashed.push_back({file_system.crash_clone(call.number, model), history.snapshot(),
                         restarts ? "boot+" : "boot"});
    }
    return std::nullopt;
  });
  {
    Session session = begin(test, file_system, history);
    test.workload->run(session);
    file_system.kill();
  }
  Judge judge = judge_of(test, setting("SAFECHUNK_CRASH_SEED", 1));
  for (std::size_t i = 0; i < crashed.size(); ++i) {
    SharedHistory second;
    second.change([&](History& changed) { changed = crashed[i].history; });
    judge.set_boot(crashed[i].boot);
    judge_second_life(*crashed[i].files, second, test.durability,
                      test.workload->name + " crash " + std::to_string(i), judge, 10'000 + 2 * i,
                      {test.next, 5000, crashed[i].boot});
  }
  EXPECT_EQ(judge.failures(), 0U);
  std::printf("%zu crashes, %zu distinct states judged\n", crashed.size(), judge.distinct_states());
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Workload& workload : workloads()) {
    if (workload.mode == Mode::shared) {  // where Durability means nothing
      for (const bool able : {true, false}) {
        cases.push_back({&workload, Durability::file, able, able});
        cases.push_back({&workload, Durability::file, able, able, Mode::shared});
        cases.push_back({&workload, Durability::file, able, able, Mode::shared, true});
      }
      continue;
    }
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
         (test.next == Mode::shared ? "_then_shared" : "") + (test.keeps_boot ? "_unplugged" : "") +
         (test.attributes ? "" : "_without_stamps_and_links");
}

// Of W15, which takes long: what its own kind recovers.
std::vector<Case> cases_of(const std::set<std::string>& workloads) {
  std::vector<Case> cases;
  for (const Case& test : all_cases()) {
    const bool is_shared = test.next == Mode::shared && !test.keeps_boot;
    if (workloads.contains(test.workload->name) || is_shared) cases.push_back(test);
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, AfterAFailedSync,
                         testing::ValuesIn(cases_of({"W4_back_and_forth", "W5_transactions",
                                                     "W11_several_pages", "W12_small_journal",
                                                     "W14_parts"})),
                         case_name);
INSTANTIATE_TEST_SUITE_P(All, SecondLife,
                         testing::ValuesIn(cases_of({"W4_back_and_forth", "W5_transactions",
                                                     "W9_large", "W14_parts"})),
                         case_name);
INSTANTIATE_TEST_SUITE_P(All, CrashStates, testing::ValuesIn(all_cases()), case_name);

}  // namespace
}  // namespace safechunk::test
