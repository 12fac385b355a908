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

int put(const Context& context, const std::string& chunk, const std::string& file) {
  auto text = read_input(file);
  if (!text) return fail(context, text.status());
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  Status status = engine->stage_update(std::string_view(*text), chunk);
  if (status.ok()) status = engine->force_sync();
  const int code = status.ok() ? static_cast<int>(kOk) : fail(context, status);
  if (code == kOk && context.json) print({{"chunk", chunk}, {"saved", true}});
  return finish(context, *engine, code);
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
