// What a zip archive says of itself, believed only where all of it agrees.
//
// The archive is hostile until shown otherwise. It is accepted only when every byte of it is
// accounted for: local headers and data of all entries (each followed by a data descriptor where
// one is announced), central directory, Zip64 records, end record and comment follow one another
// from the first byte to the last without gap or overlap, and every fact that is written twice is
// the same both times. So there is only one way to understand the file, and nothing hides in it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <safechunk/status.hpp>

#include "archive/byte_stream.h"
#include "archive/entry_info.h"

namespace safechunk::archive {

// Sizes in bytes. What exceeds one of them is too_large, before memory is taken for it.
struct ReadLimits {
  std::uint64_t max_entries = 1'000'000;
  std::uint64_t max_directory_bytes = std::uint64_t{256} << 20;  // of the central directory
  std::uint64_t max_entry_bytes = std::uint64_t{512} << 20;      // plain, and compressed
  std::uint64_t max_total_bytes = std::uint64_t{64} << 30;       // plain, of all entries
  std::uint64_t max_ratio = 1100;  // plain to compressed; deflate reaches no more than 1032
};

// The entries in the order of the central directory, or the first reason to refuse the archive:
//   corrupt             the bytes contradict each other or the format: cut off, something before,
//                       between or after the parts, parts that overlap, headers that disagree
//   unsupported_format  sound, but with something that this library neither writes nor reads:
//                       a name or two names that are not allowed (entry_name.h), directories, links
//                       and devices, encryption, methods other than store and deflate, parts on
//                       several disks
//   too_large           a limit is exceeded
//   any other           the source's error, as it was
// The message names the entry. Facts are compared before they are judged, so that one flipped bit
// in a name or a flag is called damage and not a foreign format.
//
// Not checked here, but where the data are read: that they inflate to what was declared. Names are
// taken as UTF-8 whether marked as such or not; extra fields other than Zip64 are ignored.
// Cost: reads the headers and some bytes beside them; O(n log n) in the entries.
Result<std::vector<EntryInfo>> read_structure(ByteSource& source, const ReadLimits& limits);

// The last entry of the archive, when it has that name, is the last one in the file, too, and its
// directory header has no extra field but that of Zip64. Judged as by read_structure(), but the
// rest of the archive is not looked at: for a summary, never for data that will be used. not_found
// when the archive does not end so. Cost: a few reads, whatever the size of the archive.
Result<EntryInfo> read_last_entry(ByteSource& source, std::string_view name,
                                  const ReadLimits& limits);

}  // namespace safechunk::archive
