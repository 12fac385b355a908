// Which checkpoints there are, and their order (G13).
//
// The order is that of the numbers in the descriptions. Archives without a number, which are older,
// come before all others, in the order of the time in their names.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/reports.hpp>

#include "archive/zip_structure.h"
#include "platform/file_system.h"
#include "storage/checkpoints/description.h"
#include "storage/files/project_layout.h"
#include "storage/files/text_settings.h"

namespace safechunk {

struct KnownArchive {
  std::string file;
  layout::CheckpointName name;
  std::uint64_t size = 0;
  // False when damage, a missing right or the like hides what the archive is: nothing is known but
  // the name.
  bool readable = false;
  Description description;  // empty when there is none in the archive

  // The label that the user gave, as far as it is known.
  [[nodiscard]] const std::string& label() const {
    return description.label ? *description.label : name.label;
  }
};

bool is_newer(const KnownArchive& left, const KnownArchive& right);

enum class Originals { include, skip };  // archives that the original engine has named

// Newest first, without the file `except`, which is not even opened. An archive that cannot be read
// is listed as such. An error when the folder cannot be read, or when memory or descriptors are
// lacking: then an archive might be taken for damaged. Cost: a few reads for each archive of this
// engine.
Result<std::vector<KnownArchive>> list_archives(Directory& checkpoints, Originals originals,
                                                const std::string& except = {});

// One more than the largest number.
std::uint64_t next_number(const std::vector<KnownArchive>& archives);
// A name of its second that no archive has, so that none is overwritten. `time`: YYYYMMDD_HHMMSS.
std::string free_file_name(const std::vector<KnownArchive>& archives, std::string_view label,
                           const std::string& time);

// What a checkpoint of this engine may hold.
archive::ReadLimits read_limits(const TextSettings& settings);

// For users: newest first.
Result<std::vector<CheckpointInfo>> list_checkpoints(Directory& checkpoints);

// Chunks that the archive lacks, although they existed when it was made.
Result<std::set<std::string>> left_out_of(Directory& checkpoints, const std::string& file_name,
                                          const TextSettings& settings);

}  // namespace safechunk
