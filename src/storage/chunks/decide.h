// What a chunk is, from what its file and its backup are. Pure: every caller that reads, heals,
// verifies or repairs a chunk asks here.
#pragma once

#include <cstddef>
#include <optional>

#include "storage/files/inspection.h"

namespace safechunk {

enum class ChunkState {
  missing,       // there is neither a file nor a good version of it
  removed,       // the file was removed by a person or another program; a good version is left
  sound,         // the file is good
  being_edited,  // the file is not JSON yet: somebody may still be writing it, so it is left alone
  unreadable,    // the file, or the version that would be needed, cannot be judged: touch nothing
  healable,      // the file is damaged, or was lost with many others; a good version is left
  lost,          // the file is damaged or lost, and no good version is left
  needs_backup,  // only the backup can tell; given only when `backup` is empty
};

struct ChunkFacts {
  FileHealth file = FileHealth::missing;
  std::optional<FileHealth> backup;  // empty: it was not looked at
  bool in_motion = false;   // the file has not stood still, or a program has it open for writing
  bool names_lost = false;  // see names_are_lost()
};

ChunkState decide_chunk(const ChunkFacts& facts);

// Whether so many names are gone at once that nobody removed them: a sync that is not done, a wrong
// mount, half a restore. `gone`: chunks that have a backup and no file; `present`: chunks that have
// a file.
bool names_are_lost(std::size_t gone, std::size_t present);

}  // namespace safechunk
