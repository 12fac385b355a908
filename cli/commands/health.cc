#include <iostream>

#include "../context.h"

namespace safechunk::cli {
namespace {

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
            << "disk used           " << report->storage_usage << " %\n"
            << "unfinished files    " << report->orphaned_artifacts << "\n"
            << "files in quarantine " << report->quarantine_files << "\n"
            << "stamps              " << (report->stamps_supported ? "yes" : "no, or unknown")
            << "\n";
  if (report->owner) {
    std::cout << "lock file of        process " << report->owner->pid;
    if (!report->owner->host.empty()) std::cout << " on " << printable(report->owner->host);
    std::cout << "\n";
  }
  return kOk;
}

}  // namespace

void add_health(CLI::App& app, Context& context) {
  add_command(app, context, "health", "print the state of a project's folder", health);
}

}  // namespace safechunk::cli
