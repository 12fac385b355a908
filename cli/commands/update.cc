#include <memory>
#include <vector>

#include "../process.h"
#include "../saving.h"

namespace safechunk::cli {
namespace {

// What the command makes of the present text.
Result<std::string> filtered(const std::string& chunk, const std::vector<std::string>& command,
                             const ChunkRead& present) {
  const std::string text = present.text ? *present.text : "{}\n";
  auto output = run_filter(command, text, EngineOptions().chunk_size_limit);
  Status status = output ? check_update(*output, chunk) : output.status();
  if (status.ok()) return output;
  Error error = status.error();
  error.chunk = chunk;
  if (output)
    error.message = "the output of '" + command[0] + "' cannot be saved: " + error.message;
  error.message += "; nothing is changed";
  return Status(error);
}

int update(const Context& context, const std::string& chunk,
           const std::vector<std::string>& command) {
  if (Status status = check_update("{}", chunk); !status) return fail(context, status);
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  if (was_interrupted()) return finish(context, *engine, kFailed);
  const Status staged = engine->update(
      chunk, [&](const ChunkRead& present) { return filtered(chunk, command, present); });
  return save_staged(context, *engine, chunk, staged);
}

}  // namespace

void add_update(CLI::App& app, Context& context) {
  auto chunk = std::make_shared<std::string>();
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* command = add_command(
      app, context, "update",
      "replace a chunk's text by what a command makes of it; no other process comes between",
      [chunk, words](Context& c) { return update(c, *chunk, *words); });
  command->add_option("chunk", *chunk, "the chunk's name")->required();
  command
      ->add_option("command", *words,
                   "behind --, the command and its arguments: it reads the present text and prints "
                   "the new one")
      ->required()
      ->allow_extra_args(false);  // else "[x]" would be a list
}

}  // namespace safechunk::cli
