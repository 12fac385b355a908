// Looks at an archive piece by piece, without holding all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <safechunk/status.hpp>

#include "archive/byte_stream.h"

namespace safechunk::archive {

class SourceWindow {
 public:
  static constexpr std::size_t kBytes = std::size_t{32} << 10;

  // `source` must outlive this object.
  explicit SourceWindow(ByteSource& source) : source_(source), source_size_(source.size()) {}

  [[nodiscard]] std::uint64_t source_size() const { return source_size_; }

  // The `length` bytes at `offset`, valid until the next call. corrupt when they do not all lie
  // within the source, else the source's error. Reads ahead, so that neighbours cost nothing.
  Result<std::string_view> view(std::uint64_t offset, std::size_t length);

 private:
  ByteSource& source_;
  const std::uint64_t source_size_;
  std::uint64_t start_ = 0;
  std::string bytes_;
};

}  // namespace safechunk::archive
