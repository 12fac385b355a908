// Another program saves a chunk's file at every call of every operation that may replace it: in
// place, by a rename, and by a rename after a sync. Afterwards its text must be in the file, in the
// backup or in quarantine, and told of where it is not in the file (G7).
//
// Pass 1 notes the calls of an operation, pass 2 edits before each. The one exception is that of
// docs/GUARANTEES.md, "Not promised": see in_the_last_moment(), which is for file systems that
// cannot exchange names.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/engine_meddling.h"
#include "support/place.h"

namespace safechunk::test {
namespace {

constexpr const char* kFile = "project/chunks/a.json";
constexpr const char* kText = "\"saved by another program\"";

// A call, told by its name and by how many like it came before: threads may come in any order.
struct Moment {
  std::string call;
  std::size_t nth = 0;
};

enum class Way { in_place, by_rename, by_rename_after_sync };

// Notes what an engine calls, and edits chunk a before one of the calls.
class OtherProgram {
 public:
  // `lives`: after so many calls more the engine's process is killed; nothing: never.
  OtherProgram(SimFileSystem& disk, Way way, std::optional<Moment> when,
               std::optional<std::size_t> lives = std::nullopt)
      : disk_(disk), way_(way), when_(std::move(when)), lives_(lives) {
    disk_.set_hook([this](const SimCall& call) -> std::optional<int> {
      before(call);
      return std::nullopt;
    });
  }
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;
  ~OtherProgram() { disk_.set_hook({}); }

  [[nodiscard]] const std::vector<Moment>& moments() const { return moments_; }
  [[nodiscard]] const std::vector<SimCall>& calls() const { return calls_; }
  // Index of the call before which it has edited.
  [[nodiscard]] const std::optional<std::size_t>& edited() const { return edited_; }

 private:
  void before(const SimCall& call) {
    std::unique_lock lock(mutex_);
    if (editor_ == std::this_thread::get_id()) return;
    if (edited_ && lives_ && calls_.size() == *edited_ + 1 + *lives_) disk_.kill();
    const std::string name = call.verb + " " + call.path;
    moments_.push_back({name, counts_[name]++});
    calls_.push_back(call);
    const bool now = when_ && when_->call == name && when_->nth == moments_.back().nth;
    if (!now) return;
    edited_ = calls_.size() - 1;
    editor_ = std::this_thread::get_id();
    lock.unlock();
    edit();
    lock.lock();
    editor_.reset();
  }
  void edit() {
    const auto chunks = disk_.open_directory(lies_at("/project/chunks")).value();
    const char* name = way_ == Way::in_place ? "a.json" : "a.json.swp";
    const auto file = chunks->open(name, OpenMode::create).value();
    file->truncate(0).throw_if_error();
    (void)file->write_at(0, kText).value();
    if (way_ == Way::in_place) return;
    if (way_ == Way::by_rename_after_sync) file->sync().throw_if_error();
    chunks->rename("a.json.swp", "a.json").throw_if_error();
  }

