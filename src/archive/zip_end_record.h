// The end of a zip archive, where reading begins (APPNOTE.TXT 4.3.14 to 4.3.16).
#pragma once

#include <cstdint>

#include <safechunk/status.hpp>

#include "archive/source_window.h"

namespace safechunk::archive {

// Where the central directory lies and how many entries it has. It ends where the records that
// point to it begin, within the file.
struct EndRecord {
  std::uint64_t entries = 0;
  std::uint64_t directory_offset = 0;
  std::uint64_t directory_size = 0;
};

// Finds the end of central directory record, which with its comment must be the very end of the
// source, and follows it to its Zip64 form where there is one. corrupt when there is none or its
// figures contradict each other or the file, unsupported_format when the archive is split.
Result<EndRecord> find_end_record(SourceWindow& window);

}  // namespace safechunk::archive
