#include "storage/chunks/commit_work.h"

#include "storage/files/project_layout.h"

namespace safechunk {

Status being_edited() {
  return {ErrorCode::being_edited, "another program is writing the file; it is saved after that"};
}

Status changed_meanwhile() {
  return {ErrorCode::conflict, "another program changed the file meanwhile"};
}

bool Work::is_as_staged() const {
  const auto& version = present.version;
  if (version) return version->ours || version->text_digest == edit->seen_when_staged;
  return present.health == FileHealth::missing && edit->seen_when_staged == kAbsentDigest;
}

bool Work::is_absent(Directory& backups) const {
  if (present.health != FileHealth::missing) return false;
  const auto found = backups.stat(layout::backup_file(edit->chunk));
  return !found && found.code() == ErrorCode::not_found;
}

bool Work::is_equal(const FileRights& rights) const {
  const auto& version = present.version;
  const Permissions& now = present.info.permissions;
  const Permissions wanted{edit->mode == 0 ? now.mode : rights.mode_of_new_file(edit->mode),
                           now.user, now.group};
  return rights.tightened(wanted) == now && version && version->text_digest == edit->text_digest &&
         (version->durable || version->needs_sync_first());
}

bool Work::is_worth_a_backup() const {
  const auto& version = present.version;
  return !edit->removal && version && (version->durable || !version->ours) &&
         version->text_digest != edit->text_digest;
}

Result<FileAttributes> Work::attributes(const ProjectFolders& folders,
                                        std::uint32_t journal_token) const {
  FileAttributes attributes;
  attributes.rights = folders.rights;
  if (edit->mode != 0) attributes.mode = folders.rights.mode_of_new_file(edit->mode);
  if (present.health != FileHealth::missing) {
    attributes.like = present.info;
  } else {
    auto earlier = folders.backups->stat(layout::backup_file(edit->chunk));
    if (!earlier && earlier.code() != ErrorCode::not_found) return earlier.status();
    if (earlier) attributes.like = *earlier;
  }
  attributes.stamp = Stamp{};
  attributes.stamp->sequence = edit->sequence;
  attributes.stamp->journal_token = journal_token;
  attributes.stamp->text = edit->text_digest;
  attributes.chunk = edit->chunk;
  return attributes;
}

}  // namespace safechunk
