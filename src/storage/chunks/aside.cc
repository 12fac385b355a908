#include "storage/chunks/aside.h"

#include "storage/files/project_layout.h"

namespace safechunk {
Status set_damaged_aside(ChunkFiles& files, const std::string& chunk, FileHealth health,
                         const std::string& damage, std::string_view bytes,
                         std::vector<Event>& events) {
  std::string name;
  bool added = false;
  Status kept = files.quarantine().preserve_file(
      *files.folders().chunks, files.folders().naming.file_of(chunk),
      files.folders().naming.file_of(chunk), bytes, name, added);
  if (kept.ok() && added) {
    const bool typed = health == FileHealth::not_json;
    events.push_back({typed ? Event::Kind::invalid_edit : Event::Kind::quarantined, chunk,
                      (typed ? "the text in the file is not JSON: " : "damaged: ") + damage +
                          "; it is being replaced, and kept as " +
                          files.folders().shown(layout::kQuarantine, name)});
  }
  return kept;
}

Status set_unseen_aside(ChunkFiles& files, const std::string& chunk, bool removal,
                        std::vector<Event>& events) {
  const Inspection present = files.read(chunk);
  if (present.health == FileHealth::unreadable) return present.reason;
  if (!present.usable()) {
    return Status(ErrorCode::conflict, "another program changed the file meanwhile");
  }
  bool added = false;
  Status kept = files.quarantine().preserve(layout::conflict_file(chunk), present.bytes, added);
  if (kept.ok()) {
    const std::string name =
        layout::quarantined_file(layout::conflict_file(chunk), digest_of(present.bytes));
    events.push_back({Event::Kind::conflict, chunk,
                      std::string("changed by another program after ") +
                          (removal ? "its removal was staged; it is removed"
                                   : "an edit of it was staged; the edit is saved") +
                          ", and that version is kept as " +
                          files.folders().shown(layout::kQuarantine, name)});
  }
  return kept;
}

Status set_written_aside(ChunkFiles& files, Directory& folder, const std::string& file,
                         const std::string& chunk, std::string_view bytes, const std::string& why,
                         std::vector<Event>& events) {
  std::string name;
  bool added = false;
  Status kept = files.quarantine().preserve_file(folder, file, file, bytes, name, added);
  if (kept.ok() && added) {
    events.push_back({Event::Kind::conflict, chunk,
                      why + " " + files.folders().shown(layout::kQuarantine, name)});
  }
  return kept;
}

}  // namespace safechunk
