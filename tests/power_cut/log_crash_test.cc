// G18: logs under crashes. A life of one log is cut at every call that it makes, in every model of
// a crash; the next owner opens what is left, appends to it, and everything is judged:
//
// - a record that was acknowledged is there after a crash of the process, and after a power cut
//   when it was synced; whole, once, in its place
// - what was not acknowledged is there whole or not at all
// - after the first append of the next owner every line of every file is JSON
//
// SAFECHUNK_CRASH_SEEDS   states per call and model (default 2)
// SAFECHUNK_LIVES         lives, each with steps of its own (default 4)
// SAFECHUNK_CRASH_SEED    the first of them (default 1)
// SAFECHUNK_CRASH_STRIDE  every how many calls the next owner is crashed, too (default 40)

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "api/engine_access.h"
#include "json/scan.h"
#include "support/fake_process.h"
#include "support/manual_clock.h"
#include "support/place.h"
#include "support/setting.h"
#include "support/sim_file_system.h"

namespace safechunk::test {
namespace {

using Records = std::vector<std::string>;

SafeChunkEngine open_project(SimFileSystem& disk, ManualClock& clock, FakeProcess& process,
                             Mode mode) {
  EngineOptions options;
  options.base_dir = "/";
  options.mode = mode;
  return EngineAccess::construct(project_id(), in_this_place(options),
                                 Platform{disk, clock, process});
}

// What may be found: `durable`, and then some of `loose`, of which those before `acknowledged`
// survive a crash of the process.
struct Expected {
  Records durable;
  Records loose;
  std::size_t acknowledged = 0;

  // Empty, or what is wrong.
  [[nodiscard]] std::string compare(const Records& found, CrashModel model) const {
    std::size_t at = 0;
    for (const std::string& record : durable) {
      if (at == found.size() || found[at] != record) return "lost or out of place: " + record;
      ++at;
    }
    for (std::size_t i = 0; i < loose.size(); ++i) {
      if (at < found.size() && found[at] == loose[i]) {
        ++at;
      } else if (model == CrashModel::process && i < acknowledged) {
        return "lost in a crash of the process: " + loose[i];
      }
    }
    return at == found.size() ? "" : "never appended, or twice: " + found[at];
  }
};

struct Case {
  const char* name;
  bool attributes = true;
  bool links = true;
  Mode mode = Mode::owner;
  bool fails_syncs = false;
};
std::ostream& operator<<(std::ostream& out, const Case& test) {
  return out << test.name;
}

class LogLife {
 public:
  LogLife(const Case& test, std::uint64_t seed)
      : test_(test),
        seed_(seed),
        seeds_(setting("SAFECHUNK_CRASH_SEEDS", 2)),
        stride_(setting("SAFECHUNK_CRASH_STRIDE", 40)),
        disk_(test.attributes, test.links),
        engine_(
            std::make_unique<SafeChunkEngine>(open_project(disk_, clock_, process_, test.mode))) {}

  void live() {
    std::size_t syncs = 0;
    disk_.set_hook([&](const SimCall& call) -> std::optional<int> {
      crash(call);
      if (test_.fails_syncs && call.verb == "sync_data" && ++syncs % 3 == 0) return EIO;
      return std::nullopt;
    });
    std::mt19937_64 random(seed_);
    for (int step = 0; step < kSteps && !testing::Test::HasFatalFailure(); ++step) {
      switch (random() % 12) {
        case 0:
          sync();
          break;
        case 1:
          foreign();
          append(20);  // nobody has promised that what another program appends is durable
          break;
        case 2:
          compact();
          break;
        case 3:
          rotate();
          break;
        case 4:
          reopen();
          break;
        default:
          append(random() % 4 == 0 ? random() % 9000 : random() % 40);
      }
    }
    disk_.set_hook({});
    EXPECT_TRUE(engine_->detach().ok());
    EXPECT_EQ(failures_, 0U);
  }
  [[nodiscard]] std::size_t states() const { return states_.size(); }

 private:
  Log log() { return engine_->log("events"); }
  Expected& now() { return allowed_.front(); }

