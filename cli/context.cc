#include "context.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <thread>

namespace safechunk::cli {
namespace {

namespace fs = std::filesystem;

// The folder or file in full, for messages.
std::string path_of(const Location& location) {
  const fs::path path = fs::path(location.base_dir) / location.project_id;
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return error ? path.string() : absolute.string();
}

Status not_a_project(const Location& location, std::string message) {
  Error error;
  error.code = ErrorCode::not_found;
  error.message = std::move(message);
  error.path = path_of(location);
  return error;
}

// "~" and "~/x" in the folder of the user: a shell leaves them alone in quotes and behind a "=".
std::string expand_home(const std::string& path) {
  if (path != "~" && !path.starts_with("~/")) return path;
  const char* home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? path : home + path.substr(1);
}

// The absolute path without "." and "..". Only ".." asks the disk: behind a link it is not the
// folder to the left of it.
fs::path absolute_path(const fs::path& path, std::error_code& error) {
  fs::path absolute = fs::absolute(path, error);
  if (error) return absolute;
  for (const fs::path& part : absolute) {
    if (part == "..") return fs::weakly_canonical(absolute, error);
  }
  return absolute.lexically_normal();
}

bool is_path(const std::string& project) {
  return project.find('/') != std::string::npos || project == "." || project == ".." ||
         project == "~";
}

Result<Location> split_path(const std::string& text) {
  std::error_code failure;
  fs::path path = absolute_path(text, failure);
  if (failure) {
    Error error;
    error.code = ErrorCode::io_error;
    error.message = "cannot find the folder";
    error.path = text;
    error.os_errno = failure.value();
    return error;
  }
  if (!path.has_filename()) path = path.parent_path();  // behind a slash at the end
  if (!path.has_filename()) {
    return Status(ErrorCode::invalid_argument, "the root folder cannot be a project");
  }
  return Location{path.parent_path().string(), path.filename().string(), PlaceKind::project};
}

constexpr const char* kSideFolder = ".safechunk";

bool is_folder_place(const Location& location) {
  std::error_code ignored;
  return fs::is_directory(fs::path(location.base_dir) / location.project_id / kSideFolder, ignored);
}

// Where lock, backups and checkpoints lie.
fs::path own_folder(const Location& location) {
  const fs::path path = path_of(location);
  switch (location.place) {
    case PlaceKind::project:
      return path;
    case PlaceKind::in_place:
      return path / kSideFolder;
    case PlaceKind::file:
      break;
  }
  std::error_code ignored;
  const fs::path file = fs::weakly_canonical(path, ignored);
  return file.parent_path() / ("." + file.filename().string() + kSideFolder);
}

Status try_to_read(const Location& location) {
  EngineOptions options = location.options();
  options.mode = Mode::read;
  return SafeChunkEngine::open(location.project_id, options).status();
}

Status check_place(const Location& location, Missing missing) {
  std::error_code ignored;
  const bool is_beside = location.place != PlaceKind::project;
  if (is_beside && (missing == Missing::create || fs::exists(path_of(location), ignored)))
    return {};
  if (is_beside) return not_a_project(location, "there is no such file");
  auto content = inspect_folder(location.project_id, location.base_dir);
  if (!content) return content.status();
  if (*content == FolderContent::project) return {};
  if (*content == FolderContent::foreign) {
    if (Status unknown = try_to_read(location); unknown.code() == ErrorCode::unsupported_format) {
      return unknown;  // names the program or the version whose folder it is
    }
    return missing == Missing::refuse
               ? not_a_project(location,
                               "there is no project in this folder; 'safechunk adopt' makes one of "
                               "the JSON files in it")
               : Status(ErrorCode::invalid_argument,
                        "'" + path_of(location) +
                            "' holds other files and no project; name an empty folder, or one "
                            "that is not there yet");
  }
  return missing == Missing::create ? Status()
                                    : not_a_project(location, "there is no such project");
}

// Waits as long as somebody else has the project and the time is not over.
Result<SafeChunkEngine> open_patiently(const std::string& project_id, EngineOptions options,
                                       double wait_seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLongest{200};  // until a signal is seen
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(wait_seconds));
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    options.lock_timeout = std::clamp(left, std::chrono::milliseconds(0), kLongest);
    auto engine = SafeChunkEngine::open(project_id, options);
    if (engine.code() != ErrorCode::locked || Clock::now() >= deadline) return engine;
    if (was_interrupted()) return Status(ErrorCode::cancelled, "interrupted while waiting");
  }
}

