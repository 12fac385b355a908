// Mounts that nobody else sees and that are gone with the process.
#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "support/temporary_folder.h"

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

// A file system in memory, as long as this lives; only after private_mounts() gave no reason.
class MemoryDisk {
 public:
  explicit MemoryDisk(const char* type) {
    if (::mount("none", folder_.path().c_str(), type, 0, nullptr) != 0) {
      throw std::runtime_error(std::string("mount ") + type + ": " + std::strerror(errno));
    }
  }
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;
  ~MemoryDisk() { ::umount2(folder_.path().c_str(), MNT_DETACH); }

  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace safechunk::test
