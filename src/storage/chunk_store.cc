#include "storage/chunk_store.h"

#include <algorithm>
#include <cerrno>

#include "storage/durable_file.h"
#include "storage/journal.h"
#include "storage/project_layout.h"

namespace safechunk {

KnownVersion ChunkStore::version_of(const Inspection& inspection, const TextSettings& settings) {
  KnownVersion version;
  version.inode = inspection.info.inode;
  version.size = inspection.info.size;
  version.modified_ns = inspection.info.modified_ns;
  version.changed_ns = inspection.info.changed_ns;
  version.text = inspection.text_digest(settings);
  return version;
}

std::optional<KnownVersion> ChunkStore::known(const std::string& chunk,
                                              const FileInfo& info) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(chunk);
  if (found == known_.end() || !found->second.matches(info)) return std::nullopt;
  return found->second;
}

void ChunkStore::remember(const std::string& chunk, const KnownVersion& version) {
  const std::lock_guard lock(mutex_);
  known_[chunk] = version;
}

void ChunkStore::forget(const std::string& chunk) {
  const std::lock_guard lock(mutex_);
  known_.erase(chunk);
}

Inspection ChunkStore::read(const std::string& chunk) {
  return inspect_file(*folders_.chunks, layout::chunk_file(chunk), chunk, settings_);
}

Digest ChunkStore::base_of(const std::string& chunk) {
  const std::string name = layout::chunk_file(chunk);
  auto seen = folders_.chunks->stat(name);
  if (!seen) return seen.code() == ErrorCode::not_found ? kAbsentDigest : kUnknownDigest;
  // Another program may have been there since.
  if (const auto version = known(chunk, *seen)) return version->text;
  auto file = folders_.chunks->open(name, OpenMode::read);
  if (!file) return file.code() == ErrorCode::not_found ? kAbsentDigest : kUnknownDigest;
  const auto stamp = read_stamp(**file, chunk);
  auto info = (*file)->stat();
  if (stamp && info && stamp->modified_ns == info->modified_ns) return stamp->text;
  const Inspection inspection = read(chunk);
  return inspection.usable() ? inspection.text_digest(settings_) : kUnknownDigest;
}

Result<std::vector<std::string>> ChunkStore::list() {
  auto files = folders_.chunks->list();
  if (!files) return files.status();
  std::vector<std::string> chunks;
  chunks.reserve(files->size());
  for (const std::string& file : *files) {
    if (auto chunk = layout::chunk_of_file(file)) chunks.push_back(*std::move(chunk));
  }
  std::sort(chunks.begin(), chunks.end());
  return chunks;
}

// --- quarantine

Status ChunkStore::open_quarantine() {
  if (quarantine_ != nullptr) return {};
  Status made = folders_.root->make_directory(layout::kQuarantine);
  if (made.ok()) made = folders_.root->sync();
  if (!made && made.error().os_errno != EEXIST) return made;
  auto opened = folders_.root->open_directory(layout::kQuarantine);
  if (!opened) return opened.status();
  quarantine_ = *std::move(opened);
  return {};
}

Status ChunkStore::quarantine(const std::string& file_name, std::string_view bytes, bool& added) {
  added = false;
  if (Status status = open_quarantine(); !status) return status;
  const std::string name = layout::quarantined_file(file_name, digest_of(bytes));
  auto present = quarantine_->stat(name);
  if (present) return {};
  if (present.code() != ErrorCode::not_found) return present.status();
  const std::string temporary_name =
      std::string("evidence") + std::string(layout::kTemporaryEnding);
  FileAttributes attributes;
  attributes.permissions = 0600;  // evidence is nobody else's business
  auto temporary = TemporaryFile::write(*quarantine_, temporary_name, bytes, attributes);
  if (!temporary) return temporary.status();
  if (Status status = temporary->make_durable(); !status) return status;
  if (Status status = temporary->publish(name); !status) return status;
  added = true;
  return quarantine_->sync();
}

// --- healing

Inspection ChunkStore::heal(const std::string& chunk, std::vector<Event>& events) {
  Inspection primary = read(chunk);
  if (primary.usable() || primary.health == FileHealth::unreadable) return primary;
  Inspection backup = inspect_file(*folders_.backups, layout::backup_file(chunk), chunk, settings_);
  if (backup.health == FileHealth::unreadable) return backup;
  if (!backup.usable()) {
    if (primary.health == FileHealth::missing && backup.health == FileHealth::missing) {
      return primary;
    }
    return report_lost(chunk, std::move(primary), backup, events);
  }
  if (primary.health == FileHealth::invalid) {
    bool added = false;
    const Status kept = quarantine(layout::chunk_file(chunk), primary.bytes, added);
    if (!kept) {
      backup.reason = kept;
      return backup;
    }
    if (added) {
      events.push_back({Event::Kind::quarantined, chunk,
                        "damaged bytes kept in quarantine: " + primary.reason.error().message});
    }
  }
  const std::string what = primary.health == FileHealth::missing ? "a missing" : "a damaged";
  Inspection healed = publish_backup(chunk, primary, std::move(backup));
  if (healed.reason.ok()) {
    events.push_back({Event::Kind::healed, chunk, what + " file was replaced by its backup"});
  }
  return healed;
}

// A copy and not a link: an editor that writes in place must not change both.
Inspection ChunkStore::publish_backup(const std::string& chunk, const Inspection& primary,
                                      Inspection backup) {
  FileAttributes attributes;
  attributes.like = primary.health == FileHealth::missing ? backup.info : primary.info;
  // It stays where it was in the journal's order: newer records are replayed upon it, and older
  // ones, which a power cut may bring back, are not.
  attributes.stamp = backup.health == FileHealth::good ? *backup.stamp : Stamp{};
  attributes.stamp->text = backup.text_digest(settings_);
  attributes.chunk = chunk;
  const auto publish = [&]() -> Status {
    auto temporary = TemporaryFile::write(*folders_.chunks, layout::chunk_temporary(chunk),
                                          backup.bytes, attributes);
    if (!temporary) return temporary.status();
    if (Status status = temporary->make_durable(); !status) return status;
    before_change(chunk);
    if (Status status = temporary->publish(layout::chunk_file(chunk)); !status) return status;
    return folders_.chunks->sync();
  };
  backup.reason = publish();
  forget(chunk);
  return backup;
}

Inspection ChunkStore::report_lost(const std::string& chunk, Inspection primary,
                                   const Inspection& backup, std::vector<Event>& events) {
  bool added = false;
  bool added_backup = false;
  Status kept;
  if (primary.health == FileHealth::invalid) {
    kept = quarantine(layout::chunk_file(chunk), primary.bytes, added);
  }
  if (kept.ok() && backup.health == FileHealth::invalid) {
    kept = quarantine(layout::backup_file(chunk), backup.bytes, added_backup);
  }
  if (added || added_backup) {
    events.push_back({Event::Kind::lost, chunk,
                      "damaged, and no backup can heal it; the bytes are kept in quarantine"});
  }
  Error error;
  error.code = ErrorCode::corrupt;
  error.message = "damaged beyond healing; the bytes are kept";
  if (!kept) error.message += " where they are (" + kept.error().message + ")";
  error.path = folders_.chunks->path() + "/" + layout::chunk_file(chunk);
  primary.health = FileHealth::invalid;
  primary.reason = error;
  return primary;
}

}  // namespace safechunk
