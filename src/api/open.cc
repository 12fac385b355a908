#include "api/open.h"

#include "storage/project/folder_place.h"

namespace safechunk {

std::shared_ptr<EngineCore> make_engine_core(std::string project_id, const EngineOptions& options,
                                             Platform platform, const CallSite& where) {
  auto place = std::make_unique<FolderPlace>(project_id, options, platform);
  return std::make_shared<EngineCore>(std::move(project_id), options, std::move(place),
                                      platform.clock, platform.process, where);
}

}  // namespace safechunk
