// Random lives of up to four owners in a row: edits, transactions, checkpoints, detaches, calls
// that fail once, and crashes of each kind at any moment. Where the other crash tests try every
// place in workloads that somebody has thought of, this one finds the combinations that nobody has.
//
// The oracle. Of each chunk there is a history of versions: what its newest owner found, and all
// that was staged since, whatever the engine answered. An answer makes promises: after an
// acknowledgement the newest version so far, or a later one, survives (G1); where only the process
// dies, after each update that was staged (G3). The next owner must find such a version of every
// chunk, and of each transaction all or nothing (G4). What it finds is where the histories begin
// anew.
//
// Everything follows from a seed: a failure prints it, and SAFECHUNK_LIVES_SEED=n SAFECHUNK_LIVES=1
// replays it alone.
//
// SAFECHUNK_LIVES_SEED     the first seed (default 1)
// SAFECHUNK_LIVES          how many seeds (default 300)
// SAFECHUNK_LIVES_SECONDS  goes on with further seeds for so long (default 0)

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/engine_access.h"
#include "support/fake_process.h"
#include "support/manual_clock.h"
#include "support/place.h"
#include "support/promises.h"
#include "support/setting.h"
#include "support/sim_file_system.h"

namespace safechunk::test {
namespace {

const std::vector<std::string> kChunks =
    has_one_chunk() ? std::vector<std::string>{"a"} : std::vector<std::string>{"a", "b", "c"};

// --- misfortune

// Makes calls fail, and the process die. Whether it does depends on the seed, on the call's name
// and path and on how many like it there were; not on the order in which the threads that read for
// an archive come. Deaths are before calls that change the disk: before others it is as it was.
class Misfortune {
 public:
  struct Plan {
    std::uint64_t seed = 0;
    unsigned faults_per_1000 = 0;
    bool dies_early = false;
    CrashModel model = CrashModel::process;
  };

  Misfortune(SimFileSystem& disk, const Plan& plan, std::string& log)
      : disk_(disk), plan_(plan), log_(log) {
    disk_.set_hook([this](const SimCall& call) { return before(call); });
  }
  Misfortune(const Misfortune&) = delete;
  Misfortune& operator=(const Misfortune&) = delete;
  ~Misfortune() { disk_.set_hook({}); }

  void let_calls_fail(bool on) { failing_ = on; }
  void let_it_die() { mortal_ = plan_.dies_early; }
  // While an archive is made: how far its threads read depends on their luck.
  void spare_reads(bool on) { reads_spared_ = on; }
  [[nodiscard]] bool crashed() const { return left_ != nullptr; }
  // How many calls on the journal have failed.
  [[nodiscard]] std::size_t journal_faults() const { return journal_faults_; }
  // The disk after the crash, which is now at the latest.
  [[nodiscard]] std::unique_ptr<SimFileSystem> left() {
    const std::lock_guard lock(mutex_);
    if (!left_) crash();
    return std::move(left_);
  }

 private:
  static bool only_reads(const std::string& verb) {
    static const std::set<std::string> kVerbs = {"open",  "open_directory", "read_at", "stat",
                                                 "fstat", "attribute",      "list",    "space"};
    return kVerbs.contains(verb);
  }

  std::optional<int> before(const SimCall& call) {
    const std::lock_guard lock(mutex_);
    const bool reads = only_reads(call.verb);
    if (reads && reads_spared_) return std::nullopt;
    const std::string name = call.verb + " " + call.path;
    std::mt19937_64 luck(hash(name) + plan_.seed * 31 + ++counts_[name]);
    const bool fails = luck() % 1000 < plan_.faults_per_1000 && failing_;
    const bool dies = luck() % kOneDeathIn == 0 && mortal_ && !reads;
    if (dies && !left_) {
      crash();
      log_ += "   crash before " + name + "\n";
    }
    if (!fails) return std::nullopt;
    const int error = luck() % 2 == 0 ? EIO : ENOSPC;
    log_ += "   errno " + std::to_string(error) + " from " + name + "\n";
    journal_faults_ += call.path.find(".journal") == std::string::npos ? 0 : 1;
    return error;
  }
  void crash() { left_ = disk_.crash_clone(plan_.seed, plan_.model); }
  // The same on every machine.
  static std::uint64_t hash(const std::string& name) {
    std::uint64_t value = 14695981039346656037U;
    for (const char c : name) value = (value ^ static_cast<unsigned char>(c)) * 1099511628211U;
    return value;
  }

