#include <iostream>

#include "../context.h"

namespace safechunk::cli {
namespace {

int list(const Context& context) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  auto chunks = engine->list_chunks();
  if (!chunks) return fail(context, chunks.status());
  if (context.json) {
    print(*chunks);
  } else {
    for (const std::string& chunk : *chunks) std::cout << chunk << "\n";
  }
  return code_of_faults(context);
}

}  // namespace

void add_list(CLI::App& app, Context& context) {
  add_command(app, context, "list", "print the names of all chunks", list);
}

}  // namespace safechunk::cli
