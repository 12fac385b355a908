// What a chunk is, from what its file and its backup are. Pure: every caller that reads, heals,
// verifies or repairs a chunk asks here.
#pragma once

#include <optional>

#include "storage/files/inspection.h"

namespace safechunk {

enum class ChunkState {
  missing,       // there is neither a file nor a backup
  sound,         // the file is good
  unreadable,    // the file, or the backup that would be needed, cannot be judged: touch nothing
  healable,      // the file is missing or damaged, and the backup is good
  lost,          // neither is good, and at least one was damaged
  needs_backup,  // only the backup can tell; given only when `backup` is empty
};

// `backup` may be left out when it was not looked at.
ChunkState decide_chunk(FileHealth file, std::optional<FileHealth> backup);

}  // namespace safechunk
