// An engine in memory: simulated file system, a clock that only the test moves, a fake process.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/engine_access.h"
#include "support/fake_process.h"
#include "support/manual_clock.h"
#include "support/place.h"
#include "support/sim_file_system.h"

namespace safechunk::test {

// A ManualClock that tells for which point in time the worker waits: a test that sees the deadline
// needs neither sleep nor guess to know when the worker will write.
class WatchedClock final : public Clock {
 public:
  TimePoint now() override { return clock_.now(); }
  std::int64_t unix_time_ns() override { return clock_.unix_time_ns(); }
  std::tm local_time(std::int64_t unix_time_ns) override { return clock_.local_time(unix_time_ns); }
  void wait_until(CondVar& wake, Mutex& mutex, TimePoint deadline) REQUIRES(mutex) override {
    {
      const std::lock_guard own(mutex_);
      deadline_ = deadline;
      changed_.notify_all();
    }
    clock_.wait_until(wake, mutex, deadline);
    const std::lock_guard own(mutex_);
    deadline_.reset();
  }

  void advance(std::chrono::nanoseconds by) { clock_.advance(by); }
  void set_unix_time(std::int64_t seconds) { clock_.set_unix_time(seconds); }
  // Blocks until the worker waits for exactly that moment. An edit that only postpones the deadline
  // does not wake it, so this does, again and again: what it waited for before it was woken does
  // not count, and it may be on its way into its wait.
  void await_deadline(TimePoint deadline) {
    std::unique_lock lock(mutex_);
    deadline_.reset();
    while (deadline_ != deadline) {
      lock.unlock();
      clock_.advance(std::chrono::nanoseconds(0));
      lock.lock();
      changed_.wait_for(lock, std::chrono::milliseconds(1), [&] { return deadline_ == deadline; });
    }
  }
  // Blocks until the worker has nothing to do.
  void await_idle() { await_deadline(TimePoint::max()); }
  // Blocks until the worker waits, and says for when.
  TimePoint next_deadline() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return deadline_.has_value(); });
    return *deadline_;
  }

 private:
  ManualClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<TimePoint> deadline_;
};

// Counts, and lets a test wait for a count.
class Counter {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  void await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0;
};

// Faults, from whichever thread.
class Faults {
 public:
  void add(const Error& error) {
    const std::lock_guard lock(mutex_);
    list_.push_back(error);
  }
  std::vector<Error> list() const {
    const std::lock_guard lock(mutex_);
    return list_;
  }
  [[nodiscard]] bool has(ErrorCode code, const std::string& chunk = "") const {
    for (const Error& error : list()) {
      if (error.code == code && (chunk.empty() || error.chunk == chunk)) return true;
    }
    return false;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Error> list_;
};

// The disk and the surroundings of one engine, or of several one after the other.
struct Machine {
  explicit Machine(bool attributes_supported = true, bool links_supported = true)
      : files(attributes_supported, links_supported) {}

  [[nodiscard]] Platform platform() { return {files, clock, process}; }
  [[nodiscard]] SafeChunkEngine engine(EngineOptions options = {}) {
    options.base_dir = "/";
    return EngineAccess::construct(project_id(), in_this_place(options), platform());
  }
  // The bytes of a file of the project; nothing when it does not exist.
  [[nodiscard]] std::optional<std::string> file(const std::string& path) const {
    const auto all = files.contents();
    const auto found = all.find("project/" + path);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::string chunk(const std::string& name) const {
    return file("chunks/" + name + ".json").value_or("(missing)");
  }
  // Replaces a file's bytes as another program would.
  void write(const std::string& folder, const std::string& name, std::string_view bytes) {
    auto directory = files.open_directory(lies_at("/project/" + folder)).value();
    auto opened = directory->open(name, OpenMode::create).value();
    opened->truncate(0).throw_if_error();
    (void)opened->write_at(0, bytes).value();
    opened->sync().throw_if_error();
    directory->sync().throw_if_error();
  }

  SimFileSystem files;
  WatchedClock clock;
  FakeProcess process;
};

// Fails every call of `verb` whose path contains `part` while it is switched on.
class Failing {
 public:
  Failing(SimFileSystem& files, std::string verb, std::string part, int error) : files_(files) {
    files_.set_hook([this, verb, part, error](const SimCall& call) -> std::optional<int> {
      if (!on_ || call.verb != verb || call.path.find(part) == std::string::npos) {
        return std::nullopt;
      }
      ++hits_;
      return error;
    });
  }
  Failing(const Failing&) = delete;
  Failing& operator=(const Failing&) = delete;
  ~Failing() { files_.set_hook({}); }

  void stop() { on_ = false; }
  [[nodiscard]] int hits() const { return hits_; }

 private:
  SimFileSystem& files_;
  std::atomic<bool> on_{true};
  std::atomic<int> hits_{0};
};

// Stages and lets nobody wonder whether it worked.
inline void put(SafeChunkEngine& engine, const std::string& chunk, const std::string& text) {
  const Status status = engine.stage_update(std::string_view(text), chunk);
  ASSERT_TRUE(status.ok()) << status.to_text();
}
inline void save(SafeChunkEngine& engine) {
  const Status status = engine.force_sync();
  ASSERT_TRUE(status.ok()) << status.to_text();
}

}  // namespace safechunk::test
