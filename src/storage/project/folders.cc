#include "storage/project/folders.h"

#include "json/comments.h"
#include "json/encoding.h"
#include "storage/files/inspection.h"
#include "storage/files/project_layout.h"
#include "storage/project/foreign_layout.h"

namespace safechunk {
namespace {

// Creates `name` in `parent` unless it exists. Durable, or not there.
Status ensure_durable_directory(Directory& parent, const std::string& name,
                                const FileRights& rights) {
  Status made = parent.make_directory(name, rights.mode_of_new_folder());
  if (!made) return already_exists(made) ? Status() : made;
  Status durable = sync_folder(parent);
  // Or the next attach would take it for durable; the error of the fsync matters more.
  if (!durable) (void)parent.remove_directory(name);
  return durable;
}

}  // namespace

Result<std::unique_ptr<Directory>> ensure_base(FileSystem& file_system, const std::string& base,
                                               const FileRights& rights) {
  auto opened = file_system.open_directory(base);
  if (opened || opened.code() != ErrorCode::not_found) return opened;
  const auto slash = base.find_last_not_of('/') == std::string::npos
                         ? std::string::npos
                         : base.rfind('/', base.find_last_not_of('/'));
  if (slash == std::string::npos) return opened;
  const std::string parent_path = slash == 0 ? "/" : base.substr(0, slash);
  std::string name = base.substr(slash + 1);
  while (!name.empty() && name.back() == '/') name.pop_back();
  auto parent = ensure_base(file_system, parent_path, rights);
  if (!parent) return parent;
  if (Status status = ensure_durable_directory(**parent, name, rights); !status) return status;
  return file_system.open_directory(base);
}

Status ensure_directory(Directory& parent, const std::string& name, const FileRights& rights) {
  Status made = parent.make_directory(name, rights.mode_of_new_folder());
  return !made && already_exists(made) ? Status() : made;
}

Status sync_folder(Directory& folder) {
  Status status = folder.sync();
  if (!is_unknown_call(status)) return status;
  Error error = status.error();
  error.message =
      "the file system cannot make names durable (it refuses fsync of a folder), so that a power "
      "cut may undo what was saved (promise G1); with the option weak_folders the engine does "
      "without";
  return error;
}

Status check_outside(const ProjectFolders& folders, Directory& folder) {
  auto place = folder.stat();
  if (!place) return place.status();
  auto root = folders.root->stat();
  bool is_inside = root && root->same_file(*place);
  for (const char* name :
       {layout::kChunks, layout::kBackups, layout::kCheckpoints, layout::kQuarantine}) {
    const auto part = folders.root->stat(name);
    is_inside = is_inside || (part && part->same_file(*place));
  }
  if (!is_inside) return {};
  return {ErrorCode::invalid_argument,
          "the archive would lie inside of the project; name a file elsewhere"};
}

namespace {

Status no_side_folder(const ProjectLocation& location) {
  Error error;
  error.code = ErrorCode::not_found;
  error.message =
      "there is no side folder yet; it is made when the place is opened for writing, or by the "
      "command adopt";
  error.path = location.shown_path();
  return error;
}

bool is_folder_of_a_project(Directory& folder) {
  const auto chunks = folder.stat(layout::kChunks);
  const auto backups = folder.stat(layout::kBackups);
  return chunks && chunks->type == FileType::directory && backups &&
         backups->type == FileType::directory;
}

// The files of a project have one owner already: by the project's own folder, or that of its
// chunks.
Status check_no_project(FileSystem& file_system, const ProjectLocation& location,
                        Directory& folder) {
  const std::string& base = location.base;
  const std::size_t slash = base.rfind('/');
  const bool may_be_chunks = base.substr(slash + 1) == layout::kChunks && slash > 0;
  bool is_project = location.naming.only_file().empty() && is_folder_of_a_project(folder);
  if (may_be_chunks) {
    const auto around = file_system.open_directory(base.substr(0, slash));
    is_project = is_project || (around && is_folder_of_a_project(**around));
  }
  if (!is_project) return {};
  Error error;
  error.code = ErrorCode::unsupported_format;
  error.message = "this belongs to a project; open that by its name and base_dir";
  error.path = location.shown_path();
  return error;
}

Status open_chunks(ProjectFolders& folders) {
  auto chunks = folders.root->open_directory(layout::kChunks);
  if (chunks.code() == ErrorCode::not_found && folders.root->stat(layout::kBackups)) {
    Error error = chunks.status().error();
    error.code = ErrorCode::lost;
    error.message =
        "the folder of the chunks is missing, and that of their backups is there; a program that "
        "opens the project for writing (or the command repair) restores them from there";
    return error;
  }
  if (!chunks) return chunks.status();
  folders.chunks = *std::move(chunks);
  return {};
}

// Only chunks/ must be there: the others may have been deleted since the last clean detach.
Status look_for(const char* name, Directory& root, std::unique_ptr<FolderOnDemand>& out) {
  auto place = root.stat(name);
  if (!place) return place.code() == ErrorCode::not_found ? Status() : place.status();
  if (place->type != FileType::directory) return root.open_directory(name).status();
  out = std::make_unique<FolderOnDemand>(root, name, *place);
  return {};
}

}  // namespace

Result<ProjectFolders> open_place(FileSystem& file_system, const ProjectLocation& location,
                                  const TextSettings& settings) {
  ProjectFolders folders;
  folders.naming = location.naming;
  folders.side = location.root;
  auto chunks = file_system.open_directory(location.base);
  if (!chunks) return chunks.status();
  folders.chunks = *std::move(chunks);
  const std::string& file = folders.naming.only_file();
  if (Status none = check_no_project(file_system, location, *folders.chunks); !none) return none;
  if (file.empty()) {
    if (Status known = check_layout(*folders.chunks); !known) return known;
    return folders;
  }
  if (is_adopted(*folders.chunks, location.root)) return folders;
  const Inspection found =
      inspect_file(*folders.chunks, file, folders.naming.only_chunk(), settings);
  if (!is_damaged(found.health)) return folders;
  Error error = json::name_encoding(found.reason, found.bytes).error();
  if (json::read_jsonc(found.bytes, {.depth_limit = settings.depth_limit, .lenient = true})) {
    error.message +=
        "; the file has comments or a comma behind the last entry: edit_file() keeps "
        "them";
  }
  error.path = location.shown_path();
  return error;
}

Result<ProjectFolders> open_folders_for_reading(FileSystem& file_system,
                                                const ProjectLocation& location) {
  ProjectFolders folders;
  folders.naming = location.naming;
  if (location.beside) {
    folders.side = location.root;
    auto chunks = file_system.open_directory(location.base);
    if (!chunks) return chunks.status();
    folders.chunks = *std::move(chunks);
  }
  auto root = location.beside ? folders.chunks->open_directory(location.root)
                              : file_system.open_directory(location.path());
  if (root.code() == ErrorCode::not_found && location.beside) return no_side_folder(location);
  if (!root) return root.status();
  if (Status known = check_layout(**root); !known) return known;
  folders.root = *std::move(root);
  if (!location.beside) {
    if (Status opened = open_chunks(folders); !opened) return opened;
  }
  Directory& own = *folders.root;
  if (Status s = look_for(layout::kBackups, own, folders.backups); !s) return s;
  if (Status s = look_for(layout::kCheckpoints, own, folders.checkpoints); !s) return s;
  return folders;
}

namespace {

// The side folder follows the file or the folder that it belongs to.
Result<FileRights> rights_of_place(const ProjectFolders& folders, std::uint32_t file_mode) {
  const std::string& file = folders.naming.only_file();
  auto info = file.empty() ? folders.chunks->stat() : folders.chunks->stat(file);
  if (!file.empty() && info.code() == ErrorCode::not_found) info = folders.chunks->stat();
  if (!info) return info.status();
  Permissions permissions = info->permissions;
  constexpr std::uint32_t kReadBits = 0444;
  if (info->type == FileType::regular) {
    permissions.mode |= 0700U | (permissions.mode & kReadBits) >> 2U;
  }
  return FileRights(permissions, file_mode);
}

// `status` of making or opening a side folder.
Status about_side_folder(const Status& status, const ProjectLocation& location) {
  Error error = status.error();
  error.message = "the side folder, for the journal and backups, cannot be used: " + error.message;
  if (is_no_folder(status)) {
    error.code = ErrorCode::conflict;
    error.message = "something else has the name of the side folder; it must be a folder";
  }
  error.path = location.path();
  return error;
}

}  // namespace

// A link that somebody has put there is not followed (G12).
Status open_side_folder(const ProjectLocation& location, std::uint32_t file_mode,
                        ProjectFolders& folders, bool& is_new) {
  auto rights = rights_of_place(folders, file_mode);
  if (!rights) return rights.status();
  const Status made = folders.chunks->make_directory(location.root, rights->mode_of_new_folder());
  if (!made && !already_exists(made)) return about_side_folder(made, location);
  is_new = made.ok();
  auto root = folders.chunks->open_directory(location.root);
  if (!root) return about_side_folder(root.status(), location);
  folders.root = *std::move(root);
  if (!is_new) return {};
  auto info = folders.root->stat();
  if (!info) return info.status();
  return rights->share(*folders.root, *info);
}

Status open_own_folder(FileSystem& file_system, const ProjectLocation& location,
                       std::uint32_t file_mode, std::unique_ptr<Directory>& base,
                       ProjectFolders& folders) {
  const FileRights outside = FileRights::at_most(file_mode);
  auto opened = ensure_base(file_system, location.base, outside);
  if (!opened) return opened.status();
  base = *std::move(opened);
  if (Status made = ensure_directory(*base, location.root, outside); !made) return made;
  auto root = file_system.open_directory(location.path());
  if (!root) return root.status();
  folders.root = *std::move(root);
  return {};
}

}  // namespace safechunk
