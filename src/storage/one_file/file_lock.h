// The lock of a file that belongs to another program, and its side folder.
#pragma once

#include <memory>
#include <string>

#include "platform/platform.h"
#include "storage/files/file_place.h"

namespace safechunk {

// A file under an exclusive lock, which every program may take by flock(2). The lock is that of the
// file itself, so that nothing is left behind; it ends when `file` is closed.
struct LockedFile {
  std::unique_ptr<File> file;
  FileInfo info;
};
// Null when somebody else has the lock, or when the name has got another file meanwhile.
// Errors: not_found; permission_denied; unsupported_format where the file system has no locks.
Result<std::unique_ptr<LockedFile>> try_lock_file(const FilePlace& place);

// Makes the side folder if it is missing, for its owner alone, who is that of the file. Its name is
// durable when this returns.
Result<std::unique_ptr<Directory>> open_side_folder(const FilePlace& place, const FileInfo& file);

}  // namespace safechunk
