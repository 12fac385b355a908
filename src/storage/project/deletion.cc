#include "storage/project/deletion.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include "base/chunk_name.h"
#include "base/digest.h"
#include "storage/files/file_rights.h"
#include "storage/files/project_layout.h"
#include "storage/project/lock.h"

namespace safechunk {
namespace {

using IsOurs = bool (*)(const std::string& name);

bool is_chunk(const std::string& name) {
  return layout::chunk_of_file(name) || layout::log_of_file(name) ||
         layout::chunk_of_displaced(name) || layout::is_own_temporary(name);
}
bool is_backup(const std::string& name) {
  return layout::chunk_of_backup(name) || layout::is_own_temporary(name);
}
bool is_checkpoint(const std::string& name) {
  return layout::parse_any_checkpoint(name) || layout::is_own_temporary(name);
}
bool is_evidence(const std::string& name) {  // NAME.DIGEST
  const std::size_t dot = name.rfind('.');
  return layout::is_own_temporary(name) ||
         (dot != std::string::npos && Digest::from_hex(std::string_view(name).substr(dot + 1)));
}
bool is_of_the_root(const std::string& name) {
  static constexpr std::array<const char*, 4> kFiles = {layout::kLock, layout::kLockNext,
                                                        layout::kJournal, layout::kChanges};
  return std::ranges::find(kFiles, name) != kFiles.end() || layout::is_own_temporary(name);
}

struct Part {
  const char* folder;
  IsOurs is_ours;
};
// In the order in which they are removed: never chunks whose backups would bring them back. While
// there is chunks/, it is a project, and deleting it may be tried again.
constexpr std::array<Part, 4> kParts = {{{layout::kCheckpoints, is_checkpoint},
                                         {layout::kQuarantine, is_evidence},
                                         {layout::kBackups, is_backup},
                                         {layout::kChunks, is_chunk}}};

Status foreign(const Directory& folder, const std::string& name) {
  Error error;
  error.code = ErrorCode::unsupported_format;
  error.message = "not a file of the engine: the project is not deleted while this is in it";
  error.path = folder.path() + "/" + name;
  return error;
}

// Null when there is none.
Result<std::unique_ptr<Directory>> open_part(Directory& root, const Part& part) {
  auto folder = root.open_directory(part.folder);
  if (folder.code() == ErrorCode::not_found) return std::unique_ptr<Directory>();
  return folder;
}

Status check_files(Directory& folder, IsOurs is_ours,
                   const std::function<bool(const std::string&)>& is_known_folder) {
  auto names = folder.list();
  if (!names) return names.status();
  for (const std::string& name : *names) {
    if (is_known_folder && is_known_folder(name)) continue;
    auto info = folder.stat(name);
    if (!info) return info.status();
    if (!is_ours(name) || info->type != FileType::regular) return foreign(folder, name);
  }
  return {};
}

bool is_part(const std::string& name) {
  return std::ranges::find(kParts, name, [](const Part& part) { return part.folder; }) !=
         kParts.end();
}

Status check_all(Directory& root) {
  if (Status status = check_files(root, is_of_the_root, is_part); !status) return status;
  for (const Part& part : kParts) {
    auto folder = open_part(root, part);
    if (!folder) {
      return is_no_folder(folder.status()) ? foreign(root, part.folder) : folder.status();
    }
    if (*folder == nullptr) continue;
    if (Status status = check_files(**folder, part.is_ours, nullptr); !status) return status;
  }
  return {};
}

Status remove_files(Directory& folder, IsOurs is_ours) {
  auto names = folder.list();
  if (!names) return names.status();
  for (const std::string& name : *names) {
    if (!is_ours(name)) continue;  // came meanwhile: then the folder stays
    if (Status status = folder.unlink(name); !status) return status;
  }
  return {};
}

Status remove_all(Directory& root) {
  const auto is_no_lock = [](const std::string& name) {
    return is_of_the_root(name) && name != layout::kLock;
  };
  if (Status status = remove_files(root, is_no_lock); !status) return status;
  for (const Part& part : kParts) {
    auto folder = open_part(root, part);
    if (!folder) return folder.status();
    if (*folder == nullptr) continue;
    if (Status status = remove_files(**folder, part.is_ours); !status) return status;
    if (Status status = root.remove_directory(part.folder); !status) return status;
    if (Status status = root.sync(); !status) return status;
  }
  return {};
}

bool is_project(Directory& base, const std::string& name) {
  if (!check_name(name, "project id")) return false;
  auto root = base.open_directory(name);
  if (!root) return false;
  auto chunks = (*root)->stat(layout::kChunks);
  return chunks && chunks->type == FileType::directory;
}

}  // namespace

Result<std::vector<std::string>> list_projects(Directory& base) {
  auto names = base.list();
  if (!names) return names.status();
  std::erase_if(*names, [&](const std::string& name) { return !is_project(base, name); });
  std::ranges::sort(*names);
  return names;
}

Status delete_project(Directory& base, const std::string& name, Platform platform) {
  if (!is_project(base, name)) {
    Error error;
    error.code = ErrorCode::not_found;
    error.message = "there is no such project";
    error.path = base.path() + "/" + name;
    return error;
  }
  auto root = base.open_directory(name);
  if (!root) return root.status();
  // Before there is a lock file, so that a refusal changes nothing.
  if (Status status = check_all(**root); !status) return status;
  auto info = (*root)->stat();
  if (!info) return info.status();
  LockFound found;
  auto lock = ProjectLock::acquire(**root, platform, FileRights(info->permissions), false, found);
  if (!lock) return lock.status();
  Status status = check_all(**root);
  if (status.ok()) status = remove_all(**root);
  const Status released = lock->release();
  if (!status) return status;
  if (!released) return released;
  if (Status removed = base.remove_directory(name); !removed) return removed;
  return base.sync();
}

}  // namespace safechunk
