// What the crash tests do to an engine, W1 to W10, and the session that records it in a History.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/engine_access.h"
#include "crash/history.h"
#include "support/fake_process.h"
#include "support/manual_clock.h"

namespace safechunk::test {

// An engine over a simulated or real file system, and a history of what it was asked and answered.
class Session {
 public:
  Session(FileSystem& file_system, SharedHistory& history, Durability durability,
          std::uint64_t token = 1, const std::string& base_dir = "/");

  // Every member returns what the engine returned, after recording it.
  Status put(const std::string& chunk, const std::string& text);
  Status remove(const std::string& chunk);
  Status sync();
  Status transaction(const History::Unit& unit);
  Result<std::string> checkpoint(int retention);
  Status restore(const std::string& name, const ProjectState& expected);
  // Moves the clock and waits until the worker has committed.
  void let_the_worker_save(std::chrono::milliseconds by);
  // Damages the chunk's file as rot would, and fetches it, which must give `previous`.
  void damage_and_fetch(const std::string& chunk, const std::string& previous);

  // What the engine reads now: every chunk's compact text.
  ProjectState state();

  SafeChunkEngine& engine() { return engine_; }

 private:
  void issue(History::Unit unit) {
    history_.change([&](History& history) { history.issue(std::move(unit)); });
  }
  void staged() {
    history_.change([](History& history) { history.staged(); });
  }
  void acknowledged() {
    history_.change([](History& history) { history.acknowledged(); });
  }

  FileSystem& file_system_;
  std::string folder_;
  SharedHistory& history_;
  ManualClock clock_;
  FakeProcess process_;
  std::mutex mutex_;
  std::condition_variable synced_;
  std::uint64_t syncs_ = 0;
  std::uint64_t pauses_ = 0;
  SafeChunkEngine engine_;  // the last member: its worker uses the others
};

struct Workload {
  std::string name;
  std::function<void(Session&)> run;
};

const std::vector<Workload>& workloads();
// Texts of several sectors, so that a torn journal can mix old and new records.
void write_and_remove_large_chunks(Session& session);

EngineOptions crash_test_options(Durability durability, const std::string& base_dir = "/");

}  // namespace safechunk::test
