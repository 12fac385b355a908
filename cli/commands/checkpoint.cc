#include <iostream>
#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

int checkpoint(const Context& context, const CheckpointOptions& options) {
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  auto name = engine->create_checkpoint(options, progress_bar("archiving"));
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
  auto options = std::make_shared<CheckpointOptions>();
  CLI::App* command = add_command(app, context, "checkpoint", "archive all chunks of this moment",
                                  [options](Context& c) { return checkpoint(c, *options); });
  command->add_option("--label", options->label, "any text; the file name has what fits of it")
      ->capture_default_str();
  command->add_option("--notes", options->notes, "free text, kept inside");
  command->add_option("--retention", options->retention, "how many checkpoints to keep")
      ->capture_default_str();
  command->add_flag("--keep", options->keep, "pin it: retention never counts or removes it");
}

}  // namespace safechunk::cli
