// The command line: safechunk [OPTIONS] COMMAND PROJECT ...

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <string_view>
#include <vector>

#include "context.h"
#include "file_commands.h"

namespace safechunk::cli {
namespace {

constexpr const char* kFooter =
    "PROJECT is a name in --base-dir, or the path of a folder: my_project/, ., /x/my_project. It "
    "may\n"
    "also be a JSON file of any program, which is its only CHUNK, or a folder of such files that "
    "was\n"
    "adopted.\n"
    "Data goes through stdin and stdout, messages through stderr.\n"
    "Exit codes: 0 ok, 1 failed or damage found, 2 usage, 3 locked by another owner, 4 not found,\n"
    "130 and 143 interrupted by SIGINT and SIGTERM.\n"
    "get, list, watch, tail, logs, health, verify, checkpoints, export, quarantine list and show,\n"
    "and projects write nothing to the project, and work while another process owns it. Only put,\n"
    "set, merge and append create a project.\n"
    "set, unset, merge, patch and get need no adoption for such a file:\n"
    "safechunk set ~/.config/app/settings.json /theme dark --string";

void add_all(CLI::App& app, Context& context) {
  for (const auto add : {add_put,         add_get,        add_set,
                         add_unset,       add_merge,      add_patch,
                         add_update,      add_edit,       add_watch,
                         add_append,      add_tail,       add_logs,
                         add_rotate,      add_compact,    add_list,
                         add_remove,      add_health,     add_verify,
                         add_repair,      add_quarantine, add_checkpoint,
                         add_checkpoints, add_export,     add_restore,
                         add_unlock,      add_projects,   add_delete_project,
                         add_adopt}) {
    add(app, context);
  }
}

// Looks for --json by itself: when parsing fails, nobody has set the flag yet.
bool wants_json(const std::vector<std::string_view>& arguments) {
  const auto end = std::ranges::find(arguments, std::string_view("--"));
  return std::find(arguments.begin(), end, std::string_view("--json")) != end;
}

// The message for people. CLI11 says only "A subcommand is required" when it does not know the one
// that was typed.
std::string what_is_wrong(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* last = &app;
  while (!last->get_subcommands().empty()) last = last->get_subcommands().front();
  const std::string prefix = last == &app ? "" : last->get_display_name() + ": ";
  if (last->get_require_subcommand_min() == 0) return prefix + error.what();
  const std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
  for (const std::string& word : unknown) {
    if (!word.starts_with('-')) return prefix + "there is no command '" + word + "'";
  }
  if (!unknown.empty()) return prefix + error.what();
  return prefix + "a command is missing";
}

// The engine judges whether it is one that makes sense.
std::uint32_t to_mode(const std::string& digits) {
  constexpr int kOctal = 8;
  std::uint32_t mode = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, mode, kOctal);
  if (parsed.ec != std::errc() || parsed.ptr != end || mode == 0) {
    throw CLI::ValidationError("--mode", "'" + digits + "' is no mode such as 600");
  }
  return mode;
}

// The first word that is no option of the whole program, nor the value of one; or empty.
std::string_view command_in(const CLI::App& app, const std::vector<std::string_view>& arguments) {
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with('-')) return arguments[i];
    const CLI::Option* option = app.get_option_no_throw(std::string(arguments[i]));
    if (option != nullptr && option->get_items_expected_max() > 0) ++i;
  }
  return {};
}

// The command, and the arguments behind it that are neither options nor their values. Called before
// the commands are added: the form of some depends on it.
std::vector<std::string_view> words_of(const CLI::App& app,
                                       const std::vector<std::string_view>& arguments) {
  constexpr std::array<std::string_view, 2> kWithValue = {"--if-revision", "--dialect"};
  std::vector<std::string_view> words;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with('-')) {
      words.push_back(arguments[i]);
      continue;
    }
    const CLI::Option* option = app.get_option_no_throw(std::string(arguments[i]));
    const bool takes_value = option != nullptr && option->get_items_expected_max() > 0;
    if (takes_value || std::ranges::find(kWithValue, arguments[i]) != kWithValue.end()) ++i;
  }
  return words;
}

