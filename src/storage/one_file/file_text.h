// Reading a JSON file that belongs to another program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <safechunk/options.hpp>
#include <safechunk/status.hpp>

#include "json/scan.h"
#include "platform/platform.h"
#include "storage/files/text_settings.h"

namespace safechunk {

// The error with the path, when it has none yet.
Status about_file(const Status& status, const std::string& path);

// The text as JSON: with blanks in the place of comments, if the dialect has any. Errors: those of
// json::validate(); a text with comments in the wrong dialect is told apart.
Result<std::string> plain_text(const std::string& text, Dialect dialect,
                               const TextSettings& settings);
// Without white space, for revisions and comparisons. `plain` comes from plain_text().
Result<std::string> compact_text(const std::string& plain, const TextSettings& settings);

// Whether `found` is the file `old` with the same bytes, as far as its size and time say. Another
// name changes the ctime, which is_untouched() compares, too.
bool is_same_version(const FileInfo& found, const FileInfo& old);
bool is_untouched(const FileInfo& found, const FileInfo& old);

// The whole file; nothing when it was written since `info`, or while it was read.
Result<std::optional<std::string>> read_unchanged(File& file, const FileInfo& info,
                                                  std::uint64_t size_limit);

struct FileText {
  std::string text;      // as it is in the file
  std::string plain;     // plain_text() of it
  std::string revision;  // of its value
};

// Reads without a lock. Errors as edit_file().
Result<FileText> read_file(const Platform& platform, const std::string& path, Dialect dialect,
                           const TextSettings& settings);

}  // namespace safechunk
