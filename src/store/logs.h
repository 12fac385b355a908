// The logs of a project, as the engine sees them (see <safechunk/log.hpp>).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/log.hpp>
#include <safechunk/status.hpp>

#include "store/notices.h"

namespace safechunk {

// One thread at a time may call next(); wake() any thread at any time.
class LogSource {
 public:
  virtual ~LogSource() = default;
  virtual Result<std::optional<LogRecord>> next(std::chrono::milliseconds timeout) = 0;
  virtual void wake() noexcept = 0;
  [[nodiscard]] virtual std::uint64_t position() const = 0;
};

// Threads: any. Takes no lock, and may be used beside an owner.
class LogReader {
 public:
  virtual ~LogReader() = default;
  virtual Result<LogPage> read(const std::string& log, std::uint64_t from, std::size_t limit) = 0;
  virtual Result<LogPage> tail(const std::string& log, std::size_t count) = 0;
  virtual Result<std::unique_ptr<LogSource>> follow(const std::string& log,
                                                    std::optional<std::uint64_t> from) = 0;
  // Sorted by name.
  virtual Result<std::vector<LogInfo>> list() = 0;
};

// Threads: any; within a turn of the store.
class LogWriter {
 public:
  using Keep = std::function<bool(const LogRecord& record)>;

  virtual ~LogWriter() = default;
  virtual Result<std::uint64_t> append(const std::string& log,
                                       std::span<const std::string_view> texts,
                                       Notices& notices) = 0;
  virtual Status sync(const std::string& log, Notices& notices) = 0;
  virtual Status compact(const std::string& log, const Keep& keep, Notices& notices) = 0;
  // Moves what is no record to quarantine. Changes nothing when there is no such thing.
  virtual Status repair(const std::string& log, Notices& notices) = 0;
  virtual Result<std::string> rotate(const std::string& log, Notices& notices) = 0;
  virtual Status remove(const std::string& log, Notices& notices) = 0;
};

}  // namespace safechunk
