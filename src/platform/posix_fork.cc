#include "platform/posix_fork.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace safechunk {
namespace {

// Never destroyed: engines with static lifetime may outlive any order of destruction.
struct Registry {
  std::mutex mutex;
  std::vector<int> descriptors;
};

Registry& registry() {
  static Registry* const instance = new Registry;
  return *instance;
}

void before_fork() {
  registry().mutex.lock();
}
void in_parent() {
  registry().mutex.unlock();
}

void in_child() {
  for (const int descriptor : registry().descriptors) ::close(descriptor);
  registry().descriptors.clear();
  registry().mutex.unlock();
}

}  // namespace

void close_on_fork(int descriptor) {
  // Fails only for lack of memory at the first call; the lock then merely outlives us in a child.
  [[maybe_unused]] static const int registered = ::pthread_atfork(before_fork, in_parent, in_child);
  const std::lock_guard lock(registry().mutex);
  registry().descriptors.push_back(descriptor);
}

void forget_on_fork(int descriptor) {
  const std::lock_guard lock(registry().mutex);
  std::erase(registry().descriptors, descriptor);
}

}  // namespace safechunk
