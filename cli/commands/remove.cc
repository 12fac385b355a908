#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

int remove(const Context& context, const std::string& chunk) {
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  Status status = engine->remove_chunk(chunk);
  if (status.ok()) status = engine->force_sync();
  const int code = status.ok() ? static_cast<int>(kOk) : fail(context, status);
  if (code == kOk && context.json) print({{"chunk", chunk}, {"removed", true}});
  return finish(context, *engine, code);
}

}  // namespace

void add_remove(CLI::App& app, Context& context) {
  auto chunk = std::make_shared<std::string>();
  CLI::App* command = add_command(app, context, "remove", "remove a chunk and its backup",
                                  [chunk](Context& c) { return remove(c, *chunk); });
  command->add_option("chunk", *chunk, "the chunk's name")->required();
}

}  // namespace safechunk::cli
