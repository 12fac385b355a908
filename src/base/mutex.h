// Mutexes that clang's -Wthread-safety checks: a member says which mutex guards it, a function says
// which mutexes it needs, and the compiler refuses code that does otherwise. Other compilers see
// nothing of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define SAFECHUNK_ANNOTATE(x) __attribute__((x))
#else
#define SAFECHUNK_ANNOTATE(x)
#endif
#define CAPABILITY(x) SAFECHUNK_ANNOTATE(capability(x))
#define SCOPED_CAPABILITY SAFECHUNK_ANNOTATE(scoped_lockable)
#define GUARDED_BY(x) SAFECHUNK_ANNOTATE(guarded_by(x))
#define PT_GUARDED_BY(x) SAFECHUNK_ANNOTATE(pt_guarded_by(x))
#define REQUIRES(...) SAFECHUNK_ANNOTATE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) SAFECHUNK_ANNOTATE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) SAFECHUNK_ANNOTATE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) SAFECHUNK_ANNOTATE(release_capability(__VA_ARGS__))
#define ACQUIRED_BEFORE(...) SAFECHUNK_ANNOTATE(acquired_before(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS SAFECHUNK_ANNOTATE(no_thread_safety_analysis)

namespace safechunk {

class CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a mutex until the end of its scope; may let it go and take it again in between.
class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() RELEASE() {
    if (held_) mutex_.unlock();
  }
  void lock() ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }
  void unlock() RELEASE() {
    held_ = false;
    mutex_.unlock();
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

// Waits may end without a notification: wait in a loop that asks for the condition.
class CondVar {
 public:
  void wait(Mutex& mutex) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  void wait_until(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
      REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait_until(lock, deadline);
    lock.release();
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace safechunk
