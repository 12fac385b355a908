// Another program beside an engine, at random: it saves a chunk's file in place in several steps,
// by a rename, or empties it and comes back later; it removes, links and drops files. Each of its
// steps comes before some call of the engine, in whatever the engine is doing; sometimes the
// engine's process is killed then, and the next owner attaches.
//
// The judge (G15): after each operation the text that the other program has completed is in the
// chunk's file, in its backup or in quarantine, and its own files are as it left them.
//
// Everything follows from a seed: a failure prints it, and SAFECHUNK_NEIGHBOURS_SEED=n
// SAFECHUNK_NEIGHBOURS=1 replays it alone.
//
// SAFECHUNK_NEIGHBOURS_SEED     the first seed (default 1)
// SAFECHUNK_NEIGHBOURS          how many seeds (default 300)
// SAFECHUNK_NEIGHBOURS_SECONDS  goes on with further seeds for so long (default 0)

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/engine_access.h"
#include "support/fake_process.h"
#include "support/place.h"
#include "support/setting.h"
#include "support/sim_file_system.h"

namespace safechunk::test {
namespace {

const std::vector<std::string> kChunks =
    has_one_chunk() ? std::vector<std::string>{"a"} : std::vector<std::string>{"a", "b", "c"};

// For the thread of the test, waiting takes no time and moves the clock. For others it stands
// still, so that the engine's worker never acts.
class JumpingClock final : public Clock {
 public:
  TimePoint now() override { return TimePoint(std::chrono::hours(1)) + passed(); }
  std::int64_t unix_time_ns() override {
    constexpr std::int64_t kStart = 1'000'000'000;  // that of the disk
    return kStart + passed().count();
  }
  std::tm local_time(std::int64_t unix_time_ns) override {
    const std::time_t seconds = unix_time_ns / 1'000'000'000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return parts;
  }
  void wait_until(CondVar& wake, Mutex& mutex, TimePoint deadline) REQUIRES(mutex) override {
    if (std::this_thread::get_id() != thread_) {
      wake.wait(mutex);
    } else if (deadline > now()) {
      passed_ += deadline - now();
    }
  }
  void advance(std::chrono::nanoseconds by) { passed_ += by; }