  SimFileSystem& disk_;
  const Way way_;
  const std::optional<Moment> when_;
  const std::optional<std::size_t> lives_;
  std::mutex mutex_;  // archives are made by several threads
  std::optional<std::thread::id> editor_;
  std::map<std::string, std::size_t> counts_;
  std::vector<Moment> moments_;
  std::vector<SimCall> calls_;
  std::optional<std::size_t> edited_;
};

bool replaces_the_file(const SimCall& call) {
  return call.verb == "rename" && call.target == kFile;
}

// "What another program writes into a chunk's file in the moment between a commit's last look at it
// and its rename (a few calls, none of which waits for the disk; for a transaction, those of all
// its chunks) is replaced": the calls around the edit are looks, renames and removals only; before
// it the last that concerns the file is a look at it, after it the first is its replacement.
bool in_the_last_moment(const std::vector<SimCall>& calls, std::size_t edited) {
  const auto waits_for_nothing = [](const SimCall& call) {
    return call.verb == "stat" || call.verb == "rename";
  };
  bool looked = false;
  for (std::size_t i = edited; i-- > 0 && !looked;) {
    if (!waits_for_nothing(calls[i]) || replaces_the_file(calls[i])) return false;
    looked = calls[i].verb == "stat" && calls[i].path == kFile;
  }
  if (!looked) return false;
  for (std::size_t i = edited; i < calls.size(); ++i) {
    if (replaces_the_file(calls[i])) return true;
    if (!waits_for_nothing(calls[i]) || calls[i].path == kFile) return false;
  }
  return false;
}

// --- operations

struct Scenario {
  const char* name;
  // On two chunks with a backup each. Then the operation, or, where there is none, the process is
  // killed and the next owner attaches.
  std::function<void(SafeChunkEngine&, Machine&)> prepare;
  std::function<void(SafeChunkEngine&)> operation;
  // Threads read ahead for an archive: not each of their calls comes every time.
  bool has_threads = false;
};

void damage(Machine& machine) {
  machine.write("chunks", "a.json", "[gar");
}
void stage(SafeChunkEngine& engine, const char* chunk, std::string_view text) {
  engine.stage_update(text, chunk).throw_if_error();
}
void sync(SafeChunkEngine& engine) {
  (void)engine.force_sync();
}
void fetch(SafeChunkEngine& engine) {
  (void)engine.fetch_chunk("a");
}
void commit_both(SafeChunkEngine& engine) {
  auto transaction = engine.transaction();
  for (const char* chunk : {"a", "b"}) {
    if (may_be_here(chunk)) transaction.stage("5", chunk).throw_if_error();
  }
  (void)transaction.commit();
}
void restore(SafeChunkEngine& engine) {
  const auto all = engine.list_checkpoints();
  if (all && !all->empty()) (void)engine.restore_checkpoint(all->back().file_name);
}

std::vector<Scenario> saves() {
  return {
      {"put", [](auto& engine, auto&) { stage(engine, "a", "3"); }, sync},
      {"put_back",
       [](auto& engine, auto&) {
         for (const char* text : {"3", "2"}) stage(engine, "a", text);
       },
       sync},
      {"put_over_damage",
       [](auto& engine, auto& machine) {
         damage(machine);
         stage(engine, "a", "3");
       },
       sync},
      {"remove", [](auto& engine, auto&) { engine.remove_chunk("a").throw_if_error(); }, sync},
      {"transaction",
       [](auto& engine, auto&) {
         if (may_be_here("b")) stage(engine, "b", "9");
       },
       commit_both},
      {"detach", [](auto& engine, auto&) { stage(engine, "a", "3"); },
       [](SafeChunkEngine& engine) { (void)engine.detach(); }},
  };
}

std::vector<Scenario> heals_and_checkpoints() {
  return {
      {"fetch_damaged", [](auto&, auto& machine) { damage(machine); }, fetch},
      {"fetch_missing",
       [](auto&, auto& machine) { remove_file(machine.files, "chunks", "a.json"); }, fetch},
      {"repair_damaged", [](auto&, auto& machine) { damage(machine); },
       [](SafeChunkEngine& engine) { (void)engine.repair(); }},
      {"checkpoint_damaged", [](auto&, auto& machine) { damage(machine); },
       [](SafeChunkEngine& engine) { (void)engine.create_checkpoint("x", 3); }, true},
      {"restore",
       [](auto& engine, auto&) {
         (void)engine.create_checkpoint("r", 3).value();
         stage(engine, "a", "8");
         engine.force_sync().throw_if_error();
       },
       restore, true},
  };
}

std::vector<Scenario> attaches() {
  return {
      {"attach_replays_put", [](auto& engine, auto&) { stage(engine, "a", "3"); }, nullptr},
      {"attach_replays_remove",
       [](auto& engine, auto&) { engine.remove_chunk("a").throw_if_error(); }, nullptr},
      {"attach_replays_two",
       [](auto& engine, auto&) {
         for (const char* chunk : {"a", "b"}) {
           if (may_be_here(chunk)) stage(engine, chunk, "3");
         }
       },
       nullptr},
      {"attach_replays_over_damage",
       [](auto& engine, auto& machine) {
         stage(engine, "a", "3");
         damage(machine);
       },
       nullptr},
  };
}

std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> all = saves();
  for (const auto& more : {heals_and_checkpoints(), attaches()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

// --- one trial

// A project, and an owner that the scenario is about.
class Trial {
 public:
  Trial(const Scenario& scenario, bool attributes, bool links)
      : scenario_(scenario),
        attributes_(attributes),
        machine_(attributes, links),
        engine_(machine_.engine()) {
    for (const char* text : {"1", "2"}) {
      for (const char* chunk : {"a", "b"}) {
        if (may_be_here(chunk)) stage(engine_, chunk, text);
      }
      engine_.force_sync().throw_if_error();
    }
    scenario.prepare(engine_, machine_);
    if (!scenario.operation) left_ = machine_.files.crash_clone(0, CrashModel::process);
    told_.listen(engine_);
  }
  ~Trial() {
    for (SafeChunkEngine* engine : {&engine_, next_ ? &next_->engine() : nullptr}) {
      if (engine == nullptr) continue;
      engine->on_fault(nullptr);
      engine->on_status(nullptr);
    }
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  [[nodiscard]] SimFileSystem& disk() { return left_ ? *left_ : machine_.files; }
  void operate() {
    if (scenario_.operation) {
      scenario_.operation(engine_);
    } else {
      next_.emplace(*left_);
    }
  }
  // The process is killed, and the next owner attaches.
  void die() {
    disk().kill();
    auto found = disk().crash_clone(0, CrashModel::process);
    next_.reset();
    left_ = std::move(found);
    next_.emplace(*left_);
  }
  // The retry, and a clean end.
  void end() {
    SafeChunkEngine& owner = next_ ? next_->engine() : engine_;
    if (next_) told_.listen(owner);
    (void)owner.force_sync();
    (void)owner.detach();
  }

  [[nodiscard]] std::string wrong() {
    const auto all = disk().contents();
    const auto file = all.find(kFile);
    if (file != all.end() && file->second == kText) return {};
    const bool is_backup = holds(disk(), "chunks_bak/a.bak", kText);
    // Without stamps nobody can tell after a crash that the version before was another program's.
    if (is_backup && !attributes_ && next_) return {};
    if (!is_backup && !holds(disk(), "quarantine/", kText)) {
      return "the text is nowhere any more";
    }
    return is_told() ? std::string() : "the text is not in the file, and nobody was told";
  }

 private:
  [[nodiscard]] bool is_told() const {
    if (told_.mentions("'a'")) return true;
    if (!next_) return false;
    const auto report = next_->engine().recovery_report();
    return std::any_of(report.events.begin(), report.events.end(),
                       [](const Event& event) { return event.chunk == "a"; });
  }

  const Scenario& scenario_;
  const bool attributes_;
  Machine machine_;
  Told told_;
  std::unique_ptr<SimFileSystem> left_;
  SafeChunkEngine engine_;
  mutable std::optional<Successor> next_;
};

using Case = std::tuple<std::size_t, bool, bool>;
class OtherPrograms : public testing::TestWithParam<Case> {
 protected:
  const std::vector<Scenario> scenarios_ = all_scenarios();
  const Scenario& scenario_ = scenarios_[std::get<0>(GetParam())];

  std::unique_ptr<Trial> new_trial() {
    return std::make_unique<Trial>(scenario_, std::get<1>(GetParam()), std::get<2>(GetParam()));
  }
  enum class Edit { judged, excepted, did_not_come };
  Edit edit_at(const Moment& moment, Way way) {
    const auto trial = new_trial();
    bool excepted = false;
    {
      const OtherProgram editor(trial->disk(), way, moment);
      trial->operate();
      EXPECT_TRUE(editor.edited() || scenario_.has_threads) << "before " << moment.call;
      if (!editor.edited()) return Edit::did_not_come;
      excepted = !std::get<2>(GetParam()) && in_the_last_moment(editor.calls(), *editor.edited());
    }
    trial->end();
    if (excepted) return Edit::excepted;
    const std::string wrong = trial->wrong();
    EXPECT_EQ(wrong, "") << scenario_.name << ", way " << static_cast<int>(way) << ", before call "
                         << moment.nth << " of " << moment.call;
    return Edit::judged;
  }
};

// Kills: looking at a file once only, or too early, before it is replaced, healed or removed.
TEST_P(OtherPrograms, LoseNothingWheneverTheySave) {
  std::vector<Moment> moments;
  {
    const auto trial = new_trial();
    const OtherProgram watcher(trial->disk(), Way::in_place, std::nullopt);
    trial->operate();
    moments = watcher.moments();
  }
  std::map<Edit, std::size_t> edits;
  for (const Moment& moment : moments) {
    for (const Way way : {Way::in_place, Way::by_rename, Way::by_rename_after_sync}) {
      ++edits[edit_at(moment, way)];
    }
  }
  EXPECT_GT(edits[Edit::judged], 10U);
  EXPECT_LT(edits[Edit::excepted], 20U) << "that is no moment";
  std::printf("%zu edits by another program, %zu in the last moment\n", edits[Edit::judged],
              edits[Edit::excepted]);
}

// The same, and up to eight calls later the process is killed. Kills: removing at attach, unseen,
// what a commit had just replaced.
TEST_P(OtherPrograms, LoseNothingWhenTheEngineDiesThen) {
  if (scenario_.has_threads) GTEST_SKIP() << "not each call comes every time";
  std::vector<Moment> moments;
  {
    const auto trial = new_trial();
    const OtherProgram watcher(trial->disk(), Way::in_place, std::nullopt);
    trial->operate();
    moments = watcher.moments();
  }
  std::size_t deaths = 0;
  for (const Moment& moment : moments) {
    for (const Way way : {Way::in_place, Way::by_rename}) {
      for (std::size_t lives = 0; lives < 8; ++lives) {
        const auto trial = new_trial();
        {
          const OtherProgram editor(trial->disk(), way, moment, lives);
          trial->operate();
          if (!std::get<2>(GetParam()) && in_the_last_moment(editor.calls(), *editor.edited())) {
            continue;
          }
        }
        trial->die();
        trial->end();
        ASSERT_EQ(trial->wrong(), "")
            << scenario_.name << ", way " << static_cast<int>(way) << ", before call " << moment.nth
            << " of " << moment.call << ", killed " << lives << " calls later";
        ++deaths;
      }
    }
  }
  EXPECT_GT(deaths, 10U);
  std::printf("%zu deaths after an edit by another program\n", deaths);
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  const auto& [index, attributes, links] = info.param;
  return all_scenarios()[index].name + std::string(attributes ? "" : "_without_stamps") +
         std::string(links ? "" : "_without_links");
}

INSTANTIATE_TEST_SUITE_P(All, OtherPrograms,
                         testing::Combine(testing::Range<std::size_t>(0, all_scenarios().size()),
                                          testing::Bool(), testing::Bool()),
                         case_name);

}  // namespace
}  // namespace safechunk::test