  static constexpr unsigned kOneDeathIn = 30;
  SimFileSystem& disk_;
  const Plan plan_;
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> counts_;
  std::atomic<bool> failing_{false};
  std::atomic<bool> mortal_{false};
  std::atomic<bool> reads_spared_{false};
  std::atomic<std::size_t> journal_faults_{0};
  std::unique_ptr<SimFileSystem> left_;
  std::string& log_;  // for the one thread whose calls may fail
};

// --- lives

// An owner, from its attach to its death. The clock stands still, so that its worker never acts.
struct Owner {
  Owner(SimFileSystem& files, const Misfortune::Plan& plan, std::string& log)
      : disk(files), misfortune(files, plan, log) {}
  ~Owner() { disk.kill(); }
  [[nodiscard]] bool attach(const EngineOptions& options, Process& process) {
    engine.emplace(EngineAccess::construct(project_id(), options, Platform{disk, clock, process}));
    return engine->is_active();
  }

  SimFileSystem& disk;
  ManualClock clock;
  Misfortune misfortune;
  std::optional<SafeChunkEngine> engine;
};

class Lives {
 public:
  explicit Lives(std::uint64_t seed) : seed_(seed), random_(seed), process_(4242, seed + 1) {
    const bool attributes = !one_in(3);
    const bool links = !one_in(4);
    disk_ = std::make_unique<SimFileSystem>(attributes, links);
    options_ = in_this_place(options_);
    options_.base_dir = "/";
    options_.durability = one_in(2) ? Durability::journal : Durability::file;
    constexpr std::uint64_t kJournalLimits[] = {100, 3000, 64U << 20U};
    options_.journal_limit = kJournalLimits[random_() % 3];
  }

  // Ends at the first failure.
  void live() {
    for (; lives_ < kLives && !failed_; ++lives_) {
      Misfortune::Plan plan;
      plan.faults_per_1000 = lives_ > 0 && one_in(2) ? 30 : 0;
      plan.dies_early = one_in(2);
      plan.model = model_ = static_cast<CrashModel>(random_() % 3);
      plan.seed = random_();
      owner_.emplace(*disk_, plan, log_);
      if (open() && judge()) work();
      auto left = owner_->misfortune.left();
      owner_.reset();
      disk_ = std::move(left);
    }
  }
  [[nodiscard]] std::size_t count() const { return lives_; }

 private:
  static constexpr std::size_t kLives = 4;

  bool one_in(unsigned count) { return random_() % count == 0; }
  SafeChunkEngine& engine() { return *owner_->engine; }
  [[nodiscard]] bool crashed() const { return owner_->misfortune.crashed(); }

  void note(const std::string& line) { log_ += "  " + line + "\n"; }
  void fail(const std::string& what) {
    failed_ = true;
    ADD_FAILURE() << "SAFECHUNK_LIVES_SEED=" << seed_ << " SAFECHUNK_LIVES=1: life " << lives_
                  << ": " << what << "\n"
                  << log_;
  }

  // Attaches, after some trials where calls fail.
  bool open() {
    constexpr int kTrials = 20;
    for (int trial = 1; trial <= kTrials; ++trial) {
      owner_->misfortune.let_calls_fail(trial < kTrials);
      const bool attached = owner_->attach(options_, process_);
      note("attach: " + engine().status().to_text());
      if (attached) break;
    }
    owner_->misfortune.let_calls_fail(false);
    if (!engine().is_active()) fail("no attach: " + engine().status().to_text());
    return engine().is_active();
  }

  bool judge() {
    Found found;
    for (const std::string& chunk : kChunks) {
      auto version = read(chunk);
      if (!version) {
        fail(version.status().to_text());
        return false;
      }
      note(chunk + " is " + describe(*version));
      found[chunk] = *std::move(version);
    }
    const std::string wrong = history_.judge_and_restart(found);
    if (wrong.empty()) return true;
    for (const Event& event : engine().recovery_report().events) {
      note("recovery: " + std::string(to_string(event.kind)) + " " + event.chunk + " " +
           event.detail);
    }
    fail(wrong);
    return false;
  }
  Result<Version> read(const std::string& chunk) {
    auto text = engine().find_chunk(chunk);
    if (!text) return text.status();
    if (!*text) return Version();
    std::string compact;
    for (const char c : **text) {
      if (c != ' ' && c != '\n') compact += c;
    }
    return Version(compact);
  }

