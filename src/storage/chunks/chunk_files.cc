#include "storage/chunks/chunk_files.h"

#include <algorithm>

#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Base absent_or_unknown(const Status& status) {
  return {status.code() == ErrorCode::not_found ? kAbsentDigest : kUnknownDigest};
}

using ParseName = std::optional<std::string> (*)(std::string_view file);

Result<std::vector<std::string>> list_names(Directory& folder, ParseName parse) {
  auto files = folder.list();
  if (!files) return files.status();
  std::vector<std::string> chunks;
  chunks.reserve(files->size());
  for (const std::string& file : *files) {
    if (auto chunk = parse(file)) chunks.push_back(*std::move(chunk));
  }
  std::sort(chunks.begin(), chunks.end());
  return chunks;
}

}  // namespace

// --- listing

Result<std::vector<std::string>> list_chunk_files(Directory& chunks) {
  return list_names(chunks, layout::chunk_of_file);
}

Result<std::vector<std::string>> list_backup_files(Directory& backups) {
  return list_names(backups, layout::chunk_of_backup);
}

Result<std::set<std::string>> list_all_chunks(const ProjectFolders& folders) {
  auto files = list_chunk_files(*folders.chunks);
  if (!files) return files.status();
  std::set<std::string> chunks(files->begin(), files->end());
  if (folders.backups == nullptr) return chunks;
  auto backups = list_backup_files(*folders.backups);
  if (!backups) return backups.status();
  chunks.insert(backups->begin(), backups->end());
  return chunks;
}

// --- judging

ChunkInspection inspect_chunk(const ProjectFolders& folders, const std::string& chunk,
                              const TextSettings& settings) {
  ChunkInspection found;
  found.file = inspect_file(*folders.chunks, layout::chunk_file(chunk), chunk, settings);
  found.state = decide_chunk(found.file.health, std::nullopt);
  if (found.state == ChunkState::needs_backup) {
    found.backup = inspect_backup(folders.backups.get(), chunk, settings);
    found.state = decide_chunk(found.file.health, found.backup.health);
  }
  return found;
}

Status ChunkInspection::damage(const ProjectFolders& folders, const std::string& chunk) const {
  Error error;
  error.code = ErrorCode::corrupt;
  error.message = file.health == FileHealth::missing ? "missing" : "damaged";
  error.message += state == ChunkState::healable ? "; its backup was read"
                                                 : ", and no backup can replace it";
  error.chunk = chunk;
  error.path = folders.chunks->path() + "/" + layout::chunk_file(chunk);
  return error;
}

std::string text_of(Inspection inspection) {
  if (inspection.bytes.starts_with(kByteOrderMark)) inspection.bytes.erase(0, kByteOrderMark.size());
  return std::move(inspection.bytes);
}

// --- ChunkFiles

KnownVersion ChunkFiles::version_of(const Inspection& inspection, const TextSettings& settings) {
  return KnownVersion::of(inspection.info, inspection.text_digest(settings));
}

Inspection ChunkFiles::read(const std::string& chunk) {
  return inspect_file(*folders_.chunks, layout::chunk_file(chunk), chunk, settings_);
}

Base ChunkFiles::base_of(const std::string& chunk) {
  Base base = committed_base(chunk);
  // Asked last, because it is set before the file is replaced.
  base.superseded = versions_.base_superseded(chunk);
  return base;
}

Base ChunkFiles::committed_base(const std::string& chunk) {
  const std::string name = layout::chunk_file(chunk);
  auto seen = folders_.chunks->stat(name);
  if (!seen) {
    Base base = absent_or_unknown(seen.status());
    auto backup = folders_.backups->stat(layout::backup_file(chunk));
    if (backup.code() != ErrorCode::not_found) base.text_digest = kUnknownDigest;
    return base;
  }
  if (const auto version = versions_.known(chunk, *seen)) {
    return {version->text_digest, version->durable};
  }
  if (const auto glimpsed = versions_.glimpsed(chunk, *seen)) return {*glimpsed};
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
  versions_.remember_glimpse(chunk, version);
  return {version.text_digest};
}

bool ChunkFiles::is_gone(const std::string& chunk) {
  const auto file = folders_.chunks->stat(layout::chunk_file(chunk));
  const auto backup = folders_.backups->stat(layout::backup_file(chunk));
  return file.code() == ErrorCode::not_found && backup.code() == ErrorCode::not_found;
}

