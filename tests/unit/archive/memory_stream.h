// Byte sinks and sources in memory, also ones that fail when they are told to.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "archive/byte_stream.h"

namespace safechunk::archive {

inline constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

// Keeps what is written; the write number `fail_at`, counted from 0, fails, and so do all later
// ones.
class MemorySink : public ByteSink {
 public:
  explicit MemorySink(std::size_t fail_at = kNever) : fail_at_(fail_at) {}

  Status write_at(std::uint64_t offset, std::string_view data) override {
    if (writes++ >= fail_at_) {
      Error error;
      error.code = ErrorCode::no_space;
      error.message = "write " + std::to_string(fail_at_) + " failed";
      error.os_errno = 28;
      return error;
    }
    if (offset > bytes.size()) return Status(ErrorCode::invalid_argument, "a gap was left");
    bytes.replace(static_cast<std::size_t>(offset),
                  std::min(data.size(), bytes.size() - static_cast<std::size_t>(offset)), data);
    return Status();
  }

  std::string bytes;
  std::size_t writes = 0;

 private:
  const std::size_t fail_at_;
};

// Reads from a string; the read number `fail_at`, counted from 0, fails, and so do all later ones.
class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string bytes, std::size_t fail_at = kNever)
      : bytes_(std::move(bytes)), fail_at_(fail_at) {}

  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }

  Status read_at(std::uint64_t offset, std::span<char> buffer) override {
    if (reads++ >= fail_at_) return Status(ErrorCode::permission_denied, "the read failed");
    if (offset > bytes_.size() || buffer.size() > bytes_.size() - offset) {
      return Status(ErrorCode::invalid_argument, "a read past the end was asked for");
    }
    if (!buffer.empty()) std::memcpy(buffer.data(), bytes_.data() + offset, buffer.size());
    return Status();
  }

  std::atomic<std::size_t> reads = 0;

 private:
  const std::string bytes_;
  const std::size_t fail_at_;
};

// A source of any size that is zero but for some pieces.
class SparseSource : public ByteSource {
 public:
  void put(std::uint64_t offset, std::string bytes) {
    size_ = std::max(size_, offset + bytes.size());
    pieces_[offset] = std::move(bytes);
  }

  [[nodiscard]] std::uint64_t size() const override { return size_; }

  Status read_at(std::uint64_t offset, std::span<char> buffer) override {
    std::fill(buffer.begin(), buffer.end(), '\0');
    for (const auto& [start, piece] : pieces_) {
      const std::uint64_t from = std::max(start, offset);
      const std::uint64_t to = std::min(start + piece.size(), offset + buffer.size());
      if (from < to) {
        std::memcpy(buffer.data() + (from - offset), piece.data() + (from - start), to - from);
      }
    }
    return Status();
  }

 private:
  std::map<std::uint64_t, std::string> pieces_;
  std::uint64_t size_ = 0;
};

}  // namespace safechunk::archive
