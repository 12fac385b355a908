// G1, G3 when memory fails inside a commit, at each of its calls in turn: it ends half-way, as in
// an exception anywhere near that call, and the worker tries again. (tests/failures/allocation_test
// fails each allocation of a real process; here every moment has its power cuts.)

#include <gtest/gtest.h>

#include <new>
#include <string>

#include "engine/engine_meddling.h"
#include "engine/schedule.h"

namespace safechunk::test {
namespace {

// Throws from the `nth` call that changes or syncs something.
class MemoryFailure {
 public:
  MemoryFailure(SimFileSystem& files, int nth) : files_(files), nth_(nth) {
    files_.set_hook([this](const SimCall& call) -> std::optional<int> {
      // An exception in an unlink would be one of a destructor, too: those have a test of their
      // own.
      if (call.verb == "unlink" || ++calls_ != nth_) return std::nullopt;
      failed_.add();
      throw std::bad_alloc();
    });
  }
  MemoryFailure(const MemoryFailure&) = delete;
  MemoryFailure& operator=(const MemoryFailure&) = delete;
  ~MemoryFailure() { files_.set_hook({}); }

  [[nodiscard]] bool happened() const { return failed_.count() > 0; }

 private:
  SimFileSystem& files_;
  const int nth_;
  std::atomic<int> calls_{0};
  Counter failed_;
};

void expect_saved(SafeChunkEngine& engine, const std::string& where) {
  EXPECT_EQ(engine.fetch_chunk("a").value(), "2\n") << where;
  EXPECT_EQ(engine.find_chunk("b").value(), std::nullopt) << where;
  EXPECT_EQ(engine.fetch_chunk("c").value(), "2\n") << where;
}

// Says whether the commit came as far as the `nth` call.
bool commit_without_memory(int nth, bool stamps) {
  const std::string where = "call " + std::to_string(nth);
  Machine machine(stamps);
  EngineOptions options;
  options.debounce_delay = options.max_delay = std::chrono::minutes(1);
  auto engine = machine.engine(options);
  for (const char* chunk : {"a", "b"}) put(engine, chunk, "1");
  save(engine);
  put(engine, "a", "2");
  EXPECT_TRUE(engine.remove_chunk("b").ok());
  put(engine, "c", "2");
  bool happened = false;
  {
    const MemoryFailure failure(machine.files, nth);
    try {
      EXPECT_EQ(engine.force_sync().ok(), !failure.happened()) << where;
    } catch (const std::bad_alloc&) {
      EXPECT_TRUE(failure.happened()) << where;
    }
    happened = failure.happened();
  }
  if (happened) {
    // Nothing was acknowledged, but everything was staged: a kill takes none of it.
    const auto killed = machine.files.crash_clone(0, CrashModel::process);
    Successor next(*killed, {}, 80);
    expect_saved(next.engine(), where + ", killed; " + recovery_of(next.engine()));
    // The worker tries again, by itself; otherwise this waits for ever.
    machine.clock.await_deadline(machine.clock.now() + BackOff::kFirst);
    machine.clock.advance(BackOff::kFirst);
    machine.clock.await_idle();
  }
  EXPECT_EQ(machine.chunk("a"), "2\n") << where;
  EXPECT_FALSE(machine.file("chunks/b.json")) << where;
  EXPECT_EQ(machine.chunk("c"), "2\n") << where;
  EXPECT_FALSE(engine.is_dirty()) << where;
  after_each_power_cut(machine.files, {CrashModel::strict, CrashModel::ordered}, {},
                       [&](SafeChunkEngine& owner, const std::string& cut) {
                         expect_saved(owner, where + ", " + cut);
                       });
  return happened;
}

// Kills: a commit that an exception ended, and that nobody tries again; one whose half counts as
// whole.
TEST(EngineMemory, FailsAtEachCallOfACommitWhichIsTriedAgain) {
  for (const bool stamps : {true, false}) {
    int nth = 1;
    while (!testing::Test::HasFailure() && commit_without_memory(nth, stamps)) ++nth;
    EXPECT_GT(nth, 10) << "the commit has not that many calls";
  }
}

}  // namespace
}  // namespace safechunk::test
