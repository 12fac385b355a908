// G11: handlers run with no lock held, on the worker's thread and on that of force_sync(), and may
// call the engine, detach it, even destroy it. A deadlock shows as a time-out. ("callbacks under
// the lock deadlock; their exceptions lose timers")

#include <gtest/gtest.h>

#include <cerrno>
#include <future>
#include <memory>
#include <thread>

#include "engine/engine_bench.h"

namespace safechunk::test {
namespace {

using std::chrono::seconds;

// Everything that a handler might call, but for detach().
void use(SafeChunkEngine& engine, int number) {
  (void)engine.stage_update(std::string_view(std::to_string(number)), "from_handler");
  (void)engine.fetch_chunk("from_handler");
  (void)engine.list_chunks();
  (void)engine.health_report();
  (void)engine.is_active();
  (void)engine.status();
  (void)engine.owner();
  (void)engine.recovery_report();
  (void)engine.attach();
  (void)engine.verify();
  (void)engine.force_sync();
}

// An engine whose handlers use it, a few times.
class Reentrant {
 public:
  explicit Reentrant(Machine& machine) : engine_(machine.engine()) {
    engine_.on_status([this](std::string_view) { call(); });
    engine_.on_sync([this] { call(); });
    engine_.on_fault([this](const Error&) { call(); });
  }
  SafeChunkEngine& engine() { return engine_; }
  Counter& calls() { return calls_; }

 private:
  void call() {
    const int number = ++number_;
    if (number <= 12) use(engine_, number);
    calls_.add();
  }

  Counter calls_;
  std::atomic<int> number_{0};
  SafeChunkEngine engine_;  // the last member: its worker uses the others
};

TEST(Handlers, MayUseTheEngineFromForceSyncsThread) {
  Machine machine;
  Reentrant reentrant(machine);
  const Failing failing(machine.files, "create", "chunks/broken.1438b1f2.tmp", EACCES);
  ASSERT_TRUE(reentrant.engine().stage_update("1", "good").ok());
  ASSERT_TRUE(reentrant.engine().stage_update("1", "broken").ok());
  EXPECT_EQ(reentrant.engine().force_sync().code(), ErrorCode::permission_denied);
  EXPECT_GE(reentrant.calls().count(), 3U);
  EXPECT_EQ(machine.chunk("good"), "1\n");
}

TEST(Handlers, MayUseTheEngineFromTheWorkersThread) {
  Machine machine;
  Reentrant reentrant(machine);
  const Failing failing(machine.files, "create", "chunks/broken.1438b1f2.tmp", EACCES);
  ASSERT_TRUE(reentrant.engine().stage_update("1", "good").ok());
  ASSERT_TRUE(reentrant.engine().stage_update("1", "broken").ok());
  machine.clock.advance(seconds(1));
  reentrant.calls().await(3);
  EXPECT_EQ(machine.chunk("good"), "1\n");
}

TEST(Handlers, MayDetachFromForceSyncsThread) {
  Machine machine;
  Status detached(ErrorCode::cancelled, "not called");
  auto engine = machine.engine();
  engine.on_sync([&] { detached = engine.detach(); });
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  EXPECT_TRUE(engine.force_sync().ok());
  EXPECT_TRUE(detached.ok()) << detached.to_text();
  EXPECT_FALSE(engine.is_active());
  EXPECT_FALSE(machine.file(".lock"));
}

// Kills: a worker that waits for itself.
TEST(Handlers, MayDetachAndAttachFromTheWorkersThread) {
  Machine machine;
  Counter done;
  std::atomic<int> syncs{0};
  auto engine = machine.engine();
  engine.on_sync([&] {
    if (++syncs > 1) return;
    EXPECT_TRUE(engine.detach().ok());
    EXPECT_FALSE(engine.is_active());
    EXPECT_TRUE(engine.attach().ok());
    EXPECT_TRUE(engine.is_active());
    done.add();
  });
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  machine.clock.advance(seconds(1));
  done.await(1);
  // The new worker works.
  ASSERT_TRUE(engine.stage_update("2", "a").ok());
  machine.clock.await_deadline(machine.clock.now() + seconds(1));
  machine.clock.advance(seconds(1));
  machine.clock.await_idle();
  EXPECT_EQ(machine.chunk("a"), "2\n");
}

// While one thread detaches and waits for the worker, the worker's handler asks for the same.
TEST(Handlers, MayDetachWhileAnotherThreadDetaches) {
  Machine machine;
  Counter entered;
  Counter detaching;
  auto engine = machine.engine();
  engine.on_sync([&] {
    entered.add();
    detaching.await(1);
    EXPECT_TRUE(engine.detach().ok());
    EXPECT_EQ(engine.attach().code(), ErrorCode::not_owner);
    EXPECT_EQ(engine.force_sync().code(), ErrorCode::not_owner);
  });
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  machine.clock.advance(seconds(1));
  entered.await(1);
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb == "unlink" && call.path == "project/.lock") detaching.add();
    return std::nullopt;
  });
  EXPECT_TRUE(engine.detach().ok());
  machine.files.set_hook({});
  EXPECT_FALSE(engine.is_active());
}

