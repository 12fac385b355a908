// The C interface: logs.

#include <cstring>
#include <optional>
#include <utility>

#include "api/c_api_support.h"

using namespace safechunk;         // NOLINT: this file is the other face of that namespace
using namespace safechunk::c_api;  // NOLINT

namespace {

LogFollower* to_cpp(safechunk_log_follower* follower) {
  return reinterpret_cast<LogFollower*>(follower);
}
const LogFollower* to_cpp(const safechunk_log_follower* follower) {
  return reinterpret_cast<const LogFollower*>(follower);
}

// Without its text.
safechunk_log_record to_c(const LogRecord& record) {
  safechunk_log_record item{};
  item.size = sizeof item;
  item.position = record.position;
  item.text_size = record.text.size();
  return item;
}

// Where a page goes.
struct PageOut {
  safechunk_log_record*** records;
  size_t* count;
  uint64_t* next;
  uint64_t* invalid;
  safechunk_error* first_invalid;

  void clear() const {
    if (records != nullptr) *records = nullptr;
    if (count != nullptr) *count = 0;
    if (next != nullptr) *next = 0;
    if (invalid != nullptr) *invalid = 0;
    (void)report(Error(), first_invalid);
  }
  void fill(const LogPage& page) const {
    ItemList<safechunk_log_record> items(page.records.size());
    for (const LogRecord& record : page.records) {
      items.add(to_c(record), {&safechunk_log_record::text}, {record.text});
    }
    *records = items.give();
    *count = page.records.size();
    if (next != nullptr) *next = page.next;
    if (invalid != nullptr) *invalid = page.invalid;
    (void)report(page.first_invalid.error(), first_invalid);
  }
};

}  // namespace

extern "C" {

// --- writing

safechunk_code safechunk_append_log_n(safechunk_engine* engine, const char* log, size_t log_size,
                                      const char* text, size_t text_size, uint64_t* position,
                                      safechunk_error* error) {
  if (position != nullptr) *position = 0;
  return guard(error, [&]() -> Status {
    text = or_empty(text, text_size);
    if (Status status = check_pointers({engine, log, text}); !status) return status;
    const auto appended =
        to_cpp(engine)->log(name_of(log, log_size)).append(std::string_view(text, text_size));
    if (appended && position != nullptr) *position = *appended;
    return appended.status();
  });
}

safechunk_code safechunk_sync_log_n(safechunk_engine* engine, const char* log, size_t log_size,
                                    safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, log}); !status) return status;
    return to_cpp(engine)->log(name_of(log, log_size)).sync();
  });
}

safechunk_code safechunk_compact_log_n(safechunk_engine* engine, const char* log, size_t log_size,
                                       size_t keep_last, safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, log}); !status) return status;
    return to_cpp(engine)->log(name_of(log, log_size)).compact(keep_last);
  });
}

safechunk_code safechunk_rotate_log_n(safechunk_engine* engine, const char* log, size_t log_size,
                                      char** rotated, safechunk_error* error) {
  if (rotated != nullptr) *rotated = nullptr;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, log}); !status) return status;
    const auto name = to_cpp(engine)->log(name_of(log, log_size)).rotate();
    if (name && rotated != nullptr) *rotated = give_text(*name);
    return name.status();
  });
}

safechunk_code safechunk_remove_log_n(safechunk_engine* engine, const char* log, size_t log_size,
                                      safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, log}); !status) return status;
    return to_cpp(engine)->log(name_of(log, log_size)).remove();
  });
}

// --- reading

safechunk_code safechunk_read_log_n(safechunk_engine* engine, const char* log, size_t log_size,
                                    uint64_t from, size_t limit, safechunk_log_record*** records,
                                    size_t* count, uint64_t* next, uint64_t* invalid,
                                    safechunk_error* first_invalid, safechunk_error* error) {
  const PageOut out{records, count, next, invalid, first_invalid};
  out.clear();
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, log, records, count}); !status) return status;
    const auto page = to_cpp(engine)->log(name_of(log, log_size)).read(from, limit);
    if (page) out.fill(*page);
    return page.status();
  });
}

safechunk_code safechunk_tail_log_n(safechunk_engine* engine, const char* log, size_t log_size,
                                    size_t most, safechunk_log_record*** records, size_t* count,
                                    uint64_t* next, uint64_t* invalid,
                                    safechunk_error* first_invalid, safechunk_error* error) {
  const PageOut out{records, count, next, invalid, first_invalid};
  out.clear();
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, log, records, count}); !status) return status;
    const auto page = to_cpp(engine)->log(name_of(log, log_size)).tail(most);
    if (page) out.fill(*page);
    return page.status();
  });
}

safechunk_code safechunk_list_logs(safechunk_engine* engine, safechunk_log_info*** logs,
                                   size_t* count, safechunk_error* error) {
  if (logs != nullptr) *logs = nullptr;
  if (count != nullptr) *count = 0;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, logs, count}); !status) return status;
    const auto found = to_cpp(engine)->list_logs();
    if (!found) return found.status();
    ItemList<safechunk_log_info> items(found->size());
    for (const LogInfo& info : *found) {
      safechunk_log_info item{};
      item.size = sizeof item;
      item.bytes = info.bytes;
      items.add(item, {&safechunk_log_info::name}, {info.name});
    }
    *logs = items.give();
    *count = found->size();
    return {};
  });
}

// --- following

safechunk_code safechunk_log_follower_open_n(safechunk_engine* engine, const char* log,
                                             size_t log_size, uint64_t from,
                                             safechunk_log_follower** follower,
                                             safechunk_error* error) {
  if (follower != nullptr) *follower = nullptr;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, log, follower}); !status) return status;
    const auto begin = from == SAFECHUNK_LOG_END ? std::nullopt : std::optional(from);
    auto opened = to_cpp(engine)->log(name_of(log, log_size)).follow(begin);
    if (!opened) return opened.status();
    *follower = reinterpret_cast<safechunk_log_follower*>(new LogFollower(*std::move(opened)));
    return {};
  });
}

safechunk_code safechunk_log_follower_next(safechunk_log_follower* follower, int64_t timeout_ms,
                                           safechunk_log_record** record, safechunk_error* error) {
  if (record != nullptr) *record = nullptr;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({follower, record}); !status) return status;
    const auto found = to_cpp(follower)->next(to_timeout(timeout_ms));
    if (!found || !*found) return found.status();
    *record = give_item(to_c(**found), {&safechunk_log_record::text}, {(*found)->text});
    return {};
  });
}

safechunk_code safechunk_log_follower_wake(safechunk_log_follower* follower) {
  if (follower == nullptr) return SAFECHUNK_INVALID_ARGUMENT;
  to_cpp(follower)->wake();
  return SAFECHUNK_OK;
}

uint64_t safechunk_log_follower_position(const safechunk_log_follower* follower) {
  return follower == nullptr ? 0 : to_cpp(follower)->position();
}

void safechunk_log_follower_close(safechunk_log_follower* follower) {
  delete to_cpp(follower);
}

}  // extern "C"
