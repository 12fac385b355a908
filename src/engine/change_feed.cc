#include "engine/change_feed.h"

#include <chrono>

namespace safechunk {

Status ChangeFeed::start(ChangeHandler handler, std::unique_ptr<ChangeSource> source,
                         Handlers& handlers, std::shared_ptr<void> keeper) {
  std::shared_ptr<Task> before;  // what its handler uses goes when no lock is held
  const MutexLock lock(mutex_);
  before = stop_task();
  task_ = std::make_shared<Task>();
  task_->handler = std::move(handler);
  task_->source = std::move(source);
  Status started = worker_.start(
      [task = task_, &handlers, keeper = std::move(keeper)] { run(*task, handlers); });
  if (!started) before = std::move(task_);
  return started;
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

std::shared_ptr<ChangeFeed::Task> ChangeFeed::stop_task() {
  if (task_ == nullptr) return nullptr;
  task_->stopped.store(true);
  task_->source->wake();
  worker_.stop();
  return std::move(task_);
}

void ChangeFeed::stop() {
  std::shared_ptr<Task> before;  // what its handler uses goes when no lock is held
  const MutexLock lock(mutex_);
  before = stop_task();
}

}  // namespace safechunk
