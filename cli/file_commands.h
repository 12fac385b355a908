// A JSON file of another program in the place of a project and a chunk. set, unset, merge, patch
// and get of such a file need no engine.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "context.h"

namespace safechunk::cli {

// Whether the words, of which the first is the command, mean a file: it is there and no folder, or
// its name ends in .json or .jsonc, and it has a slash, or no chunk behind it.
// With `has_base_dir` a plain name means a project there. The file is words[place_of_file(words)].
bool names_file(const std::vector<std::string_view>& words, bool has_base_dir);
std::size_t place_of_file(const std::vector<std::string_view>& words);
// The name of its only chunk. Links are followed.
std::string chunk_of_file(const std::string& typed);

void add_set_in_file(CLI::App& app, Context& context);
void add_unset_in_file(CLI::App& app, Context& context);
void add_merge_in_file(CLI::App& app, Context& context);
void add_patch_in_file(CLI::App& app, Context& context);
void add_get_in_file(CLI::App& app, Context& context);

// Says below the help of the form with a project that there is this one.
void add_file_hint(CLI::App& command, const char* form);
// The same of a command that needs a place.
void add_place_hint(CLI::App& command, const char* form);

}  // namespace safechunk::cli
