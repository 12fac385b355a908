// Checkpoints and exports as zip archives: writing them, and reading them as hostile input (G13).
// catalog.h lists them.
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/reports.hpp>

#include "platform/clock.h"
#include "platform/file_system.h"
#include "storage/checkpoints/archive_source.h"
#include "storage/files/file_rights.h"
#include "storage/files/text_settings.h"
#include "store/store.h"

namespace safechunk {

struct ArchiveRequest {
  std::string project_id;
  std::string label;
  std::string notes;
  std::int64_t unix_time_ns = 0;
  std::tm local_time{};  // the same moment, for the name and for people
  bool keep = false;
  std::set<std::string> left_out;              // chunks that the archive shall lack
  std::map<std::string, std::string> instead;  // the texts of chunks whose files are not usable
  std::set<std::string> left_out_backups;      // names of chunks
  FileRights rights;                           // of the archive
  // Makes the temporary name one that nobody else uses at the same time. 0: the owner, of which
  // there is one.
  std::uint64_t token = 0;
};

// Of this moment.
ArchiveRequest archive_request(const CheckpointRequest& wanted, std::string project_id,
                               Clock& clock);

// Writes the archive under a temporary name, syncs it, reads every entry back, and publishes it
// under a name that nothing has. Returns that name. When a chunk or its backup cannot be read, the
// error names the chunk. On any error no archive is left behind, unless the message says that it is
// there.
Result<std::string> write_checkpoint(Directory& checkpoints, const ArchiveSource& source,
                                     const ArchiveRequest& request, const TextSettings& settings,
                                     const ProgressHandler& progress);
// The same outside of the project: as `name` in `folder`, and without a number. conflict, and the
// file stays as it is, when something has that name.
Status write_export(Directory& folder, const std::string& name, const ArchiveSource& source,
                    const ArchiveRequest& request, const TextSettings& settings,
                    const ProgressHandler& progress);
// conflict: something has the name. invalid_name: it is none for a file.
Status check_free_name(Directory& folder, const std::string& name);

// Whether it is the path of an archive, and not the name of a checkpoint: it has a slash.
bool is_archive_path(std::string_view name);
// A folder, and a name in it.
struct ArchivePlace {
  Directory* folder = nullptr;
  std::string name;
  std::unique_ptr<Directory> opened;  // `folder`, unless it is somebody else's
};
// `path`: with the name of a file at its end; a relative one begins at the working folder.
Result<ArchivePlace> open_archive_folder(FileSystem& file_system, const std::string& path);
// `name`: of a checkpoint, or the path of an archive. `checkpoints`: nullptr when there is none.
Result<ArchivePlace> find_archive(FileSystem& file_system, Directory* checkpoints,
                                  const std::string& name);

// invalid_name unless it is the name of a checkpoint of this engine.
Status check_checkpoint_name(std::string_view file_name);
// The same, but a path of an archive is allowed as well.
Status check_archive_name(std::string_view name);

// Reads and checks all of an archive as hostile input: structure, checksums, names, and that every
// chunk is JSON. Gives each chunk's bytes to `chunk`, which may be empty; an error from there
// stops.
Status read_checkpoint(Directory& checkpoints, const std::string& file_name,
                       const TextSettings& settings, const ProgressHandler& progress,
                       const ArchivedChunkHandler& chunk);

}  // namespace safechunk
