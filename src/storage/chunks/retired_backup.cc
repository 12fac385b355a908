// Backups that no commit makes or replaces: those that are no chunk's any more, or damaged, move to
// quarantine; and the first one of a chunk that has none.
#include "storage/chunks/chunk_files.h"
#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"

namespace safechunk {

bool ChunkFiles::has_own_backup(const std::string& chunk) const {
  const auto file = folders_.backups->open(layout::backup_file(chunk), OpenMode::read);
  if (!file) return false;
  const auto stamp = read_stamp(**file, chunk);
  return stamp.ok() && stamp->has_value();
}

Status ChunkFiles::accept_removal(const std::string& chunk, std::string& kept_as) {
  const auto file = folders_.chunks->stat(folders_.naming.file_of(chunk));
  if (file.code() != ErrorCode::not_found) return file.status();
  recent_texts_.forget(chunk);
  const Inspection backup = inspect_backup(folders_.backups.get(), chunk, settings_);
  if (backup.health == FileHealth::missing) return {};
  if (backup.health == FileHealth::unreadable) return backup.reason;
  return set_backup_aside(chunk, backup, kept_as);
}

Status ChunkFiles::repair_backup(const std::string& chunk, std::vector<Event>& events) {
  const Inspection backup = inspect_backup(folders_.backups.get(), chunk, settings_);
  if (!is_damaged(backup.health)) return {};
  std::string kept_as;
  if (Status aside = set_backup_aside(chunk, backup, kept_as); !aside) return aside;
  events.push_back({Event::Kind::quarantined, chunk,
                    "its backup, the version before, was damaged: " + what_is_wrong(backup) +
                        "; it is kept as " + folders_.shown(layout::kQuarantine, kept_as)});
  return {};
}

Status ChunkFiles::set_backup_aside(const std::string& chunk, const Inspection& backup,
                                    std::string& kept_as) {
  const std::string name = layout::backup_file(chunk);
  (void)before_change(chunk);
  bool added = false;
  Status kept =
      quarantine_.preserve_file(*folders_.backups, name, name, backup.bytes, kept_as, added);
  return kept.ok() ? folders_.backups->unlink(name) : kept;
}

Status ChunkFiles::add_first_backup(const std::string& chunk) {
  const std::string name = layout::backup_file(chunk);
  const auto there = folders_.backups->stat(name);
  if (there.code() != ErrorCode::not_found) return there.status();
  const Inspection present = read(chunk);
  if (!present.usable()) return {};
  const auto backups = folders_.backups->hold();
  if (!backups) return backups.status();
  FileAttributes attributes;
  attributes.like = present.info;
  attributes.rights = folders_.rights;
  attributes.stamp = present.stamp.value_or(Stamp{});
  attributes.stamp->text = present.text_digest(settings_);
  attributes.chunk = chunk;
  auto copy =
      TemporaryFile::write(**backups, layout::temporary_of(name), present.bytes, attributes);
  if (!copy) return copy.status();
  if (Status status = copy->make_durable(); !status) return status;
  if (Status status = copy->publish(name); !status) return status;
  return (*backups)->sync();
}

}  // namespace safechunk
