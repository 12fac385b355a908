// Calls a handler of the user for each change, on a thread of its own: a handler that is slow or
// throws keeps nobody waiting.
#pragma once

#include <atomic>
#include <memory>

#include <safechunk/changes.hpp>

#include "base/mutex.h"
#include "engine/handlers.h"
#include "engine/worker.h"
#include "store/changes.h"

namespace safechunk {

class ChangeFeed {
 public:
  ChangeFeed() = default;
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;
  ~ChangeFeed() { stop(); }

  // Takes the place of the handler before. `keeper` keeps `handlers` alive.
  Status start(ChangeHandler handler, std::unique_ptr<ChangeSource> source, Handlers& handlers,
               std::shared_ptr<void> keeper) EXCLUDES(mutex_);
  // Afterwards no handler is called any more. Waits for the one that runs, unless it is the caller.
  void stop() EXCLUDES(mutex_);

 private:
  struct Task {
    ChangeHandler handler;
    std::unique_ptr<ChangeSource> source;
    std::atomic<bool> stopped{false};
  };
  static void run(Task& task, Handlers& handlers);
  std::shared_ptr<Task> stop_task() REQUIRES(mutex_);

  Mutex mutex_;
  std::shared_ptr<Task> task_ GUARDED_BY(mutex_);
  Worker worker_ GUARDED_BY(mutex_);
};

}  // namespace safechunk
