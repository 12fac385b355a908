// What befalls an engine from outside: other programs, one call that fails, a crash, and the owner
// that comes after it.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <sstream>
#include <string>

#include "engine/engine_bench.h"
#include "storage/files/stamp.h"
#include "support/place.h"

namespace safechunk::test {

// Acts before the `nth` call of `verb` on `path` of the project, as another program would. What it
// does itself does not count.
class Meddler {
 public:
  Meddler(SimFileSystem& files, std::string verb, std::string path, int nth,
          std::function<void()> act)
      : files_(files) {
    files_.set_hook([this, verb, path, nth, act](const SimCall& call) -> std::optional<int> {
      if (acting_ || call.verb != verb || call.path != "project/" + path) return std::nullopt;
      if (++calls_ != nth) return std::nullopt;
      acting_ = true;
      act();
      acting_ = false;
      return std::nullopt;
    });
  }
  Meddler(const Meddler&) = delete;
  Meddler& operator=(const Meddler&) = delete;
  ~Meddler() { files_.set_hook({}); }

  // How many such calls there were.
  [[nodiscard]] int calls() const { return calls_; }

 private:
  SimFileSystem& files_;
  std::atomic<bool> acting_{false};
  std::atomic<int> calls_{0};
};

// Fails the `nth` call of `verb` on `path` of the project, and no other.
class FailingOnce {
 public:
  FailingOnce(SimFileSystem& files, std::string verb, std::string path, int error, int nth = 1)
      : files_(files), nth_(nth) {
    files_.set_hook([this, verb, path, error](const SimCall& call) -> std::optional<int> {
      if (call.verb != verb || call.path != "project/" + path) return std::nullopt;
      return ++calls_ == nth_ ? std::optional(error) : std::nullopt;
    });
  }
  FailingOnce(const FailingOnce&) = delete;
  FailingOnce& operator=(const FailingOnce&) = delete;
  ~FailingOnce() { files_.set_hook({}); }

  [[nodiscard]] bool happened() const { return calls_ >= nth_; }

 private:
  SimFileSystem& files_;
  const int nth_;
  std::atomic<int> calls_{0};
};

inline EngineOptions by_journal() {
  EngineOptions options;
  options.durability = Durability::journal;
  return options;
}

inline void save_by_the_worker(Machine& machine) {
  machine.clock.advance(std::chrono::seconds(1));
  machine.clock.await_idle();
}

// A later owner, of another process, of what is on that disk. Each of several one after the other
// has a number of its own.
class Successor {
 public:
  explicit Successor(SimFileSystem& disk, EngineOptions options = {}, int number = 1)
      : process_(5000 + number, 7000 + static_cast<std::uint64_t>(number)) {
    options.base_dir = "/";
    engine_.emplace(EngineAccess::construct(project_id(), in_this_place(options),
                                            Platform{disk, clock_, process_}));
  }
  [[nodiscard]] SafeChunkEngine& engine() { return *engine_; }
  SafeChunkEngine* operator->() { return &*engine_; }

 private:
  WatchedClock clock_;
  FakeProcess process_;
  std::optional<SafeChunkEngine> engine_;  // the last: its worker uses the others
};

// What the recovery of an engine did, for a failure's message.
inline std::string recovery_of(const SafeChunkEngine& engine) {
  std::string text = engine.status().to_text();
  for (const Event& event : engine.recovery_report().events) {
    text += "; " + std::string(to_string(event.kind)) + " " + event.chunk + ": " + event.detail;
  }
  return text;
}

// Looks at what each of many power cuts at this moment may leave; ends at the first failure.
using LookAtDisk = std::function<void(SimFileSystem& cut, const std::string& where)>;
inline void for_each_power_cut(const SimFileSystem& disk, std::initializer_list<CrashModel> models,
                               const LookAtDisk& look) {
  constexpr std::uint64_t kSeeds = 64;
  for (const CrashModel model : models) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      const auto cut = disk.crash_clone(seed, model);
      look(*cut, std::string(model == CrashModel::strict ? "strict" : "ordered") +
                     " power cut, seed " + std::to_string(seed));
      if (testing::Test::HasFailure()) return;
    }
  }
}
// The same through the eyes of the next owner.
using LookAtEngine = std::function<void(SafeChunkEngine& next, const std::string& where)>;
inline void after_each_power_cut(const SimFileSystem& disk,
                                 std::initializer_list<CrashModel> models, EngineOptions options,
                                 const LookAtEngine& look) {
  for_each_power_cut(disk, models, [&](SimFileSystem& cut, const std::string& where) {
    Successor next(cut, options, 90);
    ASSERT_TRUE(next->is_active()) << where << ": " << next->status().to_text();
    look(next.engine(), where + "; " + recovery_of(next.engine()));
  });
}

// Are these bytes, or a file that contains them, anywhere under the folder of the project?
inline bool holds(const SimFileSystem& disk, const std::string& folder, std::string_view bytes) {
  for (const auto& [path, found] : disk.contents()) {
    if (path.starts_with("project/" + folder) && found.find(bytes) != std::string::npos) {
      return true;
    }
  }
  return false;
}

inline void remove_file(SimFileSystem& disk, const std::string& folder, const std::string& name) {
  disk.open_directory(lies_at("/project/" + folder)).value()->unlink(name).throw_if_error();
}

// Changes one byte of a chunk's file as rot does: the file's stamp has the time that the file has.
inline void rot(SimFileSystem& disk, const std::string& chunk, std::uint64_t offset, char byte) {
  const auto chunks = disk.open_directory(lies_at("/project/chunks")).value();
  const auto file = chunks->open(chunk + ".json", OpenMode::read_write).value();
  auto stamp = Stamp::decode(file->attribute(Stamp::kAttribute).value(), chunk).value();
  (void)file->write_at(offset, std::string_view(&byte, 1)).value();
  stamp.modified_ns = file->stat().value().modified_ns;
  file->set_attribute(Stamp::kAttribute, stamp.encode(chunk)).throw_if_error();
  file->sync().throw_if_error();
}

// Everything that an engine tells, one line each.
class Told {
 public:
  void listen(SafeChunkEngine& engine) {
    engine.on_fault([this](const Error& error) { add(error.to_text()); });
    engine.on_status([this](std::string_view text) { add(std::string(text)); });
  }
  [[nodiscard]] std::string all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  [[nodiscard]] bool mentions(std::string_view word) const {
    return all().find(word) != std::string::npos;
  }
  // How many lines have these words.
  [[nodiscard]] std::size_t count(std::string_view words) const {
    std::istringstream lines(all());
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.find(words) != std::string::npos) ++count;
    }
    return count;
  }

 private:
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    all_ += line + "\n";
  }
  mutable std::mutex mutex_;
  std::string all_;
};

}  // namespace safechunk::test
