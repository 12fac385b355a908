#include <memory>

#include "../file_commands.h"
#include "../saving.h"
#include "../value_argument.h"

namespace safechunk::cli {
namespace {

int set(const Context& context, const std::string& chunk, const std::string& pointer,
        const ValueArgument& argument, const EditCondition& condition) {
  if (Status status = check_ending(context, chunk); !status) return fail(context, status);
  const auto json_text = read_value(argument);
  if (!json_text) return fail(context, json_text.status());
  return save(context,
              {chunk, condition,
               [&](Transaction& transaction) {
                 return with_hint(transaction.stage_value(chunk, pointer, *json_text), argument);
               },
               [&](SafeChunkEngine& engine) {
                 return engine.stage_value(chunk, pointer, std::string_view(*json_text), condition);
               }},
              Missing::create);
}

}  // namespace

void add_set(CLI::App& app, Context& context) {
  if (context.names_file) return add_set_in_file(app, context);
  auto chunk = std::make_shared<std::string>();
  auto pointer = std::make_shared<std::string>();
  auto argument = std::make_shared<ValueArgument>();
  auto condition = std::make_shared<EditCondition>();
  CLI::App* command = add_command(app, context, "set",
                                  "set one value of a chunk, and leave all other bytes as they are",
                                  [chunk, pointer, argument, condition](Context& c) {
                                    return set(c, *chunk, *pointer, *argument, *condition);
                                  });
  add_chunk(*command, context, chunk);
  command->add_option("pointer", *pointer, "where the value is: /window/width, /users/0")
      ->required();
  add_value(*command, argument);
  add_condition(*command, condition);
  add_file_hint(*command, "set FILE POINTER [VALUE]");
}

}  // namespace safechunk::cli
