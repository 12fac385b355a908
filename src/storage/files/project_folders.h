// The folders of a project.
#pragma once

#include <memory>

#include "platform/file_system.h"
#include "storage/files/file_rights.h"
#include "storage/files/folder_on_demand.h"

namespace safechunk {

// An owner has them all; a reader may do without backups and checkpoints.
struct ProjectFolders {
  std::unique_ptr<Directory> root;
  std::unique_ptr<Directory> chunks;
  std::unique_ptr<FolderOnDemand> backups;
  std::unique_ptr<FolderOnDemand> checkpoints;
  FileRights rights;  // of what an owner makes in them
};

}  // namespace safechunk
