#include <safechunk/file_edits.hpp>

#include <algorithm>
#include <vector>

#include "api/open.h"
#include "base/mutex.h"
#include "json/edit.h"
#include "platform/platform.h"
#include "storage/files/inspection.h"
#include "storage/one_file/file_edit.h"
#include "storage/one_file/file_text.h"
#include "storage/project/location.h"

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

// --- files of places beside other programs' files

// Whoever names a file knows of no chunk.
Status about_placed(const Status& status, const std::string& path) {
  if (status.ok()) return status;
  Error error = status.error();
  error.chunk.clear();
  return about_file(error, path);
}

Result<std::string> edited(const StoredText& present, std::span<const json::Edit> parts,
                           const json::EditOptions& options) {
  std::string text = present.text.value_or("{}");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto next = json::apply(text, parts[i], options);
    if (!next) {
      Error error = next.status().error();
      if (parts.size() > 1) error.message = "edit " + std::to_string(i) + ": " + error.message;
      return error;
    }
    text = *std::move(next);
  }
  return text;
}

// In a turn of the place, like each of its other writers.
class PlacedEdit {
 public:
  PlacedEdit(const PlacedFile& file, const std::vector<json::Edit>& parts,
             const FileEditSettings& settings)
      : file_(file), parts_(parts), settings_(settings) {}

  Result<FileEditResult> run() {
    EngineOptions options;
    options.place = file_.place;
    options.mode = Mode::shared;
    options.lock_timeout = settings_.lock_timeout;
    options.indent = settings_.text.indent;
    const auto core = make_engine_core(file_.project_id, options, system_platform());
    Status status = core->attach();
    if (!status) return status;
    // From here on also what was met while it was opened.
    core->handlers().set_fault([this](const Error& fault) {
      const MutexLock lock(mutex_);  // the worker may tell of something, too
      result_.faults.push_back(fault);
    });
    status = core->update(file_.chunk, [this](const StoredText& present, Edits& edits) {
      return stage(present, edits);
    });
    const Status closed = core->detach();
    core->handlers().set_fault({});
    if (status.ok()) status = closed;
    if (status.ok()) return result_;
    if (result_.faults.empty()) return status;
    Error error = status.error();
    error.message += "; before that: " + result_.faults.front().to_text();
    return error;
  }

 private:
  Status stage(const StoredText& present, Edits& edits) {
    const bool edits_make_it = std::ranges::all_of(parts_, [](const json::Edit& part) {
      return part.kind == json::Edit::Kind::set || part.kind == json::Edit::Kind::merge;
    });
    if (!present.text && (!settings_.create || !edits_make_it)) {
      return Status(ErrorCode::not_found, "there is no such file");
    }
    if (settings_.if_revision && *settings_.if_revision != present.revision) {
      return Status(ErrorCode::conflict,
                    "the file must have the revision " + *settings_.if_revision + ", and it " +
                        (present.text ? "has " + present.revision : std::string("is missing")));
    }
    const auto text = edited(present, parts_, {.indent = settings_.text.indent});
    if (!text) return text.status();
    result_.revision = digest_of_compact(*text, settings_.text).to_hex();
    result_.changed = result_.revision != present.revision;
    if (!result_.changed) return {};
    for (const json::Edit& part : parts_) {
      Status staged = edits.edit_part(
          file_.chunk, {static_cast<PartEdit::Kind>(part.kind), part.pointer, part.value});
      if (!staged) return staged;
    }
    return {};
  }

  const PlacedFile& file_;
  const std::vector<json::Edit>& parts_;
  const FileEditSettings& settings_;
  Mutex mutex_;
  FileEditResult result_;  // `faults` are guarded by the mutex until the engine is detached
};

Result<FileRead> read_placed(const PlacedFile& file) {
  EngineOptions options;
  options.place = file.place;
  options.mode = Mode::read;
  const auto core = make_engine_core(file.project_id, options, system_platform());
  if (Status status = core->check_readable(); !status) return status;
  auto found = core->read_chunk(file.chunk);
  if (!found) return found.status();
  if (!found->older.ok()) return found->older;
  if (!found->text) return Status(ErrorCode::not_found, "there is no such file");
  return FileRead{*found->text, *found->text, std::move(found->revision)};
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
  const auto placed = find_placed_file(system_platform().file_system, path);
  if (placed && *placed) {
    auto done = PlacedEdit(**placed, parts, settings).run();
    return done ? done : Result<FileEditResult>(about_placed(done.status(), path));
  }
  const auto done = edit_file(system_platform(), path, parts, settings);
  if (!done) return done.status();
  return FileEditResult{done->changed, done->revision};
}

Result<FileRead> read_json_file(const std::string& path, Dialect dialect) {
  if (Status status = check_path(path); !status) return status;
  if (Status status = check_dialect(dialect); !status) return status;
  const auto placed = find_placed_file(system_platform().file_system, path);
  if (placed && *placed) {
    auto read = read_placed(**placed);
    return read ? std::move(read) : Result<FileRead>(about_placed(read.status(), path));
  }
  auto found = read_file(system_platform(), path, dialect, TextSettings());
  if (!found) return found.status();
  return FileRead{std::move(found->text), std::move(found->plain), std::move(found->revision)};
}

}  // namespace safechunk
