// What the commands that edit one chunk share: the condition of the edit, its input, saving it, and
// the result that is printed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "context.h"

namespace safechunk::cli {

// Adds --if-revision and --if-absent, which are stored in `condition`.
void add_condition(CLI::App& command, const std::shared_ptr<EditCondition>& condition);

// The bytes of a file; "-" is standard input. Errors: io_error.
Result<std::string> read_input(const std::string& file);

// "put project users.json < users.json" would make the file users.json.json. invalid_name when a
// chunk that is not there yet is called like a file.
Status check_ending(const Context& context, const std::string& chunk);

// An edit of one chunk, in two forms that do the same.
struct Edit {
  std::string chunk;
  EditCondition condition;
  // Checks names and texts. The transaction is never committed.
  std::function<Status(Transaction&)> check;
  // Stages the edit.
  std::function<Status(SafeChunkEngine&)> stage;
};

// Opens the project, makes the edit and saves it durably. Returns the exit code. An edit that is
// refused makes no project.
int save(const Context& context, const Edit& edit, Missing missing);

// Saves durably what was staged with the result `staged`, and prints it. Returns the exit code
// after detaching.
int save_staged(const Context& context, SafeChunkEngine& engine, const std::string& chunk,
                const Status& staged);
// The same in two steps, for commands that have more to say about a failure. `revision` becomes
// that of the saved text when the result is printed as JSON.
Status commit(const Context& context, SafeChunkEngine& engine, const std::string& chunk,
              const Status& staged, std::string& revision);
int print_saved(const Context& context, const std::string& chunk, const std::string& revision);

}  // namespace safechunk::cli
