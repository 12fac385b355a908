// For tools: looks at a project's folder without opening the project. The functions take no lock,
// but for delete_project().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/export.hpp>
#include <safechunk/options.hpp>
#include <safechunk/reports.hpp>
#include <safechunk/status.hpp>

namespace safechunk {

// What stage_update() of an engine with the default options would say of this text and name: ok,
// invalid_name, invalid_json with the position, too_deep or too_large. Tells a tool that there is
// nothing to save before it makes a project for it. Cost: O(bytes).
SAFECHUNK_EXPORT Status check_update(std::string_view json_text, std::string_view chunk);

// What lies at `base_dir/project_id` before a project is opened there.
enum class FolderContent {
  missing,  // nothing
  empty,    // a folder without any entry
  project,  // a folder that holds a project, also one of which a part was lost
  foreign,  // a folder that holds other things only, or no folder
};

// Tells a tool whether opening the project would make a new one. invalid_name; permission_denied
// and io_error when the folder cannot be read.
SAFECHUNK_EXPORT Result<FolderContent> inspect_folder(const std::string& project_id,
                                                      const std::string& base_dir);

// Names of the projects in `base_dir`, sorted: folders that hold a folder chunks/, and whose names
// a project can have. not_found when there is no such folder.
SAFECHUNK_EXPORT Result<std::vector<std::string>> list_projects(const std::string& base_dir);

// Who has the project open, as its lock file says: an owner whose process lives, or of which that
// cannot be known from here, because it runs on another machine. Nothing when nobody has. Processes
// that write in turn (Mode::shared) have it open during their turns only. A moment later the answer
// may be wrong: to be sure, open the project. invalid_name; not_found when there is no such folder;
// permission_denied and io_error. Any thread. Cost: reads one small file, and looks for a process.
SAFECHUNK_EXPORT Result<std::optional<OwnerInfo>> find_owner(const std::string& project_id,
                                                             const std::string& base_dir,
                                                             PlaceKind place = PlaceKind::project);

// Removes a project for ever: its chunks, backups, checkpoints and quarantine, and its folder.
// Refuses, and changes nothing: not_found when there is no project, locked when somebody owns it,
// unsupported_format when a file in it is not provably the engine's (the path says which).
// After any other error a part may be gone, and another call removes the rest. Durable when it
// returns ok.
SAFECHUNK_EXPORT Status delete_project(const std::string& project_id, const std::string& base_dir);

// What SafeChunkEngine::file_chunk() of a file with this name gives.
SAFECHUNK_EXPORT std::string name_of_file_chunk(const std::string& file_name);

// Removes what the engine has put beside the file or into the folder at `path`, without a trace:
// the side folder with backups and checkpoints, and the stamps on the files. The files stay as they
// are. Refuses, and changes nothing: not_found when there is no side folder; locked when somebody
// has the place open; conflict when the journal has updates that are not in the files yet (open it
// once), or, unless `force`, when there are checkpoints or files in quarantine, which would be
// gone; unsupported_format when a file in the side folder is not provably the engine's. After any
// other error a part may be gone, and another call removes the rest. Durable when it returns ok.
SAFECHUNK_EXPORT Status release_place(const std::string& path, PlaceKind place, bool force = false);

// A file that the engine put into `quarantine/`: damaged bytes, or a version that could not stay.
struct QuarantinedFile {
  std::string name;  // its name in the folder; begins with the name of the file that it was
  std::uint64_t size = 0;
  double modified = 0;  // when its bytes were last written, seconds since 1970
};

// Newest bytes first; empty when nothing was ever put there. not_found when there is no project.
SAFECHUNK_EXPORT Result<std::vector<QuarantinedFile>> list_quarantine(
    const std::string& project_id, const std::string& base_dir,
    PlaceKind place = PlaceKind::project);

// The bytes of one file. not_found when there is none; invalid_name for a name with a path in it.
SAFECHUNK_EXPORT Result<std::string> read_quarantined(const std::string& project_id,
                                                      const std::string& base_dir,
                                                      std::string_view name,
                                                      PlaceKind place = PlaceKind::project);

// Removes one file, for ever. Errors as read_quarantined. The engine never does so itself. Call it
// for a project that you own or that nobody owns: a running engine may be about to name the file in
// a report.
SAFECHUNK_EXPORT Status remove_quarantined(const std::string& project_id,
                                           const std::string& base_dir, std::string_view name,
                                           PlaceKind place = PlaceKind::project);

}  // namespace safechunk
