#include <iostream>
#include <memory>

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

int delete_checkpoint(const Context& context, const std::string& name) {
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  const Status status = engine->delete_checkpoint(name);
  if (!status.ok()) return finish(context, *engine, fail(context, status));
  if (context.json) print({{"deleted", name}});
  return finish(context, *engine, code_of_faults(context));
}

}  // namespace

void add_checkpoints(CLI::App& app, Context& context) {
  auto name = std::make_shared<std::string>();
  CLI::App* command =
      add_command(app, context, "checkpoints", "print all checkpoints, newest first; or delete one",
                  [name](Context& c) {
                    return name->empty() ? checkpoints(c) : delete_checkpoint(c, file_name(*name));
                  });
  command->add_option("--delete", *name, "delete this one instead, also one that is kept")
      ->type_name("FILE");
}

}  // namespace safechunk::cli
