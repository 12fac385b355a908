// Setting files aside that a commit is about to replace or remove: into quarantine, and reported.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <safechunk/reports.hpp>

#include "storage/chunks/chunk_files.h"

namespace safechunk {

// A damaged file. By a second name for it, so that what a slow program still writes to it is kept.
Status set_damaged_aside(ChunkFiles& files, const std::string& chunk, FileHealth health,
                         const std::string& damage, std::string_view bytes,
                         std::vector<Event>& events);

// A version that the user has not seen: the file changed after the edit was staged. As the backup
// it would last until the next save only, and a removal deletes the backup as well.
Status set_unseen_aside(ChunkFiles& files, const std::string& chunk, bool removal,
                        std::vector<Event>& events);

// A file that a program has open for writing, or is about to open. `file` in `folder` is it. `why`
// ends in "is kept as", for people.
Status set_written_aside(ChunkFiles& files, Directory& folder, const std::string& file,
                         const std::string& chunk, std::string_view bytes, const std::string& why,
                         std::vector<Event>& events);

}  // namespace safechunk