bool has_base_dir(const std::vector<std::string_view>& arguments) {
  return std::ranges::any_of(arguments, [](std::string_view argument) {
    return argument.starts_with("-C") || argument.starts_with("--base-dir");
  });
}

// The words behind "--" of update are another program's, and none of our business. Returns how many
// arguments are ours.
int take_program(const CLI::App& app, const std::vector<std::string_view>& arguments,
                 std::vector<std::string>& program) {
  const auto marker = std::ranges::find(arguments, std::string_view("--"));
  if (marker == arguments.end() || command_in(app, arguments) != "update") {
    return static_cast<int>(arguments.size());
  }
  program.assign(marker + 1, arguments.end());
  return static_cast<int>(marker - arguments.begin());
}

double checked_wait(double seconds) {
  constexpr double kLongest = 1e9;
  if (!(seconds >= 0 && seconds <= kLongest)) {
    throw CLI::ValidationError("--wait", "must be a number of seconds from 0 to 1000000000");
  }
  return seconds;
}

int run(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv, argv + argc);
  Context context;
  context.messages->use_json(wants_json(arguments));
  CLI::App app("Keeps an application's state as plain JSON files with the safety of a database.",
               "safechunk");
  app.set_version_flag("--version", std::string(safechunk::version()));
  app.add_option("-C,--base-dir", context.base_dir,
                 "the folder that holds the project (default: the working folder)");
  app.add_option_function<std::string>(
         "--mode", [&](const std::string& digits) { context.file_mode = to_mode(digits); },
         "what the files that are made allow at most, in octal: 600 for secrets")
      ->type_name("MODE");
  app.add_flag("--weak-locks", context.weak_locks,
               "do without locks where the file system has none: two owners are not ruled out");
  app.add_flag(
      "--weak-folders", context.weak_folders,
      "do without syncing folders where the file system cannot: a power cut may undo saves");
  app.add_option_function<double>(
         "--wait", [&](double seconds) { context.wait_seconds = checked_wait(seconds); },
         "when another process owns the project, wait so long for it (default: 0)")
      ->type_name("SECONDS");
  app.add_flag("--json", context.json, "print results and messages as JSON");
  app.require_subcommand(1);
  app.footer(kFooter);
  const auto words = words_of(app, arguments);
  context.names_file = names_file(words, has_base_dir(arguments));
  if (context.names_file) {
    context.file_chunk = chunk_of_file(std::string(words[place_of_file(words)]));
  }
  add_all(app, context);
  try {
    app.parse(take_program(app, arguments, context.program), argv);
  } catch (const CLI::Success& success) {  // --help and --version
    return app.exit(success, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    context.messages->usage(what_is_wrong(app, error));
    return kUsage;
  }
  std::cout.flush();
  if (!std::cout) {
    context.messages->error(Status(ErrorCode::io_error, "cannot write to standard output").error());
    return kFailed;
  }
  return context.exit_code;
}

// Works without memory: uses neither a stream nor a string.
void say(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

int fail_without_memory() noexcept {
  say("safechunk: there is not enough memory\n");
  return kFailed;
}

// Functions of CLI11 that are noexcept allocate all the same.
[[noreturn]] void end_without_memory() noexcept {
  try {
    if (const std::exception_ptr current = std::current_exception())
      std::rethrow_exception(current);
  } catch (const std::bad_alloc&) {
    ::_exit(fail_without_memory());
  } catch (...) {  // NOLINT: a mistake in this program; the dump of its memory shows where
  }
  std::abort();
}

}  // namespace
}  // namespace safechunk::cli

int main(int argc, char** argv) {
  using namespace safechunk::cli;
  std::set_terminate(end_without_memory);
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return fail_without_memory();
  } catch (const std::exception& error) {
    say("safechunk: ");
    say(error.what());
    say("\n");
    return kFailed;
  }
}
