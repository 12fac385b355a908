#include "engine/change_feed.h"

#include <chrono>

namespace safechunk {

Status ChangeFeed::start(ChangeHandler handler, std::unique_ptr<ChangeSource> source,
                         Handlers& handlers, std::shared_ptr<void> keeper) {
  const MutexLock lock(mutex_);
  stop_task();
  task_ = std::make_shared<Task>();
  task_->handler = std::move(handler);
  task_->source = std::move(source);
  return worker_.start(
      [task = task_, &handlers, keeper = std::move(keeper)] { run(*task, handlers); });
}

void ChangeFeed::run(Task& task, Handlers& handlers) {
  constexpr std::chrono::hours kLong{1};
  while (!task.stopped.load()) {
    auto change = task.source->next(kLong);
    if (!change) {
      handlers.deliver_fault(change.status().error());
      return;
    }
    if (*change && !task.stopped.load()) handlers.deliver_change(task.handler, **change);
  }
}

void ChangeFeed::stop_task() {
  if (task_ == nullptr) return;
  task_->stopped.store(true);
  task_->source->wake();
  worker_.stop();
  task_.reset();
}

void ChangeFeed::stop() {
  const MutexLock lock(mutex_);
  stop_task();
}

}  // namespace safechunk
