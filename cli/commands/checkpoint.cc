#include <iostream>
#include <memory>
#include <string>

#include "../context.h"

namespace safechunk::cli {
namespace {

int print_checkpoint(const Context& context, const std::string& name, bool beside_owner) {
  if (context.json) {
    print({{"checkpoint", name},
           {"state", state_of_faults(context)},
           {"beside_owner", beside_owner}});
  } else {
    std::cout << name << "\n";
  }
  return code_of_faults(context);
}

// While another process owns the project: of what that one has saved.
int checkpoint_beside_owner(const Context& context, const CheckpointOptions& options) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  context.messages->note(
      "another process has the project open: the checkpoint has what it has saved");
  auto name = engine->create_checkpoint(options, progress_bar("archiving"));
  if (!name) return fail(context, name.status());
  return print_checkpoint(context, *name, true);
}

int checkpoint(const Context& context, const CheckpointOptions& options) {
  auto engine = open_for_writing(context);
  if (engine.code() == ErrorCode::locked) return checkpoint_beside_owner(context, options);
  if (!engine) return fail(context, engine.status());
  auto name = engine->create_checkpoint(options, progress_bar("archiving"));
  if (!name) return finish(context, *engine, fail(context, name.status()));
  return finish(context, *engine, print_checkpoint(context, *name, false));
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
