// The two ends of an archive: where its bytes go and where they come from. The storage layer
// implements both over its files, the tests over memory. No policy, no names, no caching.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk::archive {

// Somewhere to write to, empty at first. It grows with what is written.
class ByteSink {
 public:
  ByteSink() = default;
  ByteSink(const ByteSink&) = delete;
  ByteSink& operator=(const ByteSink&) = delete;
  virtual ~ByteSink() = default;

  // Writes all of `bytes` at `offset`, or returns an error. Offsets ascend without gaps, except
  // that a few bytes already written may be overwritten. Called by one thread at a time.
  virtual Status write_at(std::uint64_t offset, std::string_view bytes) = 0;
};

// Bytes that do not change while they are read.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  [[nodiscard]] virtual std::uint64_t size() const = 0;

  // Fills all of `buffer` from `offset`, or returns an error. Several threads may call at once.
  virtual Status read_at(std::uint64_t offset, std::span<char> buffer) = 0;
};

}  // namespace safechunk::archive
