#include <filesystem>
#include <iostream>
#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

namespace fs = std::filesystem;

struct AdoptArguments {
  bool release = false;
  bool force = false;
};

// The folder or file that was typed, whether or not it has a side folder.
Result<Location> locate_files(const Context& context, bool release) {
  auto location = locate(context);
  if (!location || location->place == PlaceKind::in_place) return location;
  const fs::path path = fs::path(location->base_dir) / location->project_id;
  std::error_code ignored;
  const bool is_file = location->place == PlaceKind::file;
  if (is_file && (release || fs::exists(path, ignored))) return location;
  if (!is_file && fs::is_directory(path, ignored)) {
    location->place = PlaceKind::in_place;
    return location;
  }
  Error error;
  error.code = ErrorCode::not_found;
  error.message = "there is no such folder or JSON file";
  error.path = path.string();
  return error;
}

// Opened once as its owner, so that what is there is checked and stamped: then damage to it can be
// told from an edit.
int adopt(const Context& context, const Location& location) {
  auto engine = open_at(context, location);
  if (!engine) return fail(context, engine.status());
  const auto chunks = engine->list_chunks();
  if (!chunks) return finish(context, *engine, fail(context, chunks.status()));
  const Status repaired = engine->repair();
  if (context.json) {
    print({{"path", engine->project_path()}, {"chunks", *chunks}});
  } else {
    std::cout << printable(context.project) << ": " << counted(chunks->size(), "JSON file") << "\n";
  }
  if (!repaired.ok()) return finish(context, *engine, fail(context, repaired));
  return finish(context, *engine, code_of_faults(context));
}

int adopt_or_release(const Context& context, const AdoptArguments& arguments) {
  const auto location = locate_files(context, arguments.release);
  if (!location) return fail(context, location.status());
  if (!arguments.release) return adopt(context, *location);
  defer_signals();
  const fs::path path = fs::path(location->base_dir) / location->project_id;
  const Status released = release_place(path.string(), location->place, arguments.force);
  if (!released.ok()) {
    Error error = released.error();
    if (error.message.ends_with("or use force"))
      error.message.insert(error.message.size() - 5, "--");
    return fail(context, error);
  }
  if (context.json) print({{"released", path.string()}});
  return kOk;
}

}  // namespace

void add_adopt(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<AdoptArguments>();
  CLI::App* command = add_command(
      app, context, "adopt", "protect JSON files where they are: a folder of them, or one file",
      [arguments](Context& c) { return adopt_or_release(c, *arguments); });
  command->add_flag("--release", arguments->release,
                    "remove what the engine has put beside them, and leave the files as they are");
  command
      ->add_flag("--force", arguments->force,
                 "with --release: also checkpoints and files in quarantine")
      ->needs("--release");
  command->footer(
      "Other commands then take the folder or the file in the place of the project:\n"
      "  safechunk adopt ~/.config/app/settings.json\n"
      "  safechunk checkpoint ~/.config/app/settings.json");
}

}  // namespace safechunk::cli
