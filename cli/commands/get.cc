#include <iostream>
#include <memory>
#include <optional>

#include "../context.h"
#include "../file_commands.h"

namespace safechunk::cli {
namespace {

// "good", "older", or "being_edited": an older one, because another program is writing the file.
std::string_view state_of(const ChunkRead& found) {
  if (found.older.ok()) return "good";
  return found.older.code() == ErrorCode::being_edited ? "being_edited" : "older";
}

// {"chunk", "state", "revision", "value"}: the value is the text as it is, so that numbers keep
// their form.
void print_with_state(const std::string& chunk, const ChunkRead& found, const std::string& text) {
  std::string value = json_without_non_finite(text);
  while (value.ends_with('\n')) value.pop_back();
  std::cout << R"({"chunk":)" << Json(chunk).dump(-1, ' ', false, Json::error_handler_t::replace)
            << R"(,"state":")" << state_of(found) << R"(","revision":")" << found.revision
            << R"(","value":)" << value << "}\n";
}

Status with_chunk(const Status& status, const std::string& chunk) {
  Error error = status.error();
  error.chunk = chunk;
  return error;
}

int get(const Context& context, const std::string& chunk,
        const std::optional<std::string>& pointer) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  auto found = engine->read_chunk(chunk);
  if (!found) return fail(context, found.status());
  if (!found->text) {
    const Status missing(ErrorCode::not_found, "there is no such chunk");
    return fail(context, with_chunk(missing, chunk));
  }
  auto text = pointer ? json_value_at(*found->text, *pointer) : *std::move(found->text);
  if (!text) return fail(context, with_chunk(text.status(), chunk));
  if (pointer) *text += '\n';
  if (context.json) {
    print_with_state(chunk, *found, *text);
  } else {
    std::cout << *text;
  }
  return found->older.ok() ? kOk : kFailed;  // the fault that says why is on stderr
}

}  // namespace

void add_get(CLI::App& app, Context& context) {
  if (context.names_file) return add_get_in_file(app, context);
  auto chunk = std::make_shared<std::string>();
  auto pointer = std::make_shared<std::optional<std::string>>();
  CLI::App* command =
      add_command(app, context, "get", "print a chunk's JSON text, or one value",
                  [chunk, pointer](Context& c) { return get(c, *chunk, *pointer); });
  add_chunk(*command, context, chunk);
  command->add_option_function<std::string>(
      "pointer", [pointer](const std::string& text) { *pointer = text; },
      "where the value is: /window/width, /users/0");
  add_file_hint(*command, "get FILE [POINTER]");
}

}  // namespace safechunk::cli
