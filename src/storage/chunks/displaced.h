// Takes a chunk's name away from its file without losing what another program put there at the last
// moment, after the final check: at the instant in which the name is used anew, the old file gets a
// temporary name of ours. Then it is looked at, and only then removed. A version that nobody has
// looked at before goes to quarantine.
//
// Where the file system cannot exchange names, the old file is replaced unseen.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <safechunk/reports.hpp>

#include "storage/chunks/chunk_files.h"

namespace safechunk {

struct Displacement {
  Status status;  // conflict: another program has removed the file, or made one
  // Of the look at the old file, after the name was taken: it is still there, under its temporary
  // name, which the error has.
  Status afterwards;

  [[nodiscard]] Status first_error() const { return status.ok() ? afterwards : status; }
};

// Gives the chunk's name to `temporary`. `expected`: the file that was found by the final check;
// nullptr: none. `guard`, unless it is nullptr, holds off programs from that file, which has no
// other name: when one waits, it will write to it, so the file goes to quarantine. Costs two calls
// more than a rename, and one that is a look.
Displacement replace_file(ChunkFiles& files, const std::string& chunk, TemporaryFile& temporary,
                          const FileInfo* expected, const WriteGuard* guard,
                          std::vector<Event>& events);

// Removes the chunk's file. ok when there is none. Costs three calls, one of which is a look.
Displacement remove_file(ChunkFiles& files, const std::string& chunk, const FileInfo* expected,
                         const WriteGuard* guard, std::vector<Event>& events);

// For `file`, which a crash, or an error of the disk, left under its temporary name. Removes it
// when it is a version of this engine's own; `is_journaled`, which may be empty, tells those of
// which only the journal knows. not_found when there is none.
Status settle_displaced(ChunkFiles& files, const std::string& chunk, const std::string& file,
                        const std::function<bool(const Digest&)>& is_journaled,
                        std::vector<Event>& events);

}  // namespace safechunk
