// Real file systems on loop devices.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "support/setting.h"
#include "support/temporary_folder.h"

namespace safechunk::test {

// Runs a command of the system; its output is shown when it fails.
inline void run(const std::string& command) {
  const TemporaryFolder folder;
  const std::string log = (folder / "log").string();
  const int status = std::system((command + " >" + log + " 2>&1").c_str());
  if (status != 0) throw std::runtime_error(command + ": " + read_file(log));
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC)) {
    if (fd_ < 0) throw std::runtime_error("cannot open " + path.string());
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd_); }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

struct RealFileSystem {
  const char* name;
  const char* type;
  const char* mkfs;
  const char* options;
};

inline constexpr const char* kMakeExt4 =
    "mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0";
inline constexpr RealFileSystem kExt4Ordered = {"ext4_ordered", "ext4", kMakeExt4, "data=ordered"};
inline constexpr RealFileSystem kExt4Writeback = {"ext4_writeback", "ext4", kMakeExt4,
                                                  "data=writeback,noauto_da_alloc"};
inline constexpr RealFileSystem kXfs = {"xfs", "xfs", "mkfs.xfs -q -f -K", ""};
inline constexpr RealFileSystem kBtrfs = {"btrfs", "btrfs", "mkfs.btrfs -q -f -K", ""};

// An image file or a device, mounted as long as this lives.
class Mounted {
 public:
  Mounted(const std::string& device, const std::string& type, const std::string& options) {
    run("mount -t " + type + " -o loop" + (options.empty() ? "" : "," + options) + " " + device +
        " " + folder_.string());
  }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;
  ~Mounted() {
    // Not lazily: its writes must not reach the next mount.
    if (::umount2(folder_.path().c_str(), 0) != 0) {
      ADD_FAILURE() << "umount: " << std::strerror(errno);
    }
  }
  [[nodiscard]] std::string path() const { return folder_.string(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace safechunk::test
