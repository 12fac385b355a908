#include <iostream>
#include <memory>
#include <string>

#include "../context.h"

namespace safechunk::cli {
namespace {

struct Request {
  std::string file;
  ExportOptions options;
};

int export_archive(const Context& context, const Request& request) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  defer_signals();  // the unfinished file goes
  const std::string path = absolute_file(request.file);
  const Status status = engine->export_archive(path, request.options, progress_bar("archiving"));
  if (!status.ok()) return fail(context, status);
  if (context.json) print({{"exported", path}, {"state", state_of_faults(context)}});
  return code_of_faults(context);
}

}  // namespace

void add_export(CLI::App& app, Context& context) {
  auto request = std::make_shared<Request>();
  CLI::App* command = add_command(
      app, context, "export",
      "archive all chunks, as they are saved, in a new file; needs no lock and changes nothing",
      [request](Context& c) { return export_archive(c, *request); });
  command->add_option("file", request->file, "the zip file, which must not be there yet")
      ->required();
  command->add_option("--label", request->options.label, "any text, kept inside")
      ->capture_default_str();
  command->add_option("--notes", request->options.notes, "free text, kept inside");
}

}  // namespace safechunk::cli
