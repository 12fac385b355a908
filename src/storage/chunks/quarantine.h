// The folder in which damaged and displaced bytes are kept. Nothing in it is ever overwritten.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "platform/file_system.h"
#include "storage/files/file_rights.h"

namespace safechunk {

// Belongs to the thread that may change the disk: one at a time.
class Quarantine {
 public:
  // The folder is made when it is first needed. `root` must outlive the object.
  Quarantine(Directory& root, const FileRights& rights) : root_(root), rights_(rights) {}

  // Keeps a copy of `bytes`, durably, once per content, readable by its owner only: nobody can tell
  // who else may read damaged bytes. True in `added` the first time that this object
  // keeps it.
  Status preserve(const std::string& file_name, std::string_view bytes, bool& added);

  // The same for a whole file: a second name for it, so that the bytes that a slow program still
  // writes to it are kept, too; a copy of `bytes` where the file system has no links. `name` is set
  // to its name in the quarantine folder, which begins with `as`.
  Status preserve_file(Directory& folder, const std::string& file, const std::string& as,
                       std::string_view bytes, std::string& name, bool& added);

 private:
  Status open();
  Status add(const std::string& name, std::string_view bytes);
  Status add_file(Directory& folder, const std::string& file, const std::string& as,
                  std::string_view bytes, std::string& name, bool& added);

  Directory& root_;
  const FileRights rights_;
  std::unique_ptr<Directory> folder_;
  std::set<std::string> durable_;  // names of files in it that are durable
};

}  // namespace safechunk