  void append(std::size_t size) {
    ++number_;
    const std::string record = "{\"n\":" + std::to_string(number_) + ",\"text\":\"" +
                               std::string(size, static_cast<char>('a' + number_ % 26)) + "\"}";
    now().loose.push_back(record);
    ASSERT_EQ(log().append(record).status().to_text(), "ok");
    now().acknowledged = now().loose.size();
    if (test_.mode == Mode::shared) settle();
  }
  void settle() {
    Expected& all = now();
    all.durable.insert(all.durable.end(), all.loose.begin(), all.loose.end());
    all.loose.clear();
    all.acknowledged = 0;
  }
  void sync() {
    ASSERT_EQ(log().sync().to_text(), "ok");
    settle();
  }
  // A program that appends, and does not end its line. Where one has left a
  // line open, another one would have to end it.
  void foreign() {
    if (!has_file()) return;
    const std::string there = disk_.contents().at("project/chunks/events.jsonl");
    if (!there.empty() && !there.ends_with('\n')) return;
    const std::string record = "{\"foreign\":" + std::to_string(++number_) + "}";
    now().loose.push_back(record);
    auto file = disk_.open_directory(lies_at("/project/chunks"))
                    .value()
                    ->open("events.jsonl", OpenMode::read_write);
    (void)(*file)->write_at((*file)->stat()->size, record).value();
    now().acknowledged = now().loose.size();
  }
  [[nodiscard]] bool has_file() { return disk_.contents().contains("project/chunks/events.jsonl"); }
  // Leaves every second record of the file. From its beginning on all of it becomes durable.
  void compact() {
    if (!has_file()) return;
    sync();
    Expected after = now();
    const std::size_t first = rotated_;
    after.durable.resize(first);
    const auto keeps = [](const std::string& record) { return record.size() % 2 == 0; };
    for (std::size_t i = first; i < now().durable.size(); ++i) {
      if (keeps(now().durable[i])) after.durable.push_back(now().durable[i]);
    }
    allowed_.push_back(after);
    ASSERT_EQ(log().compact([&](const LogRecord& record) { return keeps(record.text); }).to_text(),
              "ok");
    allowed_.erase(allowed_.begin());
  }
  void rotate() {
    if (!has_file()) return;
    ASSERT_EQ(log().rotate().status().to_text(), "ok");
    settle();
    rotated_ = now().durable.size();
  }
  void reopen() {
    ASSERT_EQ(engine_->detach().to_text(), "ok");
    settle();
    ASSERT_EQ(engine_->attach().to_text(), "ok");
  }

  // The power is cut, or the process dies, before this call.
  void crash(const SimCall& call) {
    for (const CrashModel model : {CrashModel::process, CrashModel::ordered, CrashModel::strict}) {
      for (std::uint64_t i = 0; i < (model == CrashModel::process ? 1 : seeds_); ++i) {
        const auto left = disk_.crash_clone(call.number * seeds_ + i, model);
        if (states_
                .insert(left->fingerprint() + std::to_string(now().durable.size()) + " " +
                        std::to_string(now().loose.size()))
                .second) {
          judge(*left, model, call, call.number % stride_ == 0);
        }
      }
    }
  }

  void judge(SimFileSystem& left, CrashModel model, const SimCall& call, bool crashes_again) {
    ManualClock clock;
    FakeProcess process(4243);
    std::vector<std::unique_ptr<SimFileSystem>> again;
    if (crashes_again) {
      left.set_hook([&](const SimCall& inner) -> std::optional<int> {
        again.push_back(left.crash_clone(inner.number, CrashModel::strict));
        return std::nullopt;
      });
    }
    SafeChunkEngine next = open_project(left, clock, process, Mode::owner);
    const std::string after = "{\"after\":true}";
    const Status appended = next.log("events").append(after).status();
    const Status synced = appended.ok() ? next.log("events").sync() : appended;
    left.set_hook({});
    check(next, left, model, call, synced, &after);
    for (const auto& second : again) {
      FakeProcess third(4244);
      SafeChunkEngine last = open_project(*second, clock, third, Mode::owner);
      const Status status = last.log("events").append(after).status();
      // What was loose may be gone after two crashes, also of the process.
      check(last, *second, CrashModel::strict, call, status, &after);
    }
  }

