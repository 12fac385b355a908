#include <memory>

#include "../file_commands.h"
#include "../saving.h"

namespace safechunk::cli {
namespace {

int put(const Context& context, const std::string& chunk, const std::string& file,
        const EditCondition& condition) {
  if (Status status = check_ending(context, chunk); !status) return fail(context, status);
  const auto text = read_input(file);
  if (!text) return fail(context, text.status());
  const std::string_view json_text = *text;
  return save(
      context,
      {chunk, condition,
       [&](Transaction& transaction) { return transaction.stage(json_text, chunk); },
       [&](SafeChunkEngine& engine) { return engine.stage_update(json_text, chunk, condition); }},
      Missing::create);
}

}  // namespace

void add_put(CLI::App& app, Context& context) {
  auto chunk = std::make_shared<std::string>();
  auto file = std::make_shared<std::string>("-");
  auto condition = std::make_shared<EditCondition>();
  CLI::App* command = add_command(
      app, context, "put", "save a JSON document as a chunk, durably",
      [chunk, file, condition](Context& c) { return put(c, *chunk, *file, *condition); });
  add_chunk(*command, context, chunk);
  if (!context.names_file) add_place_hint(*command, "put FILE [INPUT]");
  command->add_option("file", *file, "the JSON text; - is standard input")->capture_default_str();
  add_condition(*command, condition);
}

}  // namespace safechunk::cli
