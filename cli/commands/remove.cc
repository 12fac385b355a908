#include <memory>

#include "../file_commands.h"
#include "../saving.h"

namespace safechunk::cli {
namespace {

int remove(const Context& context, const std::string& chunk, const EditCondition& condition) {
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  if (was_interrupted()) return finish(context, *engine, kFailed);
  Status status = engine->remove_chunk(chunk, condition);
  if (status.ok()) status = engine->force_sync();
  if (!status.ok()) return finish(context, *engine, fail(context, status));
  if (context.json) {
    print({{"chunk", chunk}, {"removed", true}, {"state", state_of_faults(context)}});
  }
  return finish(context, *engine, code_of_faults(context));
}

}  // namespace

void add_remove(CLI::App& app, Context& context) {
  auto chunk = std::make_shared<std::string>();
  auto condition = std::make_shared<EditCondition>();
  CLI::App* command =
      add_command(app, context, "remove", "remove a chunk and its backup",
                  [chunk, condition](Context& c) { return remove(c, *chunk, *condition); });
  add_chunk(*command, context, chunk);
  if (!context.names_file) add_place_hint(*command, "remove FILE");
  add_condition(*command, condition);
}

}  // namespace safechunk::cli
