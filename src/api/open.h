// Chooses the place of a project, and builds the engine over it.
#pragma once

#include <memory>
#include <string>

#include <safechunk/options.hpp>

#include "engine/engine_core.h"
#include "platform/platform.h"

namespace safechunk {

// Not attached yet.
std::shared_ptr<EngineCore> make_engine_core(std::string project_id, const EngineOptions& options,
                                             Platform platform, const CallSite& where = {});

}  // namespace safechunk
