// A fresh folder for one test, removed afterwards. Paths in it are those of a project: see place.h.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "support/place.h"

namespace safechunk::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "safechunk-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
    make_folder_of_place(path_);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string string() const { return path_.string(); }
  std::filesystem::path operator/(const std::string& name) const { return path_ / lies_at(name); }

 private:
  std::filesystem::path path_;
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

// A file that stands still: written a minute ago. Text that is not JSON is left alone for two
// seconds, because somebody may still be writing it.
//
// It sets both times of the file. std::filesystem::last_write_time() sets one and tells the system
// to omit the other; exfat over FUSE ignores such a call and yet reports success.
inline void write_long_ago(const std::filesystem::path& path, const std::string& bytes) {
  write_file(path, bytes);
  const timespec past{std::time(nullptr) - 60, 0};
  const timespec times[2] = {past, past};
  if (::utimensat(AT_FDCWD, path.c_str(), times, 0) != 0) {
    throw std::runtime_error("cannot set the times of " + path.string());
  }
}

}  // namespace safechunk::test
