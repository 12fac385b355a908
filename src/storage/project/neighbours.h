// Two places that have a file in common: one is the file alone, the other its folder.
#pragma once

#include <safechunk/status.hpp>

#include "platform/process.h"
#include "storage/files/project_folders.h"

namespace safechunk {

// ok when no other place has a part of this one, whose lock this process has. Of two places that
// are opened at the same moment at least one finds the other, because each has taken its own lock
// before it looks.
//
// A file: conflict when its folder is a place. A folder that is not one yet: conflict when one of
// its files is a place, locked when that is open.
Status check_alone(const ProjectFolders& folders, Process& process);

}  // namespace safechunk
