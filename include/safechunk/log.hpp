// Logs: chunks of one JSON value a line, `chunks/NAME.jsonl`, that only grow by appending (G18).
//
// Any program may read such a file, and append lines to it. A record is one line. Its position is
// the offset of the line in the file, in bytes; it holds until the log is compacted, rotated or
// removed.
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

#include <safechunk/export.hpp>
#include <safechunk/status.hpp>

namespace safechunk {

class EngineCore;
class LogSource;

struct LogRecord {
  std::uint64_t position = 0;
  std::string text;  // one JSON value, without white space around it
};

struct LogPage {
  std::vector<LogRecord> records;
  std::uint64_t next = 0;     // where to read on
  std::uint64_t invalid = 0;  // lines that are no JSON, which were left out
  Status first_invalid;       // where the first of them is, and what is wrong with it
};

struct LogInfo {
  std::string name;
  std::uint64_t bytes = 0;
};

// Gives the records of a log one by one, also those that are appended while it waits. For one
// thread at a time, except wake(). It needs no engine to be attached, and may outlive its engine.
class SAFECHUNK_EXPORT LogFollower {
 public:
  explicit LogFollower(std::unique_ptr<LogSource> source) noexcept;
  LogFollower(LogFollower&&) noexcept;
  LogFollower& operator=(LogFollower&&) noexcept;
  ~LogFollower();

  // Waits for the next record. Nothing after `timeout`, or after wake(). A log that is rotated or
  // removed is read to its end, and then the new one from its beginning; one that is compacted is
  // read on where it was. One that another program truncates is read from its beginning. Lines that
  // are no JSON are left out. Errors: those of the system.
  Result<std::optional<LogRecord>> next(std::chrono::milliseconds timeout);
  // Ends the next() that runs, or the next one.
  void wake() noexcept;
  // Where next() reads on, for Log::follow() after a restart.
  [[nodiscard]] std::uint64_t position() const;

 private:
  std::unique_ptr<LogSource> source_;
};

// One log of a project: a name, and the engine that has it. Cheap to copy; it may outlive the
// engine's attach, and then gives not_owner for what changes the log.
//
// Threads: any.
class SAFECHUNK_EXPORT Log {
 public:
  // Returns when the record survives a crash of the process; it is durable after sync(), or
  // detach(), or a mebibyte of further records. With Mode::shared it is durable when this returns.
  // The result is the record's position. Lines that other programs appended before are completed
  // by a line break; what is no JSON is moved to quarantine, unless a program has the file open for
  // writing, and reported to on_fault.
  // Errors that leave the log as it was: invalid_name, invalid_json, too_deep, too_large (more than
  // 64 MiB, or EngineOptions::chunk_size_limit), not_owner, being_edited (another program has
  // written half a line), no_space and other errors of the system. Cost: two system calls; no
  // fsync, but one for each mebibyte. The first call opens the file and reads its last mebibyte.
  Result<std::uint64_t> append(std::string_view json_text);
  // The same for several records, by one write for each mebibyte of them: a crash of the process
  // leaves the first of them, or all. The position is that of the first. When a later write fails,
  // the message says that the records before it were appended.
  Result<std::uint64_t> append(std::span<const std::string> json_texts);
  // Returns when all records that were appended before are durable. Calls that arrive while one
  // runs share the next one. After an error of the device the records that are not durable are
  // written anew, to another file.
  Status sync();

  // At most `limit` records (0: 1,000) and about 16 MiB, from the position `from` on, which is 0,
  // that of a record, or LogPage::next. Lines that are no JSON are left out and counted, empty ones
  // left out. A last line without a line break counts when it is whole and no number.
  // A log that is not there is empty. Errors: conflict (the log is shorter now, or no record begins
  // there), those of the system.
  Result<LogPage> read(std::uint64_t from = 0, std::size_t limit = 0) const;
  // The last `count` records, the oldest first. Cost: reads the end of the file.
  Result<LogPage> tail(std::size_t count) const;
  // Records from a position on; without it, those that are appended from now on.
  Result<LogFollower> follow(std::optional<std::uint64_t> from = {}) const;

  // Leaves the records for which `keep` is true, or the last `keep_last`, and lines that are no
  // JSON go to quarantine. A crash leaves the old log or the new one. Positions change.
  // being_edited while another program has the file open for writing. Cost: writes what is kept.
  // `keep` must not change the log: that gives conflict.
  Status compact(const std::function<bool(const LogRecord& record)>& keep);
  Status compact(std::size_t keep_last);
  // Ends the file, which becomes the log NAME.000001, or the next number; its name is the result.
  // The next record begins a new file. not_found when the log has no file.
  Result<std::string> rotate();
  // Removes the log and its file, durably. not_found when there is none.
  Status remove();

  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  friend class SafeChunkEngine;
  Log(std::shared_ptr<EngineCore> core, std::string name)
      : core_(std::move(core)), name_(std::move(name)) {}

  std::shared_ptr<EngineCore> core_;
  std::string name_;
};

}  // namespace safechunk
