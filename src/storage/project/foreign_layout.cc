#include "storage/project/foreign_layout.h"

#include <algorithm>
#include <string>
#include <vector>

#include "json/member.h"
#include "json/scan.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

constexpr std::uint64_t kVersionFileLimit = 64U << 10U;

Status refuse(Directory& root, const std::string& version, const std::string& why) {
  Error error;
  error.code = ErrorCode::unsupported_format;
  error.message = "the folder holds a project of version " + version + " of the original engine (" +
                  why + "), which cannot be read yet; nothing was changed";
  error.path = root.path();
  return error;
}

bool is_there(Directory& folder, const std::string& name, FileType type) {
  auto info = folder.stat(name);
  return info && info->type == type;
}

// "3.0.1" of version.json; empty when it cannot be read: it was written in place, and may be torn.
std::string engine_version(Directory& root) {
  auto file = root.open(layout::kForeignVersion, OpenMode::read);
  if (!file) return {};
  auto text = read_all(**file, kVersionFileLimit);
  if (!text || !json::validate(*text, {.lenient = true})) return {};
  return json::string_member(*text, "engine_version").value_or("");
}

std::vector<std::string> names_in(Directory& root, const char* name) {
  auto folder = root.open_directory(name);
  if (!folder) return {};
  auto names = (*folder)->list();
  return names ? *std::move(names) : std::vector<std::string>();
}

bool any_ends_with(const std::vector<std::string>& names, std::string_view ending) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name.ends_with(ending); });
}

// No chunks/: JSON files in the folder itself, with checkpoints/ and a backup or a lock beside
// them.
bool is_flat(Directory& root) {
  if (!is_there(root, layout::kCheckpoints, FileType::directory)) return false;
  auto names = root.list();
  if (!names) return false;
  const bool lock = std::find(names->begin(), names->end(), layout::kLock) != names->end();
  return any_ends_with(*names, ".json") && (lock || any_ends_with(*names, ".bak"));
}

}  // namespace

// Newest first: a folder may hold several generations.
Status check_layout(Directory& root) {
  const bool has_version = is_there(root, layout::kForeignVersion, FileType::regular);
  const bool has_objects = is_there(root, "objects", FileType::directory);
  const bool has_chunks = is_there(root, layout::kChunks, FileType::directory);
  if (has_version || has_objects) {
    const std::string version = has_version ? engine_version(root) : std::string();
    const auto checkpoints = names_in(root, layout::kCheckpoints);
    const bool manual =
        std::find(checkpoints.begin(), checkpoints.end(), "manual") != checkpoints.end();
    if (version.starts_with("3.") || manual ||
        any_ends_with(names_in(root, layout::kChunks), ".lcca") ||
        any_ends_with(names_in(root, layout::kBackups), ".lcca.bak")) {
      return refuse(root, "3.0", "chunks/*.lcca");
    }
    if (has_objects) return refuse(root, "2.1", "objects/");
    if (version.starts_with("2.")) return refuse(root, version, "version.json");
  }
  if (!has_chunks && is_flat(root)) return refuse(root, "0", "JSON files beside checkpoints/");
  return {};
}

}  // namespace safechunk
