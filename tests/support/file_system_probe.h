// What the file system under the temporary folder can do, found by trying: never by its name.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "support/temporary_folder.h"

namespace safechunk::test {

inline bool can_link() {
  const TemporaryFolder folder;
  write_file(folder / "a", "x");
  return ::link((folder / "a").c_str(), (folder / "b").c_str()) == 0;
}

inline bool can_symlink() {
  const TemporaryFolder folder;
  return ::symlink("a", (folder / "b").c_str()) == 0;
}

inline bool can_make_fifos() {
  const TemporaryFolder folder;
  return ::mkfifo((folder / "a").c_str(), 0600) == 0;
}

// Modes, which imply owners.
inline bool keeps_modes() {
  const TemporaryFolder folder;
  write_file(folder / "a", "x");
  struct stat info {};
  return ::chmod((folder / "a").c_str(), 0604) == 0 && ::stat((folder / "a").c_str(), &info) == 0 &&
         (info.st_mode & 07777U) == 0604U;
}

inline bool keeps_attributes() {
  const TemporaryFolder folder;
  write_file(folder / "a", "x");
  return ::setxattr((folder / "a").c_str(), "user.probe", "1", 1, 0) == 0;
}

// Whether two names can be exchanged in one step.
inline bool can_exchange() {
#if defined(RENAME_EXCHANGE)
  const TemporaryFolder folder;
  write_file(folder / "a", "x");
  write_file(folder / "b", "x");
  return ::renameat2(AT_FDCWD, (folder / "a").c_str(), AT_FDCWD, (folder / "b").c_str(),
                     RENAME_EXCHANGE) == 0;
#else
  return false;
#endif
}

// Windows has names of devices, such as CON, that some file systems refuse.
inline bool takes_device_names() {
  const TemporaryFolder folder;
  std::ofstream file(folder / "con.json");
  return file.is_open();
}

// Whether a reader finds a file at a name at every instant while others are renamed over it.
// Drivers in user space may not keep that: the name is found, then the file is gone before it is
// opened.
inline bool replaces_names_atomically() {
  constexpr int kRenames = 300;  // one in three is noticed where it is not so
  const TemporaryFolder folder;
  write_file(folder / "a", "x");
  std::atomic<bool> done = false;
  std::thread writer([&] {
    std::error_code failed;
    for (int i = 0; i < kRenames && !failed; ++i) {
      std::ofstream(folder / "b") << "x";
      std::filesystem::rename(folder / "b", folder / "a", failed);
    }
    done = true;
  });
  bool always = true;
  while (!done) always = std::ifstream(folder / "a").is_open() && always;
  writer.join();
  return always;
}

}  // namespace safechunk::test
