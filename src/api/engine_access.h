// Engines over a platform other than the operating system's: for tests. The engine is the same.
#pragma once

#include <string>

#include <safechunk/engine.hpp>

#include "platform/platform.h"

namespace safechunk {

struct EngineAccess {
  static SafeChunkEngine construct(std::string project_id, EngineOptions options,
                                   Platform platform);
  static Result<SafeChunkEngine> open(std::string project_id, EngineOptions options,
                                      Platform platform, CallSite where = {});
};

}  // namespace safechunk
