// Waiting for the lock of a project.
#pragma once

#include <chrono>

#include "storage/project/lock.h"

namespace safechunk {

// As ProjectLock::acquire(), and tries again until `timeout` has passed; then `locked`.
// Who gives the lock back and wants it again lets one that waits go first, so that nobody waits for
// ever: who waits next holds the lock of the file `.lock.next` meanwhile. That is a courtesy; who
// does not get it, because its holder is stopped, say, tries the project's lock all the same, less
// often.
Result<ProjectLock> wait_for_lock(Directory& root, Platform platform, const FileRights& rights,
                                  bool weak_allowed, std::chrono::milliseconds timeout,
                                  LockFound& found);

}  // namespace safechunk
