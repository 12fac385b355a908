// Reads everything in a project and judges every file. Changes nothing; needs no lock.
#pragma once

#include <safechunk/reports.hpp>

#include "storage/chunk_store.h"

namespace safechunk {

Result<VerifyReport> verify_project(const ProjectFolders& folders, const TextSettings& settings,
                                    const ProgressHandler& progress);

}  // namespace safechunk
