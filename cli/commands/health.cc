#include <sys/stat.h>

#include <filesystem>
#include <iostream>

#include "../context.h"

namespace safechunk::cli {
namespace {

// The folder at which the file system that holds `path` is mounted: the highest one above it on the
// same device.
std::string mount_point(const std::string& path) {
  namespace fs = std::filesystem;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return path;
  const dev_t device = info.st_dev;
  fs::path folder = path;
  while (folder.has_relative_path()) {
    const fs::path above = folder.parent_path();
    if (::stat(above.c_str(), &info) != 0 || info.st_dev != device) break;
    folder = above;
  }
  return folder.string();
}

int health(const Context& context) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  auto report = engine->health_report();
  if (!report) return fail(context, report.status());
  if (context.json) {
    print_report(to_json(*report));
    return kOk;
  }
  // This process only reads. The fields about staged edits and commits describe the process of the
  // owner, and are 0 here, so they are not printed for people.
  std::cout << "chunks              " << report->shards << "\n"
            << "disk used           " << report->storage_usage << " % of the one at "
            << printable(mount_point(engine->project_path())) << "\n"
            << "unfinished files    " << report->orphaned_artifacts << "\n"
            << "files in quarantine " << report->quarantine_files << "\n"
            << "stamps              " << (report->stamps_supported ? "yes" : "no, or unknown")
            << "\n";
  if (report->owner) {
    std::cout << "lock file of        process " << report->owner->pid;
    if (!report->owner->host.empty()) std::cout << " on " << printable(report->owner->host);
    std::cout << "\n";
  }
  if (!report->last_error.empty()) {
    std::cout << "note                " << printable(report->last_error) << "\n";
  }
  return kOk;
}

}  // namespace

void add_health(CLI::App& app, Context& context) {
  add_command(app, context, "health", "print the state of a project's folder", health);
}

}  // namespace safechunk::cli
