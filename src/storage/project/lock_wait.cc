#include "storage/project/lock_wait.h"

#include <algorithm>

#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

using std::chrono::microseconds;

// Who is next looks often, so that the lock is not free for long: after each eighth of the time
// that it has waited.
constexpr microseconds kFirstPause{100};
constexpr microseconds kLongestPause{2000};
constexpr int kEighth = 8;
// The others; with as much again by chance, so that they do not come together.
constexpr microseconds kPauseOfOthers{1000};

void pause(Clock& clock, Clock::TimePoint until) {
  CondVar nobody;
  Mutex mutex;
  const MutexLock lock(mutex);
  while (clock.now() < until) clock.wait_until(nobody, mutex, until);
}

// The place of the one who is next; null when somebody else has it. Trouble with it is no reason
// not to write.
std::unique_ptr<File> take_next_place(Directory& root, const FileRights& rights) {
  auto file = root.open(layout::kLockNext, OpenMode::create, rights.mode_of_new_file(0666));
  if (!file) return nullptr;
  auto held = (*file)->try_lock();
  return held && *held ? *std::move(file) : nullptr;
}

Status after_waiting(const Status& locked, std::chrono::milliseconds timeout) {
  Error error = locked.error();
  error.message += "; waited " + std::to_string(timeout.count()) + " ms (lock_timeout)";
  return error;
}

}  // namespace

Result<ProjectLock> wait_for_lock(Directory& root, Platform platform, const FileRights& rights,
                                  bool weak_allowed, std::chrono::milliseconds timeout,
                                  LockFound& found) {
  if (timeout.count() <= 0) {
    return ProjectLock::acquire(root, platform, rights, weak_allowed, found);
  }
  Clock& clock = platform.clock;
  const auto began = clock.now();
  const auto deadline = began + timeout;
  std::unique_ptr<File> next;
  for (bool first = true;; first = false) {
    if (next == nullptr) next = take_next_place(root, rights);
    if (next != nullptr || !first) {
      auto lock = ProjectLock::acquire(root, platform, rights, weak_allowed, found);
      if (lock.code() != ErrorCode::locked) return lock;
      if (clock.now() >= deadline) return after_waiting(lock.status(), timeout);
    }
    const auto waited = std::chrono::duration_cast<microseconds>(clock.now() - began);
    microseconds wait = std::clamp(waited / kEighth, kFirstPause, kLongestPause);
    if (next == nullptr) {
      const auto by_chance =
          platform.process.random_token() % static_cast<std::uint64_t>(kPauseOfOthers.count());
      wait = kPauseOfOthers + microseconds(by_chance);
    }
    pause(clock, std::min(deadline, clock.now() + wait));
  }
}

}  // namespace safechunk
