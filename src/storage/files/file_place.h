// Where a file is that belongs to another program.
#pragma once

#include <memory>
#include <string>

#include <safechunk/status.hpp>

#include "platform/file_system.h"

namespace safechunk {

struct FilePlace {
  std::unique_ptr<Directory> folder;
  std::string name;
  bool missing = false;  // there is no such file; the folder is where it would be

  [[nodiscard]] std::string path() const;
};

// Follows links. Errors: not_found when the folder is missing, or a link leads to nothing; io_error
// when it is something else than a file; permission_denied.
Result<FilePlace> find_file(FileSystem& file_system, const std::string& path);

}  // namespace safechunk
