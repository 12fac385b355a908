// FileSystem over Linux and other POSIX systems.

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "platform/platform.h"
#include "platform/posix_descriptor.h"
#include "platform/posix_error.h"
#include "platform/posix_fork.h"

namespace safechunk {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;
constexpr std::size_t kAttributeBytes = 65536;  // the most that Linux allows, for names and values

std::int64_t to_ns(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * kNanoseconds + time.tv_nsec;
}

FileInfo to_info(const struct stat& from) {
  FileInfo info;
  info.type = S_ISREG(from.st_mode)   ? FileType::regular
              : S_ISDIR(from.st_mode) ? FileType::directory
              : S_ISLNK(from.st_mode) ? FileType::symlink
                                      : FileType::other;
  info.size = static_cast<std::uint64_t>(from.st_size);
  info.permissions = {from.st_mode & 07777U, from.st_uid, from.st_gid};
  info.device = from.st_dev;
  info.inode = from.st_ino;
  info.modified_ns = to_ns(from.st_mtim);
  info.changed_ns = to_ns(from.st_ctim);
  return info;
}

Status change_permissions(int descriptor, const Permissions& permissions, const std::string& path) {
  const auto [mode, user, group] = permissions;
  // chown first: it clears set-user-id bits. Who may not give files away may still keep the group.
  constexpr auto kNobody = static_cast<uid_t>(-1);
  if (::fchown(descriptor, user, group) != 0 && ::fchown(descriptor, kNobody, group) != 0 &&
      errno != EPERM && errno != EINVAL && errno != ENOTSUP && errno != ENOSYS) {
    return status_from_errno(errno, "change the owner of", path);
  }
  if (::fchmod(descriptor, static_cast<mode_t>(mode)) != 0 && errno != EPERM && errno != ENOTSUP &&
      errno != ENOSYS) {
    return status_from_errno(errno, "change the mode of", path);
  }
  return {};
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path) : fd_(descriptor), path_(std::move(path)) {}
  ~PosixFile() override {
    if (locked_) forget_on_fork(fd_.get());
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
    ssize_t count = 0;
    do {
      count = ::pread(fd_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    } while (count < 0 && errno == EINTR);
    if (count < 0) return failed("read");
    return static_cast<std::size_t>(count);
  }

  Result<std::size_t> write_at(std::uint64_t offset, std::string_view bytes) override {
    ssize_t count = 0;
    do {
      count = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    } while (count < 0 && errno == EINTR);
    if (count < 0) return failed("write");
    return static_cast<std::size_t>(count);
  }

  Result<Appended> append(std::string_view bytes) override {
    ssize_t count = 0;
    do {
      count = ::write(fd_.get(), bytes.data(), bytes.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) return failed("append to");
    const off_t end = ::lseek(fd_.get(), 0, SEEK_CUR);
    if (end < 0) return failed("find the end of");
    return Appended{static_cast<std::size_t>(count), static_cast<std::uint64_t>(end)};
  }

  Status truncate(std::uint64_t size) override {
    return check(::ftruncate(fd_.get(), static_cast<off_t>(size)), "truncate");
  }

  Status start_writeback() override {
#if defined(SYNC_FILE_RANGE_WRITE)
    // Only a hint: where the file system does not know it, fsync does all the work.
    if (::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE) != 0 && errno != ENOSYS &&
        errno != EINVAL && errno != ESPIPE) {
      return failed("start writing back");
    }
#endif
    return {};
  }

  Status sync() override {
    return check(::fsync(fd_.get()), "fsync");
  }
  Status sync_data() override {
    return check(::fdatasync(fd_.get()), "fdatasync");
  }

  Result<FileInfo> stat() override {
    struct stat buffer {};
    if (::fstat(fd_.get(), &buffer) != 0) return failed("stat");
    return to_info(buffer);
  }

  Status set_permissions(const Permissions& permissions) override {
    return change_permissions(fd_.get(), permissions, path_);
  }

  Result<std::string> attribute(const char* name) override {
    std::string value(256, '\0');
    const ssize_t count = ::fgetxattr(fd_.get(), name, value.data(), value.size());
    if (count < 0) return attribute_error("read an attribute of");
    value.resize(static_cast<std::size_t>(count));
    return value;
  }

  Status set_attribute(const char* name, std::string_view value) override {
    if (::fsetxattr(fd_.get(), name, value.data(), value.size(), 0) != 0) {
      return attribute_error("set an attribute of");
    }
    return {};
  }

  Status remove_attribute(const char* name) override {
    if (::fremovexattr(fd_.get(), name) == 0 || errno == ENODATA || errno == ENOTSUP) return {};
    return attribute_error("remove an attribute of");
  }

  // Others may change them meanwhile: what is gone or has grown is left out.
  Result<Attributes> attributes() override {
    Attributes found;
    std::string names(kAttributeBytes, '\0');
    const ssize_t size = ::flistxattr(fd_.get(), names.data(), names.size());
    if (size < 0 && (errno == ENOTSUP || errno == ENOSYS)) return found;
    if (size < 0) return failed("list the attributes of");
    names.resize(static_cast<std::size_t>(size));
    for (std::size_t at = 0; at < names.size();) {
      const std::string name = names.c_str() + at;
      at += name.size() + 1;
      std::string value(kAttributeBytes, '\0');
      const ssize_t bytes = ::fgetxattr(fd_.get(), name.c_str(), value.data(), value.size());
      if (bytes < 0 && errno == EIO) return failed("read an attribute of");
      if (bytes < 0) continue;
      value.resize(static_cast<std::size_t>(bytes));
      found.emplace_back(name, std::move(value));
    }
    return found;
  }

  Result<bool> try_lock() override {
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return false;
      return failed("lock");
    }
    if (!locked_) close_on_fork(fd_.get());
    locked_ = true;
    return true;
  }

