#include <safechunk/maintenance.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>

#include "api/encoding.h"
#include "base/chunk_name.h"
#include "platform/platform.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"
#include "storage/journal/journal_record.h"
#include "storage/project/deletion.h"
#include "storage/project/location.h"
#include "storage/project/lock.h"

namespace safechunk {
namespace {

using Folder = std::unique_ptr<Directory>;

Result<Folder> open_root(const std::string& project_id, const std::string& base_dir,
                         PlaceKind place = PlaceKind::project) {
  return safechunk::open_root(system_platform().file_system, project_id, base_dir, place);
}

Result<Folder> open_base(const std::string& base_dir) {
  FileSystem& file_system = system_platform().file_system;
  auto base = file_system.absolute_path(base_dir);
  if (!base) return base.status();
  return file_system.open_directory(*base);
}

// Null when there is no such folder yet.
Result<Folder> open_quarantine(const std::string& project_id, const std::string& base_dir,
                               PlaceKind place) {
  auto root = open_root(project_id, base_dir, place);
  if (!root) return root;
  auto folder = (*root)->open_directory(layout::kQuarantine);
  if (folder.code() == ErrorCode::not_found) return Folder();
  return folder;
}

Status check_file_name(std::string_view name) {
  const bool plain = !name.empty() && name != "." && name != ".." &&
                     name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
  if (plain) return {};
  return Status(ErrorCode::invalid_name, "the name of a file in quarantine is no plain file name");
}

Status no_such_file(std::string_view name) {
  Error error;
  error.code = ErrorCode::not_found;
  error.message = "there is no such file in quarantine";
  error.path = name;
  return error;
}

bool is_of_a_project(const std::string& name) {
  // A process that waits for its turn may have been here first.
  static constexpr std::array<const char*, 7> kNames = {
      layout::kChunks,  layout::kBackups, layout::kCheckpoints, layout::kQuarantine,
      layout::kJournal, layout::kLock,    layout::kLockNext};
  return std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace

Status check_update(std::string_view json_text, std::string_view chunk) {
  JournalRecord record;
  return put_text(record, json_text, chunk);
}

Result<FolderContent> inspect_folder(const std::string& project_id, const std::string& base_dir) {
  auto root = open_root(project_id, base_dir);
  if (root.code() == ErrorCode::not_found) return FolderContent::missing;
  if (is_no_folder(root.status())) return FolderContent::foreign;
  if (!root) return root.status();
  auto names = (*root)->list();
  if (!names) return names.status();
  if (names->empty()) return FolderContent::empty;
  return std::ranges::any_of(*names, is_of_a_project) ? FolderContent::project
                                                      : FolderContent::foreign;
}

Result<std::vector<std::string>> list_projects(const std::string& base_dir) {
  auto base = open_base(base_dir);
  return base ? list_projects(**base) : base.status();
}

Result<std::optional<OwnerInfo>> find_owner(const std::string& project_id,
                                            const std::string& base_dir, PlaceKind place) {
  auto root = open_root(project_id, base_dir, place);
  if (!root) return root.status();
  if (!ProjectLock::may_be_held(**root, system_platform().process)) {
    return std::optional<OwnerInfo>();
  }
  return ProjectLock::peek(**root);
}

Status delete_project(const std::string& project_id, const std::string& base_dir) {
  if (Status status = check_name(project_id, "project id"); !status) return status;
  auto base = open_base(base_dir);
  return base ? delete_project(**base, project_id, system_platform()) : base.status();
}

std::string name_of_file_chunk(const std::string& file_name) {
  return ChunkNaming::only(file_name).only_chunk();
}

Status release_place(const std::string& path, PlaceKind place, bool force) {
  const Platform platform = system_platform();
  if (place == PlaceKind::project) {
    return Status(ErrorCode::invalid_argument, "a project is deleted, and not released");
  }
  EngineOptions options;
  options.place = place;
  auto location = locate_project(platform.file_system, path, options);
  return location ? release_place(*location, platform, force) : location.status();
}

Result<std::vector<QuarantinedFile>> list_quarantine(const std::string& project_id,
                                                     const std::string& base_dir, PlaceKind place) {
  std::vector<QuarantinedFile> files;
  auto folder = open_quarantine(project_id, base_dir, place);
  if (!folder) return folder.status();
  if (*folder == nullptr) return files;
  auto names = (*folder)->list();
  if (!names) return names.status();
  for (std::string& name : *names) {
    auto info = (*folder)->stat(name);
    if (info.code() == ErrorCode::not_found) continue;  // removed meanwhile
    if (!info) return info.status();
    constexpr double kNanoseconds = 1e9;
    files.push_back(
        {std::move(name), info->size, static_cast<double>(info->modified_ns) / kNanoseconds});
  }
  std::ranges::sort(files, [](const QuarantinedFile& left, const QuarantinedFile& right) {
    return left.modified != right.modified ? left.modified > right.modified
                                           : left.name < right.name;
  });
  return files;
}

Result<std::string> read_quarantined(const std::string& project_id, const std::string& base_dir,
                                     std::string_view name, PlaceKind place) {
  if (Status status = check_file_name(name); !status) return status;
  auto folder = open_quarantine(project_id, base_dir, place);
  if (!folder) return folder.status();
  if (*folder == nullptr) return no_such_file(name);
  auto file = (*folder)->open(std::string(name), OpenMode::read);
  if (file.code() == ErrorCode::not_found) return no_such_file(name);
  if (!file) return file.status();
  return read_all(**file, std::numeric_limits<std::uint64_t>::max());
}

Status remove_quarantined(const std::string& project_id, const std::string& base_dir,
                          std::string_view name, PlaceKind place) {
  if (Status status = check_file_name(name); !status) return status;
  auto folder = open_quarantine(project_id, base_dir, place);
  if (!folder) return folder.status();
  if (*folder == nullptr) return no_such_file(name);
  Status removed = (*folder)->unlink(std::string(name));
  if (removed.code() == ErrorCode::not_found) return no_such_file(name);
  return removed.ok() ? (*folder)->sync() : removed;
}

}  // namespace safechunk
