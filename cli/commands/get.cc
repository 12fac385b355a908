#include <iostream>
#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

// The newest text of a chunk that is known to be good, and whether it is the newest that was
// written.
struct ChunkText {
  std::optional<std::string> text;
  const char* state = "good";  // or "older"
};

// The only place that tells them apart: the engine reports a fault of this chunk when it gives an
// older text.
Result<ChunkText> read(const Context& context, SafeChunkEngine& engine, const std::string& chunk) {
  auto text = engine.find_chunk(chunk);
  if (!text) return text.status();
  return ChunkText{*std::move(text), context.messages->any_fault_of(chunk) ? "older" : "good"};
}

// {"chunk", "state", "value"}: the value is the text as it is, so that numbers keep their form.
void print_with_state(const std::string& chunk, const ChunkText& found) {
  std::string value = json_without_non_finite(*found.text);
  while (value.ends_with('\n')) value.pop_back();
  std::cout << R"({"chunk":)" << Json(chunk).dump(-1, ' ', false, Json::error_handler_t::replace)
            << R"(,"state":")" << found.state << R"(","value":)" << value << "}\n";
}

int get(const Context& context, const std::string& chunk) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  auto found = read(context, *engine, chunk);
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
  return code_of_faults(context);
}

}  // namespace

void add_get(CLI::App& app, Context& context) {
  auto chunk = std::make_shared<std::string>();
  CLI::App* command = add_command(app, context, "get", "print a chunk's JSON text",
                                  [chunk](Context& c) { return get(c, *chunk); });
  command->add_option("chunk", *chunk, "the chunk's name")->required();
}

}  // namespace safechunk::cli
