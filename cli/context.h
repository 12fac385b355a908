// What all commands share: global options, opening a project, telling errors, progress.
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

// Adds a command whose first argument is the project. `run` is called once, after parsing; what it
// returns is the exit code.
CLI::App* add_command(CLI::App& app, Context& context, const char* name, const char* description,
                      std::function<int(Context&)> run);

// For commands that change something: owns the project, tells faults and what recovery did.
Result<SafeChunkEngine> open_for_writing(const Context& context);
// For commands that read: takes no lock and writes nothing; works beside a live owner.
Result<SafeChunkEngine> open_for_reading(const Context& context);
// detach(), telling what could not be saved; `exit_code` unless that failed.
int finish(const Context& context, SafeChunkEngine& engine, int exit_code);

// Tells the error on stderr (as JSON with --json) and gives the exit code that belongs to it.
int fail(const Context& context, const Status& status);
// For people: what stands in files, notes and lock texts must not steer the terminal or begin new
// lines. Control characters become \xNN.
std::string printable(std::string_view text);
// Prints JSON on stdout.
void print(const Json& value);

// Draws progress on stderr when that is a terminal, from one second on. Empty otherwise.
ProgressHandler progress_bar(const std::string& what);

Json to_json(const OwnerInfo& owner);

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
