// The C interface: handlers, and events for a thread that asks.

#include <string>
#include <string_view>
#include <utility>

#include <safechunk/events.hpp>

#include "api/c_api_support.h"

using namespace safechunk;         // NOLINT: this file is the other face of that namespace
using namespace safechunk::c_api;  // NOLINT

static_assert(SAFECHUNK_TELLS_STATUS == static_cast<int>(EngineEvent::Kind::status));
static_assert(SAFECHUNK_TELLS_SYNC == static_cast<int>(EngineEvent::Kind::sync));
static_assert(SAFECHUNK_TELLS_FAULT == static_cast<int>(EngineEvent::Kind::fault));

extern "C" {

// --- handlers

safechunk_code safechunk_on_status(safechunk_engine* engine, safechunk_status_handler handler,
                                   void* user_data) {
  return safechunk_on_status_with_drop(engine, handler, user_data, nullptr);
}

safechunk_code safechunk_on_sync(safechunk_engine* engine, safechunk_sync_handler handler,
                                 void* user_data) {
  return safechunk_on_sync_with_drop(engine, handler, user_data, nullptr);
}

safechunk_code safechunk_on_fault(safechunk_engine* engine, safechunk_fault_handler handler,
                                  void* user_data) {
  return safechunk_on_fault_with_drop(engine, handler, user_data, nullptr);
}

safechunk_code safechunk_on_status_with_drop(safechunk_engine* engine,
                                             safechunk_status_handler handler, void* user_data,
                                             safechunk_drop_handler drop) {
  return guard(nullptr, [&]() -> Status {
    auto data = hold_user_data(user_data, drop);
    if (Status status = check_pointers({engine}); !status) return status;
    if (handler == nullptr) {
      to_cpp(engine)->on_status(nullptr);
    } else {
      to_cpp(engine)->on_status([handler, data = std::move(data)](std::string_view text) {
        handler(std::string(text).c_str(), data.get());
      });
    }
    return {};
  });
}

safechunk_code safechunk_on_sync_with_drop(safechunk_engine* engine, safechunk_sync_handler handler,
                                           void* user_data, safechunk_drop_handler drop) {
  return guard(nullptr, [&]() -> Status {
    auto data = hold_user_data(user_data, drop);
    if (Status status = check_pointers({engine}); !status) return status;
    if (handler == nullptr) {
      to_cpp(engine)->on_sync(nullptr);
    } else {
      to_cpp(engine)->on_sync([handler, data = std::move(data)] { handler(data.get()); });
    }
    return {};
  });
}

safechunk_code safechunk_on_fault_with_drop(safechunk_engine* engine,
                                            safechunk_fault_handler handler, void* user_data,
                                            safechunk_drop_handler drop) {
  return guard(nullptr, [&]() -> Status {
    auto data = hold_user_data(user_data, drop);
    if (Status status = check_pointers({engine}); !status) return status;
    if (handler == nullptr) {
      to_cpp(engine)->on_fault(nullptr);
    } else {
      to_cpp(engine)->on_fault([handler, data = std::move(data)](const Error& fault) {
        safechunk_error copy{};
        copy.size = sizeof copy;
        copy_error(fault, copy);
        handler(&copy, data.get());
      });
    }
    return {};
  });
}

safechunk_code safechunk_on_dirty(safechunk_engine* engine, safechunk_dirty_handler handler,
                                  void* user_data, safechunk_drop_handler drop) {
  return guard(nullptr, [&]() -> Status {
    auto data = hold_user_data(user_data, drop);
    if (Status status = check_pointers({engine}); !status) return status;
    if (handler == nullptr) {
      to_cpp(engine)->on_dirty(nullptr);
    } else {
      to_cpp(engine)->on_dirty(
          [handler, data = std::move(data)](bool dirty) { handler(dirty ? 1 : 0, data.get()); });
    }
    return {};
  });
}

// --- events

safechunk_code safechunk_next_event(safechunk_engine* engine, int64_t timeout_ms,
                                    safechunk_engine_event** event, safechunk_error* error) {
  if (event != nullptr) *event = nullptr;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, event}); !status) return status;
    const auto found = to_cpp(engine)->next_event(to_timeout(timeout_ms));
    if (!found || !*found) return found.status();
    const EngineEvent& told = **found;
    safechunk_engine_event item{};
    item.size = sizeof item;
    item.tells = static_cast<int32_t>(told.kind);
    item.kind = told.recovery ? static_cast<int32_t>(*told.recovery) : -1;
    item.kind_name = told.recovery ? to_string(*told.recovery).data() : "";  // a literal
    item.older = told.older ? 1 : 0;
    item.code = static_cast<safechunk_code>(told.error.code);
    item.os_errno = told.error.os_errno;
    item.dropped = told.dropped;
    *event = give_item(item,
                       {&safechunk_engine_event::message, &safechunk_engine_event::chunk,
                        &safechunk_engine_event::path},
                       {told.error.message, told.error.chunk, told.error.path});
    return {};
  });
}

int safechunk_event_descriptor(safechunk_engine* engine) {
  int descriptor = -1;
  (void)guard(nullptr, [&]() -> Status {
    if (Status status = check_pointers({engine}); !status) return status;
    const auto found = to_cpp(engine)->event_descriptor();
    if (found) descriptor = *found;
    return {};
  });
  return descriptor;
}

safechunk_code safechunk_wake_events(safechunk_engine* engine) {
  return guard(nullptr, [&]() -> Status {
    if (Status status = check_pointers({engine}); !status) return status;
    to_cpp(engine)->wake_events();
    return {};
  });
}

}  // extern "C"
