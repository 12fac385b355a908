// G7 for a thread that asks: no fault is lost without a word, and nobody waits for who does not
// ask.

#include "engine/event_queue.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <string>
#include <thread>

#include "base/limits.h"
#include "engine/handlers.h"

namespace safechunk {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kNow{0};
constexpr std::chrono::seconds kLong{20};

EngineEvent event_of(EngineEvent::Kind kind, const std::string& message) {
  EngineEvent event;
  event.kind = kind;
  event.error.message = message;
  return event;
}
EngineEvent status_of(const std::string& message) {
  return event_of(EngineEvent::Kind::status, message);
}
EngineEvent fault_of(const std::string& message) {
  return event_of(EngineEvent::Kind::fault, message);
}

bool is_readable(int descriptor) {
  pollfd entry{descriptor, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

TEST(EventQueue, KeepsNothingBeforeSomebodyAsks) {
  EventQueue queue;
  queue.push(status_of("before"));
  EXPECT_EQ(queue.descriptor(), -1);
  EXPECT_FALSE(queue.next(system_clock(), kLong).has_value()) << "and waits for nothing";
  ASSERT_TRUE(queue.open().ok());
  EXPECT_FALSE(queue.next(system_clock(), kNow).has_value());
}

TEST(EventQueue, GivesInOrderAndTheDescriptorFollows) {
  EventQueue queue;
  ASSERT_TRUE(queue.open().ok());
  EXPECT_FALSE(is_readable(queue.descriptor()));
  queue.push(status_of("a"));
  queue.push(fault_of("b"));
  EXPECT_EQ(queue.next(system_clock(), kNow)->error.message, "a");
  EXPECT_TRUE(is_readable(queue.descriptor())) << "there is one more";
  EXPECT_EQ(queue.next(system_clock(), kNow)->error.message, "b");
  EXPECT_FALSE(is_readable(queue.descriptor()));
}

// Kills: a queue that grows without end, one that drops faults before statuses, and one that does
// not tell.
TEST(EventQueue, IsBoundedAndTellsWhatItHasDropped) {
  EventQueue queue;
  ASSERT_TRUE(queue.open().ok());
  queue.push(fault_of("first"));
  for (std::size_t i = 0; i < limits::kPendingEvents + 9; ++i) {
    queue.push(status_of(std::to_string(i)));
  }
  const auto first = queue.next(system_clock(), kNow);
  EXPECT_EQ(first->error.message, "first");
  EXPECT_EQ(first->dropped, 10U);
  const auto second = queue.next(system_clock(), kNow);
  EXPECT_EQ(second->error.message, "10") << "the oldest statuses were dropped";
  EXPECT_EQ(second->dropped, 0U) << "told once";
  std::size_t left = 0;
  while (queue.next(system_clock(), kNow)) ++left;
  EXPECT_EQ(left, limits::kPendingEvents - 2);
}

TEST(EventQueue, OfFaultsOnlyDropsTheOldest) {
  EventQueue queue;
  ASSERT_TRUE(queue.open().ok());
  for (std::size_t i = 0; i <= limits::kPendingEvents; ++i) queue.push(fault_of(std::to_string(i)));
  const auto first = queue.next(system_clock(), kNow);
  EXPECT_EQ(first->error.message, "1");
  EXPECT_EQ(first->dropped, 1U);
}

TEST(EventQueue, WakesWhoWaits) {
  EventQueue queue;
  ASSERT_TRUE(queue.open().ok());
  std::thread waker([&] { queue.wake(); });
  EXPECT_FALSE(queue.next(system_clock(), kLong).has_value());
  waker.join();
  EXPECT_FALSE(is_readable(queue.descriptor())) << "it wakes once";
  std::thread teller([&] { queue.push(status_of("a")); });
  EXPECT_TRUE(queue.next(system_clock(), kLong).has_value());
  teller.join();
}

// Faults of the time before go to whom comes first.
TEST(Handlers, FaultsWaitForWhoAsks) {
  Handlers handlers;
  Notices notices;
  notices.event({Event::Kind::lost, "users", "detail", "/p/chunks/users.json"});
  handlers.deliver(std::move(notices));
  const auto event = handlers.next_event(system_clock(), kNow).value();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->kind, EngineEvent::Kind::fault);
  EXPECT_EQ(event->recovery, Event::Kind::lost);
  EXPECT_EQ(event->error.path, "/p/chunks/users.json");
  int told = 0;
  handlers.set_fault([&](const Error&) { ++told; });
  EXPECT_EQ(told, 0) << "told twice";
  handlers.deliver_fault(Status(ErrorCode::io_error, "new").error());
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(handlers.next_event(system_clock(), kNow)->has_value()) << "both are told";
}

}  // namespace
}  // namespace safechunk