 private:
  [[nodiscard]] std::chrono::nanoseconds passed() const {
    return std::this_thread::get_id() == thread_ ? passed_ : std::chrono::nanoseconds(0);
  }
  const std::thread::id thread_ = std::this_thread::get_id();
  std::chrono::nanoseconds passed_{0};
};

// The program that does not know the engine. One edit at a time, in one or more steps.
class Neighbour {
 public:
  Neighbour(SimFileSystem& disk, std::mt19937_64& random, std::string& log)
      : random_(random), log_(log) {
    move_to(disk);
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;
  ~Neighbour() { disk_->set_hook({}); }

  // The disk that a crash has left.
  void move_to(SimFileSystem& disk) {
    disk_ = &disk;
    disk.set_hook([this](const SimCall& call) {
      before(call);
      return std::nullopt;
    });
  }
  // Its steps come within the next `calls` calls.
  void begin(const std::string& chunk, const std::string& text, std::size_t calls) {
    const std::lock_guard lock(mutex_);
    chunk_ = chunk;
    text_ = text;
    plan();
    next_ = 1 + random_() % calls;
    pause_ = 1 + random_() % calls;
  }
  // What is left of it.
  void finish() {
    const std::lock_guard lock(mutex_);
    finish_steps("the end");
  }
  // After so many calls the neighbour is done, and the engine's process is killed.
  void kill_after(std::size_t calls) {
    const std::lock_guard lock(mutex_);
    lives_ = calls;
  }
  // The disk of that moment; nothing when it did not come.
  [[nodiscard]] std::unique_ptr<SimFileSystem> left() {
    const std::lock_guard lock(mutex_);
    lives_ = 0;
    return std::move(left_);
  }
  // The text that must be somewhere.
  [[nodiscard]] const std::optional<std::string>& completed() const { return completed_; }
  [[nodiscard]] const std::string& chunk() const { return chunk_; }
  [[nodiscard]] const std::map<std::string, std::string>& own_files() const { return own_; }

 private:
  using Step = std::function<void()>;

  void before(const SimCall& call) {
    if (busy_.load() == std::this_thread::get_id()) return;
    const std::lock_guard lock(mutex_);
    if (lives_ > 0 && --lives_ == 0) {
      finish_steps("the kill");
      log_ += "    killed before " + call.verb + " " + call.path + "\n";
      left_ = disk_->crash_clone(0, CrashModel::process);
    }
    if (steps_.empty() || --next_ > 0) return;
    next_ = pause_;
    step(call.verb + " " + call.path);
  }
  void finish_steps(const std::string& before) {
    while (!steps_.empty()) step(before);
  }
  void step(const std::string& before) {
    busy_ = std::this_thread::get_id();
    log_ += "    step before " + before + "\n";
    const Step act = std::move(steps_.back());
    steps_.pop_back();
    act();
    busy_ = std::thread::id();
  }

  std::unique_ptr<Directory> folder() {
    return disk_->open_directory(lies_at("/project/chunks")).value();
  }
  void write(File& file, std::uint64_t at, std::string_view bytes) {
    (void)file.write_at(at, bytes).value();
  }
  void note(const char* what) { log_ += std::string("  neighbour: ") + what + " " + chunk_ + "\n"; }

  // The last step comes first in steps_.
  void plan() {
    const std::string name = chunk_ + ".json";
    completed_.reset();
    switch (random_() % 6) {
      case 0:
        note("in place, in steps,");
        steps_ = {[this] {
                    write(*file_, text_.size() / 2, text_.substr(text_.size() / 2));
                    file_.reset();
                    completed_ = text_;
                  },
                  [this] { write(*file_, 0, text_.substr(0, text_.size() / 2)); },
                  [this, name] {
                    file_ = folder()->open(name, OpenMode::create).value();
                    file_->truncate(0).throw_if_error();
                  }};
        break;
      case 1:
        note("empties, and comes back later,");
        steps_ = {[this, name] {
                    const auto file = folder()->open(name, OpenMode::create).value();
                    file->truncate(0).throw_if_error();
                    write(*file, 0, text_);
                    completed_ = text_;
                  },
                  [this, name] {
                    folder()->open(name, OpenMode::create).value()->truncate(0).throw_if_error();
                  }};
        break;
      case 2:
      case 3:
        note("by a rename");
        steps_ = {[this, name] {
                    folder()->rename(name + ".swp", name).throw_if_error();
                    completed_ = text_;
                  },
                  [this, name] {
                    const auto file = folder()->open(name + ".swp", OpenMode::create).value();
                    write(*file, 0, text_);
                  }};
        break;
      case 4:
        note("removes");
        steps_ = {[this, name] { (void)folder()->unlink(name); }};
        break;
      default:
        note("drops a file beside");
        steps_ = {[this] {
          const std::string own = names_[random_() % names_.size()];
          const auto file = folder()->open(own, OpenMode::create).value();
          file->truncate(0).throw_if_error();
          write(*file, 0, text_);
          own_[own] = text_;
        }};
    }
  }

  const std::vector<std::string> names_ = {"a.json.tmp", "my thoughts.tmp", "a.749b0e0c.tmp",
                                           "a (conflicted copy).json~", ".a.json.swp"};
  SimFileSystem* disk_ = nullptr;
  std::mt19937_64& random_;
  std::string& log_;
  std::mutex mutex_;  // archives are made by several threads
  std::atomic<std::thread::id> busy_;
  std::string chunk_;
  std::string text_;
  std::vector<Step> steps_;
  std::size_t lives_ = 0;
  std::unique_ptr<SimFileSystem> left_;
  std::size_t next_ = 0;
  std::size_t pause_ = 1;
  std::unique_ptr<File> file_;
  std::optional<std::string> completed_;
  std::map<std::string, std::string> own_;
};

class Neighbourhood {
 public:
  explicit Neighbourhood(std::uint64_t seed)
      : seed_(seed), random_(seed), process_(4242, seed + 1) {
    disk_ = std::make_unique<SimFileSystem>(!one_in(3));
    options_ = in_this_place(options_);
    options_.base_dir = "/";
    options_.durability = one_in(3) ? Durability::journal : Durability::file;
    options_.debounce_delay = options_.max_delay = std::chrono::hours(1);
    open();
    for (const char* text : {"1", "2"}) {
      for (const std::string& chunk : kChunks) put(chunk, text);
      EXPECT_TRUE(engine().force_sync().ok());
    }
    neighbour_.emplace(*disk_, random_, log_);
  }
  ~Neighbourhood() {
    neighbour_.reset();
    disk_->kill();
  }
  Neighbourhood(const Neighbourhood&) = delete;
  Neighbourhood& operator=(const Neighbourhood&) = delete;

  // Returns how many edits were judged. Ends at the first failure.
  std::size_t run() {
    std::size_t judged = 0;
    for (int i = 0; i < 20 && !testing::Test::HasFailure(); ++i) {
      const std::string chunk = kChunks[random_() % kChunks.size()];
      const auto kind = static_cast<Operation>(random_() % kOperations);
      // Before the neighbour's edit, which the removal could have seen otherwise.
      if (kind == kRemove) (void)engine().remove_chunk(chunk);
      neighbour_->begin(chunk, new_text(), 40);
      if (one_in(2)) neighbour_->kill_after(1 + random_() % 60);
      operate(kind, one_in(4) ? kChunks[random_() % kChunks.size()] : chunk);
      neighbour_->finish();
      if (auto left = neighbour_->left()) die(std::move(left));
      clock_.advance(std::chrono::seconds(random_() % 4));
      (void)engine().fetch_chunk(neighbour_->chunk());
      judged += judge() ? 1 : 0;
    }
    return judged;
  }

