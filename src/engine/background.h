// The threads that save in the background, for all engines of a process.
//
// One thread, the first, waits for the earliest time at which a task is due, and then does the task
// itself; another one becomes the first when other tasks wait for their time. So there is one
// thread as long as tasks do not meet, and three when they do: two that work and one that waits. A
// task that takes long (a handler of the application, a disk that hangs) keeps no other waiting for
// more than a second: then there is one thread more.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include <safechunk/status.hpp>

#include "base/mutex.h"
#include "engine/worker.h"
#include "platform/clock.h"

namespace safechunk {

// The threads. Threads: every member may be called by any.
class Background : public std::enable_shared_from_this<Background> {
 public:
  using TimePoint = Clock::TimePoint;
  // So many tasks are done at the same time, unless they take longer than kPatience.
  static constexpr std::size_t kAtOnce = 2;
  static constexpr std::chrono::seconds kPatience{1};

  struct Task;

  // Those of this process; or of their own, for a clock of a test.
  static std::shared_ptr<Background> of(Clock& clock, std::int64_t pid);
  explicit Background(Clock& clock) : clock_(clock) {}

  // io_error when the system refuses a thread.
  Status add(const std::shared_ptr<Task>& task) EXCLUDES(mutex_);
  void do_at(Task& task, TimePoint time) EXCLUDES(mutex_);
  // Waits for the end of the task, unless it is the task that calls; and, after the last one, for
  // the end of the threads that do nothing.
  void remove(Task& task) noexcept EXCLUDES(mutex_);

 private:
  struct Thread {
    Worker worker;
    bool busy = false;     // with a task
    bool retired = false;  // somebody waits for its end
  };
  Status start_thread() REQUIRES(mutex_);
  // Another thread becomes the first. Where the system refuses one, a thread that does a task now
  // does the others afterwards.
  void call_another() noexcept REQUIRES(mutex_);
  void run_thread(const std::shared_ptr<Thread>& self) EXCLUDES(mutex_);
  // Lets the mutex go meanwhile.
  void run(std::shared_ptr<Task> task, Thread& self) REQUIRES(mutex_);
  // The one that is due first, of those that are not being done; null when none has a time.
  [[nodiscard]] std::shared_ptr<Task> next() const REQUIRES(mutex_);
  // When a thread may begin with it.
  [[nodiscard]] TimePoint start_of(const Task& task) const REQUIRES(mutex_);
  void leave(const Thread& thread) REQUIRES(mutex_);

  Clock& clock_;

  Mutex mutex_;
  CondVar wake_;   // for the first thread
  CondVar idle_;   // for the others that do nothing
  CondVar ended_;  // a task has been done
  std::vector<std::shared_ptr<Task>> tasks_ GUARDED_BY(mutex_);
  std::list<std::shared_ptr<Thread>> threads_ GUARDED_BY(mutex_);
  const Thread* first_ GUARDED_BY(mutex_) = nullptr;  // null: all that are awake do tasks
  TimePoint first_sleeps_until_ GUARDED_BY(mutex_) = TimePoint::min();  // min: it is awake
};

// What one engine has to do, again and again; one thread at a time does it.
// Threads: start() and stop() are called by one thread at a time, do_at() by any.
class BackgroundTask {
 public:
  using TimePoint = Clock::TimePoint;
  // Does what is due, and says when there is more to do; max: when do_at() says so. It must not
  // throw, and must keep alive what it uses.
  using Body = std::function<TimePoint()>;

  BackgroundTask() = default;
  BackgroundTask(const BackgroundTask&) = delete;
  BackgroundTask& operator=(const BackgroundTask&) = delete;
  ~BackgroundTask() { stop(); }

  // Does nothing before the first do_at(). Errors as Background::add().
  Status start(std::shared_ptr<Background> background, Body body) EXCLUDES(mutex_);
  // The body runs at `time`, instead of when it was to run before; perhaps earlier, when it runs
  // now.
  void do_at(TimePoint time) EXCLUDES(mutex_);
  // Waits for the end of the body when it runs; but the body itself may call it, and then this was
  // its last run. What the body kept alive is let go when both have ended.
  void stop() noexcept EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::shared_ptr<Background> background_ GUARDED_BY(mutex_);
  std::shared_ptr<Background::Task> task_ GUARDED_BY(mutex_);
};

}  // namespace safechunk