  void check(SafeChunkEngine& engine, SimFileSystem& disk, CrashModel model, const SimCall& call,
             const Status& status, const std::string* after) {
    Records found;
    std::string wrong = status.ok() ? "" : status.to_text();
    const auto logs = engine.list_logs();
    for (const LogInfo& info : logs.ok() ? *logs : std::vector<LogInfo>()) {
      if (info.name != "events") read_all(engine.log(info.name), found);
    }
    read_all(engine.log("events"), found);
    // Each owner since the crash has appended this.
    std::erase(found, *after);
    std::string best;
    for (const Expected& expected : allowed_) {
      best = expected.compare(found, model);
      if (best.empty()) break;
    }
    if (wrong.empty()) wrong = best;
    for (const auto& [path, bytes] : disk.contents()) {
      if (path != "project/chunks/events.jsonl") continue;
      for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
        const std::string_view line = std::string_view(bytes).substr(at, end - at);
        const bool is_blank = line.find_first_not_of(" \t\r") == std::string_view::npos;
        if (!is_blank && !json::validate(line, {})) wrong = "a line that is not JSON";
        if (end == bytes.size()) wrong = "a line without a line break";
        at = end + 1;
      }
    }
    if (wrong.empty()) return;
    ++failures_;
    ADD_FAILURE() << wrong << "\nat call " << call.number << ", " << call.verb << " " << call.path
                  << ", model " << static_cast<int>(model) << ", " << found.size()
                  << " found:" << numbers_of(found) << "; of " << numbers_of(now().durable)
                  << " durable and" << numbers_of(now().loose);
  }

  static std::string numbers_of(const Records& records) {
    std::string numbers;
    for (const std::string& record : records) {
      const std::size_t at = record.find(':') + 1;
      numbers += " " + record.substr(at, record.find_first_of(",}", at) - at);
    }
    return numbers;
  }

  static void read_all(const Log& log, Records& found) {
    for (std::uint64_t from = 0;;) {
      const auto page = log.read(from, 100);
      if (!page || (page->records.empty() && page->next == from)) return;
      // Rubbish that a power cut left may by chance be a number.
      for (const LogRecord& record : page->records) {
        if (record.text.starts_with('{')) found.push_back(record.text);
      }
      from = page->next;
    }
  }

  static constexpr int kSteps = 40;

  const Case test_;
  const std::uint64_t seed_;
  const std::uint64_t seeds_;
  const std::uint64_t stride_;
  SimFileSystem disk_;
  ManualClock clock_;
  FakeProcess process_;
  std::unique_ptr<SafeChunkEngine> engine_;
  std::vector<Expected> allowed_{Expected{}};
  std::size_t rotated_ = 0;  // records in files that are rotated
  int number_ = 0;
  std::unordered_set<std::string> states_;
  std::size_t failures_ = 0;
};

class LogCrashes : public testing::TestWithParam<Case> {};

// Kills: an append that is acknowledged before it is written; a sync that is not; a compaction
// without fsync or rename; half a record that the next owner takes for one, or appends to.
TEST_P(LogCrashes, LoseTearAndFuseNothing) {
  if (const char* reason = no_logs()) GTEST_SKIP() << reason;
  const std::uint64_t first = setting("SAFECHUNK_CRASH_SEED", 1);
  const std::uint64_t lives = setting("SAFECHUNK_LIVES", is_project() ? 4 : 1);
  std::size_t states = 0;
  for (std::uint64_t seed = first; seed < first + lives && !HasFailure(); ++seed) {
    SCOPED_TRACE("SAFECHUNK_CRASH_SEED=" + std::to_string(seed));
    LogLife life(GetParam(), seed);
    life.live();
    states += life.states();
  }
  EXPECT_GT(states, 100U);
  std::printf("%zu distinct states judged\n", states);
}

INSTANTIATE_TEST_SUITE_P(All, LogCrashes,
                         testing::Values(Case{"owner"}, Case{"no_attributes", false},
                                         Case{"no_links", true, false},
                                         Case{"shared", true, true, Mode::shared},
                                         Case{"failing_syncs", true, true, Mode::owner, true}),
                         [](const auto& case_info) { return std::string(case_info.param.name); });

}  // namespace
}  // namespace safechunk::test
