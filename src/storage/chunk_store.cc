#include "storage/chunk_store.h"

#include <algorithm>
#include <cerrno>

#include "storage/durable_file.h"
#include "storage/journal.h"
#include "storage/project_layout.h"

namespace safechunk {

namespace {

Base absent_or_unknown(const Status& status) {
  return {status.code() == ErrorCode::not_found ? kAbsentDigest : kUnknownDigest};
}

}  // namespace

KnownVersion ChunkStore::version_of(const Inspection& inspection, const TextSettings& settings) {
  return KnownVersion::of(inspection.info, inspection.text_digest(settings));
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
  bases_.erase(chunk);
}

void ChunkStore::forget(const std::string& chunk) {
  const std::lock_guard lock(mutex_);
  known_.erase(chunk);
  bases_.erase(chunk);
}

Inspection ChunkStore::read(const std::string& chunk) {
  return inspect_file(*folders_.chunks, layout::chunk_file(chunk), chunk, settings_);
}

void ChunkStore::set_overtaken(const std::string& chunk, bool overtaken) {
  const std::lock_guard lock(mutex_);
  if (overtaken) {
    overtaken_.insert(chunk);
  } else {
    overtaken_.erase(chunk);
  }
}

Base ChunkStore::base_of(const std::string& chunk) {
  Base base = committed_base(chunk);
  // Asked last: it is set before the file is replaced.
  const std::lock_guard lock(mutex_);
  base.overtaken = overtaken_.contains(chunk);
  return base;
}

Base ChunkStore::committed_base(const std::string& chunk) {
  const std::string name = layout::chunk_file(chunk);
  auto seen = folders_.chunks->stat(name);
  if (!seen) {
    Base base = absent_or_unknown(seen.status());
    auto backup = folders_.backups->stat(layout::backup_file(chunk));
    if (backup.code() != ErrorCode::not_found) base.text = kUnknownDigest;
    return base;
  }
  // Another program may have been there since.
  if (const auto version = known(chunk, *seen)) return {version->text, version->durable};
  {
    const std::lock_guard lock(mutex_);
    const auto found = bases_.find(chunk);
    if (found != bases_.end() && found->second.matches(*seen)) return {found->second.text};
  }
  auto file = folders_.chunks->open(name, OpenMode::read);
  if (!file) return absent_or_unknown(file.status());
  auto stamp = read_stamp(**file, chunk);
  auto info = (*file)->stat();
  KnownVersion version;
  if (stamp && *stamp && info && (*stamp)->modified_ns == info->modified_ns) {
    version = KnownVersion::of(*info, (*stamp)->text);
  } else {
    const Inspection inspection = read(chunk);
    if (!inspection.usable()) return {kUnknownDigest};
    version = version_of(inspection, settings_);
  }
  const std::lock_guard lock(mutex_);
  bases_[chunk] = version;
  return {version.text};
}

bool ChunkStore::is_gone(const std::string& chunk) {
  const auto file = folders_.chunks->stat(layout::chunk_file(chunk));
  const auto backup = folders_.backups->stat(layout::backup_file(chunk));
  return file.code() == ErrorCode::not_found && backup.code() == ErrorCode::not_found;
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

Result<std::set<std::string>> ChunkStore::list_with_backups() {
  std::set<std::string> chunks;
  auto files = folders_.chunks->list();
  if (!files) return files.status();
  for (const std::string& file : *files) {
    if (auto chunk = layout::chunk_of_file(file)) chunks.insert(*std::move(chunk));
  }
  files = folders_.backups->list();
  if (!files) return files.status();
  for (const std::string& file : *files) {
    if (auto chunk = layout::chunk_of_backup(file)) chunks.insert(*std::move(chunk));
  }
  return chunks;
}

// --- quarantine

Status ChunkStore::open_quarantine() {
  if (quarantine_ != nullptr) return {};
  Status made = folders_.root->make_directory(layout::kQuarantine);
  if (!made && made.error().os_errno != EEXIST) return made;
  // Also one that is there: whoever made it may have died before this.
  if (Status synced = folders_.root->sync(); !synced) return synced;
  auto opened = folders_.root->open_directory(layout::kQuarantine);
  if (!opened) return opened.status();
  quarantine_ = *std::move(opened);
  return {};
}

Status ChunkStore::quarantine(const std::string& file_name, std::string_view bytes, bool& added) {
  added = false;
  const std::string name = layout::quarantined_file(file_name, digest_of(bytes));
  Status status = add_to_quarantine(name, bytes);
  if (status.code() == ErrorCode::not_found) {  // somebody has removed the folder
    quarantine_.reset();
    evidence_.clear();
    status = add_to_quarantine(name, bytes);
  }
  if (status.ok()) added = evidence_.insert(name).second;
  return status;
}

Status ChunkStore::add_to_quarantine(const std::string& name, std::string_view bytes) {
  if (Status status = open_quarantine(); !status) return status;
  // When it is there and cannot be seen, the same bytes take its place.
  if (quarantine_->stat(name)) return evidence_.contains(name) ? Status() : quarantine_->sync();
  const std::string temporary_name =
      std::string("evidence") + std::string(layout::kTemporaryEnding);
  FileAttributes attributes;
  attributes.permissions = 0600;  // evidence is nobody else's business
  auto temporary = TemporaryFile::write(*quarantine_, temporary_name, bytes, attributes);
  if (!temporary) return temporary.status();
  if (Status status = temporary->make_durable(); !status) return status;
  if (Status status = temporary->publish(name); !status) return status;
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
  if (healed.reason.code() == ErrorCode::conflict) {
    // Somebody else was faster, and may have written it whole.
    Inspection now = read(chunk);
    if (now.usable()) return now;
  }
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
    const bool linked = before_change(chunk);
    const FileInfo* found = primary.health == FileHealth::missing ? nullptr : &primary.info;
    if (Status status = check_untouched(chunk, found, linked); !status) return status;
    if (Status status = temporary->publish(layout::chunk_file(chunk)); !status) return status;
    return folders_.chunks->sync();
  };
  backup.reason = publish();
  forget(chunk);
  return backup;
}

Status ChunkStore::check_untouched(const std::string& chunk, const FileInfo* found,
                                   bool linked) const {
  const auto now = folders_.chunks->stat(layout::chunk_file(chunk));
  if (!now && now.code() != ErrorCode::not_found) return now.status();
  const bool same =
      now.ok() == (found != nullptr) &&
      (found == nullptr || (now->inode == found->inode && now->size == found->size &&
                            now->modified_ns == found->modified_ns && now->mode == found->mode &&
                            now->user == found->user && now->group == found->group &&
                            (linked || now->changed_ns == found->changed_ns)));
  return same ? Status()
              : Status(ErrorCode::conflict, "another program changed the file meanwhile");
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
