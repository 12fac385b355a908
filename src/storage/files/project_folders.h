// The folders of a project.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "platform/file_system.h"
#include "storage/files/chunk_naming.h"
#include "storage/files/file_rights.h"
#include "storage/files/folder_on_demand.h"

namespace safechunk {

// An owner has them all; a reader may do without backups and checkpoints. Of a place beside other
// programs' files, `root` is the side folder in `chunks`.
struct ProjectFolders {
  std::unique_ptr<Directory> root;
  std::unique_ptr<Directory> chunks;
  std::unique_ptr<FolderOnDemand> backups;
  std::unique_ptr<FolderOnDemand> checkpoints;
  ChunkNaming naming;
  std::string side;  // the name of `root` in `chunks`, where it is a side folder

  // The path of a file for messages, from where people look: the project's folder, or that of the
  // chunks.
  [[nodiscard]] std::string shown(std::string_view folder, std::string_view file) const;
  [[nodiscard]] std::string shown_chunk_file(const std::string& file) const;
  FileRights rights;  // of what an owner makes in them
};

}  // namespace safechunk
