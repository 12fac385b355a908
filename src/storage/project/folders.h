// Making and opening the folders of a project.
#pragma once

#include <memory>
#include <string>

#include "platform/file_system.h"
#include "storage/files/file_rights.h"
#include "storage/files/project_folders.h"
#include "storage/files/text_settings.h"
#include "storage/project/location.h"

namespace safechunk {

// Opens the base folder, creating missing components one by one. What it creates is durable.
Result<std::unique_ptr<Directory>> ensure_base(FileSystem& file_system, const std::string& base,
                                               const FileRights& rights);

// Creates `name` in `parent` unless it exists. The caller syncs the parent.
Status ensure_directory(Directory& parent, const std::string& name, const FileRights& rights);

// Makes the names in a folder durable. Where the file system cannot do that, the error says what it
// means and which option there is.
Status sync_folder(Directory& folder);

// invalid_argument when `folder` is one of the project's own: an archive there would be taken for a
// part of the project.
Status check_outside(const ProjectFolders& folders, Directory& folder);

// Opens the folders of a project for reading only; creates and changes nothing.
// not_found when there is no such project. `backups` and `checkpoints` may stay empty.
Result<ProjectFolders> open_folders_for_reading(FileSystem& file_system,
                                                const ProjectLocation& location);

// The same for the folder of a place beside other programs' files, before there is a side folder.
// Refuses one that is no such place: unsupported_format for a project's own folder, and for one of
// another program's layout; invalid_json when the file of a place that is new is no JSON.
Result<ProjectFolders> open_place(FileSystem& file_system, const ProjectLocation& location,
                                  const TextSettings& settings);

// Makes the side folder of that place when it is missing, and opens it as `folders.root`; `is_new`
// says whether it was made.
Status open_side_folder(const ProjectLocation& location, std::uint32_t file_mode,
                        ProjectFolders& folders, bool& is_new);
// The same for a project's own folder, in `base`, which is made as well.
Status open_own_folder(FileSystem& file_system, const ProjectLocation& location,
                       std::uint32_t file_mode, std::unique_ptr<Directory>& base,
                       ProjectFolders& folders);

}  // namespace safechunk
