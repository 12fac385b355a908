#include <safechunk/file_edits.hpp>

#include <vector>

#include "platform/platform.h"
#include "storage/one_file/file_edit.h"
#include "storage/one_file/file_text.h"

namespace safechunk {
namespace {

constexpr unsigned kMostIndent = 16;

json::Edit to_part(const FileEdit& edit) {
  json::Edit part;
  switch (edit.kind) {
    case FileEdit::Kind::set:
      part.kind = json::Edit::Kind::set;
      break;
    case FileEdit::Kind::unset:
      part.kind = json::Edit::Kind::remove;
      break;
    case FileEdit::Kind::merge:
      part.kind = json::Edit::Kind::merge;
      break;
    case FileEdit::Kind::patch:
      part.kind = json::Edit::Kind::patch;
      break;
    default:
      part.kind = json::Edit::Kind{};  // refused below
  }
  part.pointer = edit.pointer;
  part.value = edit.json;
  return part;
}

Status check_path(const std::string& path) {
  if (path.find('\0') == std::string::npos) return {};
  return Status(ErrorCode::invalid_argument, "the path of the file has a NUL in it");
}

Status check_dialect(Dialect dialect) {
  if (dialect == Dialect::json || dialect == Dialect::jsonc) return {};
  return Status(ErrorCode::invalid_argument, "there is no such dialect");
}

}  // namespace

Result<FileEditResult> edit_file(const std::string& path, std::span<const FileEdit> edits,
                                 const FileEditOptions& options) {
  if (Status status = check_path(path); !status) return status;
  if (Status status = check_dialect(options.dialect); !status) return status;
  if (options.indent > kMostIndent) {
    return Status(ErrorCode::invalid_argument, "indent must be from 0 to 16");
  }
  std::vector<json::Edit> parts;
  parts.reserve(edits.size());
  for (const FileEdit& edit : edits) parts.push_back(to_part(edit));
  FileEditSettings settings;
  settings.dialect = options.dialect;
  settings.text.indent = options.indent;
  settings.lock_timeout = options.lock_timeout;
  settings.if_revision = options.if_revision;
  settings.create = options.create;
  settings.backup = options.backup;
  const auto done = edit_file(system_platform(), path, parts, settings);
  if (!done) return done.status();
  return FileEditResult{done->changed, done->revision};
}

Result<FileRead> read_json_file(const std::string& path, Dialect dialect) {
  if (Status status = check_path(path); !status) return status;
  if (Status status = check_dialect(dialect); !status) return status;
  auto found = read_file(system_platform(), path, dialect, TextSettings());
  if (!found) return found.status();
  return FileRead{std::move(found->text), std::move(found->plain), std::move(found->revision)};
}

}  // namespace safechunk
