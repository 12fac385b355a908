// The header in front of the data of an entry, and the descriptor that may follow them
// (APPNOTE.TXT 4.3.7 to 4.3.9). They only repeat the central directory.
#pragma once

#include <cstdint>

#include <safechunk/status.hpp>

#include "archive/source_window.h"
#include "archive/zip_directory.h"

namespace safechunk::archive {

// Checks that the local header, the data and the descriptor of `entry` fill the room from
// `entry.header_offset` to `limit` exactly and say the same as the directory, and sets
// `entry.info.data_offset`. corrupt otherwise, or the source's error.
Status check_local_header(SourceWindow& window, DirectoryEntry& entry, std::uint64_t limit);

}  // namespace safechunk::archive
