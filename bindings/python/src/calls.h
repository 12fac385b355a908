// Calls of the engine from Python: without the GIL, and with exceptions in place of errors.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>
#include <utility>

#include <safechunk/safechunk.hpp>

#include "dispatcher.h"
#include "gil.h"

namespace safechunk::python {

namespace nb = nanobind;

// Raises the Python exception for `error`. `reported`: on_fault has got it.
[[noreturn]] void raise(const Error& error, bool reported);

inline const Status& status_of(const Status& status) {
  return status;
}
template <typename T>
const Status& status_of(const Result<T>& result) {
  return result.status();
}

// Runs `call` without the GIL. A failure becomes an exception that says whether on_fault has got
// it.
template <typename Call>
auto without_gil(Call call) {
  const unsigned before = Dispatcher::faults_on_this_thread();
  auto result = [&] {
    const GilReleased released;
    return call();
  }();
  const Status& status = status_of(result);
  if (!status.ok()) raise(status.error(), Dispatcher::faults_on_this_thread() != before);
  return result;
}

// A progress handler in Python: returning False cancels, raising cancels and raises from the call.
class Progress {
 public:
  explicit Progress(nb::object handler) : handler_(std::move(handler)) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() = default;  // with the GIL

  [[nodiscard]] ProgressHandler handler() {
    if (handler_.is_none()) return nullptr;
    return [this](std::uint64_t done, std::uint64_t total) { return call(done, total); };
  }
  // Runs `call` without the GIL. An exception of the handler goes before the error of the call.
  template <typename Call>
  auto run(Call call_engine) {
    try {
      return without_gil(std::move(call_engine));
    } catch (nb::python_error&) {
      if (!raised_) throw;
      throw nb::python_error(std::move(*raised_));
    }
  }

 private:
  bool call(std::uint64_t done, std::uint64_t total) {
    const GilAcquired acquired;
    try {
      return !handler_(done, total).is(Py_False);
    } catch (nb::python_error& error) {
      raised_.emplace(std::move(error));
      return false;
    }
  }

  nb::object handler_;
  std::optional<nb::python_error> raised_;
};

}  // namespace safechunk::python