// Kills: a core that dies under the feet of its own worker.
TEST(Handlers, MayDestroyTheEngineOnTheWorkersThread) {
  Machine machine;
  Counter gone;
  auto engine = std::make_unique<SafeChunkEngine>(machine.engine());
  // Captured by a handler, it goes when the core goes, which is the last thing that happens.
  std::shared_ptr<void> sentinel(&gone,
                                 [](void* counter) { static_cast<Counter*>(counter)->add(); });
  engine->on_fault([held = std::move(sentinel)](const Error&) {});
  engine->on_sync([&engine] { engine.reset(); });
  ASSERT_TRUE(engine->stage_update("1", "a").ok());
  machine.clock.advance(seconds(1));
  gone.await(1);
  EXPECT_EQ(machine.chunk("a"), "1\n");
  EXPECT_FALSE(machine.file(".lock"));
}

TEST(Handlers, ThatThrowAreContainedAndTheWorkerGoesOn) {
  Machine machine;
  Faults faults;
  Counter syncs;
  auto engine = machine.engine();
  engine.on_fault([&](const Error& error) {
    faults.add(error);
    throw std::runtime_error("even here");
  });
  engine.on_status([](std::string_view) { throw std::runtime_error("no"); });
  engine.on_sync([&] {
    syncs.add();
    throw 1;
  });
  for (std::size_t round = 1; round <= 3; ++round) {
    ASSERT_TRUE(engine.stage_update(std::string_view(std::to_string(round)), "a").ok());
    machine.clock.await_deadline(machine.clock.now() + seconds(1));
    machine.clock.advance(seconds(1));
    syncs.await(round);
    machine.clock.await_idle();
  }
  EXPECT_EQ(machine.chunk("a"), "3\n");
  EXPECT_TRUE(faults.has(ErrorCode::invalid_argument));
  EXPECT_NE(engine.health_report()->last_error.find("on_fault threw"), std::string::npos);
  EXPECT_TRUE(engine.detach().ok());
}

// G7: faults that attach met are delivered when the handler is set.
TEST(Handlers, GetTheFaultsOfAttach) {
  Machine machine;
  {
    auto engine = machine.engine();
    ASSERT_TRUE(engine.stage_update("1", "a").ok());
    const Failing failing(machine.files, "create", "chunks/a.749b0e0d.tmp", EIO);
    EXPECT_FALSE(engine.detach().ok());
  }
  Faults faults;
  const Failing failing(machine.files, "create", "chunks/a.749b0e0d.tmp", ENOSPC);
  auto engine = machine.engine();
  EXPECT_TRUE(engine.is_active());
  engine.on_fault([&](const Error& error) { faults.add(error); });
  EXPECT_TRUE(faults.has(ErrorCode::no_space, "a"));
}

// Kills: taking "detached already" for "its worker has ended", when it was a handler that detached:
// what the handler uses may go with the engine.
TEST(Handlers, OfTheWorkerEndBeforeTheEngineIsGone) {
  Machine machine;
  auto engine = std::make_unique<SafeChunkEngine>(machine.engine());
  std::promise<void> detached;
  std::promise<void> gone;
  std::atomic<bool> ended{false};
  engine->on_sync([&, owner = engine.get()] {
    EXPECT_TRUE(owner->detach().ok());
    detached.set_value();
    // Time for a destructor that does not wait.
    EXPECT_EQ(gone.get_future().wait_for(std::chrono::milliseconds(100)),
              std::future_status::timeout);
    ended = true;
  });
  put(*engine, "a", "1");
  machine.clock.advance(std::chrono::seconds(1));
  detached.get_future().wait();
  engine.reset();
  EXPECT_TRUE(ended);
  gone.set_value();
}

// G9. Kills: a handler that attaches an engine again which is being destroyed: it would own the
// project for ever, or never be destroyed.
TEST(Handlers, DoNotAttachAnEngineThatIsBeingDestroyed) {
  Machine machine;
  Status attached;
  {
    auto engine = machine.engine();
    put(engine, "a", "1");
    engine.on_status([&](std::string_view text) {
      if (text.starts_with("detached")) attached = engine.attach();
    });
    ASSERT_TRUE(engine.detach().ok());
    EXPECT_TRUE(attached.ok()) << attached.to_text();
    EXPECT_TRUE(engine.is_active());
  }
  EXPECT_EQ(attached.code(), ErrorCode::not_owner);
  EXPECT_FALSE(machine.file(".lock"));
  auto next = machine.engine();
  EXPECT_TRUE(next.is_active()) << next.status().to_text();
}

}  // namespace
}  // namespace safechunk::test
