// The seam: everything that the engine does to a disk goes through these three interfaces.
//
// The verbs have POSIX names and POSIX meanings, know nothing of chunks or journals, follow no
// symbolic link in their last component, and never retry, except that an interrupted open, read or
// write (EINTR) is repeated. Every failure is a Status with the errno and the path. Names given to
// a Directory are single components; the Directory itself stays what it was when it was opened,
// whatever happens to its path or to the working folder of the process.
// Setting attributes or permissions, and adding or removing names, leaves the modification time of
// a file alone: a stamp depends on it.
//
// Threads: a File or Directory may be used from several threads at once, as the system calls may.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <safechunk/status.hpp>

#include "platform/folder_watch.h"

namespace safechunk {

// Why a call failed, where the code of the Status does not say it.
bool already_exists(const Status& status);     // the name is taken
bool is_folder(const Status& status);          // it is a folder, and must not be
bool is_no_folder(const Status& status);       // it is something else, and must be a folder
bool has_entries(const Status& status);        // a folder that is not empty
bool has_no_links(const Status& status);       // the file system refuses hard links, here or at all
bool is_unknown_call(const Status& status);    // the system or the file system cannot do that
bool refused_by_system(const Status& status);  // a call of the operating system failed
bool has_no_locks(const Status& status);       // the file system has no flock(2)
// The process or the system has run out of memory or file descriptors: nothing is said about the
// file.
bool lacks_resources(const Status& status);
// A failure that another try, or an hour, does not change: no right, a link, something else than a
// file. Not an error of the device, or a lack of memory or descriptors.
bool will_last(const Status& status);

enum class FileType { regular, directory, symlink, other };

// Who may do what with a file. Opaque above the platform: taken from one file, given to another.
struct Permissions {
  std::uint32_t mode = 0;  // permission bits only
  std::uint32_t user = 0;
  std::uint32_t group = 0;

  // The mode for a new file that shall get these permissions in the end, but must be written first.
  [[nodiscard]] std::uint32_t while_writing() const { return mode | 0200U; }
  friend bool operator==(const Permissions&, const Permissions&) = default;
};

struct FileInfo {
  FileType type = FileType::regular;
  std::uint64_t size = 0;
  Permissions permissions;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t modified_ns = 0;  // since 1970, as st_mtim
  std::int64_t changed_ns = 0;   // as st_ctim

  // True when both describe one file, whatever its names are.
  [[nodiscard]] bool same_file(const FileInfo& other) const {
    return device == other.device && inode == other.inode;
  }
};

enum class OpenMode {
  read,              // must exist
  read_write,        // must exist
  append,            // must exist; read, append() and truncate(), but no write_at()
  create,            // read and write; created when missing
  create_exclusive,  // read and write; fails with EEXIST when anything has the name
};

enum class RenameMode {
  replace,   // what has the new name loses it
  keep,      // fails with EEXIST when anything has the new name
  exchange,  // the two files change their names at one instant; both must be there
};

struct SpaceInfo {
  std::uint64_t used_bytes = 0;
  std::uint64_t available_bytes = 0;  // to this user
};

class File {
 public:
  virtual ~File() = default;  // closes; a failure to close is seen only through close()

  // pread(2), pwrite(2): the count may be short; 0 from read_at means end of file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) = 0;
  virtual Result<std::size_t> write_at(std::uint64_t offset, std::string_view bytes) = 0;
  // write(2) of a file opened with OpenMode::append: at the end, whatever other programs append
  // meanwhile. The count may be short.
  struct Appended {
    std::size_t count = 0;
    std::uint64_t end = 0;  // the offset behind the bytes
  };
  virtual Result<Appended> append(std::string_view bytes) = 0;
  virtual Status truncate(std::uint64_t size) = 0;
  // Starts writing dirty pages back without waiting (sync_file_range). Promises nothing.
  virtual Status start_writeback() = 0;
  virtual Status sync() = 0;       // fsync(2)
  virtual Status sync_data() = 0;  // fdatasync(2)
  virtual Result<FileInfo> stat() = 0;
  // chmod, and chown where it is permitted (a refused chown is not an error).
  virtual Status set_permissions(const Permissions& permissions) = 0;
  // Extended attribute. attribute() gives not_found when there is none; both give
  // unsupported_format when the file system has no extended attributes.
  virtual Result<std::string> attribute(const char* name) = 0;
  virtual Status set_attribute(const char* name, std::string_view value) = 0;
  // All that this process may read, with their values; ACLs are among them. Empty where there is no
  // such thing.
  using Attributes = std::vector<std::pair<std::string, std::string>>;
  virtual Result<Attributes> attributes() { return Attributes(); }
  virtual Status remove_attribute(const char* /*name*/) { return {}; }  // ok when there is none
  // Exclusive advisory lock of this open file, released by close or by the end of the process;
  // false when somebody else holds it. A forked child does not keep it.
  virtual Result<bool> try_lock() = 0;
  // A read lease: true when no program has the file open for writing; from then on a program that
  // wants to waits until this file is closed. False when some program has it open for writing.
  // unsupported_format where the system cannot tell (another user's file, no such file system).
  virtual Result<bool> try_read_lease() = 0;
  // Whether a program has begun to wait since try_read_lease() succeeded.
  virtual Result<bool> lease_is_contested() = 0;
  virtual Status close() = 0;  // idempotent; ends the lease
};

class Directory {
 public:
  virtual ~Directory() = default;

  [[nodiscard]] virtual const std::string& path() const = 0;  // for messages only
  // Opening anything but a regular file fails with io_error, at once, also for a FIFO.
  virtual Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode,
                                             std::uint32_t permissions = 0666) = 0;
  virtual Result<std::unique_ptr<Directory>> open_directory(const std::string& name) = 0;
  // EEXIST is an error.
  virtual Status make_directory(const std::string& name, std::uint32_t permissions = 0777) = 0;
  virtual Result<FileInfo> stat(const std::string& name) = 0;  // lstat(2)
  virtual Result<FileInfo> stat() = 0;                         // of the folder itself
  // As File::set_permissions(), for the folder itself.
  virtual Status set_permissions(const Permissions& permissions) = 0;
  virtual Result<std::vector<std::string>> list() = 0;  // without . and .., in any order
  // renameat2(2) in this folder. is_unknown_call() where it knows only RenameMode::replace.
  virtual Status rename(const std::string& from, const std::string& to, RenameMode mode) = 0;
  Status rename(const std::string& from, const std::string& to) {
    return rename(from, to, RenameMode::replace);
  }
  virtual Status link(const std::string& from, Directory& target, const std::string& to) = 0;
  virtual Status unlink(const std::string& name) = 0;
  virtual Status remove_directory(const std::string& name) = 0;
  virtual Status sync() = 0;  // fsync(2) of the folder
  virtual Result<SpaceInfo> space() = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The absolute form of `path` against the working folder of this moment; nothing is resolved.
  virtual Result<std::string> absolute_path(const std::string& path) = 0;
  // The path of the file or folder that `absolute` leads to, through all links. not_found when it
  // leads to nothing.
  virtual Result<std::string> resolved_path(const std::string& absolute) { return absolute; }
  virtual Result<std::unique_ptr<Directory>> open_directory(const std::string& absolute) = 0;
  // Hears of changes to files; unsupported_format where nothing tells of them.
  virtual Result<std::unique_ptr<FolderWatch>> new_watch() {
    return Status(ErrorCode::unsupported_format, "nothing tells of changes to files");
  }
};

}  // namespace safechunk
