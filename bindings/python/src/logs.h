// Logs for Python: pages as tuples, and the class _core.LogFollower.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <safechunk/safechunk.hpp>

#include "calls.h"
#include "values.h"

namespace safechunk::python {

inline nb::tuple record_tuple(const LogRecord& record, const nb::object& parse_int,
                              const nb::object& parse_float) {
  return nb::make_tuple(record.position, read_value(record.text, parse_int, parse_float));
}

// ([(position, value), ...], next, number of invalid lines, the error of the first or None).
inline nb::tuple page_tuple(const LogPage& page, const nb::object& parse_int,
                            const nb::object& parse_float) {
  nb::list records;
  for (const LogRecord& record : page.records) {
    records.append(record_tuple(record, parse_int, parse_float));
  }
  nb::object first_invalid = nb::none();
  if (page.invalid > 0) {
    PyObject* const made = make_exception(page.first_invalid.error(), /*reported=*/false);
    if (made == nullptr) throw nb::python_error();
    first_invalid = nb::steal(made);
  }
  return nb::make_tuple(records, page.next, page.invalid, first_invalid);
}

// The function that says which records stay. An exception of it leaves the engine's frames as one
// of C++, so that nothing is compacted.
class Keep {
 public:
  Keep(nb::object function, nb::object parse_int, nb::object parse_float)
      : function_(std::move(function)),
        parse_int_(std::move(parse_int)),
        parse_float_(std::move(parse_float)) {}

  struct Raised : std::exception {};

  bool operator()(const LogRecord& record) {
    const GilAcquired acquired;
    try {
      const nb::object answer = function_(read_value(record.text, parse_int_, parse_float_));
      const int is_true = PyObject_IsTrue(answer.ptr());
      if (is_true < 0) throw nb::python_error();
      return is_true != 0;
    } catch (nb::python_error& error) {
      raised_.emplace(std::move(error));
      throw Raised();
    }
  }
  // With the GIL.
  [[noreturn]] void raise_again() { throw nb::python_error(std::move(*raised_)); }

 private:
  nb::object function_;
  nb::object parse_int_;
  nb::object parse_float_;
  std::optional<nb::python_error> raised_;
};

class PyLogFollower {
 public:
  explicit PyLogFollower(LogFollower follower) : follower_(std::move(follower)) {}

  // (position, value), or None.
  nb::object next(double timeout_ms, const nb::object& parse_int, const nb::object& parse_float) {
    const std::chrono::milliseconds timeout(static_cast<std::int64_t>(timeout_ms));
    const auto record = without_gil([&] { return follower_.next(timeout); });
    position_ = follower_.position();
    if (!*record) return nb::none();
    return record_tuple(**record, parse_int, parse_float);
  }
  void wake() { follower_.wake(); }
  // As the last next() left it, so that another thread may ask.
  [[nodiscard]] std::uint64_t position() const { return position_; }

 private:
  LogFollower follower_;
  std::uint64_t position_ = follower_.position();
};

}  // namespace safechunk::python
