// Holds programs off that want to write to a file, for as long as it takes to check the file and to
// give its name to another one.
#pragma once

#include <memory>
#include <string>

#include "platform/file_system.h"

namespace safechunk {

enum class Writers {
  none,  // nobody has the file open for writing; a program that wants to waits for the guard's end
  some,  // a program has it open for writing
  unknown,  // the system cannot tell: another user's file, a file system without leases, no Linux
};

class WriteGuard {
 public:
  WriteGuard() = default;

  // Asks about `file` in `folder`. Cost: an open, two fcntl and a close. Before an owner believes
  // in a writer, it asks about a file of its own, which it makes for that: some file systems refuse
  // every lease. Those who only read make nothing, and believe it.
  enum class By { owner, reader };
  static WriteGuard take(Directory& folder, const std::string& file, By by);

  [[nodiscard]] Writers writers() const { return writers_; }
  // Whether a program has begun to wait for the end of this guard. It will then write to the file
  // that is guarded, whatever its name is by then.
  [[nodiscard]] bool somebody_waits() const;

 private:
  std::unique_ptr<File> file_;  // its lease ends when it is closed
  Writers writers_ = Writers::unknown;
};

}  // namespace safechunk
