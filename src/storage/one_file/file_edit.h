// Edits of values in a JSON file that belongs to another program. The file is replaced as the
// engine replaces a chunk, and nothing of the engine stays in it.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>

#include <safechunk/options.hpp>
#include <safechunk/status.hpp>

#include "json/edit.h"
#include "platform/platform.h"
#include "storage/files/text_settings.h"

namespace safechunk {

struct FileEditSettings {
  Dialect dialect = Dialect::json;
  TextSettings text;
  std::chrono::milliseconds lock_timeout{10'000};
  std::optional<std::string> if_revision;
  bool create = false;
  bool backup = true;
};

struct FileEditOutcome {
  bool changed = false;
  std::string revision;
};

// What safechunk::edit_file() promises (file_edits.hpp).
Result<FileEditOutcome> edit_file(const Platform& platform, const std::string& path,
                                  std::span<const json::Edit> edits,
                                  const FileEditSettings& settings);

}  // namespace safechunk
