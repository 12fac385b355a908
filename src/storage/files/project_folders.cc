#include "storage/files/project_folders.h"

#include "storage/files/project_layout.h"

namespace safechunk {

std::string ProjectFolders::shown(std::string_view folder, std::string_view file) const {
  std::string path = side.empty() ? std::string() : side + "/";
  path += folder;
  path += '/';
  path += file;
  return path;
}

std::string ProjectFolders::shown_chunk_file(const std::string& file) const {
  return side.empty() ? shown(layout::kChunks, file) : file;
}

}  // namespace safechunk
