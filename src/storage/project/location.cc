#include "storage/project/location.h"

#include <utility>

#include "base/chunk_name.h"
#include "storage/files/file_place.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

std::string join(const std::string& folder, const std::string& name) {
  if (name.starts_with('/')) return name;
  return folder + (folder.ends_with('/') ? "" : "/") + name;
}

std::string absolute_base(FileSystem& file_system, const std::string& base) {
  auto absolute = file_system.absolute_path(base);
  return absolute ? *absolute : base;
}

}  // namespace

std::string ProjectLocation::path() const {
  return join(base, root);
}

std::string ProjectLocation::chunks_path() const {
  return beside ? base : join(path(), layout::kChunks);
}

std::string ProjectLocation::name() const {
  if (!beside) return root;
  return naming.only_file().empty() ? base.substr(base.rfind('/') + 1) : naming.only_file();
}

std::string ProjectLocation::shown_path() const {
  if (!beside) return path();
  return naming.only_file().empty() ? base : join(base, naming.only_file());
}

Result<ProjectLocation> locate_project(FileSystem& file_system, const std::string& project_id,
                                       const EngineOptions& options) {
  const std::string base = absolute_base(file_system, options.base_dir);
  switch (options.place) {
    case PlaceKind::project:
      break;
    case PlaceKind::in_place: {
      auto folder = file_system.resolved_path(join(base, project_id));
      if (!folder) return folder.status();
      return ProjectLocation{*std::move(folder), layout::kSideFolder, true, {}};
    }
    case PlaceKind::file: {
      auto file = find_file(file_system, join(base, project_id));
      if (!file) return file.status();
      std::string side = layout::side_folder(file->name);
      return ProjectLocation{file->folder->path(), std::move(side), true,
                             ChunkNaming::only(std::move(file->name))};
    }
  }
  return ProjectLocation{base, project_id, false, {}};
}

bool is_adopted(Directory& chunks, const std::string& side) {
  auto root = chunks.open_directory(side);
  return root && (*root)->stat(layout::kBackups).ok();
}

Result<std::optional<PlacedFile>> find_placed_file(FileSystem& file_system,
                                                   const std::string& path) {
  auto file = find_file(file_system, path);
  if (!file) return file.status();
  const std::string& folder = file->folder->path();
  if (is_adopted(*file->folder, layout::kSideFolder)) {
    if (auto chunk = layout::chunk_of_file(file->name)) {
      return std::optional(PlacedFile{PlaceKind::in_place, folder, *std::move(chunk)});
    }
  }
  if (is_adopted(*file->folder, layout::side_folder(file->name))) {
    return std::optional(PlacedFile{PlaceKind::file, join(folder, file->name),
                                    ChunkNaming::only(file->name).only_chunk()});
  }
  return std::optional<PlacedFile>();
}

Result<std::unique_ptr<Directory>> open_root(FileSystem& file_system, const std::string& project_id,
                                             const std::string& base_dir, PlaceKind place) {
  if (place == PlaceKind::project) {
    if (Status status = check_name(project_id, "project id"); !status) return status;
  }
  EngineOptions options;
  options.base_dir = base_dir;
  options.place = place;
  auto location = locate_project(file_system, project_id, options);
  if (!location) return location.status();
  return file_system.open_directory(location->path());
}

}  // namespace safechunk
