// Deleting a project, and telling which folders hold one.
#pragma once

#include <string>
#include <vector>

#include <safechunk/status.hpp>

#include "platform/platform.h"
#include "storage/project/location.h"

namespace safechunk {

// Names of the folders in `base` that are allowed project ids and hold a folder chunks/, sorted.
Result<std::vector<std::string>> list_projects(Directory& base);

// Removes the project `name` of the folder `base`, all of it or nothing: not_found when there is no
// such project, locked when somebody owns it, unsupported_format when there is a file that is not
// provably the engine's; its path says which. After an error of the system a part may be gone, and
// another call removes the rest.
Status delete_project(Directory& base, const std::string& name, Platform platform);

// See the function of that name in maintenance.hpp.
Status release_place(const ProjectLocation& location, Platform platform, bool force);

}  // namespace safechunk
