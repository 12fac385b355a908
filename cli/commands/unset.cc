#include <memory>

#include "../file_commands.h"
#include "../saving.h"

namespace safechunk::cli {
namespace {

int unset(const Context& context, const std::string& chunk, const std::string& pointer,
          const EditCondition& condition) {
  return save(
      context,
      {chunk, condition,
       [&](Transaction& transaction) { return transaction.remove_value(chunk, pointer); },
       [&](SafeChunkEngine& engine) { return engine.remove_value(chunk, pointer, condition); }},
      Missing::refuse);
}

}  // namespace

void add_unset(CLI::App& app, Context& context) {
  if (context.names_file) return add_unset_in_file(app, context);
  auto chunk = std::make_shared<std::string>();
  auto pointer = std::make_shared<std::string>();
  auto condition = std::make_shared<EditCondition>();
  CLI::App* command = add_command(
      app, context, "unset", "remove one value of a chunk, and leave all other bytes as they are",
      [chunk, pointer, condition](Context& c) { return unset(c, *chunk, *pointer, *condition); });
  add_chunk(*command, context, chunk);
  command->add_option("pointer", *pointer, "where the value is: /window/width, /users/0")
      ->required();
  add_condition(*command, condition);
  add_file_hint(*command, "unset FILE POINTER");
}

}  // namespace safechunk::cli
