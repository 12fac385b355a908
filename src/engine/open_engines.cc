#include "engine/open_engines.h"

#include <atomic>
#include <map>
#include <memory>

#include "base/mutex.h"

namespace safechunk {
namespace {

struct OpenProject {
  std::string path;
  CallSite where;
  std::string since;
};

struct OpenProjects {
  explicit OpenProjects(std::int64_t process) : pid(process) {}
  const std::int64_t pid;
  Mutex mutex;
  std::map<const void*, OpenProject> by_engine GUARDED_BY(mutex);
};

// Never destroyed: engines may live until the process ends.
std::atomic<OpenProjects*> current{nullptr};

// Null when nothing was opened in this process.
OpenProjects* find_open_projects(std::int64_t pid) noexcept {
  OpenProjects* const projects = current.load();
  return projects != nullptr && projects->pid == pid ? projects : nullptr;
}

OpenProjects& open_projects(std::int64_t pid) {
  OpenProjects* projects = current.load();
  while (projects == nullptr || projects->pid != pid) {
    auto fresh = std::make_unique<OpenProjects>(pid);
    if (current.compare_exchange_strong(projects, fresh.get())) projects = fresh.release();
  }
  return *projects;
}

}  // namespace

void note_opened(std::int64_t pid, const void* engine, const std::string& project,
                 const CallSite& where, const std::string& since) {
  OpenProjects& projects = open_projects(pid);
  const MutexLock lock(projects.mutex);
  projects.by_engine[engine] = {project, where, since};
}

void note_closed(std::int64_t pid, const void* engine) noexcept {
  OpenProjects* const projects = find_open_projects(pid);
  if (projects == nullptr) return;
  const MutexLock lock(projects->mutex);
  projects->by_engine.erase(engine);
}

std::string describe_open(std::int64_t pid, const std::string& project) {
  OpenProjects* const projects = find_open_projects(pid);
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
