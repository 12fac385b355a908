#include "file_commands.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>

#include "saving.h"
#include "value_argument.h"

namespace safechunk::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kDefaultWait = 10;

struct FileArguments {
  std::string path;
  std::string dialect;  // as it was typed; empty: by the name of the file
  bool no_backup = false;
  FileEditOptions options;

  [[nodiscard]] Dialect dialect_of_file() const {
    const bool jsonc = dialect.empty() ? path.ends_with(".jsonc") : dialect == "jsonc";
    return jsonc ? Dialect::jsonc : Dialect::json;
  }
};

Status with_advice(const Status& status, const FileArguments& arguments) {
  if (status.ok()) return status;
  Error error = status.error();
  if (error.message.ends_with("which the dialect jsonc accepts")) {
    error.message += ": use --dialect jsonc";
  }
  const bool is_missing = error.message == "there is no such file" && !arguments.options.create;
  if (is_missing) error.message += "; set and merge make one with --create";
  return error;
}

// Whose file is meant is not to be guessed.
Status check_base_dir(const Context& context) {
  if (context.base_dir.empty()) return {};
  return Status(ErrorCode::invalid_argument,
                "--base-dir (-C) is for projects; name the file by its path");
}

// Waits in short turns, so that a signal is seen.
Result<FileEditResult> edit_patiently(const FileEdit& edit, FileArguments arguments, double wait) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLongest{200};
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(wait));
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    arguments.options.lock_timeout = std::clamp(left, std::chrono::milliseconds(0), kLongest);
    auto done = edit_file(arguments.path, std::span(&edit, 1), arguments.options);
    const bool waits = done.code() == ErrorCode::locked || done.code() == ErrorCode::being_edited;
    if (!waits) return done;
    if (was_interrupted()) return Status(ErrorCode::cancelled, "interrupted while waiting");
    if (Clock::now() < deadline) continue;
    Error error = done.error();
    error.message.resize(std::min(error.message.find("; waited"), error.message.size()));
    error.message += "; --wait says how long to wait for it";
    return error;
  }
}

int edit_one(const Context& context, FileArguments arguments, const FileEdit& edit) {
  if (Status status = check_base_dir(context); !status) return fail(context, status);
  arguments.path = absolute_file(arguments.path);
  arguments.options.dialect = arguments.dialect_of_file();
  arguments.options.backup = !arguments.no_backup;
  defer_signals();
  const double wait = context.wait_seconds > 0 ? context.wait_seconds : kDefaultWait;
  const auto done = edit_patiently(edit, arguments, wait);
  if (!done) return fail(context, with_advice(done.status(), arguments));
  for (const Error& fault : done->faults) context.messages->fault(fault);
  if (context.json) {
    print({{"file", arguments.path}, {"changed", done->changed}, {"revision", done->revision}});
  }
  return code_of_faults(context);
}

using Arguments = std::shared_ptr<FileArguments>;

CLI::App* add_file_command(CLI::App& app, Context& context, const char* name,
                           const char* description, const Arguments& arguments,
                           std::function<int(Context&)> run) {
  CLI::App* command = add_base_command(app, context, name, description, std::move(run));
  command->add_option("file", arguments->path, "the JSON file; links are followed")->required();
  command
      ->add_option("--dialect", arguments->dialect,
                   "json, or jsonc for comments and last commas (default: by the file's name)")
      ->type_name("json|jsonc")
      ->check(CLI::IsMember({"json", "jsonc"}));
  return command;
}

CLI::App* add_edit_command(CLI::App& app, Context& context, const char* name,
                           const char* description, const Arguments& arguments,
                           std::function<int(Context&)> run) {
  CLI::App* command = add_file_command(app, context, name, description, arguments, std::move(run));
  command
      ->add_option_function<std::string>(
          "--if-revision",
          [arguments](const std::string& text) { arguments->options.if_revision = text; },
          "only when the file has this revision, as --json prints it")
      ->type_name("REVISION");
  command->add_flag("--no-backup", arguments->no_backup,
                    "do not keep the version before in .NAME.safechunk/NAME.bak");
  return command;
}

void add_create(CLI::App& command, const Arguments& arguments) {
  command.add_flag("--create", arguments->options.create, "make the file when it is missing");
}

int set_in_file(const Context& context, const FileArguments& arguments, const std::string& pointer,
                const ValueArgument& argument) {
  const auto value = read_value(argument);
  if (!value) return fail(context, value.status());
  if (Status status = check_update(*value, "value"); !status) {
    Error error = with_hint(status, argument).error();
    error.chunk.clear();
    return fail(context, error);
  }
  return edit_one(context, arguments, FileEdit::set(pointer, *value));
}

int patch_file(const Context& context, const FileArguments& arguments, FileEdit::Kind kind,
               const std::string& input) {
  const auto text = read_input(input);
  if (!text) return fail(context, text.status());
  return edit_one(context, arguments, {kind, {}, *text});
}

