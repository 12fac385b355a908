#include <memory>

#include "../file_commands.h"
#include "../saving.h"

namespace safechunk::cli {
namespace {

int patch(const Context& context, const std::string& chunk, const std::string& file,
          const EditCondition& condition) {
  const auto text = read_input(file);
  if (!text) return fail(context, text.status());
  return save(
      context,
      {chunk, condition,
       [&](Transaction& transaction) { return transaction.stage_patch(chunk, *text); },
       [&](SafeChunkEngine& engine) { return engine.stage_patch(chunk, *text, condition); }},
      Missing::refuse);
}

}  // namespace

void add_patch(CLI::App& app, Context& context) {
  if (context.names_file) return add_patch_in_file(app, context);
  auto chunk = std::make_shared<std::string>();
  auto file = std::make_shared<std::string>("-");
  auto condition = std::make_shared<EditCondition>();
  CLI::App* command = add_command(
      app, context, "patch", "change a chunk by a JSON Patch (RFC 6902), all operations or none",
      [chunk, file, condition](Context& c) { return patch(c, *chunk, *file, *condition); });
  add_chunk(*command, context, chunk);
  command->add_option("file", *file, "the patch; - is standard input")->capture_default_str();
  add_condition(*command, condition);
  add_file_hint(*command, "patch FILE [PATCH]");
}

}  // namespace safechunk::cli
