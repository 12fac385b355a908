// Whether somebody may still be writing a chunk's file. Programs also write in steps with the file
// closed in between (`head > f; ...; tail >> f`), so a file that is not JSON counts as being
// written until it has stood still for a while, no matter which program has it open.
#pragma once

#include <chrono>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "platform/clock.h"
#include "platform/file_system.h"

namespace safechunk {

// Any thread may use it at any time.
class EditWatch {
 public:
  static constexpr std::chrono::seconds kStill{2};
  // So long a save of the chunk waits for the other program; then it goes on.
  static constexpr std::chrono::seconds kPatience{5};

  explicit EditWatch(Clock& clock) : clock_(clock) {}

  // Whether the file has stood still: by its modification time; where somebody set that into the
  // future, by its time of change; where that lies there, too (wrong clocks), by what was seen of
  // it before. Remembers what it was shown.
  bool is_still(const std::string& chunk, const FileInfo& info);

  // A save found that somebody is writing the file. True while it should wait; `first` says whether
  // this is news.
  bool should_wait(const std::string& chunk, bool& first);
  // The chunk was saved, or its file is sound again. True when should_wait() was asked before.
  bool forget(const std::string& chunk);

 private:
  struct Seen {
    FileInfo info;
    Clock::TimePoint since;
  };

  Clock& clock_;
  Mutex mutex_;
  std::unordered_map<std::string, Seen> seen_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, Clock::TimePoint> waiting_ GUARDED_BY(mutex_);
};

}  // namespace safechunk