  Result<bool> try_read_lease() override {
#if defined(F_SETLEASE)
    // A lease that is broken sends SIGIO, which would end the process; SIGURG is ignored by
    // default.
    if (::fcntl(fd_.get(), F_SETSIG, SIGURG) == 0 && ::fcntl(fd_.get(), F_SETLEASE, F_RDLCK) == 0) {
      return true;
    }
    if (errno == EAGAIN) return false;
#endif
    return no_leases();
  }

  Result<bool> lease_is_contested() override {
#if defined(F_SETLEASE)
    const int type = ::fcntl(fd_.get(), F_GETLEASE);
    if (type >= 0) return type != F_RDLCK;
#endif
    return no_leases();
  }

  Status close() override {
    if (std::exchange(locked_, false)) forget_on_fork(fd_.get());
    return check(fd_.close(), "close");
  }

 private:
  Status failed(const char* verb) const {
    return status_from_errno(errno, verb, path_);
  }
  Status check(int result, const char* verb) const {
    return result == 0 ? Status() : failed(verb);
  }

  Status no_leases() const {
    Error error = failed("ask for the writers of").error();
    error.code = ErrorCode::unsupported_format;
    return error;
  }

  Status attribute_error(const char* verb) const {
    Error error = failed(verb).error();
    if (error.os_errno == ENODATA) error.code = ErrorCode::not_found;
    if (error.os_errno == ENOTSUP || error.os_errno == ENOSYS || error.os_errno == ERANGE) {
      error.code = ErrorCode::unsupported_format;
    }
    return error;
  }

  Descriptor fd_;
  bool locked_ = false;
  const std::string path_;
};

