#include "storage/project/neighbours.h"

#include <string>

#include "storage/files/project_layout.h"
#include "storage/project/lock.h"

namespace safechunk {
namespace {

bool has_backups(Directory& root) {
  return root.stat(layout::kBackups).ok();
}

Status check_file(const ProjectFolders& folders, Process& process) {
  auto root = folders.chunks->open_directory(layout::kSideFolder);
  if (!root) return {};
  if (!has_backups(**root) && !ProjectLock::may_be_held(**root, process)) return {};
  Error error;
  error.code = ErrorCode::conflict;
  error.message =
      "the folder of this file is a place of its own, and the file is a chunk of it: use the "
      "folder "
      "(in_place()), or release that first ('safechunk adopt --release')";
  error.path = folders.chunks->path() + "/" + layout::kSideFolder;
  return error;
}

Status check_folder(const ProjectFolders& folders, Process& process) {
  auto names = folders.chunks->list();
  if (!names) return names.status();
  for (const std::string& name : *names) {
    if (!layout::is_side_folder(name)) continue;
    auto root = folders.chunks->open_directory(name);
    if (!root) continue;
    const bool is_held = ProjectLock::may_be_held(**root, process);
    if (!is_held && !has_backups(**root)) continue;  // that of edit_file()
    Error error;
    error.code = is_held ? ErrorCode::locked : ErrorCode::conflict;
    error.message = is_held ? "a file of this folder is open as a place of its own"
                            : "a file of this folder is a place of its own; release it first "
                              "('safechunk adopt --release')";
    error.path = folders.chunks->path() + "/" + name;
    return error;
  }
  return {};
}

}  // namespace

Status check_alone(const ProjectFolders& folders, Process& process) {
  if (!folders.naming.only_file().empty()) return check_file(folders, process);
  return has_backups(*folders.root) ? Status() : check_folder(folders, process);
}

}  // namespace safechunk