// --- healing

Inspection ChunkFiles::heal(const std::string& chunk, std::vector<Event>& events) {
  ChunkInspection found = inspect_chunk(folders_, chunk, settings_);
  switch (found.state) {
    case ChunkState::lost:
      return report_lost(chunk, std::move(found), events);
    case ChunkState::healable:
      break;
    case ChunkState::unreadable:
      return found.file.health == FileHealth::unreadable ? std::move(found.file)
                                                         : std::move(found.backup);
    default:
      return std::move(found.file);
  }
  if (found.file.health == FileHealth::invalid) {
    bool added = false;
    const Status kept = quarantine_.preserve(layout::chunk_file(chunk), found.file.bytes, added);
    if (!kept) {
      found.backup.reason = kept;
      return std::move(found.backup);
    }
    if (added) {
      events.push_back({Event::Kind::quarantined, chunk,
                        "damaged bytes kept in quarantine: " + found.file.reason.error().message});
    }
  }
  const std::string what = found.file.health == FileHealth::missing ? "a missing" : "a damaged";
  Inspection healed = publish_backup(chunk, found.file, std::move(found.backup));
  if (healed.reason.code() == ErrorCode::conflict) {
    // Another program was faster, and may have written the file whole.
    Inspection now = read(chunk);
    if (now.usable()) return now;
  }
  if (healed.reason.ok()) {
    events.push_back({Event::Kind::healed, chunk, what + " file was replaced by its backup"});
  }
  return healed;
}

// A copy and not a link: an editor that writes in place must not change both.
Inspection ChunkFiles::publish_backup(const std::string& chunk, const Inspection& file,
                                      Inspection backup) {
  FileAttributes attributes;
  attributes.like = file.health == FileHealth::missing ? backup.info : file.info;
  // The file stays where it was in the journal's order: newer records are replayed onto it, and
  // older ones, which a power cut may bring back, are not.
  attributes.stamp = backup.health == FileHealth::good ? *backup.stamp : Stamp{};
  attributes.stamp->text = backup.text_digest(settings_);
  attributes.chunk = chunk;
  const auto publish = [&]() -> Status {
    auto temporary = TemporaryFile::write(*folders_.chunks, layout::temporary_of(chunk),
                                          backup.bytes, attributes);
    if (!temporary) return temporary.status();
    if (Status status = temporary->make_durable(); !status) return status;
    const bool ctime_may_differ = before_change(chunk);
    const FileInfo* found = file.health == FileHealth::missing ? nullptr : &file.info;
    if (Status status = check_untouched(chunk, found, ctime_may_differ); !status) return status;
    if (Status status = temporary->publish(layout::chunk_file(chunk)); !status) return status;
    return folders_.chunks->sync();
  };
  backup.reason = publish();
  versions_.forget(chunk);
  return backup;
}

bool ChunkFiles::before_change(const std::string& chunk) const {
  const auto observer = observer_.lock();
  if (observer != nullptr) observer->preserve(chunk);
  return observer != nullptr;
}

Status ChunkFiles::check_untouched(const std::string& chunk, const FileInfo* found,
                                   bool ctime_may_differ) const {
  const auto now = folders_.chunks->stat(layout::chunk_file(chunk));
  if (!now && now.code() != ErrorCode::not_found) return now.status();
  const bool same =
      now.ok() == (found != nullptr) &&
      (found == nullptr || (now->same_file(*found) && now->size == found->size &&
                            now->modified_ns == found->modified_ns &&
                            now->permissions == found->permissions &&
                            (ctime_may_differ || now->changed_ns == found->changed_ns)));
  return same ? Status()
              : Status(ErrorCode::conflict, "another program changed the file meanwhile");
}

Inspection ChunkFiles::report_lost(const std::string& chunk, ChunkInspection found,
                                   std::vector<Event>& events) {
  bool added = false;
  bool added_backup = false;
  Status kept;
  if (found.file.health == FileHealth::invalid) {
    kept = quarantine_.preserve(layout::chunk_file(chunk), found.file.bytes, added);
  }
  if (kept.ok() && found.backup.health == FileHealth::invalid) {
    kept = quarantine_.preserve(layout::backup_file(chunk), found.backup.bytes, added_backup);
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
  found.file.health = FileHealth::invalid;
  found.file.reason = error;
  return std::move(found.file);
}

}  // namespace safechunk
