#include <iostream>
#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

int restore(const Context& context, const std::string& name) {
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  const Status status = engine->restore_checkpoint(name, progress_bar("reading"));
  if (!status.ok()) return finish(context, *engine, fail(context, status));
  if (context.json) print({{"restored", name}});
  return finish(context, *engine, code_of_faults(context));
}

}  // namespace

void add_restore(CLI::App& app, Context& context) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = add_command(
      app, context, "restore",
      "replace all chunks by those of a checkpoint; what was there is kept as a checkpoint "
      "'before_restore'",
      [name](Context& c) { return restore(c, archive_of(c, *name)); });
  command->add_option("checkpoint", *name, "the checkpoint's file name, or the path of an archive")
      ->required();
}

}  // namespace safechunk::cli
