#include "engine/open_engines.h"

#include <map>

#include "base/mutex.h"
#include "base/per_process.h"

namespace safechunk {
namespace {

struct OpenProject {
  std::string path;
  CallSite where;
  std::string since;
};

struct OpenProjects {
  Mutex mutex;
  std::map<const void*, OpenProject> by_engine GUARDED_BY(mutex);
};

PerProcess<OpenProjects> open_projects;

}  // namespace

void note_opened(std::int64_t pid, const void* engine, const std::string& project,
                 const CallSite& where, const std::string& since) {
  OpenProjects& projects = open_projects.get(pid);
  const MutexLock lock(projects.mutex);
  projects.by_engine[engine] = {project, where, since};
}

void note_closed(std::int64_t pid, const void* engine) noexcept {
  OpenProjects* const projects = open_projects.find(pid);
  if (projects == nullptr) return;
  const MutexLock lock(projects->mutex);
  projects->by_engine.erase(engine);
}

std::string describe_open(std::int64_t pid, const std::string& project) {
  OpenProjects* const projects = open_projects.find(pid);
  if (projects == nullptr) return {};
  const MutexLock lock(projects->mutex);
  for (const auto& [engine, open] : projects->by_engine) {
    if (open.path != project) continue;
    std::string text = "this process has it open already, since " + open.since;
    if (open.where.line != 0) {
      text += ", from " + std::string(open.where.file) + ":" + std::to_string(open.where.line);
    }
    return text + "; use that engine, or detach it first";
  }
  return {};
}

}  // namespace safechunk
