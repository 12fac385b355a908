// Checkpoints as zip archives: writing them, and reading them as hostile input (G13).
// catalog.h lists them.
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/reports.hpp>

#include "platform/file_system.h"
#include "storage/checkpoints/snapshot.h"
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
};

// Writes the archive under a temporary name, syncs it, reads every entry back, and publishes it.
// Returns its name. When a chunk or its backup cannot be read, the error names the chunk. On any
// error no archive is left behind, unless the message says that it is there.
Result<std::string> write_checkpoint(Directory& checkpoints, const Snapshot& snapshot,
                                     const ArchiveRequest& request, const TextSettings& settings,
                                     const ProgressHandler& progress);

// invalid_name unless it is the name of a checkpoint of this engine.
Status check_checkpoint_name(std::string_view file_name);

// Reads and checks all of an archive as hostile input: structure, checksums, names, and that every
// chunk is JSON. Gives each chunk's bytes to `chunk`, which may be empty; an error from there
// stops.
Status read_checkpoint(Directory& checkpoints, const std::string& file_name,
                       const TextSettings& settings, const ProgressHandler& progress,
                       const ArchivedChunkHandler& chunk);

}  // namespace safechunk
