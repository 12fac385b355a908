// Reads the fields of a zip record one after the other, never past its end.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>

#include "base/bytes.h"

namespace safechunk::archive {

class FieldReader {
 public:
  explicit FieldReader(std::string_view record) : rest_(record) {}

  // The next little-endian integer. 0, and complete() is false for ever, when it is cut off.
  template <std::unsigned_integral T>
  T next() {
    const std::string_view bytes = take(sizeof(T));
    return complete_ ? get_integer<T>(bytes, 0) : T{0};
  }

  // The next `length` bytes; empty, and complete() is false for ever, when they are cut off.
  std::string_view take(std::size_t length) {
    if (!complete_ || length > rest_.size()) {
      complete_ = false;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return bytes;
  }

  void skip(std::size_t length) { (void)take(length); }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }
  [[nodiscard]] bool complete() const { return complete_; }

 private:
  std::string_view rest_;
  bool complete_ = true;
};

}  // namespace safechunk::archive
