// Reads everything in a project and judges every file. Changes nothing; needs no lock. A journal
// that ends early is good beside an owner that may be alive, who may just be writing its end.
#pragma once

#include <safechunk/reports.hpp>

#include "platform/platform.h"
#include "storage/chunks/chunk_files.h"

namespace safechunk {

Result<VerifyReport> verify_project(const ProjectFolders& folders, Platform platform,
                                    const TextSettings& settings, const ProgressHandler& progress);

}  // namespace safechunk