int get_from_file(const Context& context, const FileArguments& arguments,
                  const std::optional<std::string>& pointer) {
  if (Status status = check_base_dir(context); !status) return fail(context, status);
  const std::string path = absolute_file(arguments.path);
  const auto found = read_json_file(path, arguments.dialect_of_file());
  if (!found) return fail(context, with_advice(found.status(), arguments));
  auto text = pointer ? json_value_at(found->json, *pointer) : found->json;
  if (!text) return fail(context, text.status());
  if (context.json) {
    std::string value = json_without_non_finite(*text);
    while (value.ends_with('\n')) value.pop_back();
    std::cout << R"({"file":)" << Json(path).dump(-1, ' ', false, Json::error_handler_t::replace)
              << R"(,"revision":")" << found->revision << R"(","value":)" << value << "}\n";
  } else {
    std::cout << *text << (pointer ? "\n" : "");
  }
  return kOk;
}

bool ends_like_json(std::string_view name) {
  return name.ends_with(".json") || name.ends_with(".jsonc");
}

}  // namespace

std::string chunk_of_file(const std::string& typed) {
  std::error_code ignored;
  const fs::path path = fs::weakly_canonical(absolute_file(typed), ignored);
  return name_of_file_chunk(path.filename().string());
}

std::size_t place_of_file(const std::vector<std::string_view>& words) {
  return !words.empty() && words[0] == "quarantine" ? 2 : 1;  // behind list, show or clear
}

bool names_file(const std::vector<std::string_view>& words, bool has_base_dir) {
  const std::size_t place = place_of_file(words);
  if (words.size() <= place) return false;
  const std::string typed(words[place]);
  if (has_base_dir && typed.find('/') == std::string::npos && !ends_like_json(typed)) return false;
  std::error_code ignored;
  const fs::file_status status = fs::status(absolute_file(typed), ignored);
  if (fs::is_directory(status)) return false;
  if (fs::is_regular_file(status)) return true;
  if (!ends_like_json(typed)) return false;
  const bool is_alone = words.size() == place + 1;
  const bool is_there = fs::exists(fs::symlink_status(absolute_file(typed), ignored));
  const bool has_slash = typed.find('/') != std::string::npos;
  return is_alone || is_there || has_slash || words[place + 1].starts_with('/');
}

void add_set_in_file(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<FileArguments>();
  auto pointer = std::make_shared<std::string>();
  auto argument = std::make_shared<ValueArgument>();
  CLI::App* command = add_edit_command(
      app, context, "set", "set one value in a JSON file, and leave all other bytes as they are",
      arguments, [arguments, pointer, argument](Context& c) {
        return set_in_file(c, *arguments, *pointer, *argument);
      });
  command->add_option("pointer", *pointer, "where the value is: /window/width, /users/0")
      ->required();
  add_value(*command, argument);
  add_create(*command, arguments);
}

void add_unset_in_file(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<FileArguments>();
  auto pointer = std::make_shared<std::string>();
  CLI::App* command =
      add_edit_command(app, context, "unset",
                       "remove one value from a JSON file, and leave all other bytes as they are",
                       arguments, [arguments, pointer](Context& c) {
                         return edit_one(c, *arguments, FileEdit::unset(*pointer));
                       });
  command->add_option("pointer", *pointer, "where the value is: /window/width, /users/0")
      ->required();
}

void add_merge_in_file(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<FileArguments>();
  auto input = std::make_shared<std::string>("-");
  CLI::App* command =
      add_edit_command(app, context, "merge",
                       "set and remove members in a JSON file by a JSON Merge Patch (RFC 7396)",
                       arguments, [arguments, input](Context& c) {
                         return patch_file(c, *arguments, FileEdit::Kind::merge, *input);
                       });
  command->add_option("patch", *input, "the merge patch; - is standard input")
      ->capture_default_str();
  add_create(*command, arguments);
}

void add_patch_in_file(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<FileArguments>();
  auto input = std::make_shared<std::string>("-");
  CLI::App* command =
      add_edit_command(app, context, "patch",
                       "change a JSON file by a JSON Patch (RFC 6902), all operations or none",
                       arguments, [arguments, input](Context& c) {
                         return patch_file(c, *arguments, FileEdit::Kind::patch, *input);
                       });
  command->add_option("patch", *input, "the patch; - is standard input")->capture_default_str();
}

void add_get_in_file(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<FileArguments>();
  auto pointer = std::make_shared<std::optional<std::string>>();
  CLI::App* command = add_file_command(
      app, context, "get", "print the JSON text of a file without comments, or one value",
      arguments,
      [arguments, pointer](Context& c) { return get_from_file(c, *arguments, *pointer); });
  command->add_option_function<std::string>(
      "pointer", [pointer](const std::string& text) { *pointer = text; },
      "where the value is: /window/width, /users/0");
}

void add_file_hint(CLI::App& command, const char* form) {
  command.footer(
      "A JSON file of any program in the place of the project and the chunk:\n  safechunk " +
      std::string(form) + "\nIts options: safechunk " + command.get_name() + " FILE --help");
}

void add_place_hint(CLI::App& command, const char* form) {
  command.footer("A JSON file in the place of the project and the chunk:\n  safechunk " +
                 std::string(form));
}

}  // namespace safechunk::cli
