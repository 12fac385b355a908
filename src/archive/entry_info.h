// What a reader of an archive knows of one entry.
#pragma once

#include <cstdint>
#include <string>

namespace safechunk::archive {

struct EntryInfo {
  std::string name;
  std::uint64_t size = 0;
  std::uint64_t compressed_size = 0;
  std::uint32_t crc32 = 0;
  bool deflated = false;          // else the data are stored as they are
  std::uint32_t unix_mode = 0;    // permission bits; 0: the archive does not say
  std::uint64_t data_offset = 0;  // of the first of the compressed_size bytes
};

}  // namespace safechunk::archive