// "get project users.json" is a common slip.
Error with_hint(Error error) {
  const std::string name = without_json_ending(error.chunk);
  if (error.code == ErrorCode::not_found && !name.empty()) {
    error.message += "; did you mean '" + name + "'?";
  }
  if (error.code == ErrorCode::invalid_name &&
      error.message.starts_with("not the name of a checkp")) {
    error.message += "; 'safechunk checkpoints' prints their names";
  }
  return error;
}

}  // namespace

std::string without_json_ending(const std::string& chunk) {
  constexpr std::string_view kEnding = ".json";
  return chunk.ends_with(kEnding) ? chunk.substr(0, chunk.size() - kEnding.size()) : std::string();
}

EngineOptions Location::options() const {
  EngineOptions options;
  options.base_dir = base_dir;
  options.place = place;
  return options;
}

void add_chunk(CLI::App& command, const Context& context,
               const std::shared_ptr<std::string>& chunk) {
  if (context.names_file) {
    *chunk = context.file_chunk;
  } else {
    command.add_option("chunk", *chunk, "the chunk's name")->required();
  }
}

CLI::App* add_command(CLI::App& app, Context& context, const char* name, const char* description,
                      std::function<int(Context&)> run) {
  CLI::App* command = add_base_command(app, context, name, description, std::move(run));
  command
      ->add_option("project", context.project,
                   "the project: a name in --base-dir, or the path of its folder; or a folder that "
                   "was adopted, or a JSON file")
      ->required();
  return command;
}

CLI::App* add_base_command(CLI::App& app, Context& context, const char* name,
                           const char* description, std::function<int(Context&)> run) {
  CLI::App* command = app.add_subcommand(name, description);
  command->fallthrough();  // the global options are also allowed after the command
  command->callback([&context, run = std::move(run)] {
    context.exit_code = run(context);
    if (!was_interrupted()) return;
    context.messages->interrupted(name_of_signal(caught_signal()));
    context.exit_code = kSignal + caught_signal();
  });
  return command;
}

bool may_ask(const Context& context) {
  return !context.json && ::isatty(STDIN_FILENO) != 0;
}

bool says_yes(const std::string& question, bool by_default) {
  std::cerr << question << (by_default ? " [Y/n] " : " [y/N] ") << std::flush;
  std::string answer;
  if (!std::getline(std::cin, answer)) return false;
  return answer.empty() ? by_default : answer[0] == 'y' || answer[0] == 'Y';
}

std::string base_dir_of(const Context& context) {
  return expand_home(context.base_dir);
}

Result<Location> locate(const Context& context) {
  const std::string base_dir = base_dir_of(context);
  const std::string project = expand_home(context.project);
  if (context.names_file) {
    if (base_dir.empty()) return Location{"", absolute_file(context.project), PlaceKind::file};
    return Status(ErrorCode::invalid_argument,
                  "--base-dir (-C) is for projects; name the file by its path");
  }
  Result<Location> location = Location{base_dir, project, PlaceKind::project};
  if (is_path(context.project)) location = split_path((fs::path(base_dir) / project).string());
  if (location && is_folder_place(*location)) location->place = PlaceKind::in_place;
  return location;
}

