// The class _core.Transaction.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <thread>
#include <utility>

#include <safechunk/safechunk.hpp>

#include "calls.h"
#include "values.h"

namespace safechunk::python {

class PyTransaction {
  // While it exists, the thread is inside.
  class Inside {
   public:
    Inside(std::thread::id& user, std::thread::id self)
        : user_(user), before_(std::exchange(user, self)) {}
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { user_ = before_; }

   private:
    std::thread::id& user_;
    std::thread::id before_;
  };

  // Refuses a second thread: calls run without the GIL, and two threads inside would damage memory.
  // A handler that commit() calls may use the transaction. There is no lock, because a forked child
  // could find it locked.
  template <typename Call>
  auto alone(Call call) {
    const std::thread::id self = std::this_thread::get_id();
    if (user_ != std::thread::id() && user_ != self) {
      Error error;
      error.code = ErrorCode::invalid_argument;
      error.message = "another thread is using this transaction";
      raise(error, false);
    }
    const Inside inside(user_, self);
    return without_gil(std::move(call));
  }

 public:
  explicit PyTransaction(Transaction transaction) : transaction_(std::move(transaction)) {}

  void stage(const nb::object& value, const std::string& chunk, const nb::object& default_hook,
             std::uint32_t depth_limit) {
    TextBuffer text(kFirstBuffer);
    write_value(value, default_hook, depth_limit, text);
    (void)alone([&] { return transaction_.stage(text.view(), chunk); });
  }
  void remove(const std::string& chunk) {
    (void)alone([&] { return transaction_.remove(chunk); });
  }
  void stage_value(const std::string& chunk, const std::string& pointer, const std::string& text) {
    (void)alone([&] { return transaction_.stage_value(chunk, pointer, std::string_view(text)); });
  }
  void remove_value(const std::string& chunk, const std::string& pointer) {
    (void)alone([&] { return transaction_.remove_value(chunk, pointer); });
  }
  void stage_merge(const std::string& chunk, const std::string& changes) {
    (void)alone([&] { return transaction_.stage_merge(chunk, changes); });
  }
  void stage_patch(const std::string& chunk, const std::string& operations) {
    (void)alone([&] { return transaction_.stage_patch(chunk, operations); });
  }
  nb::object read(const std::string& chunk, const nb::object& when_missing,
                  const nb::object& parse_int, const nb::object& parse_float) {
    const ChunkRead found = *alone([&] { return transaction_.read(chunk); });
    // An older version is no base for what is committed.
    if (!found.older.ok() && found.older.code() != ErrorCode::healed) {
      raise(found.older.error(), true);
    }
    return found.text ? read_value(*found.text, parse_int, parse_float) : when_missing;
  }
  void require(const std::string& chunk, const EditCondition& condition) {
    (void)alone([&] { return transaction_.require(chunk, condition); });
  }
  void commit() {
    (void)alone([&] { return transaction_.commit(); });
  }

 private:
  Transaction transaction_;
  std::thread::id user_;  // guarded by the GIL: the thread that is inside
};

}  // namespace safechunk::python