class PosixDirectory final : public Directory {
 public:
  PosixDirectory(int descriptor, std::string path) : fd_(descriptor), path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const override { return path_; }

  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode,
                                     std::uint32_t permissions) override {
    // O_NONBLOCK so that a FIFO planted under the name cannot hang us; it means nothing for files.
    int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    switch (mode) {
      case OpenMode::read:
        flags |= O_RDONLY;
        break;
      case OpenMode::read_write:
        flags |= O_RDWR;
        break;
      case OpenMode::append:
        flags |= O_RDWR | O_APPEND;
        break;
      case OpenMode::create:
        flags |= O_RDWR | O_CREAT;
        break;
      case OpenMode::create_exclusive:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        break;
    }
    int descriptor = -1;
    do {
      descriptor = ::openat(fd_.get(), name.c_str(), flags, static_cast<mode_t>(permissions));
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return failed("open", name);
    auto file = std::make_unique<PosixFile>(descriptor, join(name));
#if defined(O_NOATIME)
    // Reading back what was just written would make the inode dirty again. Only its owner may ask
    // for that; without it the file is as good.
    if (mode == OpenMode::create_exclusive) (void)::fcntl(descriptor, F_SETFL, O_NOATIME);
#endif
    struct stat buffer {};
    if (::fstat(descriptor, &buffer) != 0) return failed("stat", name);
    if (!S_ISREG(buffer.st_mode)) {
      Error error;
      error.code = ErrorCode::io_error;
      error.message = "not a regular file";
      error.path = join(name);
      return error;
    }
    return std::unique_ptr<File>(std::move(file));
  }

  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    const int descriptor =
        ::openat(fd_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return failed("open the folder", name);
    return std::unique_ptr<Directory>(std::make_unique<PosixDirectory>(descriptor, join(name)));
  }

  Status make_directory(const std::string& name, std::uint32_t permissions) override {
    const int made = ::mkdirat(fd_.get(), name.c_str(), static_cast<mode_t>(permissions));
    return check(made, "create the folder", name);
  }

  Result<FileInfo> stat() override {
    struct stat buffer {};
    if (::fstat(fd_.get(), &buffer) != 0) return status_from_errno(errno, "stat", path_);
    return to_info(buffer);
  }

  Status set_permissions(const Permissions& permissions) override {
    return change_permissions(fd_.get(), permissions, path_);
  }

  Result<FileInfo> stat(const std::string& name) override {
    struct stat buffer {};
    if (::fstatat(fd_.get(), name.c_str(), &buffer, AT_SYMLINK_NOFOLLOW) != 0) {
      return failed("stat", name);
    }
    return to_info(buffer);
  }

  Result<std::vector<std::string>> list() override {
    // A descriptor of its own: readdir moves the offset, which dup(2) would share.
    const int descriptor = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return failed("open", ".");
    DIR* stream = ::fdopendir(descriptor);
    if (stream == nullptr) {
      const Status status = failed("list", ".");
      ::close(descriptor);
      return status;
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> owner(stream, &::closedir);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(stream);
      if (entry == nullptr) break;
      const std::string_view name(entry->d_name);
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return failed("list", ".");
    return names;
  }

  Status rename(const std::string& from, const std::string& to, RenameMode mode) override {
    if (mode == RenameMode::replace) {
      return check(::renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()), "rename", from);
    }
#if defined(RENAME_EXCHANGE)
    const unsigned flags = mode == RenameMode::keep ? RENAME_NOREPLACE : RENAME_EXCHANGE;
    return check(::renameat2(fd_.get(), from.c_str(), fd_.get(), to.c_str(), flags), "rename",
                 from);
#else
    return status_from_errno(ENOSYS, "rename", join(from));
#endif
  }

  Status link(const std::string& from, Directory& target, const std::string& to) override {
    return check(::linkat(fd_.get(), from.c_str(), descriptor_of(target), to.c_str(), 0), "link",
                 from);
  }

  Status unlink(const std::string& name) override {
    return check(::unlinkat(fd_.get(), name.c_str(), 0), "remove", name);
  }

  Status remove_directory(const std::string& name) override {
    return check(::unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR), "remove the folder", name);
  }

  Status sync() override {
    if (::fsync(fd_.get()) != 0) return status_from_errno(errno, "fsync the folder", path_);
    return {};
  }

  Result<SpaceInfo> space() override {
    struct statvfs buffer {};
    if (::fstatvfs(fd_.get(), &buffer) != 0) {
      return status_from_errno(errno, "read the free space of", path_);
    }
    const std::uint64_t block = buffer.f_frsize;
    return SpaceInfo{(buffer.f_blocks - buffer.f_bfree) * block, buffer.f_bavail * block};
  }

 private:
  static int descriptor_of(Directory& directory) {
    return static_cast<PosixDirectory&>(directory).fd_.get();
  }
  [[nodiscard]] std::string join(const std::string& name) const {
    return path_ + "/" + name;
  }
  [[nodiscard]] Status failed(const char* verb, const std::string& name) const {
    return status_from_errno(errno, verb, join(name));
  }
  [[nodiscard]] Status check(int result, const char* verb, const std::string& name) const {
    return result == 0 ? Status() : failed(verb, name);
  }

  Descriptor fd_;
  const std::string path_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::string> absolute_path(const std::string& path) override {
    if (!path.empty() && path.front() == '/') return path;
    const std::unique_ptr<char, void (*)(void*)> current(::getcwd(nullptr, 0), &std::free);
    if (current == nullptr) return status_from_errno(errno, "find the working folder", path);
    std::string absolute(current.get());
    if (path.empty() || path == ".") return absolute;
    if (absolute.back() != '/') absolute += '/';
    return absolute + path;
  }

  Result<std::string> resolved_path(const std::string& absolute) override {
    const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(absolute.c_str(), nullptr),
                                                          &std::free);
    if (resolved == nullptr) return status_from_errno(errno, "find", absolute);
    return std::string(resolved.get());
  }

  Result<std::unique_ptr<Directory>> open_directory(const std::string& absolute) override {
    const int descriptor = ::open(absolute.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return status_from_errno(errno, "open the folder", absolute);
    return std::unique_ptr<Directory>(std::make_unique<PosixDirectory>(descriptor, absolute));
  }

  Result<std::unique_ptr<FolderWatch>> new_watch() override { return new_folder_watch(); }
};

}  // namespace

FileSystem& system_file_system() {
  static PosixFileSystem file_system;
  return file_system;
}

}  // namespace safechunk