 private:
  enum Operation {
    kFetch,
    kRepair,
    kCheckpoint,
    kTransaction,
    kPutAndAttachAgain,
    kPut,
    kPutAndSync,
    kSync,
    kRemove,
    kOperations
  };
  bool one_in(unsigned count) { return random_() % count == 0; }
  std::string new_text() {
    return "[" + std::to_string(seed_) + "," + std::to_string(++texts_) + ",\"" +
           std::string(random_() % 600, 'x') + "\"]";
  }
  SafeChunkEngine& engine() { return *engine_; }
  void open() {
    engine_.emplace(
        EngineAccess::construct(project_id(), options_, Platform{*disk_, clock_, process_}));
    EXPECT_TRUE(engine_->is_active()) << engine_->status().to_text() << "\n" << log_;
  }
  void put(const std::string& chunk, const std::string& text) {
    (void)engine().stage_update(std::string_view(text), chunk);
  }

  void operate(Operation kind, const std::string& chunk) {
    log_ += "  engine: operation " + std::to_string(kind) + " on " + chunk + "\n";
    switch (kind) {
      case kFetch:
        (void)engine().fetch_chunk(chunk);
        return;
      case kRepair:
        (void)engine().repair();
        return;
      case kCheckpoint:
        (void)engine().create_checkpoint("x", 2);
        return;
      case kTransaction: {
        auto transaction = engine().transaction();
        for (const std::string& each : kChunks) (void)transaction.stage(new_text(), each);
        (void)transaction.commit();
        return;
      }
      case kPutAndAttachAgain:
        put(chunk, new_text());
        (void)engine().detach();
        (void)engine().attach();
        return;
      case kPut:
        put(chunk, new_text());
        return;
      case kPutAndSync:
        put(chunk, new_text());
        break;
      default:
        break;
    }
    (void)engine().force_sync();
  }

  void die(std::unique_ptr<SimFileSystem> left) {
    disk_->kill();
    engine_.reset();
    disk_ = std::move(left);
    neighbour_->move_to(*disk_);
    open();
  }

  bool judge() {
    const auto all = disk_->contents();
    for (const auto& [name, text] : neighbour_->own_files()) {
      const auto found = all.find("project/chunks/" + name);
      if (found == all.end() || found->second != text) fail(name + " was touched");
    }
    const auto& text = neighbour_->completed();
    if (!text) return false;
    for (const auto& [path, bytes] : all) {
      const bool counts = path == "project/chunks/" + neighbour_->chunk() + ".json" ||
                          path == "project/chunks_bak/" + neighbour_->chunk() + ".bak" ||
                          path.starts_with("project/quarantine/");
      if (counts && bytes == *text) return true;
    }
    fail("the text is nowhere any more: " + *text);
    return true;
  }
  void fail(const std::string& what) {
    ADD_FAILURE() << "SAFECHUNK_NEIGHBOURS_SEED=" << seed_ << " SAFECHUNK_NEIGHBOURS=1: " << what
                  << "\n"
                  << log_;
  }

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  FakeProcess process_;
  EngineOptions options_;
  std::string log_;
  JumpingClock clock_;
  std::unique_ptr<SimFileSystem> disk_;
  std::optional<SafeChunkEngine> engine_;
  std::optional<Neighbour> neighbour_;
  std::uint64_t texts_ = 0;
};

// Kills: whatever replaces or removes a file that nobody has looked at.
TEST(RandomNeighbours, LoseNothingOfTheirs) {
  const std::uint64_t first = setting("SAFECHUNK_NEIGHBOURS_SEED", 1);
  const std::uint64_t seeds = setting("SAFECHUNK_NEIGHBOURS", is_project() ? 300 : 60);
  const auto deadline = std::chrono::steady_clock::now() +
                        std::chrono::seconds(setting("SAFECHUNK_NEIGHBOURS_SECONDS", 0));
  std::uint64_t seed = first;
  std::size_t judged = 0;
  while (!HasFailure() && (seed - first < seeds || std::chrono::steady_clock::now() < deadline)) {
    Neighbourhood one(seed++);
    judged += one.run();
  }
  EXPECT_GT(judged, 0U);
  std::printf("seeds %llu to %llu: %zu edits by another program\n",
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(seed - 1),
              judged);
}

}  // namespace
}  // namespace safechunk::test
