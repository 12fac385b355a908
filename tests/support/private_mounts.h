// Mounts that nobody else sees and that are gone with the process.
#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace safechunk::test {

// Enters a mount namespace of our own, once. Gives the reason why not, or nothing. Needs root or
// CAP_SYS_ADMIN.
inline const std::string& private_mounts() {
  static const std::string reason = [] {
    if (::unshare(CLONE_NEWNS) != 0) return std::string("unshare: ") + std::strerror(errno);
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      return std::string("mount: ") + std::strerror(errno);
    }
    return std::string();
  }();
  return reason;
}

}  // namespace safechunk::test
