// What the crash tests do to an engine, W1 to W15, and the session that records it in a History.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "api/engine_access.h"
#include "support/fake_process.h"
#include "support/forwarding_file_system.h"
#include "support/history.h"
#include "support/manual_clock.h"

namespace safechunk::test {

// The process that an engine lives in, and how it opens the project.
struct SessionPlace {
  Mode mode = Mode::owner;
  std::int64_t pid = 4242;
  std::string boot = "boot";
};

// An engine over a simulated or real file system, and a history of what it was asked and answered.
class Session {
 public:
  static inline const std::uint64_t kJournalLimit = EngineOptions{}.journal_limit;

  Session(FileSystem& file_system, SharedHistory& history, Durability durability,
          std::uint64_t token = 1, const std::string& base_dir = "/",
          std::uint64_t journal_limit = kJournalLimit, SessionPlace place = {});
  // Another process that opens the same project.
  Session(Session& first, Mode mode, std::uint64_t token);

  // In a place of one chunk, what a workload would do to the others is left out, and reported as
  // done.
  //
  // Every member returns what the engine returned, after recording it. What on_sync tells on the
  // same thread meanwhile counts as well: what was staged before that call is acknowledged.
  Status put(const std::string& chunk, const std::string& text);
  // Sets one value of the chunk, which makes `text` of it.
  Status set_value(const std::string& chunk, const std::string& pointer, const std::string& value,
                   const std::string& text);
  // Applies a merge patch, which makes `text` of the chunk.
  Status merge(const std::string& chunk, const std::string& patch, const std::string& text);
  Status remove(const std::string& chunk);
  // Reads the chunk, and makes `text` of it.
  Status update(const std::string& chunk, const std::string& text);
  Status sync();
  Status transaction(const History::Unit& unit);
  Result<std::string> checkpoint(int retention);
  Status restore(const std::string& name, const ProjectState& expected);
  // Moves the clock and waits until the worker has committed, or has failed to.
  void let_the_worker_save(std::chrono::milliseconds by);
  // The same; when the worker has begun, `small` is staged, and then `large` by a thread that goes
  // on when the worker is done: with a journal past its limit it waits for that. Both are texts of
  // `chunk`.
  void let_the_worker_save_beside(const std::string& chunk, const std::string& small,
                                  const std::string& large);
  // Damages the chunk's file as rot would, and fetches it, which gives `previous` unless calls
  // fail. No beginning of a text of the chunk may be JSON.
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

  // One call of the engine on this thread: what was staged when it began is what on_sync tells of.
  class Call;
  [[nodiscard]] std::size_t staged_units() const;
  void note_sync();
  void answered(const Status& status, const History::Unit& unit);
  // Whether the engine reads this; no text: that there is no such chunk.
  bool shows(const std::string& chunk, const std::optional<std::string>& text);

  FileSystem& file_system_;
  const std::string base_dir_;
  const Durability durability_;
  const SessionPlace place_;
  std::string folder_;
  SharedHistory& history_;
  const std::uint64_t journal_limit_;
  HookedFileSystem hooked_;
  ManualClock clock_;
  FakeProcess process_;
  std::function<void()> meanwhile_;  // written before armed_ is
  std::atomic<bool> armed_{false};   // meanwhile_ runs when a chunk's file is about to be stamped
  std::mutex mutex_;                 // guards the next two
  std::map<std::thread::id, std::size_t> calls_;
  std::uint64_t syncs_ = 0;
  std::uint64_t pauses_ = 0;
  SafeChunkEngine engine_;  // the last member: its worker uses the others
};

struct Workload {
  std::string name;
  std::function<void(Session&)> run;
  std::uint64_t journal_limit = Session::kJournalLimit;
  Mode mode = Mode::owner;  // of the session that it gets
};

const std::vector<Workload>& workloads();
// W13 has a text longer than the writer's pieces of 1 MiB: too long to be copied for every state.
const Workload& longest_workload();
// Texts of several sectors, so that a torn journal can mix old and new records.
void write_and_remove_large_chunks(Session& session);

EngineOptions crash_test_options(Durability durability, const std::string& base_dir = "/",
                                 Mode mode = Mode::owner);

}  // namespace safechunk::test
