#include "floor/floor_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/bench.h"

namespace bench {

Fd::~Fd() {
  if (number_ >= 0) ::close(number_);
}

void Fd::close() {
  check(::close(number_), "close");
  number_ = -1;
}

Fd open_folder(const std::string& path) {
  return Fd(check(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path.c_str()));
}

void make_folder(const std::string& path) {
  check(::mkdir(path.c_str(), 0777), path.c_str());
}

Fd create(const Fd& folder, const std::string& name) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  return Fd(check(::openat(folder.get(), name.c_str(), kFlags, 0666), name.c_str()));
}

void write_all(const Fd& file, std::string_view bytes) {
  write_all_at(file, bytes, 0);
}

void write_all_at(const Fd& file, std::string_view bytes, std::size_t offset) {
  while (!bytes.empty()) {
    const long written = check(
        ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)), "write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::size_t>(written);
  }
}

void sync(const Fd& file) {
  check(::fsync(file.get()), "fsync");
}

void sync_data(const Fd& file) {
  check(::fdatasync(file.get()), "fdatasync");
}

void rename_in(const Fd& folder, const std::string& from, const std::string& to) {
  check(::renameat(folder.get(), from.c_str(), folder.get(), to.c_str()), "rename");
}

void link_to(const Fd& from_folder, const std::string& from, const Fd& to_folder,
             const std::string& to) {
  check(::linkat(from_folder.get(), from.c_str(), to_folder.get(), to.c_str(), 0), "link");
}

void remove_if_there(const Fd& folder, const std::string& name) {
  if (::unlinkat(folder.get(), name.c_str(), 0) != 0)
    require(errno == ENOENT, "cannot remove " + name);
}

std::size_t list(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  require(folder != nullptr, "cannot list " + path);
  std::size_t count = 0;
  errno = 0;
  while (::readdir(folder) != nullptr) ++count;
  require(errno == 0, "cannot list " + path);
  check(::closedir(folder), "closedir");
  return count;
}

}  // namespace bench
