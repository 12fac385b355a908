#include <memory>
#include <vector>

#include "../process.h"
#include "../saving.h"

namespace safechunk::cli {
namespace {

// What the program makes of the present text.
Result<std::string> filtered(const std::string& chunk, const std::vector<std::string>& program,
                             const ChunkRead& present) {
  const std::string text = present.text ? *present.text : "{}\n";
  auto output = run_filter(program, text, EngineOptions().chunk_size_limit);
  Status status = output ? check_update(*output, chunk) : output.status();
  if (status.ok()) return output;
  Error error = status.error();
  error.chunk = chunk;
  if (output)
    error.message = "the output of '" + program[0] + "' cannot be saved: " + error.message;
  error.message += "; nothing is changed";
  return Status(error);
}

int update(const Context& context, const std::string& chunk) {
  const std::vector<std::string>& program = context.program;
  if (program.empty()) {
    context.messages->usage("update: the command that makes the new text follows behind --");
    return kUsage;
  }
  if (Status status = check_update("{}", chunk); !status) return fail(context, status);
  if (Status status = check_ending(context, chunk); !status) return fail(context, status);
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  if (was_interrupted()) return finish(context, *engine, kFailed);
  const Status staged = engine->update(
      chunk, [&](const ChunkRead& present) { return filtered(chunk, program, present); });
  return save_staged(context, *engine, chunk, staged);
}

}  // namespace

void add_update(CLI::App& app, Context& context) {
  auto chunk = std::make_shared<std::string>();
  CLI::App* command = add_command(app, context, "update",
                                  "replace a chunk's text by what another program makes of it",
                                  [chunk](Context& c) { return update(c, *chunk); });
  add_chunk(*command, context, chunk);
  command->footer(
      "Behind -- follow the program and its arguments. It reads the present text, or {}, from its\n"
      "standard input and prints the new text:\n"
      "  safechunk update my_project users -- jq '.count += 1'");
}

}  // namespace safechunk::cli
