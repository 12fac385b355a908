#include <memory>

#include "../file_commands.h"
#include "../saving.h"

namespace safechunk::cli {
namespace {

int merge(const Context& context, const std::string& chunk, const std::string& file,
          const EditCondition& condition) {
  if (Status status = check_ending(context, chunk); !status) return fail(context, status);
  const auto text = read_input(file);
  if (!text) return fail(context, text.status());
  return save(
      context,
      {chunk, condition,
       [&](Transaction& transaction) { return transaction.stage_merge(chunk, *text); },
       [&](SafeChunkEngine& engine) { return engine.stage_merge(chunk, *text, condition); }},
      Missing::create);
}

}  // namespace

void add_merge(CLI::App& app, Context& context) {
  if (context.names_file) return add_merge_in_file(app, context);
  auto chunk = std::make_shared<std::string>();
  auto file = std::make_shared<std::string>("-");
  auto condition = std::make_shared<EditCondition>();
  CLI::App* command = add_command(
      app, context, "merge", "set and remove members of a chunk by a JSON Merge Patch (RFC 7396)",
      [chunk, file, condition](Context& c) { return merge(c, *chunk, *file, *condition); });
  add_chunk(*command, context, chunk);
  command->add_option("file", *file, "the merge patch; - is standard input")->capture_default_str();
  add_condition(*command, condition);
  add_file_hint(*command, "merge FILE [PATCH]");
}

}  // namespace safechunk::cli
