// Files as what the archive module writes to and reads from.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "archive/byte_stream.h"
#include "platform/file_system.h"
#include "storage/files/file_io.h"

namespace safechunk {

// Both refer to `file`, which must outlive them.
class FileSink final : public archive::ByteSink {
 public:
  explicit FileSink(File& file) : file_(file) {}
  Status write_at(std::uint64_t offset, std::string_view bytes) override {
    return write_all(file_, offset, bytes);
  }

 private:
  File& file_;
};

class FileSource final : public archive::ByteSource {
 public:
  FileSource(File& file, std::uint64_t size) : file_(file), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  Status read_at(std::uint64_t offset, std::span<char> buffer) override {
    auto count = read_up_to(file_, offset, buffer);
    if (!count) return count.status();
    if (*count < buffer.size()) {
      return Status(ErrorCode::corrupt, "the archive is shorter than it was");
    }
    return {};
  }

 private:
  File& file_;
  const std::uint64_t size_;
};

}  // namespace safechunk
