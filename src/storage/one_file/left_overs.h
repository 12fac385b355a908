// What an edit of a file finds under temporary names: left by a crash, or of an edit that is at
// work.
#pragma once

#include <cstdint>
#include <string>

#include "storage/one_file/file_lock.h"

namespace safechunk {

// Removes the files that edits of this file have left. A version that may be nowhere else is set
// aside first; `old` and `text` are the present file and its text. What an edit at work has made is
// locked, and stays. To be called under the lock of the file.
Status settle_left_overs(const FilePlace& place, const FileInfo& old, const std::string& text,
                         std::uint64_t size_limit);

// Moves a file of the folder, durably, to the quarantine in the side folder: it may be a version of
// another program.
Status set_aside(const FilePlace& place, const std::string& name, std::uint64_t size_limit);

// Removes unfinished files that are to become `name`.
Status remove_unfinished(Directory& folder, const std::string& name);

}  // namespace safechunk
