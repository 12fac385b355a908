#include "storage/chunks/edit_watch.h"

namespace safechunk {
namespace {

bool same_version(const FileInfo& left, const FileInfo& right) {
  return left.same_file(right) && left.size == right.size &&
         left.modified_ns == right.modified_ns && left.changed_ns == right.changed_ns;
}

}  // namespace

bool EditWatch::is_still(const std::string& chunk, const FileInfo& info) {
  const std::int64_t wall = clock_.unix_time_ns();
  const bool in_future = info.modified_ns > wall;
  const auto age =
      std::chrono::nanoseconds(wall - (in_future ? info.changed_ns : info.modified_ns));
  if (age >= kStill) return true;
  const auto now = clock_.now();
  const MutexLock lock(mutex_);
  const auto found = seen_.find(chunk);
  if (found == seen_.end() || !same_version(found->second.info, info)) {
    seen_[chunk] = {info, now};
    return false;
  }
  return now - found->second.since >= kStill;
}

bool EditWatch::should_wait(const std::string& chunk, bool& first) {
  const auto now = clock_.now();
  const MutexLock lock(mutex_);
  const auto [found, fresh] = waiting_.emplace(chunk, now);
  first = fresh;
  return now - found->second < kPatience;
}

bool EditWatch::forget(const std::string& chunk) {
  const MutexLock lock(mutex_);
  seen_.erase(chunk);
  return waiting_.erase(chunk) > 0;
}

}  // namespace safechunk
