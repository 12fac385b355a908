// Everything that a program can see of a folder, but for the times of reading.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <string>

#include "support/temporary_folder.h"

namespace safechunk::test {

// Path -> inode, type and mode, owner, links, size, times of change in nanoseconds, and contents.
inline std::map<std::string, std::string> listing_of(const std::filesystem::path& root) {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> listing;
  const auto add = [&](const fs::path& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return;
    const auto nanoseconds = [](const timespec& time) {
      return std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec);
    };
    std::string& line = listing[path.string()];
    line = "inode " + std::to_string(info.st_ino) + " mode " + std::to_string(info.st_mode) +
           " owner " + std::to_string(info.st_uid) + ":" + std::to_string(info.st_gid) + " links " +
           std::to_string(info.st_nlink) + " size " + std::to_string(info.st_size) + " modified " +
           nanoseconds(info.st_mtim) + " changed " + nanoseconds(info.st_ctim);
    if (S_ISREG(info.st_mode)) line += " contents " + read_file(path);
    if (S_ISLNK(info.st_mode)) line += " to " + fs::read_symlink(path).string();
  };
  add(root);
  for (const auto& entry : fs::recursive_directory_iterator(root)) add(entry.path());
  return listing;
}

}  // namespace safechunk::test
