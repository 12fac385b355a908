// G7: no fault is lost, and G11: handlers run with no lock held, may do anything, and what they
// throw is contained. ("callbacks under the lock deadlock; their exceptions lose timers")

#include "engine/handlers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/limits.h"

namespace safechunk {
namespace {

using Log = std::vector<std::string>;

Notices one_of_each() {
  Notices notices;
  notices.status("saved");
  notices.sync();
  notices.fault(Status(ErrorCode::io_error, "broken"));
  return notices;
}

void log_everything(Handlers& handlers, Log& log) {
  handlers.set_status([&](std::string_view text) { log.push_back("status " + std::string(text)); });
  handlers.set_sync([&] { log.emplace_back("sync"); });
  handlers.set_fault([&](const Error& error) { log.push_back("fault " + error.message); });
}

TEST(Handlers, AreDeliveredInTheirOrder) {
  Handlers handlers;
  Log log;
  log_everything(handlers, log);
  handlers.deliver(one_of_each());
  EXPECT_EQ(log, (Log{"status saved", "sync", "fault broken"}));
  EXPECT_NE(handlers.last_error().find("broken"), std::string::npos);
}

TEST(Handlers, WithoutHandlersNothingHappens) {
  Handlers handlers;
  handlers.deliver(one_of_each());
  handlers.set_status(nullptr);
  handlers.set_sync(nullptr);
  handlers.deliver(one_of_each());
}

// G7. Kills: dropping faults that were met before the handler was set.
TEST(Handlers, FaultsWaitForTheirHandler) {
  Handlers handlers;
  handlers.deliver(one_of_each());
  handlers.deliver(one_of_each());
  Log log;
  log_everything(handlers, log);
  EXPECT_EQ(log, (Log{"fault broken", "fault broken"}));
  log_everything(handlers, log);
  EXPECT_EQ(log.size(), 2U) << "delivered twice";
}

TEST(Handlers, AnEmptyHandlerKeepsThemWaiting) {
  Handlers handlers;
  handlers.deliver(one_of_each());
  handlers.set_fault(nullptr);
  Log log;
  log_everything(handlers, log);
  EXPECT_EQ(log.size(), 1U);
}

TEST(Handlers, WaitingFaultsAreBounded) {
  Handlers handlers;
  for (std::size_t i = 0; i < limits::kPendingFaults + 100; ++i) handlers.deliver(one_of_each());
  std::vector<std::string> told;
  handlers.set_fault([&](const Error& error) { told.push_back(error.message); });
  EXPECT_EQ(told.size(), limits::kPendingFaults);
  EXPECT_NE(told.back().find("100 more faults"), std::string::npos) << told.back();
}

// G11. Kills: exceptions that leave the engine, or stop the delivery of the rest.
TEST(Handlers, ExceptionsAreContainedAndReported) {
  Handlers handlers;
  Log log;
  log_everything(handlers, log);
  handlers.set_status([](std::string_view) { throw std::runtime_error("from status"); });
  handlers.set_sync([] { throw 7; });
  handlers.deliver(one_of_each());
  EXPECT_EQ(log, (Log{"fault the handler on_status threw: from status",
                      "fault the handler on_sync threw: an unknown exception", "fault broken"}));
}

TEST(Handlers, AThrowingFaultHandlerIsNotedInTheLastError) {
  Handlers handlers;
  int calls = 0;
  handlers.set_fault([&](const Error&) {
    ++calls;
    throw std::runtime_error("again");
  });
  handlers.deliver(one_of_each());
  EXPECT_EQ(calls, 1);
  EXPECT_NE(handlers.last_error().find("on_fault threw"), std::string::npos);
}

// G11. Kills: calling handlers while the mutex is held (this would deadlock).
TEST(Handlers, HandlersMayReplaceThemselvesAndDeliver) {
  Handlers handlers;
  int depth = 0;
  handlers.set_status([&](std::string_view) {
    if (++depth > 3) return;
    handlers.set_sync(nullptr);
    handlers.set_fault([&](const Error&) { handlers.set_fault(nullptr); });
    (void)handlers.last_error();
    handlers.deliver(one_of_each());
  });
  handlers.deliver(one_of_each());
  EXPECT_EQ(depth, 4);
}

TEST(Handlers, AHandlerMayRemoveItselfWhileItRuns) {
  Handlers handlers;
  auto token = std::make_shared<int>(1);
  handlers.set_status([&handlers, token](std::string_view) {
    handlers.set_status(nullptr);
    EXPECT_EQ(*token, 1);  // what it captured is still there
  });
  handlers.deliver(one_of_each());
  EXPECT_EQ(token.use_count(), 1);
}

// G11. Kills: a call per look, calls side by side, and a last call that is not right.
TEST(Handlers, DirtIsToldWhenItChangesByOneThreadAtATime) {
  Handlers handlers;
  std::atomic<bool> dirty{false};
  const auto look = [&] { return dirty.load(); };
  std::vector<bool> told;
  std::atomic<int> inside{0};
  handlers.set_dirty([&](bool now) {
    EXPECT_EQ(++inside, 1);
    told.push_back(now);
    if (told.size() == 1) {
      dirty = false;  // another thread commits meanwhile: it leaves the call to this one
      std::thread([&] { handlers.tell_dirty(look); }).join();
    }
    --inside;
  });
  handlers.tell_dirty(look);
  EXPECT_TRUE(told.empty());
  dirty = true;
  handlers.tell_dirty(look);
  EXPECT_EQ(told, (std::vector<bool>{true, false}));
  handlers.tell_dirty(look);
  EXPECT_EQ(told.size(), 2U) << "no news";
}

TEST(Handlers, ADirtyHandlerThatThrowsIsContained) {
  Handlers handlers;
  bool dirty = true;
  handlers.set_dirty([&](bool) {
    dirty = false;
    throw std::runtime_error("from dirty");
  });
  handlers.tell_dirty([&] { return dirty; });
  EXPECT_NE(handlers.last_error().find("from dirty"), std::string::npos);
  int calls = 0;
  handlers.set_dirty([&](bool) { ++calls; });
  dirty = true;
  handlers.tell_dirty([&] { return dirty; });
  EXPECT_EQ(calls, 1) << "the next one is told";
}

// G11. Kills: what a handler uses is destroyed under the lock (this would deadlock).
TEST(Handlers, WhatAHandlerUsesGoesWithNoLockHeld) {
  Handlers handlers;
  int gone = 0;
  const auto used = [&] {
    return std::shared_ptr<void>(&gone, [&](void*) {
      ++gone;
      (void)handlers.last_error();
    });
  };
  handlers.set_status([data = used()](std::string_view) {});
  handlers.set_sync([data = used()] {});
  handlers.set_fault([data = used()](const Error&) {});
  handlers.set_dirty([data = used()](bool) {});
  EXPECT_EQ(gone, 0);
  handlers.clear();
  EXPECT_EQ(gone, 4);
}

// G7. Loss, damage and conflicts are faults; the rest is told as status.
TEST(Notices, SortEventsIntoFaultsAndStatus) {
  using Kind = Event::Kind;
  const auto code_of = [](Kind kind) {
    Notices notices;
    notices.event({kind, "users", "detail"});
    const auto& notice = notices.list.at(0);
    const bool fault = notice.kind == Notices::Notice::Kind::fault;
    if (fault) {
      EXPECT_EQ(notice.error.chunk, "users");
    }
    return fault ? notice.error.code : ErrorCode::ok;
  };
  for (const Kind kind : {Kind::quarantined, Kind::journal_damaged}) {
    EXPECT_EQ(code_of(kind), ErrorCode::corrupt) << to_string(kind);
  }
  EXPECT_EQ(code_of(Kind::lost), ErrorCode::lost);
  EXPECT_EQ(code_of(Kind::healed), ErrorCode::healed);
  EXPECT_EQ(code_of(Kind::invalid_edit), ErrorCode::invalid_edit);
  EXPECT_EQ(code_of(Kind::being_edited), ErrorCode::being_edited);
  EXPECT_EQ(code_of(Kind::conflict), ErrorCode::conflict);
  for (const Kind kind : {Kind::stale_lock, Kind::temporary, Kind::replayed, Kind::external_edit,
                          Kind::removed_outside}) {
    EXPECT_EQ(code_of(kind), ErrorCode::ok) << to_string(kind);
  }
}

TEST(Notices, SuccessIsNoFault) {
  Notices notices;
  notices.fault(Status());
  EXPECT_TRUE(notices.list.empty());
}

}  // namespace
}  // namespace safechunk
