// Memory that fails: every operator new of the calling thread, in every call of the C interface,
// once and for good. No exception leaves a call, nothing that was acknowledged is lost, and the
// engine goes on as soon as there is memory.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include <safechunk/safechunk.h>

#include "support/child_process.h"
#include "support/temporary_folder.h"

namespace {

constexpr long kNever = -1;
thread_local long allocations_left = kNever;  // until one fails
thread_local bool fail_for_good = false;
thread_local bool has_failed = false;

bool fails_now() {
  if (allocations_left == kNever) return false;
  if (allocations_left > 0) {
    --allocations_left;
    return false;
  }
  has_failed = true;
  if (!fail_for_good) allocations_left = kNever;
  return true;
}

void* allocate(std::size_t size) {
  void* const memory = fails_now() ? nullptr : std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
// The sanitizers' own would not go with the delete below.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return fails_now() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return fails_now() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace {

// Hundreds of projects are made: in memory where there is a file system for that.
[[maybe_unused]] const int in_memory =
    ::access("/dev/shm", W_OK) == 0 ? ::setenv("TMPDIR", "/dev/shm", 0) : 0;

using Call = std::function<safechunk_code(safechunk_engine*, safechunk_error*)>;

int go_on(std::uint64_t, std::uint64_t, void*) {
  return 1;
}

struct Operation {
  const char* name;
  Call call;
};

// What is called while memory fails. What they give is freed here.
std::vector<Operation> operations() {
  return {
      {"stage_update",
       [](auto* engine, auto* error) {
         return safechunk_stage_update(engine, "[1, 2]", 6, "new", error);
       }},
      {"remove_chunk",
       [](auto* engine, auto* error) { return safechunk_remove_chunk(engine, "kept", error); }},
      {"force_sync", [](auto* engine, auto* error) { return safechunk_force_sync(engine, error); }},
      {"transaction",
       [](auto* engine, auto* error) {
         safechunk_transaction* transaction = nullptr;
         safechunk_code code = safechunk_transaction_begin(engine, &transaction, error);
         if (code == SAFECHUNK_OK)
           code = safechunk_transaction_stage(transaction, "7", 1, "a", error);
         if (code == SAFECHUNK_OK)
           code = safechunk_transaction_stage(transaction, "8", 1, "b", error);
         if (code == SAFECHUNK_OK) code = safechunk_transaction_commit(transaction, error);
         safechunk_transaction_free(transaction);
         return code;
       }},
      {"stage_value",
       [](auto* engine, auto* error) {
         safechunk_condition condition{};
         condition.size = sizeof condition;
         return safechunk_stage_value(engine, "part", "/a/b", "1", 1, &condition, error);
       }},
      {"update",
       [](auto* engine, auto* error) {
         const auto append = [](const char* text, size_t size, safechunk_update_answer* answer,
                                void*) {
           EXPECT_EQ(text == nullptr, size == 0);
           return safechunk_update_put(answer, "\"longer than what fits without an allocation\"",
                                       45);
         };
         return safechunk_update(engine, "new", error, append, nullptr);
       }},
      {"read_revision",
       [](auto* engine, auto* error) {
         char* text = nullptr;
         char* revision = nullptr;
         const auto code =
             safechunk_read_revision(engine, "kept", &text, nullptr, &revision, nullptr, error);
         EXPECT_EQ(text == nullptr, code != SAFECHUNK_OK);
         EXPECT_EQ(revision == nullptr, code != SAFECHUNK_OK);
         safechunk_free(text);
         safechunk_free(revision);
         return code;
       }},
      {"fetch_chunk",
       [](auto* engine, auto* error) {
         char* text = nullptr;
         const auto code = safechunk_fetch_chunk(engine, "kept", &text, nullptr, error);
         safechunk_free(text);
         return code;
       }},
      {"append_log",
       [](auto* engine, auto* error) {
         auto code = safechunk_append_log(engine, "log", "[1, 2]", 6, nullptr, error);
         return code == SAFECHUNK_OK ? safechunk_sync_log(engine, "log", error) : code;
       }},
      {"read_log and list_logs",
       [](auto* engine, auto* error) {
         safechunk_log_record** records = nullptr;
         safechunk_log_info** logs = nullptr;
         std::size_t count = 0;
         auto code = safechunk_append_log(engine, "log", "[1, 2]", 6, nullptr, error);
         if (code != SAFECHUNK_OK) return code;
         code = safechunk_read_log(engine, "log", 0, 0, &records, &count, nullptr, nullptr, nullptr,
                                   error);
         EXPECT_EQ(records == nullptr, code != SAFECHUNK_OK);
         safechunk_free(records);
         if (code == SAFECHUNK_OK) code = safechunk_list_logs(engine, &logs, &count, error);
         safechunk_free(logs);
         return code;
       }},
      {"log_follower_next",
       [](auto* engine, auto* error) {
         safechunk_log_follower* follower = nullptr;
         safechunk_log_record* record = nullptr;
         auto code = safechunk_append_log(engine, "log", "[1, 2]", 6, nullptr, error);
         if (code == SAFECHUNK_OK)
           code = safechunk_log_follower_open(engine, "log", 0, &follower, error);
         if (code == SAFECHUNK_OK) code = safechunk_log_follower_next(follower, 0, &record, error);
         EXPECT_EQ(record == nullptr, code != SAFECHUNK_OK);
         safechunk_free(record);
         safechunk_log_follower_close(follower);
         return code;
       }},
      {"rotate_log and compact_log",
       [](auto* engine, auto* error) {
         char* rotated = nullptr;
         auto code = safechunk_append_log(engine, "log", "[1, 2]", 6, nullptr, error);
         if (code == SAFECHUNK_OK) code = safechunk_compact_log(engine, "log", 1, error);
         if (code == SAFECHUNK_OK) code = safechunk_rotate_log(engine, "log", &rotated, error);
         safechunk_free(rotated);
         return code;
       }},
      {"list_chunks",
       [](auto* engine, auto* error) {
         char** names = nullptr;
         std::size_t count = 0;
         const auto code = safechunk_list_chunks(engine, &names, &count, error);
         safechunk_free(names);
         return code;
       }},
      {"create_checkpoint",
       [](auto* engine, auto* error) {
         char* name = nullptr;
         const auto code =
             safechunk_create_checkpoint(engine, "x", 3, "notes", &name, error, go_on, nullptr);
         safechunk_free(name);
         return code;
       }},
      {"create_checkpoint_with",
       [](auto* engine, auto* error) {
         safechunk_checkpoint_options options;
         safechunk_checkpoint_options_init(&options, sizeof options);
         options.label = "a/b";
         char* name = nullptr;
         const auto code =
             safechunk_create_checkpoint_with(engine, &options, &name, error, go_on, nullptr);
         safechunk_free(name);
         return code;
       }},
      {"list_checkpoints",
       [](auto* engine, auto* error) {
         safechunk_checkpoint** list = nullptr;
         std::size_t count = 0;
         const auto code = safechunk_list_checkpoints(engine, &list, &count, error);
         safechunk_free(list);
         return code;
       }},
      {"health_report",
       [](auto* engine, auto* error) {
         safechunk_health health{};
         health.size = sizeof health;
         return safechunk_health_report(engine, &health, error);
       }},
      {"recovery_report",
       [](auto* engine, auto* error) {
         safechunk_event** list = nullptr;
         std::size_t count = 0;
         const auto code = safechunk_recovery_report(engine, &list, &count, nullptr, error);
         safechunk_free(list);
         return code;
       }},
      {"verify",
       [](auto* engine, auto* error) {
         safechunk_verdict** list = nullptr;
         std::size_t count = 0;
         const auto code =
             safechunk_verify(engine, &list, &count, nullptr, error, nullptr, nullptr);
         safechunk_free(list);
         return code;
       }},
      {"repair",
       [](auto* engine, auto* error) { return safechunk_repair(engine, error, nullptr, nullptr); }},
      {"on_status",
       [](auto* engine, auto*) { return safechunk_on_status(engine, nullptr, nullptr); }},
      {"next_event",
       [](auto* engine, auto* error) {
         safechunk_engine_event* event = nullptr;
         auto code = safechunk_next_event(engine, 0, &event, error);
         if (code == SAFECHUNK_OK) code = safechunk_force_sync(engine, error);
         safechunk_free(event);
         event = nullptr;
         if (code == SAFECHUNK_OK) code = safechunk_next_event(engine, 0, &event, error);
         safechunk_free(event);
         return code;
       }},
      {"watch",
       [](auto* engine, auto* error) {
         safechunk_watch* watch = nullptr;
         safechunk_change* change = nullptr;
         auto code = safechunk_watch_open(engine, nullptr, &watch, error);
         EXPECT_EQ(watch == nullptr, code != SAFECHUNK_OK);
         if (code == SAFECHUNK_OK) code = safechunk_force_sync(engine, error);
         if (code == SAFECHUNK_OK) code = safechunk_watch_next(watch, 0, &change, error);
         safechunk_free(change);
         safechunk_watch_close(watch);
         return code;
       }},
      {"handlers with a drop",
       [](auto* engine, auto*) {
         int drops = 0;
         const auto drop = [](void* user_data) { ++*static_cast<int*>(user_data); };
         const auto ignore = [](void*) {};
         const auto code = safechunk_on_sync_with_drop(engine, ignore, &drops, drop);
         EXPECT_EQ(drops, code == SAFECHUNK_OK ? 0 : 1);
         // Removing needs no memory.
         EXPECT_EQ(safechunk_on_sync(engine, nullptr, nullptr), SAFECHUNK_OK);
         EXPECT_EQ(drops, 1);
         return code;
       }},
      {"list_projects",
       [](auto* engine, auto* error) {
         char** names = nullptr;
         std::size_t count = 0;
         const auto code =
             safechunk_list_projects(safechunk_project_path(engine), &names, &count, error);
         safechunk_free(names);
         return code;
       }},
      {"detach and attach",
       [](auto* engine, auto* error) {
         const auto code = safechunk_detach(engine, error);
         return code == SAFECHUNK_OK ? safechunk_attach(engine, error) : code;
       }},
      {"status", [](auto* engine, auto* error) { return safechunk_status(engine, error); }},
      {"error_to_text",
       [](auto*, auto* error) {
         char text[64];
         return safechunk_error_to_text(error, text, sizeof text) == 0 ? SAFECHUNK_IO_ERROR
                                                                       : SAFECHUNK_OK;
       }},
  };
}

safechunk_options options_in(const std::string& folder) {
  safechunk_options options;
  EXPECT_EQ(safechunk_options_init(&options, sizeof options), SAFECHUNK_OK);
  options.base_dir = folder.c_str();
  options.debounce_delay_ms = 3'600'000;
  options.max_delay_ms = 3'600'000;
  return options;
}

void expect_kept(safechunk_engine* engine, const char* chunk, const char* expected) {
  char* text = nullptr;
  ASSERT_EQ(safechunk_fetch_chunk(engine, chunk, &text, nullptr, nullptr), SAFECHUNK_OK);
  EXPECT_STREQ(text, expected);
  safechunk_free(text);
}

// One run with the n-th allocation failing. False when the call makes fewer.
bool run(const Operation& operation, long n, bool for_good) {
  SCOPED_TRACE(std::string(operation.name) + ", allocation " + std::to_string(n) +
               (for_good ? " and all that follow" : ""));
  const safechunk::test::TemporaryFolder folder;
  const std::string base = folder.string();
  const safechunk_options options = options_in(base);
  safechunk_engine* engine = nullptr;
  EXPECT_EQ(safechunk_open("p", &options, &engine, nullptr), SAFECHUNK_OK);
  EXPECT_EQ(safechunk_stage_update(engine, "1", 1, "kept", nullptr), SAFECHUNK_OK);
  EXPECT_EQ(safechunk_force_sync(engine, nullptr), SAFECHUNK_OK);
  EXPECT_EQ(safechunk_stage_update(engine, "2", 1, "staged", nullptr), SAFECHUNK_OK);

  safechunk_error error{};
  error.size = sizeof error;
  has_failed = false;
  fail_for_good = for_good;
  allocations_left = n;
  const safechunk_code code = operation.call(engine, &error);
  allocations_left = kNever;
  const bool failed = has_failed;
  if (!failed) {
    EXPECT_EQ(code, SAFECHUNK_OK) << error.message;
  }

  // There is memory again: nothing is lost, and everything works.
  EXPECT_EQ(safechunk_attach(engine, &error), SAFECHUNK_OK) << error.message;
  EXPECT_EQ(safechunk_stage_update(engine, "3", 1, "after", &error), SAFECHUNK_OK) << error.message;
  EXPECT_EQ(safechunk_force_sync(engine, &error), SAFECHUNK_OK) << error.message;
  EXPECT_EQ(safechunk_close(engine, &error), SAFECHUNK_OK) << error.message;
  EXPECT_EQ(safechunk_open("p", &options, &engine, &error), SAFECHUNK_OK) << error.message;
  if (std::string(operation.name) != "remove_chunk") expect_kept(engine, "kept", "1\n");
  expect_kept(engine, "staged", "2\n");
  expect_kept(engine, "after", "3\n");
  EXPECT_EQ(safechunk_close(engine, nullptr), SAFECHUNK_OK);
  return failed;
}

class Memory : public testing::TestWithParam<bool> {};

TEST_P(Memory, LackingAtEveryAllocationLosesNothing) {
  for (const Operation& operation : operations()) {
    long n = 0;
    while (run(operation, n, GetParam())) {
      ++n;
      ASSERT_FALSE(testing::Test::HasFailure());
      ASSERT_LT(n, 100'000);
    }
    ASSERT_FALSE(testing::Test::HasFailure());
    std::printf("%s: %ld allocations\n", operation.name, n);
  }
}

TEST_P(Memory, LackingWhileOpeningIsAnError) {
  for (long n = 0;; ++n) {
    SCOPED_TRACE(n);
    const safechunk::test::TemporaryFolder folder;
    const std::string base = folder.string();
    const safechunk_options options = options_in(base);
    safechunk_error error{};
    error.size = sizeof error;
    auto* engine = reinterpret_cast<safechunk_engine*>(&error);
    has_failed = false;
    fail_for_good = GetParam();
    allocations_left = n;
    const safechunk_code code = safechunk_open("p", &options, &engine, &error);
    allocations_left = kNever;
    if (code != SAFECHUNK_OK) {
      ASSERT_EQ(engine, nullptr);
      ASSERT_EQ(code, error.code);
      ASSERT_EQ(safechunk_open("p", &options, &engine, &error), SAFECHUNK_OK) << error.message;
    }
    ASSERT_EQ(safechunk_close(engine, &error), SAFECHUNK_OK) << error.message;
    if (!has_failed) break;
    ASSERT_LT(n, 100'000);
  }
}

// Handlers run on the worker's thread: there it is made to fail at the next commit.
struct WorkerFailure {
  std::atomic<int> syncs{0};
  std::atomic<long> allocation{kNever};
};

TEST(MemoryOfTheWorker, LackingIsRetriedAndEndsNothing) {
  for (const long n : {0L, 3L, 10L, 30L}) {
    SCOPED_TRACE(n);
    const safechunk::test::TemporaryFolder folder;
    const std::string base = folder.string();
    safechunk_options options = options_in(base);
    options.debounce_delay_ms = 0;
    options.max_delay_ms = 0;
    safechunk_engine* engine = nullptr;
    ASSERT_EQ(safechunk_open("p", &options, &engine, nullptr), SAFECHUNK_OK);
    WorkerFailure failure;
    failure.allocation = n;
    const auto handler = [](void* user_data) {
      auto& state = *static_cast<WorkerFailure*>(user_data);
      fail_for_good = false;
      allocations_left = state.allocation.exchange(kNever);
      state.syncs.fetch_add(1);
    };
    ASSERT_EQ(safechunk_on_sync(engine, handler, &failure), SAFECHUNK_OK);
    ASSERT_EQ(safechunk_stage_update(engine, "1", 1, "first", nullptr), SAFECHUNK_OK);
    ASSERT_TRUE(safechunk::test::eventually([&] { return failure.syncs.load() == 1; }));
    ASSERT_EQ(safechunk_stage_update(engine, "2", 1, "second", nullptr), SAFECHUNK_OK);
    EXPECT_TRUE(safechunk::test::eventually([&] { return failure.syncs.load() == 2; }));
    expect_kept(engine, "second", "2\n");
    EXPECT_EQ(safechunk_close(engine, nullptr), SAFECHUNK_OK);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Memory, testing::Bool(), [](const auto& value) {
  return std::string(value.param ? "from_there_on" : "once");
});

}  // namespace
