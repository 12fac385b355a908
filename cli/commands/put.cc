#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

Result<std::string> read_input(const std::string& file) {
  std::ifstream stream;
  if (file != "-") stream.open(file, std::ios::binary);
  std::istream& input = file == "-" ? std::cin : stream;
  std::string text;
  // read() and not iterators, which throw when the operating system fails.
  std::array<char, 65536> buffer{};
  while (input) {
    input.read(buffer.data(), buffer.size());
    text.append(buffer.data(), static_cast<std::size_t>(input.gcount()));
  }
  if (input.bad() || !input.eof()) {
    return Status(ErrorCode::io_error, "cannot read the file '" + file + "'");
  }
  return text;
}

bool exists(const Context& context, const std::string& chunk) {
  const auto location = locate(context);
  if (!location) return false;
  EngineOptions options;
  options.base_dir = location->base_dir;
  options.read_only = true;
  auto engine = SafeChunkEngine::open(location->project_id, options);
  if (!engine) return false;
  const auto chunks = engine->list_chunks();
  return chunks && std::ranges::find(*chunks, chunk) != chunks->end();
}

// "put project users.json < users.json" would make the file users.json.json.
Status check_ending(const Context& context, const std::string& chunk) {
  const std::string name = without_json_ending(chunk);
  if (name.empty() || exists(context, chunk)) return {};
  Error error;
  error.code = ErrorCode::invalid_name;
  error.message = "a chunk's name has no '.json' at its end: did you mean '" + name + "'?";
  error.chunk = chunk;
  return error;
}

int put(const Context& context, const std::string& chunk, const std::string& file) {
  if (Status status = check_ending(context, chunk); !status) return fail(context, status);
  auto text = read_input(file);
  if (!text) return fail(context, text.status());
  // A refused text makes no project.
  if (Status status = check_update(*text, chunk); !status) return fail(context, status);
  auto engine = open_for_writing(context, Missing::create);
  if (!engine) return fail(context, engine.status());
  if (was_interrupted()) return finish(context, *engine, kFailed);
  Status status = engine->stage_update(std::string_view(*text), chunk);
  const bool in_journal = status.ok();
  if (in_journal) status = engine->force_sync();
  if (!status.ok()) {
    if (in_journal && engine->is_dirty()) {
      Error error = status.error();
      error.message +=
          "; the text is kept in the project's journal: the next program that opens the project "
          "saves it, or moves it to quarantine if the file still cannot be replaced";
      status = error;
    }
    return finish(context, *engine, fail(context, status));
  }
  if (context.json) {
    print({{"chunk", chunk}, {"saved", true}, {"state", state_of_faults(context)}});
  } else if (code_of_faults(context) != kOk) {
    std::cerr << "safechunk: '" << printable(chunk) << "' is saved; see what was met above\n";
  }
  return finish(context, *engine, code_of_faults(context));
}

}  // namespace

void add_put(CLI::App& app, Context& context) {
  auto chunk = std::make_shared<std::string>();
  auto file = std::make_shared<std::string>("-");
  CLI::App* command = add_command(app, context, "put", "save a JSON document as a chunk, durably",
                                  [chunk, file](Context& c) { return put(c, *chunk, *file); });
  command->add_option("chunk", *chunk, "the chunk's name")->required();
  command->add_option("file", *file, "the JSON text; - is standard input")->capture_default_str();
}

}  // namespace safechunk::cli
