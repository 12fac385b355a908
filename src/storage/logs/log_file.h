// One log that this process may append to.
//
// Every record reaches the file by one write at its end, after a look at what is there: by whom
// ever it was written, the file must end with a line break, and with whole records.
//
// What is not durable is kept in memory, too, at most a mebibyte: after an fsync that failed nobody
// knows what the device has, so those records are written anew, to another file. It also bounds
// what the next owner has to look at after a crash.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <safechunk/log.hpp>

#include "base/mutex.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "storage/chunks/edit_watch.h"
#include "storage/chunks/quarantine.h"
#include "storage/chunks/write_guard.h"
#include "storage/files/file_rights.h"
#include "storage/files/text_settings.h"
#include "storage/logs/log_lines.h"
#include "store/notices.h"

namespace safechunk {

// What all logs of a project share. The references outlive every LogFile.
struct LogFolder {
  Directory& root;
  Directory& chunks;
  const FileRights& rights;
  const TextSettings& settings;
  EditWatch& watch;
};

// What was known of a log's file when it was closed: while the file is that one, and has that size,
// it needs no look.
struct KnownLog {
  FileInfo file;
  std::uint64_t end = 0;
};

// Threads: any.
class LogFile {
 public:
  // So much of a log may be not durable.
  static constexpr std::uint64_t kUnsynced = std::uint64_t{1} << 20U;

  // How often another program may come between, until a call gives up.
  static constexpr int kTries = 10;

  // `known`: of an earlier turn of this process.
  LogFile(const LogFolder& folder, std::string log, std::optional<KnownLog> known);

  // Appends whole lines by one write. The position of the first.
  Result<std::uint64_t> append(std::string_view lines, Notices& notices) EXCLUDES(mutex_);
  Status sync(Notices& notices) EXCLUDES(mutex_);
  using Keep = std::function<bool(const LogRecord& record)>;
  Status compact(const Keep& keep, Notices& notices) EXCLUDES(mutex_);
  // Gives the file the name of another log, which nothing has.
  Status rename_to(const std::string& log, Notices& notices) EXCLUDES(mutex_);
  Status remove() EXCLUDES(mutex_);
  // Makes everything durable. Afterwards the next call opens the file anew. Nothing when it was not
  // open.
  Result<std::optional<KnownLog>> close(Notices& notices) EXCLUDES(mutex_);

 private:
  // What a look at the end of the file found.
  struct Found {
    struct Span {
      std::uint64_t begin = 0;
      std::uint64_t end = 0;
    };
    std::vector<Span> invalid;  // whole lines that are no records
    Status reason;              // of the first of them
    std::size_t records = 0;
    std::optional<Span> tail;  // the last line, without a line break
    bool tail_is_whole = false;
    Status tail_reason;
  };

  // Opens the file or makes it, and looks at what others have done to it. Tries again when they
  // come between.
  Status make_ready(Notices& notices) REQUIRES(mutex_);
  Status try_to_make_ready(Notices& notices) REQUIRES(mutex_);
  [[nodiscard]] bool ends_in_line_break() const REQUIRES(mutex_);
  Status create(Notices& notices) REQUIRES(mutex_);
  Status open(const FileInfo& info, Notices& notices) REQUIRES(mutex_);
  void let_go(Notices& notices) REQUIRES(mutex_);
  enum class When { opening, growing };
  Status settle(std::uint64_t from, const FileInfo& info, When when, Notices& notices)
      REQUIRES(mutex_);
  Result<Found> look(File& file, std::uint64_t from, std::uint64_t end, When when) const;
  Status settle_tail(const Found& found, const FileInfo& info, Writers writers, Notices& notices)
      REQUIRES(mutex_);
  bool take_growth(std::uint64_t from, std::uint64_t end) REQUIRES(mutex_);
  // Always an error: being_edited when it was done.
  Status sync_and_look_again(Notices& notices) REQUIRES(mutex_);

  // The parts of append().
  Result<std::uint64_t> append_piece(std::string_view lines, Notices& notices) REQUIRES(mutex_);
  Result<std::uint64_t> append_once(std::string_view lines) REQUIRES(mutex_);
  Status undo(std::uint64_t begin, std::uint64_t end) REQUIRES(mutex_);
  Status sync_held(std::uint64_t wanted, Notices& notices) REQUIRES(mutex_);
  // Afterwards no sync runs, and everything is durable.
  Status sync_all(Notices& notices) REQUIRES(mutex_);
  void await_sync() REQUIRES(mutex_);
  [[nodiscard]] Status check_not_inside() const;

  // Another file takes the place of this one: the lines of [0, from_file) that `keep` leaves, and
  // then `rest`.
  using KeepLine = std::function<bool(const LineReader::Line& line)>;
  Status replace(std::uint64_t from_file, std::string_view rest, const KeepLine& keep,
                 Notices& notices) REQUIRES(mutex_);
  Status keep_displaced(const std::string& displaced, Notices& notices) REQUIRES(mutex_);
  // After an fsync that failed.
  Status write_anew(Notices& notices) REQUIRES(mutex_);
  Status preserve(File& file, const std::vector<Found::Span>& spans, const std::string& why,
                  Notices& notices) REQUIRES(mutex_);

  void report(Event::Kind kind, std::string detail, Notices& notices) const;
  [[nodiscard]] Status about(Status status) const;

  const LogFolder folder_;
  const std::string log_;
  const std::string file_name_;
  const std::string path_;  // for messages

  Mutex mutex_;
  CondVar sync_ended_;
  Quarantine quarantine_ GUARDED_BY(mutex_);
  std::optional<KnownLog> known_ GUARDED_BY(mutex_);
  std::shared_ptr<File> file_ GUARDED_BY(mutex_);  // null: not open
  FileInfo place_ GUARDED_BY(mutex_);              // of the open file
  std::uint64_t end_ GUARDED_BY(mutex_) = 0;       // of what was looked at
  std::string unsynced_ GUARDED_BY(mutex_);        // the last bytes before end_
  // Of all bytes of this object's life; those up to the second are durable.
  std::uint64_t appended_ GUARDED_BY(mutex_) = 0;
  std::uint64_t synced_ GUARDED_BY(mutex_) = 0;
  bool syncing_ GUARDED_BY(mutex_) = false;
  bool is_broken_ GUARDED_BY(mutex_) = false;  // an fsync of the file has failed
  std::atomic<std::thread::id> compacting_{};
  bool told_of_others_ GUARDED_BY(mutex_) = false;
};

}  // namespace safechunk
