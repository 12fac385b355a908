// ChangeWatch for Python.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include <safechunk/safechunk.hpp>

#include "calls.h"

namespace safechunk::python {

class PyWatch {
 public:
  explicit PyWatch(ChangeWatch watch) : watch_(std::move(watch)) {}

  // (chunk, revision, previous_revision, origin, number), or None.
  nb::object next(double timeout_ms) {
    const std::chrono::milliseconds timeout(static_cast<std::int64_t>(timeout_ms));
    const auto change = without_gil([&] { return watch_.next(timeout); });
    if (!*change) return nb::none();
    const Change& found = **change;
    const std::string_view origin = to_string(found.origin);
    return nb::make_tuple(nb::str(found.chunk.c_str(), found.chunk.size()),
                          nb::str(found.revision.c_str(), found.revision.size()),
                          nb::str(found.previous_revision.c_str(), found.previous_revision.size()),
                          nb::str(origin.data(), origin.size()), found.number);
  }
  void wake() { watch_.wake(); }
  [[nodiscard]] int descriptor() const { return watch_.descriptor(); }

 private:
  ChangeWatch watch_;
};

}  // namespace safechunk::python
