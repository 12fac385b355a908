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

// Of one process. Never destroyed: engines may live until the process ends.
struct OpenProjects {
  OpenProjects(std::int64_t process, OpenProjects* other) : pid(process), before(other) {}
  const std::int64_t pid;
  OpenProjects* before;  // of the process that this one was forked from
  Mutex mutex;
  std::map<const void*, OpenProject> by_engine GUARDED_BY(mutex);
};

std::atomic<OpenProjects*> newest{nullptr};

// Null when nothing was opened in this process.
OpenProjects* find_open_projects(std::int64_t pid) noexcept {
  OpenProjects* projects = newest.load();
  while (projects != nullptr && projects->pid != pid) projects = projects->before;
  return projects;
}

OpenProjects& open_projects(std::int64_t pid) {
  for (;;) {
    OpenProjects* last = newest.load();
    if (OpenProjects* const found = find_open_projects(pid)) return *found;
    auto fresh = std::make_unique<OpenProjects>(pid, last);
    if (newest.compare_exchange_strong(last, fresh.get())) return *fresh.release();
  }
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
