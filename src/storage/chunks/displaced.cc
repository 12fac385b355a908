#include "storage/chunks/displaced.h"

#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

// Another name changes the ctime, and the engine itself may have tightened the mode.
bool is_expected(const FileInfo& found, const FileInfo* expected) {
  return expected != nullptr && found.same_file(*expected) && found.size == expected->size &&
         found.modified_ns == expected->modified_ns;
}

Status keep_in_quarantine(ChunkFiles& files, const std::string& chunk, const std::string& file,
                          const Inspection& found, std::vector<Event>& events) {
  Directory& folder = *files.folders().chunks;
  if (found.info.type != FileType::regular) {
    Error error;
    error.code = ErrorCode::conflict;
    error.message = "another program put something that is no file in the place of a chunk";
    error.path = folder.path() + "/" + file;
    return error;
  }
  std::string name;
  bool added = false;
  Status kept = files.quarantine().preserve_file(folder, file, layout::conflict_file(chunk),
                                                 found.bytes, name, added);
  if (!kept) return kept;
  if (added) {
    events.push_back({Event::Kind::conflict, chunk,
                      "another program saved the file in the moment in which it was replaced; what "
                      "it wrote is kept as " +
                          files.folders().shown(layout::kQuarantine, name)});
  }
  return folder.unlink(file);
}

Status dismiss(ChunkFiles& files, const std::string& chunk, const FileInfo* expected,
               const WriteGuard* guard, std::vector<Event>& events) {
  Directory& folder = *files.folders().chunks;
  const std::string file = files.folders().naming.displaced_of(chunk);
  auto now = folder.stat(file);
  if (!now) return now.status();
  const bool is_awaited = guard != nullptr && guard->somebody_waits();
  if (is_expected(*now, expected) && !is_awaited) return folder.unlink(file);
  Inspection found = inspect_file(folder, file, chunk, files.settings());
  found.info = *now;
  return keep_in_quarantine(files, chunk, file, found, events);
}

Status in_conflict(Status status) {
  if (status.code() == ErrorCode::not_found || already_exists(status)) {
    return Status(ErrorCode::conflict, "another program changed the file meanwhile");
  }
  return status;
}

}  // namespace

Status settle_displaced(ChunkFiles& files, const std::string& chunk, const std::string& file,
                        const std::function<bool(const Digest&)>& is_journaled,
                        std::vector<Event>& events) {
  const ProjectFolders& folders = files.folders();
  auto info = folders.chunks->stat(file);
  if (!info) return info.status();
  Inspection found = inspect_file(*folders.chunks, file, chunk, files.settings());
  found.info = *info;
  auto backup = folders.backups->stat(layout::backup_file(chunk));
  if (backup && backup->same_file(*info)) {
    if (found.health == FileHealth::edited) {
      events.push_back({Event::Kind::external_edit, chunk,
                        "changed by another program in the moment in which it was replaced; that "
                        "version is the backup"});
    }
    return folders.chunks->unlink(file);
  }
  bool is_own = found.health == FileHealth::good;
  if (!is_own && found.usable()) {
    const Digest digest = found.text_digest(files.settings());
    const auto has_it = [&](Directory& folder, const std::string& name) {
      const Inspection other = inspect_file(folder, name, chunk, files.settings());
      return other.usable() && other.text_digest(files.settings()) == digest;
    };
    is_own = (is_journaled && is_journaled(digest)) ||
             has_it(*folders.chunks, folders.naming.file_of(chunk)) ||
             has_it(*folders.backups, layout::backup_file(chunk));
  }
  if (is_own) return folders.chunks->unlink(file);
  return keep_in_quarantine(files, chunk, file, found, events);
}

Displacement replace_file(ChunkFiles& files, const std::string& chunk, TemporaryFile& temporary,
                          const FileInfo* expected, const WriteGuard* guard,
                          std::vector<Event>& events) {
  const ChunkNaming& naming = files.folders().naming;
  const std::string name = naming.file_of(chunk);
  if (expected == nullptr) return {in_conflict(temporary.publish_new(name)), {}};
  const std::string old = naming.displaced_of(chunk);
  bool is_displaced = false;
  Status published = temporary.publish_over(name, old, is_displaced);
  if (already_exists(published)) {
    if (Status s = settle_displaced(files, chunk, old, {}, events); !s) return {s, {}};
    published = temporary.publish_over(name, old, is_displaced);
  }
  if (!published || !is_displaced) return {in_conflict(published), {}};
  return {{}, dismiss(files, chunk, expected, guard, events)};
}

Displacement remove_file(ChunkFiles& files, const std::string& chunk, const FileInfo* expected,
                         const WriteGuard* guard, std::vector<Event>& events) {
  Directory& folder = *files.folders().chunks;
  const ChunkNaming& naming = files.folders().naming;
  const std::string old = naming.displaced_of(chunk);
  Status left_over = settle_displaced(files, chunk, old, {}, events);
  if (!left_over && left_over.code() != ErrorCode::not_found) return {left_over, {}};
  Status moved = move_aside(folder, naming.file_of(chunk), old);
  if (!moved) return {moved.code() == ErrorCode::not_found ? Status() : moved, {}};
  return {{}, dismiss(files, chunk, expected, guard, events)};
}

}  // namespace safechunk
