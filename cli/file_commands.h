// set, unset, merge, patch and get with a JSON file of another program in the place of a project
// and a chunk.
#pragma once

#include <string_view>
#include <vector>

#include "context.h"

namespace safechunk::cli {

// Whether the words, of which the first is the command, mean a file: it is there and no folder, or
// its name ends in .json or .jsonc and has a slash or a pointer behind it.
bool names_file(const std::vector<std::string_view>& words);

void add_set_in_file(CLI::App& app, Context& context);
void add_unset_in_file(CLI::App& app, Context& context);
void add_merge_in_file(CLI::App& app, Context& context);
void add_patch_in_file(CLI::App& app, Context& context);
void add_get_in_file(CLI::App& app, Context& context);

// Says below the help of the form with a project that there is this one.
void add_file_hint(CLI::App& command, const char* form);

}  // namespace safechunk::cli
