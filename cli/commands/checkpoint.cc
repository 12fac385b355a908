#include <iostream>
#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

struct Arguments {
  std::string label = "manual";
  std::string notes;
  int retention = 10;
};

int checkpoint(const Context& context, const Arguments& arguments) {
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  auto name = engine->create_checkpoint(arguments.label, arguments.retention, arguments.notes,
                                        progress_bar("archiving"));
  if (!name) return finish(context, *engine, fail(context, name.status()));
  if (context.json) {
    print({{"checkpoint", *name}, {"state", state_of_faults(context)}});
  } else {
    std::cout << *name << "\n";
  }
  return finish(context, *engine, code_of_faults(context));
}

}  // namespace

void add_checkpoint(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = add_command(app, context, "checkpoint", "archive all chunks of this moment",
                                  [arguments](Context& c) { return checkpoint(c, *arguments); });
  command->add_option("--label", arguments->label, "part of the file name")->capture_default_str();
  command->add_option("--notes", arguments->notes, "free text, kept inside");
  command->add_option("--retention", arguments->retention, "how many checkpoints to keep")
      ->capture_default_str();
}

}  // namespace safechunk::cli
