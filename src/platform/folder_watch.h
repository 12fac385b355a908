// Hearing of changes to the files of a folder, where the system tells of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <safechunk/status.hpp>

namespace safechunk {

class FolderWatch {
 public:
  virtual ~FolderWatch() = default;

  struct Seen {
    struct Name {
      std::size_t watched = 0;  // as add() numbered it
      std::string name;         // of a file in the folder; empty: the watched file itself
    };
    std::vector<Name> names;
    bool everything = false;  // changes were missed, or a watched folder is gone: look at all
    bool woken = false;       // by wake()
  };

  // Watches a folder or a file by its path: names that come and go, and files that a program closes
  // after it has written to them; of a file, every write. The number of what is watched, from 0 on.
  virtual Result<std::size_t> add(const std::string& path) = 0;
  // Returns when something was seen, after `timeout`, or after wake(). One thread at a time.
  virtual Result<Seen> wait(std::chrono::milliseconds timeout) = 0;
  // Ends the wait() that runs, or the next one. Any thread.
  virtual void wake() noexcept = 0;
  // poll(2) says that it is readable when wait() would return at once.
  [[nodiscard]] virtual int descriptor() const = 0;
  // The descriptor becomes readable after this time, too; nothing: it does not.
  virtual Status set_timer(std::optional<std::chrono::milliseconds> after) = 0;
};

// unsupported_format where the system has no such thing; io_error when it has no more of them.
Result<std::unique_ptr<FolderWatch>> new_folder_watch();

}  // namespace safechunk
