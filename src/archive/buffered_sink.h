// Joins small writes at consecutive offsets into large ones. libzip writes 8 KiB at a time, and
// every header twice; each of those would otherwise become a system call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <safechunk/status.hpp>

#include "archive/byte_stream.h"

namespace safechunk::archive {

class BufferedSink {
 public:
  static constexpr std::size_t kBytes = std::size_t{256} << 10;

  // `sink` must outlive this object and be used by nobody else.
  explicit BufferedSink(ByteSink& sink) : sink_(sink) {}

  // Writes at the current position and moves it on. What is within reach of the buffer is changed
  // there. Errors are the sink's; after one the sink holds an unknown part of what was written.
  Status write(std::string_view bytes);
  Status flush();

  [[nodiscard]] std::uint64_t position() const { return position_; }
  // The end of all that was written.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // Moves the position; at most to size().
  void seek(std::uint64_t position) { position_ = position; }

 private:
  ByteSink& sink_;
  std::uint64_t position_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t buffer_start_ = 0;  // the offset of buffer_[0]
  std::string buffer_;              // not yet given to the sink
};

}  // namespace safechunk::archive
