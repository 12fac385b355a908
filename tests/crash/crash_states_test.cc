// G1 to G6 after a crash at every call: each workload runs once; before every call of the file
// system the states that a crash may leave are cloned, reopened and judged, and the recovery
// itself is crashed again, two levels deep.
//
// SAFECHUNK_CRASH_SEEDS   states per call and model (default 2)
// SAFECHUNK_CRASH_STRIDE  every how many calls a recovery is crashed again (default 40)
// SAFECHUNK_CRASH_SEED    first seed (default 1); printed with every failure

#include <gtest/gtest.h>

#include <cstdlib>
#include <unordered_set>

#include "crash/workload.h"
#include "json/scan.h"

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
  explicit Judge(Durability durability) : durability_(durability) {}

  // The states that a crash at this moment may leave.
  void judge(const SimFileSystem& file_system, const History& history, const std::string& where,
             std::uint64_t seeds, int depth = 2) {
    history_ = history;
    crash_everywhere(file_system, where, seeds, depth, false);
  }

  [[nodiscard]] std::size_t distinct_states() const { return seen_.size(); }
  [[nodiscard]] std::size_t failures() const { return failures_; }

 private:
  static constexpr std::size_t kReported = 5;

  // Crashes `file_system` in every model and with several seeds.
  void crash_everywhere(const SimFileSystem& file_system, const std::string& where,
                        std::uint64_t seeds, int depth, bool power_cut) {
    judge_clone(file_system, CrashModel::process, 0, where, depth, power_cut);
    for (std::uint64_t i = 0; i < seeds; ++i) {
      const std::uint64_t seed = first_seed_ + counter_++;
      judge_clone(file_system, CrashModel::ordered, seed, where, depth, true);
      judge_clone(file_system, CrashModel::strict, seed, where, depth, true);
    }
  }

  void judge_clone(const SimFileSystem& file_system, CrashModel model, std::uint64_t seed,
                   const std::string& where, int depth, bool power_cut) {
    auto clone = file_system.crash_clone(seed, model);
    const std::string key =
        clone->fingerprint() + std::to_string(history_.first_allowed(power_cut));
    if (!seen_.insert(key).second) return;
    const std::string here = where + " > " + name_of(model) + " seed " + std::to_string(seed);
    check_files(*clone, here);
    const ProjectState recovered = reopen(*clone, here, depth, power_cut);
    if (!history_.allows(recovered, power_cut)) {
      std::string text;
      for (const auto& [chunk, value] : recovered) text += chunk + "=" + value + " ";
      fail(here, "the recovered state { " + text + "} is no prefix (" + history_.describe() +
                     "); recovery said:" + events_);
    }
  }

  // G2 and G5: whatever stands under a final name is a whole version, before any recovery.
  void check_files(const SimFileSystem& clone, const std::string& here) {
    for (const auto& [path, bytes] : clone.contents()) {
      const auto slash = path.rfind('/');
      const std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
      const bool chunk = path.starts_with("project/chunks/") && file.ends_with(".json");
      const bool backup = path.starts_with("project/chunks_bak/") && file.ends_with(".bak");
      if (!chunk && !backup) continue;
      const std::string name = file.substr(0, file.rfind('.'));
      if (!history_.is_version(name, bytes)) fail(here, path + " holds '" + bytes + "'");
    }
  }

  ProjectState reopen(SimFileSystem& clone, const std::string& here, int depth, bool power_cut) {
    ManualClock clock;
    FakeProcess process(4243, ++sessions_);
    if (depth > 0) {
      clone.set_hook([&](const SimCall& call) -> std::optional<int> {
        // Each level multiplies, so only some calls of a recovery are crashed, others each time.
        if ((call.number + counter_) % stride_ == 0) {
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
      state = read_all(engine, here);
      for (const Event& event : engine.recovery_report().events) {
        events_ +=
            "\n    " + std::string(to_string(event.kind)) + " " + event.chunk + ": " + event.detail;
      }
      check_second_recovery(clone, state, here);
      clone.kill();
    }
    return state;
  }

  ProjectState read_all(SafeChunkEngine& engine, const std::string& here) {
    ProjectState state;
    const auto chunks = engine.list_chunks();
    if (!chunks) {
      fail(here, chunks.status().to_text());
      return state;
    }
    for (const std::string& chunk : *chunks) {
      auto text = engine.fetch_chunk(chunk);
      if (!text) {
        fail(here, text.status().to_text());
        continue;
      }
      if (text->ends_with('\n')) text->pop_back();
      state[chunk] = *text;
    }
    return state;
  }

  // A recovery that is done has nothing left to do.
  void check_second_recovery(const SimFileSystem& clone, const ProjectState& state,
                             const std::string& here) {
    auto again = clone.crash_clone(0, CrashModel::process);
    ManualClock clock;
    FakeProcess process(4244, ++sessions_);
    auto engine = EngineAccess::construct("project", crash_test_options(durability_),
                                          Platform{*again, clock, process});
    if (read_all(engine, here) != state) fail(here, "a second recovery changed something");
    for (const Event& event : engine.recovery_report().events) {
      if (event.kind != Event::Kind::stale_lock) {
        fail(here, "a second recovery had to do something: " + std::string(to_string(event.kind)) +
                       " " + event.detail);
      }
    }
    again->kill();
  }

  void fail(const std::string& here, const std::string& what) {
    if (++failures_ <= kReported) ADD_FAILURE() << here << "\n  " << what;
  }

  const Durability durability_;
  History history_;
  const std::uint64_t first_seed_ = setting("SAFECHUNK_CRASH_SEED", 1);
  const std::uint64_t stride_ = std::max<std::uint64_t>(setting("SAFECHUNK_CRASH_STRIDE", 40), 1);
  std::uint64_t counter_ = 0;
  std::uint64_t sessions_ = 100;
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

class CrashStates : public testing::TestWithParam<Case> {};

TEST_P(CrashStates, RecoverToAPrefixOfWhatWasAcknowledged) {
  const Case& test = GetParam();
  const std::uint64_t seeds = setting("SAFECHUNK_CRASH_SEEDS", 2);
  SimFileSystem file_system(test.attributes, test.links);
  SharedHistory history;
  Judge judge(test.durability);
  std::mutex judging;  // the worker and the test's thread call the file system, too
  file_system.set_hook([&](const SimCall& call) -> std::optional<int> {
    const std::lock_guard lock(judging);
    judge.judge(file_system, history.snapshot(),
                test.workload->name + " call " + std::to_string(call.number) + " " + call.verb +
                    " " + call.path,
                seeds);
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
  EXPECT_EQ(judge.failures(), 0U);
  EXPECT_GT(judge.distinct_states(), 10U);
  RecordProperty("distinct_states", static_cast<int>(judge.distinct_states()));
  std::printf("%zu calls, %zu distinct states judged\n", file_system.calls(),
              judge.distinct_states());
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
  Judge judge(test.durability);
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

std::vector<Case> second_life_cases() {
  std::vector<Case> cases;
  for (const Case& test : all_cases()) {
    const std::string& name = test.workload->name;
    if (name == "W4_back_and_forth" || name == "W5_transactions" || name == "W9_large") {
      cases.push_back(test);
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, SecondLife, testing::ValuesIn(second_life_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(All, CrashStates, testing::ValuesIn(all_cases()), case_name);

}  // namespace
}  // namespace safechunk::test
