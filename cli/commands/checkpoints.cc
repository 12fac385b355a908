#include <iostream>

#include "../context.h"

namespace safechunk::cli {
namespace {

// Whether the file name has the whole label.
bool in_file_name(const CheckpointInfo& info) {
  return info.file_name.find("_" + info.label + "_") != std::string::npos;
}

int checkpoints(const Context& context) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  auto list = engine->list_checkpoints();
  if (!list) return fail(context, list.status());
  if (context.json) {
    print_report(to_json(*list));
    return kOk;
  }
  for (const CheckpointInfo& info : *list) {
    std::cout << info.date << "  " << info.file_name << "  " << info.size << " bytes";
    if (info.keep) std::cout << "  kept";
    if (!in_file_name(info)) std::cout << "  \"" << printable(info.label) << "\"";
    if (!info.notes.empty()) std::cout << "  " << printable(info.notes);
    std::cout << "\n";
  }
  return kOk;
}

}  // namespace

void add_checkpoints(CLI::App& app, Context& context) {
  add_command(app, context, "checkpoints", "print all checkpoints, newest first", checkpoints);
}

}  // namespace safechunk::cli
