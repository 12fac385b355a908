// Hearing of changes to chunks, whoever makes them: this engine, another process, a person.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <safechunk/export.hpp>
#include <safechunk/status.hpp>

namespace safechunk {

// Who made a change. The numbers are part of the ABI.
enum class ChangeOrigin : int {
  local = 0,            // this engine, when it was committed to its file
  process = 1,          // another engine, of this process or another
  edit = 2,             // another program or a person, when the file was whole again
  heal = 3,             // the file was damaged, and an older version took its place
  restore = 4,          // a checkpoint was restored
  migration = 5,        // the data were brought to a newer version
  removed_outside = 6,  // another program or a person removed the file
  resync = 7,           // changes were missed: read again what you know of; `chunk` is empty
};
SAFECHUNK_EXPORT std::string_view to_string(ChangeOrigin origin) noexcept;

struct Change {
  std::string chunk;
  std::string revision;           // as read_chunk() gives it; empty: the chunk is gone
  std::string previous_revision;  // empty: there was no such chunk, or it is not known
  ChangeOrigin origin = ChangeOrigin::local;
  // Rises with each change that an engine commits. For WatchOptions::since. 0: no engine has
  // counted it.
  std::uint64_t number = 0;
};

struct WatchOptions {
  enum class Delivery {
    latest,  // the newest of several changes to one chunk that come together
    every,   // each commit, in order
  };
  Delivery delivery = Delivery::latest;
  // Begin behind the change of this number, which an earlier watch gave. What is not kept any more
  // is one `resync`. Without it: changes from now on.
  std::optional<std::uint64_t> since = {};
};

class ChangeSource;

// Gives changes one by one, on the thread that asks. For one thread at a time, except wake().
// It needs no engine to be attached, and may outlive its engine.
class SAFECHUNK_EXPORT ChangeWatch {
 public:
  explicit ChangeWatch(std::unique_ptr<ChangeSource> source) noexcept;
  ChangeWatch(ChangeWatch&&) noexcept;
  ChangeWatch& operator=(ChangeWatch&&) noexcept;
  ~ChangeWatch();

  // Waits for the next change. Nothing after `timeout`, or after wake(). Errors: those of the
  // system; unavailable when the project's folder is gone.
  Result<std::optional<Change>> next(std::chrono::milliseconds timeout);
  // Ends the next() that runs, or the next one.
  void wake() noexcept;
  // For poll(2) and the like: when it is readable, call next() with a timeout of 0 until it gives
  // nothing. -1 where the system tells of no changes; then call it every second.
  [[nodiscard]] int descriptor() const;

 private:
  std::unique_ptr<ChangeSource> source_;
};

using ChangeHandler = std::function<void(const Change& change)>;

}  // namespace safechunk
