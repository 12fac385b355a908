#include "storage/project/deletion.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include "base/chunk_name.h"
#include "base/digest.h"
#include "storage/files/file_rights.h"
#include "storage/files/project_layout.h"
#include "storage/files/stamp.h"
#include "storage/logs/log_successor.h"
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

// --- places beside other programs' files

namespace {

Error about(ErrorCode code, std::string message, std::string path) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  error.path = std::move(path);
  return error;
}

bool is_part_of_side(const std::string& name) {
  return name != layout::kChunks && is_part(name);
}

// What edit_file() has left in the side folder of this file.
bool is_of_edits(const std::string& name, const std::string& file) {
  const std::string backup = layout::backup_file(file);
  return !file.empty() &&
         (name == backup || layout::edit_name_of(name, backup) != layout::EditName::none);
}

Status check_side_folder(Directory& side, const std::string& file) {
  auto names = side.list();
  if (!names) return names.status();
  for (const std::string& name : *names) {
    if (is_of_the_root(name) || is_of_edits(name, file) || is_part_of_side(name)) continue;
    return foreign(side, name);
  }
  for (const Part& part : kParts) {
    if (part.folder == layout::kChunks) continue;
    auto folder = open_part(side, part);
    if (!folder) return folder.status();
    if (*folder == nullptr) continue;
    if (Status status = check_files(**folder, part.is_ours, nullptr); !status) return status;
  }
  return {};
}

// Nobody shall lose what is nowhere else.
Status check_dispensable(Directory& side) {
  for (const char* name : {layout::kCheckpoints, layout::kQuarantine}) {
    auto folder = side.open_directory(name);
    if (folder.code() == ErrorCode::not_found) continue;
    if (!folder) return folder.status();
    auto files = (*folder)->list();
    if (!files) return files.status();
    if (files->empty()) continue;
    return about(ErrorCode::conflict,
                 std::to_string(files->size()) + (files->size() == 1 ? " file" : " files") +
                     " would be gone for ever; look at them first, or use force",
                 side.path() + "/" + name);
  }
  return {};
}

Status remove_stamps(const ProjectLocation& location, Directory& chunks) {
  auto files = chunks.list();
  if (!files) return files.status();
  for (const std::string& name : *files) {
    if (!location.naming.chunk_of(name) && !location.naming.log_of(name)) continue;
    auto file = chunks.open(name, OpenMode::read);
    if (!file) continue;  // what cannot be read has no attribute of ours
    for (const char* attribute : {Stamp::kAttribute, kSuccessorAttribute}) {
      if (!(*file)->attribute(attribute)) continue;
      if (Status removed = (*file)->remove_attribute(attribute); !removed) return removed;
    }
  }
  return {};
}

Status remove_side_folder(Directory& side, const std::string& file) {
  auto names = side.list();
  if (!names) return names.status();
  for (const std::string& name : *names) {
    if (name == layout::kLock || !(is_of_the_root(name) || is_of_edits(name, file))) continue;
    if (Status removed = side.unlink(name); !removed) return removed;
  }
  for (const Part& part : kParts) {
    if (part.folder == layout::kChunks) continue;
    auto folder = open_part(side, part);
    if (!folder) return folder.status();
    if (*folder == nullptr) continue;
    if (Status status = remove_files(**folder, part.is_ours); !status) return status;
    if (Status status = side.remove_directory(part.folder); !status) return status;
  }
  return {};
}

}  // namespace

Status release_place(const ProjectLocation& location, Platform platform, bool force) {
  auto chunks = platform.file_system.open_directory(location.base);
  if (!chunks) return chunks.status();
  auto side = (*chunks)->open_directory(location.root);
  if (side.code() == ErrorCode::not_found) {
    return about(ErrorCode::not_found, "there is no side folder to remove", location.shown_path());
  }
  if (!side) return side.status();
  const std::string& file = location.naming.only_file();
  if (Status status = check_side_folder(**side, file); !status) return status;
  if (!force) {
    if (Status status = check_dispensable(**side); !status) return status;
  }
  auto info = (*side)->stat();
  if (!info) return info.status();
  LockFound found;
  auto lock = ProjectLock::acquire(**side, platform, FileRights(info->permissions), false, found);
  if (!lock) return lock.status();
  // The journal of a dead owner may have updates; an owner that has ended left none.
  Status status = (*side)->stat(layout::kJournal).ok()
                      ? about(ErrorCode::conflict,
                              "updates may be waiting in the journal; open the place once, or run "
                              "'safechunk repair', and they are saved",
                              location.shown_path())
                      : Status();
  if (status.ok()) status = check_side_folder(**side, file);
  if (status.ok()) status = remove_stamps(location, **chunks);
  if (status.ok()) status = remove_side_folder(**side, file);
  const Status released = lock->release();
  if (!status) return status;
  if (!released) return released;
  if (Status removed = (*chunks)->remove_directory(location.root); !removed) return removed;
  return (*chunks)->sync();
}

}  // namespace safechunk
