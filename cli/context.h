// What all commands share: the global options, the project that was named, and its opening.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <safechunk/safechunk.hpp>

#include "interrupt.h"
#include "messages.h"

namespace safechunk::cli {

struct Context {
  std::string base_dir;
  bool json = false;
  // See EngineOptions.
  std::uint32_t file_mode = 0;
  bool weak_locks = false;
  bool weak_folders = false;
  double wait_seconds = 0;           // for a project that another process owns
  std::vector<std::string> program;  // behind "--" of update: a command and its arguments
  std::string project;               // as it was typed: a name or a path
  bool names_file = false;           // a JSON file is in the place of the project and the chunk
  std::string file_chunk;            // of that file
  int exit_code = kOk;
  // Shared with the handlers of an engine, which may call on another thread.
  std::shared_ptr<Messages> messages = std::make_shared<Messages>();
};

// Where a project is, as the library wants it.
struct Location {
  std::string base_dir;
  std::string project_id;
  PlaceKind place = PlaceKind::project;

  // Those that say where.
  [[nodiscard]] EngineOptions options() const;
};

// Adds a command whose first argument is the project. `run` is called once, after parsing, and
// returns the exit code; a deferred signal that came meanwhile replaces it.
CLI::App* add_command(CLI::App& app, Context& context, const char* name, const char* description,
                      std::function<int(Context&)> run);

// The same for a command about the whole base folder, which has no such argument.
CLI::App* add_base_command(CLI::App& app, Context& context, const char* name,
                           const char* description, std::function<int(Context&)> run);

// --base-dir; "~" is the folder of the user.
std::string base_dir_of(const Context& context);
// Where the project is. A plain name is a folder in --base-dir; a name with a slash, "." and ".."
// are paths, relative to --base-dir. A folder with a side folder is a place as it is, and so is a
// file that the command line names (Context::names_file).
Result<Location> locate(const Context& context);
// Adds the argument of a command about one chunk. A file has one only, which is not typed.
void add_chunk(CLI::App& command, const Context& context,
               const std::shared_ptr<std::string>& chunk);

// Whether somebody sits there who can answer: standard input is a terminal, and messages are for
// people.
bool may_ask(const Context& context);
// Prints the question on stderr and reads the answer; an empty line is `by_default`. False at the
// end of the input.
bool says_yes(const std::string& question, bool by_default);

enum class Missing { refuse, create };

inline constexpr std::size_t kMostRecords = 1'000'000'000;  // that an option can name

// Opens the project as its owner, for commands that change something, and prints on stderr what
// recovery did and met. From then on a signal ends the command only where nothing is half done: ask
// was_interrupted() between two steps. Only Missing::create makes a project that was not there, and
// only under a free name or in an empty folder. Waits for another owner as long as --wait says.
Result<SafeChunkEngine> open_for_writing(const Context& context, Missing missing = Missing::refuse);
// The same for what lies there, whatever it is.
Result<SafeChunkEngine> open_at(const Context& context, const Location& location);
// Seconds that a command waits for its turn.
double wait_for_turn(const Context& context);
// The same for one of several processes that write in turn (Mode::shared); waits 10 seconds for its
// turn, or as long as --wait says.
Result<SafeChunkEngine> open_for_turns(const Context& context, Missing missing = Missing::refuse);
// Opens the project for reading: takes no lock and writes nothing, so that it works while another
// process owns the project.
Result<SafeChunkEngine> open_for_reading(const Context& context);
// Detaches, and reports what could not be saved. Returns the code of that failure when `exit_code`
// is kOk, else `exit_code`. When a signal came meanwhile, add_command() says so behind this.
int finish(const Context& context, SafeChunkEngine& engine, int exit_code);

// NAME of "NAME.json"; empty for other texts. For those who take the file's name for the chunk's.
std::string without_json_ending(const std::string& chunk);

// Prints the error on stderr and returns the exit code that belongs to it.
int fail(const Context& context, const Status& status);

// kOk, or kFailed when the engine reported a fault during the command: damage, or a text that is
// not the newest one.
int code_of_faults(const Context& context);

// The path from the root, with the home folder in the place of "~". A relative one begins at the
// working folder, also with --base-dir.
std::string absolute_file(const std::string& path);
// What the library takes for a checkpoint, or for an archive that lies somewhere else, of what was
// typed: the name of a checkpoint, with the path of its folder or without, or the path of a file.
std::string archive_of(const Context& context, const std::string& typed);

// The last part of a path: shells complete the file of a checkpoint as PROJECT/checkpoints/FILE.
std::string file_name(const std::string& path);
// The same in one word, for --json: "good" or "damaged".
const char* state_of_faults(const Context& context);

// One function per command, each in a file of its own.
void add_put(CLI::App& app, Context& context);
void add_get(CLI::App& app, Context& context);
void add_set(CLI::App& app, Context& context);
void add_unset(CLI::App& app, Context& context);
void add_merge(CLI::App& app, Context& context);
void add_patch(CLI::App& app, Context& context);
void add_update(CLI::App& app, Context& context);
void add_edit(CLI::App& app, Context& context);
void add_append(CLI::App& app, Context& context);
void add_tail(CLI::App& app, Context& context);
void add_logs(CLI::App& app, Context& context);
void add_rotate(CLI::App& app, Context& context);
void add_compact(CLI::App& app, Context& context);
void add_list(CLI::App& app, Context& context);
void add_remove(CLI::App& app, Context& context);
void add_health(CLI::App& app, Context& context);
void add_watch(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);
void add_repair(CLI::App& app, Context& context);
void add_quarantine(CLI::App& app, Context& context);
void add_checkpoint(CLI::App& app, Context& context);
void add_checkpoints(CLI::App& app, Context& context);
void add_export(CLI::App& app, Context& context);
void add_restore(CLI::App& app, Context& context);
void add_unlock(CLI::App& app, Context& context);
void add_projects(CLI::App& app, Context& context);
void add_delete_project(CLI::App& app, Context& context);
void add_adopt(CLI::App& app, Context& context);

}  // namespace safechunk::cli
