#include "engine/background.h"

#include <algorithm>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "base/per_process.h"

namespace safechunk {

// Guarded by the mutex of its Background, but for `body`: used by the thread that does the task,
// and after its end by the one that has removed it.
struct Background::Task {
  BackgroundTask::Body body;
  TimePoint due = TimePoint::max();
  std::optional<std::thread::id> thread;  // that does it
  TimePoint started;                      // when that began
  bool removed = false;
};

namespace {

struct SystemBackground {
  const std::shared_ptr<Background> background = std::make_shared<Background>(system_clock());
};

PerProcess<SystemBackground> system_backgrounds;

}  // namespace

std::shared_ptr<Background> Background::of(Clock& clock, std::int64_t pid) {
  if (&clock != &system_clock()) return std::make_shared<Background>(clock);
  return system_backgrounds.get(pid).background;
}

// --- tasks come and go

Status Background::add(const std::shared_ptr<Task>& task) {
  const MutexLock lock(mutex_);
  tasks_.reserve(tasks_.size() + 1);
  if (threads_.empty()) {
    if (Status started = start_thread(); !started) return started;
  }
  tasks_.push_back(task);
  return {};
}

void Background::do_at(Task& task, TimePoint time) {
  const MutexLock lock(mutex_);
  task.due = time;
  if (task.thread) return;
  if (first_ == nullptr) {
    if (time != TimePoint::max()) call_another();
  } else if (task.due < first_sleeps_until_) {
    wake_.notify_all();
  }
}

void Background::remove(Task& task) noexcept {
  std::list<std::shared_ptr<Thread>> ending;
  {
    const MutexLock lock(mutex_);
    std::erase_if(tasks_, [&](const auto& other) { return other.get() == &task; });
    task.removed = true;
    if (task.thread != std::this_thread::get_id()) {
      while (task.thread) ended_.wait(mutex_);
      task.body = nullptr;
    }
    if (!tasks_.empty()) return;
    for (auto thread = threads_.begin(); thread != threads_.end();) {
      const auto here = thread++;
      if (!(*here)->busy) ending.splice(ending.end(), threads_, here);
    }
    for (const auto& thread : ending) thread->retired = true;
    first_ = nullptr;  // it is one of them
    wake_.notify_all();
    idle_.notify_all();
  }
  for (const auto& thread : ending) thread->worker.stop();
}

// --- threads

Status Background::start_thread() {
  const auto thread = std::make_shared<Thread>();
  threads_.push_back(thread);
  Status started;
  try {
    started =
        thread->worker.start([self = shared_from_this(), thread] { self->run_thread(thread); });
  } catch (const std::bad_alloc&) {
    threads_.pop_back();
    throw;
  }
  if (!started.ok()) threads_.pop_back();
  return started;
}

void Background::call_another() noexcept {
  const auto is_idle = [](const auto& thread) { return !thread->busy; };
  if (std::ranges::any_of(threads_, is_idle)) {
    idle_.notify_all();
    return;
  }
  try {
    (void)start_thread();
  } catch (const std::bad_alloc&) {  // NOLINT: see the header
  }
}

void Background::leave(const Thread& thread) {
  std::erase_if(threads_, [&](const auto& other) { return other.get() == &thread; });
  if (first_ == &thread) first_ = nullptr;
}

std::shared_ptr<Background::Task> Background::next() const {
  std::shared_ptr<Task> found;
  for (const auto& task : tasks_) {
    if (task->thread || task->due == TimePoint::max()) continue;
    if (found == nullptr || task->due < found->due) found = task;
  }
  return found;
}

Background::TimePoint Background::start_of(const Task& task) const {
  const TimePoint now = clock_.now();
  std::size_t running = 0;
  auto first_to_be_slow = TimePoint::max();
  for (const auto& other : tasks_) {
    if (!other->thread || other->started + kPatience <= now) continue;
    ++running;
    first_to_be_slow = std::min(first_to_be_slow, other->started + kPatience);
  }
  return running < kAtOnce ? task.due : std::max(task.due, first_to_be_slow);
}

void Background::run_thread(const std::shared_ptr<Thread>& self) {
  const MutexLock lock(mutex_);
  while (!self->retired) {
    if (first_ == self.get()) first_sleeps_until_ = TimePoint::min();
    std::shared_ptr<Task> task = next();
    const TimePoint start = task == nullptr ? TimePoint::max() : start_of(*task);
    if (clock_.now() >= start) {
      run(std::move(task), *self);
      if (!tasks_.empty()) continue;
    }
    const bool is_needed = first_ == nullptr || first_ == self.get();
    if (tasks_.empty() || (!is_needed && threads_.size() > kAtOnce + 1)) {
      leave(*self);
      return;
    }
    task = nullptr;
    if (is_needed) {
      first_ = self.get();
      first_sleeps_until_ = start;
      clock_.wait_until(wake_, mutex_, start);
    } else {
      idle_.wait(mutex_);
    }
  }
}

void Background::run(std::shared_ptr<Task> task, Thread& self) {
  task->due = TimePoint::max();
  task->thread = std::this_thread::get_id();
  self.busy = true;
  task->started = clock_.now();
  if (first_ == &self) first_ = nullptr;
  if (first_ == nullptr && next() != nullptr) call_another();
  mutex_.unlock();
  const TimePoint again = task->body();
  mutex_.lock();
  if (task->removed) {
    // What it keeps alive may be the engine whose handler has destroyed it, and go now.
    mutex_.unlock();
    task->body = nullptr;
    mutex_.lock();
  }
  self.busy = false;
  task->due = std::min(task->due, again);
  task->thread.reset();
  ended_.notify_all();
  if (first_ != nullptr) wake_.notify_all();  // the next one may start sooner now
}

// --- a task

Status BackgroundTask::start(std::shared_ptr<Background> background, Body body) {
  stop();
  auto task = std::make_shared<Background::Task>();
  task->body = std::move(body);
  if (Status added = background->add(task); !added) return added;
  const MutexLock lock(mutex_);
  background_ = std::move(background);
  task_ = std::move(task);
  return {};
}

void BackgroundTask::do_at(TimePoint time) {
  const MutexLock lock(mutex_);
  if (task_ != nullptr) background_->do_at(*task_, time);
}

void BackgroundTask::stop() noexcept {
  std::shared_ptr<Background> background;
  std::shared_ptr<Background::Task> task;
  {
    const MutexLock lock(mutex_);
    background = std::move(background_);
    task = std::move(task_);
  }
  if (task != nullptr) background->remove(*task);
}

}  // namespace safechunk