namespace {

Result<SafeChunkEngine> open_there(Mode mode, double wait_seconds, const Context& context,
                                   const Location& location) {
  EngineOptions options = location.options();
  options.mode = mode;
  options.file_mode = context.file_mode;
  options.weak_locks = context.weak_locks;
  options.weak_folders = context.weak_folders;
  defer_signals();
  auto engine = open_patiently(location.project_id, options, wait_seconds);
  if (!engine) return engine;
  const auto messages = context.messages;
  for (const Event& event : engine->recovery_report().events) messages->recovery(event);
  engine->on_fault([messages](const Error& error) { messages->fault(error); });
  return engine;
}

Result<SafeChunkEngine> open_as(Mode mode, double wait_seconds, const Context& context,
                                Missing missing) {
  const auto location = locate(context);
  if (!location) return location.status();
  if (Status status = check_place(*location, missing); !status) return status;
  return open_there(mode, wait_seconds, context, *location);
}

}  // namespace

Result<SafeChunkEngine> open_at(const Context& context, const Location& location) {
  return open_there(Mode::owner, context.wait_seconds, context, location);
}

Result<SafeChunkEngine> open_for_writing(const Context& context, Missing missing) {
  return open_as(Mode::owner, context.wait_seconds, context, missing);
}

double wait_for_turn(const Context& context) {
  constexpr double kUsual = 10;
  return context.wait_seconds > 0 ? context.wait_seconds : kUsual;
}

Result<SafeChunkEngine> open_for_turns(const Context& context, Missing missing) {
  return open_as(Mode::shared, wait_for_turn(context), context, missing);
}

Result<SafeChunkEngine> open_for_reading(const Context& context) {
  const auto location = locate(context);
  if (!location) return location.status();
  EngineOptions options = location->options();
  options.mode = Mode::read;
  options.file_mode = context.file_mode;  // of archives
  auto engine = SafeChunkEngine::open(location->project_id, options);
  if (engine.code() == ErrorCode::not_found) {
    if (Status status = check_place(*location, Missing::refuse); !status) return status;
  }
  if (!engine) return engine;
  const auto messages = context.messages;
  engine->on_fault([messages](const Error& error) { messages->fault(error); });
  return engine;
}

int finish(const Context& context, SafeChunkEngine& engine, int exit_code) {
  const Status status = engine.detach();
  if (!status.ok()) {
    const int failed = fail(context, status);
    if (exit_code == kOk) exit_code = failed;
  }
  return exit_code;
}

int fail(const Context& context, const Status& status) {
  // add_command() says which signal it was.
  if (status.code() == ErrorCode::cancelled && was_interrupted()) return kFailed;
  context.messages->error(with_hint(status.error()));
  switch (status.code()) {
    case ErrorCode::invalid_argument:
    case ErrorCode::invalid_name:
      return kUsage;
    case ErrorCode::locked:
      return kLocked;
    case ErrorCode::not_found:
      return kNotFound;
    default:
      return kFailed;
  }
}

std::string absolute_file(const std::string& path) {
  std::error_code error;
  const std::string expanded = expand_home(path);
  const fs::path absolute = fs::absolute(expanded, error);
  return error ? expanded : absolute.string();
}

std::string archive_of(const Context& context, const std::string& typed) {
  const auto location = locate(context);
  const fs::path checkpoints =
      location ? own_folder(*location) / "checkpoints" : fs::path("checkpoints");
  const bool has_folder = typed.find('/') != std::string::npos;
  std::error_code error;
  if (!has_folder && fs::exists(checkpoints / typed, error)) return typed;
  const fs::path path = absolute_file(typed);
  if (typed.empty() || !path.has_filename()) return file_name(typed);
  const bool is_checkpoint = fs::exists(checkpoints / path.filename(), error);
  // A path to nothing: that is what the error shall say.
  if (!fs::exists(path, error))
    return has_folder && !is_checkpoint ? path.string() : file_name(typed);
  return fs::equivalent(path.parent_path(), checkpoints, error) ? path.filename().string()
                                                                : path.string();
}

std::string file_name(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  return name.empty() ? path : name;
}

int code_of_faults(const Context& context) {
  return context.messages->faults().empty() ? kOk : kFailed;
}

const char* state_of_faults(const Context& context) {
  return context.messages->faults().empty() ? "good" : "damaged";
}

}  // namespace safechunk::cli
