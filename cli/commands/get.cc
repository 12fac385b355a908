#include <iostream>
#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

// "good", "older", or "being_edited": an older one, because another program is writing the file.
std::string_view state_of(const ChunkRead& found) {
  if (found.older.ok()) return "good";
  return found.older.code() == ErrorCode::being_edited ? "being_edited" : "older";
}

// {"chunk", "state", "value"}: the value is the text as it is, so that numbers keep their form.
void print_with_state(const std::string& chunk, const ChunkRead& found) {
  std::string value = json_without_non_finite(*found.text);
  while (value.ends_with('\n')) value.pop_back();
  std::cout << R"({"chunk":)" << Json(chunk).dump(-1, ' ', false, Json::error_handler_t::replace)
            << R"(,"state":")" << state_of(found) << R"(","value":)" << value << "}\n";
}

int get(const Context& context, const std::string& chunk) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  auto found = engine->read_chunk(chunk);
  if (!found) return fail(context, found.status());
  if (!found->text) {
    Error error;
    error.code = ErrorCode::not_found;
    error.message = "there is no such chunk";
    error.chunk = chunk;
    return fail(context, error);
  }
  if (context.json) {
    print_with_state(chunk, *found);
  } else {
    std::cout << *found->text;
  }
  return found->older.ok() ? kOk : kFailed;  // the fault that says why is on stderr
}

}  // namespace

void add_get(CLI::App& app, Context& context) {
  auto chunk = std::make_shared<std::string>();
  CLI::App* command = add_command(app, context, "get", "print a chunk's JSON text",
                                  [chunk](Context& c) { return get(c, *chunk); });
  command->add_option("chunk", *chunk, "the chunk's name")->required();
}

}  // namespace safechunk::cli
