#include <iostream>
#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

int get(const Context& context, const std::string& chunk) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  auto text = engine->find_chunk(chunk);
  if (!text) return fail(context, text.status());
  if (!*text) {
    Error error;
    error.code = ErrorCode::not_found;
    error.message = "there is no such chunk";
    error.chunk = chunk;
    return fail(context, error);
  }
  std::cout << **text;
  return kOk;
}

}  // namespace

void add_get(CLI::App& app, Context& context) {
  auto chunk = std::make_shared<std::string>();
  CLI::App* command = add_command(app, context, "get", "print a chunk's JSON text",
                                  [chunk](Context& c) { return get(c, *chunk); });
  command->add_option("chunk", *chunk, "the chunk's name")->required();
}

}  // namespace safechunk::cli
