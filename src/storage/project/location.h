// Where a project lies.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <safechunk/options.hpp>
#include <safechunk/status.hpp>

#include "platform/file_system.h"
#include "storage/files/chunk_naming.h"

namespace safechunk {

struct ProjectLocation {
  std::string base;  // absolute: the folder in which `root` lies
  std::string root;  // the name of the project's own folder, or of a side folder
  // Whether `root` is a side folder: then the chunks lie in `base`, which the engine did not make,
  // with other programs' files.
  bool beside = false;
  ChunkNaming naming = {};

  [[nodiscard]] std::string path() const;         // of the root
  [[nodiscard]] std::string chunks_path() const;  // of the folder of the chunks
  // What people know it by, and where that is.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string shown_path() const;
};

// `project_id` in `base_dir`; the working folder is that of this moment. For places beside other
// programs' files links are followed. Errors: not_found when the folder of such a place is missing,
// or a link leads to nothing; io_error when it is something else.
Result<ProjectLocation> locate_project(FileSystem& file_system, const std::string& project_id,
                                       const EngineOptions& options);

// A file that is a chunk of a place beside other programs' files.
struct PlacedFile {
  PlaceKind place = PlaceKind::file;
  std::string project_id;  // the path of the place
  std::string chunk;
};
// Nothing when the file at `path` belongs to no such place. Errors as locate_project().
Result<std::optional<PlacedFile>> find_placed_file(FileSystem& file_system,
                                                   const std::string& path);

// Whether the folder, whose name is `side`, is that of a place that was opened, and not just that
// of edit_file().
bool is_adopted(Directory& chunks, const std::string& side);

// Opens the folder in which lock and journal lie. invalid_name; not_found when there is none.
Result<std::unique_ptr<Directory>> open_root(FileSystem& file_system, const std::string& project_id,
                                             const std::string& base_dir, PlaceKind place);

}  // namespace safechunk
