// G3, G4, G8 without memory: the n-th allocation of an engine fails, once or for good, for every n
// until the workload no longer reaches it. Each run is a process of its own over real files; it
// says what its engine answered and ends without running anything down. What was accepted must be
// there in the next process, and nothing that was refused.
//
// SAFECHUNK_ALLOCATION_STRIDE  tries every so many allocations (default 7)
//
// Kills: staging after the journal in steps that can fail, counting a commit as done that an
// exception ended, a worker that lets an exception end the program, an attach or detach that leaves
// others waiting.

#include <gtest/gtest.h>

#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <new>
#include <optional>

#include "support/child_process.h"

namespace {

constexpr long kNever = -1;
std::atomic<long> g_left{kNever};  // allocations until the one that fails
std::atomic<bool> g_for_good{false};
std::atomic<bool> g_failed{false};

// One allocation of the engine. Those of the test itself happen while g_left is kNever.
bool allocation_fails() noexcept {
  long left = g_left.load();
  while (left > 0) {
    if (g_left.compare_exchange_weak(left, left - 1)) return false;
  }
  if (left < 0) return false;
  if (!g_for_good) {
    if (!g_left.compare_exchange_strong(left, kNever)) return false;
  }
  g_failed = true;
  return true;
}

void* allocate(std::size_t size, std::size_t alignment) {
  if (allocation_fails()) throw std::bad_alloc();
  void* memory = alignment == 0 ? std::malloc(size) : std::aligned_alloc(alignment, size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size == 0 ? 1 : size, 0);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  return allocate((size + unit - 1) / unit * unit, unit);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace safechunk {
namespace {

using test::Child;
using test::Pipe;
using test::TemporaryFolder;
using Model = std::map<std::string, std::string>;  // chunk -> text in its file

constexpr int kNotReached = 3;

// Lets the engine run out of memory at the chosen allocation, as long as this lives.
class ShortOfMemory {
 public:
  explicit ShortOfMemory(long& left) : left_(left) { g_left = left_; }
  ~ShortOfMemory() { left_ = g_left.exchange(kNever); }
  ShortOfMemory(const ShortOfMemory&) = delete;
  ShortOfMemory& operator=(const ShortOfMemory&) = delete;

 private:
  long& left_;
};

// An engine that runs out of memory, and what it must hold.
class Victim {
 public:
  Victim(const TemporaryFolder& folder, long allocations, bool for_good) : left_(allocations) {
    g_for_good = for_good;
    g_failed = false;  // an earlier test may have let one fail
    EngineOptions options = test::patient_options_in(folder);
    options.indent = 0;
    attempt([&] {
      engine_.emplace("project", options);
      return engine_->status();
    });
    if (!engine_ || !engine_->is_active()) {  // the next attempt has memory
      engine_.reset();
      engine_.emplace("project", options);
    }
    test::require_ok(engine_->status(), "open");
  }

  void put(const std::string& chunk, const std::string& text) {
    edit({{chunk, text}}, [&] { return engine_->stage_update(std::string_view(text), chunk); });
  }
  void remove(const std::string& chunk) {
    edit({{chunk, std::nullopt}}, [&] { return engine_->remove_chunk(chunk); });
  }
  void swap(const std::string& first, const std::string& second, const std::string& text) {
    edit({{first, text}, {second, text}}, [&] {
      auto transaction = engine_->transaction();
      Status status = transaction.stage(std::string_view(text), first);
      if (status.ok()) status = transaction.stage(std::string_view(text), second);
      return status.ok() ? transaction.commit() : status;
    });
  }
  void restore(const std::string& archive, const Model& then) {
    Edit all;
    for (const auto& [chunk, text] : model_) all[chunk] = std::nullopt;
    for (const auto& [chunk, text] : then) all[chunk] = text.substr(0, text.size() - 1);
    edit(all, [&] { return engine_->restore_checkpoint(archive); });
  }
  void sync() {
    attempt([&] { return engine_->force_sync(); });
  }
  std::string checkpoint() {
    std::string name;
    attempt([&] {
      auto made = engine_->create_checkpoint("memory");
      if (made) name = *made;
      return made.status();
    });
    return name;
  }
  void read() {
    attempt([&] { return engine_->fetch_chunk("a").status(); });
    attempt([&] { return engine_->list_chunks().status(); });
    attempt([&] { return engine_->verify().status(); });
    attempt([&] { return engine_->health_report().status(); });
    attempt([&] { return engine_->list_checkpoints().status(); });
  }
  // Detaches and attaches: both may fail, neither may hang or forget.
  void reattach() {
    attempt([&] { return engine_->detach(); });
    attempt([&] { return engine_->attach(); });
    test::require_ok(engine_->attach(), "attach with memory");
  }

  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] Model found() {
    Model found;
    for (const std::string& chunk : engine_->list_chunks().value()) {
      found[chunk] = engine_->fetch_chunk(chunk).value();
    }
    return found;
  }
  SafeChunkEngine& engine() { return *engine_; }

 private:
  using Edit = std::map<std::string, std::optional<std::string>>;

  template <typename Call>
  bool attempt(Call call) {
    const ShortOfMemory now(left_);
    try {
      return call().ok();
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  // An edit that was not accepted may still have been staged (its commit failed, for instance):
  // then all of it was.
  template <typename Call>
  void edit(const Edit& edit, Call call) {
    Model after = model_;
    for (const auto& [chunk, text] : edit) {
      if (text) {
        after[chunk] = *text + "\n";
      } else {
        after.erase(chunk);
      }
    }
    const bool accepted = attempt(call);
    const Model now = found();
    if (accepted || now == after) {
      test::require(now == after, "an accepted edit is not there");
      model_ = after;
    } else {
      test::require(now == model_, "a refused edit is there in part");
    }
  }

  long left_;
  std::optional<SafeChunkEngine> engine_;
  Model model_;
};

void use_everything(Victim& victim) {
  victim.put("a", "1");
  victim.sync();
  victim.put("a", "2");
  victim.put("b", "[\"" + std::string(300, 'b') + "\"]");
  victim.swap("a", "c", "3");
  const Model saved = victim.model();
  const std::string archive = victim.checkpoint();
  victim.put("a", "4");
  victim.remove("b");
  victim.sync();
  victim.read();
  victim.reattach();
  if (!archive.empty()) victim.restore(archive, saved);
  victim.put("d", "5");
  victim.put("d", "6");
}

std::string as_text(const Model& model) {
  std::string text;
  for (const auto& [chunk, value] : model) text += chunk + "=" + value;
  return text;
}

// One process that runs out of memory. False when it has fewer allocations than that.
bool run(long allocations, bool for_good, bool saves) {
  const TemporaryFolder folder;
  Pipe answer;
  Child child([&] {
    Victim victim(folder, allocations, for_good);
    use_everything(victim);
    if (!g_failed) test::leave(kNotReached);
    if (saves) {
      test::require_ok(victim.engine().force_sync(), "force_sync with memory");
      test::require_ok(victim.engine().detach(), "detach with memory");
    }
    answer.write(as_text(victim.model()));
    test::leave(0);
  });
  answer.close_writer();
  const std::string expected = answer.read_all();
  const int code = child.wait();
  if (code == kNotReached) return false;
  EXPECT_EQ(code, 0);
  if (code != 0) return true;
  EngineOptions options = test::options_in(folder);
  options.indent = 0;
  SafeChunkEngine engine("project", options);
  Model found;
  for (const std::string& chunk : engine.list_chunks().value()) {
    found[chunk] = engine.fetch_chunk(chunk).value();
  }
  EXPECT_EQ(as_text(found), expected);
  for (const Event& event : engine.recovery_report().events) {
    EXPECT_NE(event.kind, Event::Kind::conflict) << event.chunk << ": " << event.detail;
  }
  return true;
}

class Allocations : public testing::TestWithParam<std::tuple<bool, bool>> {};

TEST_P(Allocations, ThatFailLoseNothing) {
  const auto& [for_good, saves] = GetParam();
  const char* text = std::getenv("SAFECHUNK_ALLOCATION_STRIDE");
  const long stride = text == nullptr ? 7 : std::max(1L, std::strtol(text, nullptr, 10));
  long runs = 0;
  for (long allocation = 0; run(allocation, for_good, saves); allocation += stride) {
    ++runs;
    ASSERT_FALSE(HasFailure()) << "allocation " << allocation << " failed"
                               << (for_good ? " and all later ones of that call" : "");
  }
  EXPECT_GT(runs, 50);
  std::printf("%ld runs\n", runs);
}

std::string case_name(const testing::TestParamInfo<std::tuple<bool, bool>>& info) {
  const auto& [for_good, saves] = info.param;
  return std::string(for_good ? "for_good" : "once") + (saves ? "_then_saved" : "_then_killed");
}

INSTANTIATE_TEST_SUITE_P(All, Allocations, testing::Combine(testing::Bool(), testing::Bool()),
                         case_name);

// G1, G6. Memory fails inside Transaction::stage(), and the caller goes on without that edit.
// Kills: an edit that was only begun and is committed all the same.
TEST(AllocationsOfATransaction, ThatFailLeaveNoHalfEdit) {
  const std::string text = std::string(100, '[') + std::string(100, ']');
  bool thrown = true;
  for (long allocation = 0; thrown; ++allocation) {
    const TemporaryFolder folder;
    thrown = false;
    {
      SafeChunkEngine engine("project", test::options_in(folder));
      for (const char* chunk : {"a", "b"}) {
        ASSERT_TRUE(engine.stage_update("0", chunk).ok());
      }
      auto transaction = engine.transaction();
      g_left = allocation;
      try {
        (void)transaction.stage(std::string_view(text), "a");
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
      g_left = kNever;
      ASSERT_TRUE(transaction.stage("1", "b").ok());
      ASSERT_TRUE(transaction.commit().ok());
    }
    SafeChunkEngine engine("project", test::options_in(folder));
    EXPECT_EQ(engine.fetch_chunk("b").value(), "1\n") << allocation;
    if (thrown) {
      EXPECT_EQ(engine.fetch_chunk("a").value(), "0\n") << allocation;
    }
  }
}

// G8: there may be memory for an engine, but not for the stack of its worker. Kills: an attach that
// fails or throws for it, or says nothing; a detach that waits for a thread that never ran.
TEST(WithoutAThread, AttachTellsAndEverythingElseWorks) {
  const TemporaryFolder folder;
  Child child([&] {
    // Longer than any stack that a thread of an earlier test has left for the next one.
    constexpr std::size_t kStack = 64U << 20U;
    pthread_attr_t threads;
    test::require(::pthread_attr_init(&threads) == 0, "pthread_attr_init");
    test::require(::pthread_attr_setstacksize(&threads, kStack) == 0, "pthread_attr_setstacksize");
    test::require(::pthread_setattr_default_np(&threads) == 0, "pthread_setattr_default_np");
    std::ifstream statm("/proc/self/statm");
    rlim_t pages = 0;
    statm >> pages;
    const rlim_t room = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + kStack / 2;
    const rlimit memory{room, room};
    test::require(::setrlimit(RLIMIT_AS, &memory) == 0, "setrlimit");
    std::string told;
    SafeChunkEngine engine("project", test::options_in(folder));
    engine.on_fault([&](const Error& error) { told = error.message; });
    test::require(engine.is_active(), "attach");
    test::require(told.starts_with("cannot start a thread"), "the fault: " + told);
    test::require_ok(engine.stage_update("1", "a"), "stage_update");
    test::require_ok(engine.force_sync(), "force_sync");
    test::require_ok(engine.stage_update("2", "a"), "stage_update");
    test::require_ok(engine.detach(), "detach");
  });
  ASSERT_EQ(child.wait(), 0);
  SafeChunkEngine engine("project", test::options_in(folder));
  EXPECT_EQ(engine.fetch_chunk("a").value(), "2\n");
}

}  // namespace
}  // namespace safechunk
