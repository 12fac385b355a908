// Folders of other versions of the original engine: told apart by what is in them, so that none is
// opened as if it were empty.
#pragma once

#include <safechunk/status.hpp>

#include "platform/file_system.h"

namespace safechunk {

// unsupported_format, naming the version, when the folder holds a project that this engine cannot
// read: versions 0, 2.1 and 3.0. ok for the seed, 1.3.5 and 1.5, which it reads, and for all other
// folders. Changes nothing. Cost: three lstat.
Status check_layout(Directory& root);

}  // namespace safechunk
