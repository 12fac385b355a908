// What all commands share: global options, opening a project, reporting errors, progress.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <safechunk/safechunk.hpp>

namespace safechunk::cli {

using Json = nlohmann::ordered_json;

// Exit codes, as the manual page lists them.
enum ExitCode : int { kOk = 0, kFailed = 1, kUsage = 2, kLocked = 3, kNotFound = 4 };

struct Context {
  std::string base_dir;
  bool json = false;
  std::string project;
  int exit_code = kOk;
};

// Adds a command whose first argument is the project. `run` is called once, after parsing, and
// returns the exit code.
CLI::App* add_command(CLI::App& app, Context& context, const char* name, const char* description,
                      std::function<int(Context&)> run);

// Opens the project as its owner, for commands that change something. Prints on stderr what
// recovery did.
Result<SafeChunkEngine> open_for_writing(const Context& context);
// Opens the project for reading: takes no lock and writes nothing, so that it works while another
// process owns the project.
Result<SafeChunkEngine> open_for_reading(const Context& context);
// Detaches, and reports what could not be saved. Returns `exit_code`, or the code of that failure
// when `exit_code` is kOk.
int finish(const Context& context, SafeChunkEngine& engine, int exit_code);

// Prints the error on stderr (as JSON with --json) and returns the exit code that belongs to it.
int fail(const Context& context, const Status& status);
// The text with each control character as \xNN. Texts from files, notes and locks are printed
// through this function, so that they cannot control the terminal or start new lines.
std::string printable(std::string_view text);
// Prints JSON on stdout, indented.
void print(const Json& value);
// Prints a report on stdout: `text` comes from to_json() of the library.
void print_report(const std::string& text);

// Draws progress on stderr after the first second. Empty when stderr is no terminal.
ProgressHandler progress_bar(const std::string& what);

// One function per command, each in a file of its own.
void add_put(CLI::App& app, Context& context);
void add_get(CLI::App& app, Context& context);
void add_list(CLI::App& app, Context& context);
void add_remove(CLI::App& app, Context& context);
void add_health(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);
void add_repair(CLI::App& app, Context& context);
void add_checkpoint(CLI::App& app, Context& context);
void add_checkpoints(CLI::App& app, Context& context);
void add_restore(CLI::App& app, Context& context);
void add_unlock(CLI::App& app, Context& context);

}  // namespace safechunk::cli