  void work() {
    const std::uint64_t operations = 3 + random_() % 12;
    owner_->misfortune.let_it_die();
    for (std::uint64_t i = 0; i < operations && !crashed() && !failed_; ++i) {
      owner_->misfortune.let_calls_fail(true);
      const std::string chunk = kChunks[random_() % kChunks.size()];
      switch (random_() % 6) {
        case 0:
        case 1:
          put(chunk);
          break;
        case 2:
          remove(chunk);
          break;
        case 3:
          commit_a_transaction();
          break;
        case 4:
          acknowledged("force_sync", engine().force_sync());
          break;
        default:
          do_something_rare(chunk);
          break;
      }
      if (!engine().is_active()) return;
    }
  }
  void do_something_rare(const std::string& chunk) {
    if (one_in(4)) {
      owner_->misfortune.spare_reads(true);
      acknowledged("checkpoint", engine().create_checkpoint("x", 2).status());
      owner_->misfortune.spare_reads(false);
    }
    if (one_in(6)) attach_again();
    owner_->misfortune.let_calls_fail(false);
    if (engine().is_active()) look(chunk);
  }

  std::string new_text() {
    const std::uint64_t size = one_in(4) ? 600 + random_() % 1500 : random_() % 10;
    return "[" + std::to_string(++texts_) + ",\"" + std::string(size, 'x') + "\"]";
  }

  void put(const std::string& chunk) {
    const std::string text = new_text();
    history_.of(chunk).issue(text);
    const Status status = engine().stage_update(std::string_view(text), chunk);
    note("put " + chunk + " " + describe(text) + ": " + status.to_text());
    if (!status.ok()) history_.of(chunk).in_memory();
    staged(chunk, status);
  }
  void remove(const std::string& chunk) {
    history_.of(chunk).issue(std::nullopt);
    const Status status = engine().remove_chunk(chunk);
    note("remove " + chunk + ": " + status.to_text());
    if (status.code() == ErrorCode::not_found) {
      history_.of(chunk).refused();
    } else if (!status.ok()) {
      history_.of(chunk).doubted();
    }
    staged(chunk, status);
  }
  // G3.
  void staged(const std::string& chunk, const Status& status) {
    if (status.ok() && !crashed() && model_ == CrashModel::process) history_.of(chunk).promised();
  }
  // G1.
  void acknowledged(const std::string& what, const Status& status) {
    note(what + ": " + status.to_text());
    if (status.ok() && !crashed()) history_.all_promised();
  }

  void commit_a_transaction() {
    const std::vector<std::string> chunks(
        kChunks.begin(), kChunks.begin() + std::min<std::ptrdiff_t>(2, std::ssize(kChunks)));
    auto transaction = engine().transaction();
    ProjectHistory::Members members;
    for (const std::string& chunk : chunks) {
      const std::string text = new_text();
      members[chunk] = history_.of(chunk).issue(text);
      ASSERT_TRUE(transaction.stage(std::string_view(text), chunk).ok());
    }
    history_.add_transaction(members);
    const std::size_t faults = owner_->misfortune.journal_faults();
    const Status status = transaction.commit();
    acknowledged("transaction up to text " + std::to_string(texts_), status);
    if (status.ok()) return;
    for (const std::string& chunk : chunks) history_.of(chunk).in_memory();
    // Without a journal only memory knows that the two belong together.
    if (owner_->misfortune.journal_faults() != faults) history_.drop_last_transaction();
  }

  void attach_again() {
    const Status detached = engine().detach();
    acknowledged("detach", detached);
    if (!detached.ok()) history_.memory_is_gone();
    note("attach again: " + engine().attach().to_text());
  }

  // G6. Who wrote it reads it.
  void look(const std::string& chunk) {
    auto version = read(chunk);
    if (version && history_.of(chunk).is_newest(*version)) return;
    fail("its owner reads " + chunk + " as " +
         (version ? describe(*version) : version.status().to_text()));
  }

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  FakeProcess process_;
  EngineOptions options_;
  std::string log_;
  std::unique_ptr<SimFileSystem> disk_;
  std::optional<Owner> owner_;
  CrashModel model_ = CrashModel::process;
  ProjectHistory history_{kChunks};
  std::size_t lives_ = 0;
  std::uint64_t texts_ = 0;
  bool failed_ = false;
};

// G1, G3, G4, G8.
TEST(RandomLives, LoseNothingThatWasPromised) {
  const std::uint64_t first = setting("SAFECHUNK_LIVES_SEED", 1);
  const std::uint64_t seeds = setting("SAFECHUNK_LIVES", is_project() ? 300 : 150);
  const auto deadline = std::chrono::steady_clock::now() +
                        std::chrono::seconds(setting("SAFECHUNK_LIVES_SECONDS", 0));
  std::uint64_t seed = first;
  std::size_t lives = 0;
  while (seed - first < seeds || std::chrono::steady_clock::now() < deadline) {
    Lives one(seed++);
    one.live();
    lives += one.count();
  }
  EXPECT_GT(lives, 0U);
  std::printf("seeds %llu to %llu: %zu lives\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(seed - 1), lives);
}

}  // namespace
}  // namespace safechunk::test
