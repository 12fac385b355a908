#include "storage/chunks/chunk_files.h"

#include <algorithm>

#include "json/format.h"
#include "storage/chunks/displaced.h"
#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Base absent_or_unknown(const Status& status) {
  return {status.code() == ErrorCode::not_found ? kAbsentDigest : kUnknownDigest};
}

Base base_on(const KnownVersion& version, bool durable) {
  return {version.text_digest, durable, false, version.sequence, version.journal_token};
}

}  // namespace

StoredText stored(std::string text, Status older, const TextSettings& settings) {
  std::string revision = digest_of_compact(text, settings).to_hex();
  return {std::move(text), std::move(older), std::move(revision)};
}

// --- judging

namespace {

bool in_motion(const ProjectFolders& folders, const std::string& chunk, const Inspection& file,
               EditWatch& watch, WriteGuard::By by) {
  if (file.health != FileHealth::not_json) return false;
  if (!watch.is_still(chunk, file.info)) return true;
  const std::string name = folders.naming.file_of(chunk);
  return WriteGuard::take(*folders.chunks, name, by).writers() == Writers::some;
}

ErrorCode code_of(ChunkState state, FileHealth file) {
  switch (state) {
    case ChunkState::being_edited:
      return ErrorCode::being_edited;
    case ChunkState::lost:
      return ErrorCode::lost;
    default:
      return file == FileHealth::not_json ? ErrorCode::invalid_edit : ErrorCode::healed;
  }
}

}  // namespace

Event in_file(Event event, const ProjectFolders& folders) {
  if (!event.chunk.empty() && folders.chunks != nullptr) {
    event.path = folders.chunks->path() + "/" + folders.naming.file_of(event.chunk);
  }
  return event;
}

std::string what_is_wrong(const Inspection& file) {
  if (file.health == FileHealth::missing) return "the file is missing";
  const Error& error = file.reason.error();
  if (!error.position) return error.message;
  return "line " + std::to_string(error.position->line) + ", column " +
         std::to_string(error.position->column) + ": " + error.message;
}

std::string may_still_be_written(const Inspection& file) {
  return "the file is not JSON (" + what_is_wrong(file) +
         "), and another program may still be writing it";
}

ChunkInspection inspect_chunk(const ProjectFolders& folders, const std::string& chunk,
                              const TextSettings& settings, EditWatch& watch) {
  ChunkInspection found;
  found.file = inspect_file(*folders.chunks, folders.naming.file_of(chunk), chunk, settings);
  ChunkFacts facts{found.file.health, std::nullopt};
  facts.in_motion = in_motion(folders, chunk, found.file, watch, WriteGuard::By::reader);
  found.state = decide_chunk(facts);
  if (found.state == ChunkState::sound || found.state == ChunkState::unreadable) return found;
  found.backup = inspect_backup(folders.backups.get(), chunk, settings);
  if (found.state == ChunkState::being_edited) return found;
  facts.backup = found.backup.health;
  if (found.file.health == FileHealth::missing && found.backup.health != FileHealth::missing) {
    auto lost = names_are_lost(folders);
    if (!lost) {
      found.state = ChunkState::unreadable;
      found.file.reason = lost.status();
      return found;
    }
    facts.names_lost = *lost;
  }
  found.state = decide_chunk(facts);
  return found;
}

Error ChunkInspection::problem(const ProjectFolders& folders, const std::string& chunk) const {
  Error error;
  error.code = code_of(state, file.health);
  error.message = what_is_wrong(file);
  if (state == ChunkState::being_edited) {
    error.message = may_still_be_written(file) + "; it is left alone";
  }
  error.message += backup.usable() ? "; the version before was read instead"
                                   : "; there is no good version to read instead";
  error.chunk = chunk;
  error.path = folders.chunks->path() + "/" + folders.naming.file_of(chunk);
  if (error.code == ErrorCode::invalid_edit) error.position = file.reason.error().position;
  return error;
}

std::string text_of(Inspection inspection) {
  if (inspection.bytes.starts_with(kByteOrderMark))
    inspection.bytes.erase(0, kByteOrderMark.size());
  return std::move(inspection.bytes);
}

// --- ChunkFiles

KnownVersion ChunkFiles::version_of(const Inspection& inspection, const TextSettings& settings) {
  const Stamp stamp = inspection.stamp.value_or(Stamp());
  return KnownVersion::of(inspection.info, inspection.text_digest(settings), stamp.sequence,
                          stamp.journal_token);
}

Inspection ChunkFiles::read(const std::string& chunk) {
  return inspect_file(*folders_.chunks, folders_.naming.file_of(chunk), chunk, settings_);
}

Base ChunkFiles::base_of(const std::string& chunk) {
  Base base = committed_base(chunk);
  // Asked last, because it is set before the file is replaced.
  base.superseded = versions_.base_superseded(chunk);
  return base;
}

Base ChunkFiles::committed_base(const std::string& chunk) {
  const std::string name = folders_.naming.file_of(chunk);
  auto seen = folders_.chunks->stat(name);
  if (!seen) {
    Base base = absent_or_unknown(seen.status());
    auto backup = folders_.backups->stat(layout::backup_file(chunk));
    if (backup.code() != ErrorCode::not_found) base.text_digest = kUnknownDigest;
    return base;
  }
  if (const auto version = versions_.known(chunk, *seen)) {
    return base_on(*version, version->durable);
  }
  if (const auto glimpsed = versions_.glimpsed(chunk, *seen)) return base_on(*glimpsed, false);
  auto file = folders_.chunks->open(name, OpenMode::read);
  if (!file) return absent_or_unknown(file.status());
  auto stamp = read_stamp(**file, chunk);
  auto info = (*file)->stat();
  KnownVersion version;
  if (stamp && *stamp && info && (*stamp)->modified_ns == info->modified_ns) {
    version = KnownVersion::of(*info, (*stamp)->text, (*stamp)->sequence, (*stamp)->journal_token);
  } else {
    const Inspection inspection = read(chunk);
    if (!inspection.usable()) return {kUnknownDigest};
    version = version_of(inspection, settings_);
  }
  versions_.remember_glimpse(chunk, version);
  return base_on(version, false);
}

Status ChunkFiles::stamp(const std::string& chunk) {
  const std::string name = folders_.naming.file_of(chunk);
  const Inspection found = read(chunk);
  if (found.health != FileHealth::unstamped && found.health != FileHealth::edited) return {};
  if (!watch_.is_still(chunk, found.info)) return {};
  const WriteGuard guard = WriteGuard::take(*folders_.chunks, name, WriteGuard::By::owner);
  if (guard.writers() == Writers::some) return {};
  auto file = folders_.chunks->open(name, OpenMode::read);
  if (file.code() == ErrorCode::not_found) return {};  // somebody has just removed it
  if (!file) return file.status();
  auto info = (*file)->stat();
  if (!info) return info.status();
  if (!info->same_file(found.info) || info->size != found.info.size ||
      info->modified_ns != found.info.modified_ns) {
    return {};
  }
  Stamp stamp;
  stamp.modified_ns = info->modified_ns;
  stamp.bytes = digest_of(found.bytes);
  stamp.text = found.text_digest(settings_);
  Status stamped = (*file)->set_attribute(Stamp::kAttribute, stamp.encode(chunk));
  const bool refused = stamped.code() == ErrorCode::unsupported_format ||
                       stamped.code() == ErrorCode::permission_denied ||
                       stamped.code() == ErrorCode::read_only;
  versions_.forget(chunk);
  return refused ? Status() : stamped;
}

bool ChunkFiles::is_gone(const std::string& chunk) {
  const auto file = folders_.chunks->stat(folders_.naming.file_of(chunk));
  const auto backup = folders_.backups->stat(layout::backup_file(chunk));
  return file.code() == ErrorCode::not_found && backup.code() == ErrorCode::not_found;
}

// --- healing

ChunkFiles::Cure ChunkFiles::find_cure(const std::string& chunk, const Inspection& file) {
  Cure cure;
  cure.backup = inspect_file(*folders_.backups, layout::backup_file(chunk), chunk, settings_);
  if (is_damaged(file.health)) cure.recent = recent_texts_.find(chunk);
  return cure;
}

std::string ChunkFiles::file_text_of(const RecentText& recent) const {
  return recent.verbatim ? recent.text
                         : json::format(recent.text, settings_.indent, settings_.size_limit);
}

void ChunkFiles::give(const Cure& cure, Healing& healing) const {
  healing.older = true;
  healing.has_text = cure.recent || cure.backup.usable();
  if (cure.recent) {
    healing.text = file_text_of(*cure.recent);
  } else if (healing.has_text) {
    healing.text = text_of(cure.backup);
  }
}

Healing ChunkFiles::leave_alone(const std::string& chunk, const Inspection& file, const Cure& cure,
                                std::vector<Event>& events) {
  bool first = false;
  (void)watch_.should_wait(chunk, first);
  if (first) {
    events.push_back({.kind = Event::Kind::being_edited,
                      .chunk = chunk,
                      .detail = may_still_be_written(file) +
                                ": until it has stood still for 2 seconds, the last good version "
                                "is given",
                      .older = true});
  }
  Healing healing;
  healing.state = ChunkState::being_edited;
  Error error = file.reason.error();
  error.code = ErrorCode::being_edited;
  error.message = may_still_be_written(file);
  healing.reason = error;
  give(cure, healing);
  return healing;
}

Healing ChunkFiles::heal(const std::string& chunk, std::vector<Event>& events) {
  Inspection file = read(chunk);
  ChunkFacts facts{file.health, std::nullopt};
  facts.in_motion = in_motion(folders_, chunk, file, watch_, WriteGuard::By::owner);
  Healing healing;
  healing.state = decide_chunk(facts);
  if (healing.state == ChunkState::sound) return sound(chunk, std::move(file), events);
  if (healing.state == ChunkState::unreadable) {
    healing.reason = file.reason;
    return healing;
  }
  const Cure cure = find_cure(chunk, file);
  if (healing.state == ChunkState::being_edited) return leave_alone(chunk, file, cure, events);
  facts.backup = cure.recent ? FileHealth::good : cure.backup.health;
  if (file.health == FileHealth::missing) {
    auto lost = look_for_lost_names();
    if (!lost) {
      healing.state = ChunkState::unreadable;
      healing.reason = lost.status();
      return healing;
    }
    facts.names_lost = *lost;
  }
  healing.state = decide_chunk(facts);
  if (healing.state == ChunkState::lost) return report_lost(chunk, file, cure.backup, events);
  if (healing.state == ChunkState::unreadable) healing.reason = cure.backup.reason;
  if (healing.state != ChunkState::healable) return healing;
  give(cure, healing);
  healing.reason = publish_cure(chunk, file, cure, events);
  if (healing.reason.code() == ErrorCode::conflict) {
    // Another program was faster, and may have written the file whole.
    Inspection now = read(chunk);
    if (now.usable()) return sound(chunk, std::move(now), events);
  }
  if (healing.reason.ok()) {
    healing.state = ChunkState::sound;
    forget_edit(chunk, events);
  }
  return healing;
}

// Once names were lost, each missing chunk is taken as lost until the next attach: healing some of
// them does not make the others removed.
Result<bool> ChunkFiles::look_for_lost_names() {
  if (names_lost_) return true;
  auto lost = names_are_lost(folders_);
  if (lost && *lost) names_lost_ = true;
  return lost;
}

void ChunkFiles::forget_edit(const std::string& chunk, std::vector<Event>& events) {
  if (!watch_.forget(chunk)) return;
  events.push_back({Event::Kind::resumed, chunk, "it does not wait for another program any more"});
}

Healing ChunkFiles::sound(const std::string& chunk, Inspection file, std::vector<Event>& events) {
  forget_edit(chunk, events);
  Healing healing;
  healing.state = ChunkState::sound;
  healing.has_text = true;
  healing.text = text_of(std::move(file));
  return healing;
}

// Preserves the damaged file, and gives its name to the cure. Programs that want to write meanwhile
// wait; one that has waited will write to the preserved file, which is in quarantine.
Status ChunkFiles::publish_cure(const std::string& chunk, const Inspection& file, const Cure& cure,
                                std::vector<Event>& events) {
  const std::string name = folders_.naming.file_of(chunk);
  const bool missing = file.health == FileHealth::missing;
  std::string kept_as;
  bool added = false;
  const auto publish = [&](TemporaryFile& temporary) -> Status {
    bool ctime_may_differ = before_change(chunk);
    WriteGuard guard;
    if (!missing) {
      guard = WriteGuard::take(*folders_.chunks, name, WriteGuard::By::owner);
      if (guard.writers() == Writers::some) {
        return Status(ErrorCode::being_edited, "another program is writing the file");
      }
      if (Status s = check_untouched(chunk, &file.info, ctime_may_differ); !s) return s;
      Status kept =
          quarantine_.preserve_file(*folders_.chunks, name, name, file.bytes, kept_as, added);
      if (!kept) return kept;
      ctime_may_differ = true;
    }
    const FileInfo* found = missing ? nullptr : &file.info;
    if (Status s = check_untouched(chunk, found, ctime_may_differ); !s) return s;
    return replace_file(*this, chunk, temporary, found, nullptr, events).first_error();
  };
  const FileInfo* like = missing ? nullptr : &file.info;
  Status status = write_cure(chunk, like, cure, publish);
  versions_.forget(chunk);
  // One event tells of a heal, also when only its first half was possible.
  const bool typed = added && file.health == FileHealth::not_json;
  std::string detail = missing ? "a missing file"
                       : typed ? "the text in the file is not JSON: " + what_is_wrong(file)
                               : "damaged: " + what_is_wrong(file);
  if (added) detail += "; it is kept as " + folders_.shown(layout::kQuarantine, kept_as);
  const Event::Kind kind = typed         ? Event::Kind::invalid_edit
                           : status.ok() ? Event::Kind::healed
                                         : Event::Kind::quarantined;
  if (status.ok()) {
    detail += missing ? " was replaced by " : "; the file was replaced by ";
    detail += cure.recent ? "the last saved version" : "its backup, the version before";
  }
  if (added || status.ok()) {
    events.push_back({.kind = kind, .chunk = chunk, .detail = detail, .older = status.ok()});
  }
  return status.ok() ? folders_.chunks->sync() : status;
}

// A copy and not a link: an editor that writes in place must not change both.
Status ChunkFiles::write_cure(const std::string& chunk, const FileInfo* like, const Cure& cure,
                              const std::function<Status(TemporaryFile&)>& publish) {
  FileAttributes attributes;
  attributes.like = like != nullptr ? *like : cure.backup.info;
  attributes.rights = folders_.rights;
  attributes.chunk = chunk;
  // The file stays where it was in the journal's order: newer records are replayed onto it, and
  // older ones, which a power cut may bring back, are not.
  attributes.stamp = Stamp{};
  std::string bytes;
  if (cure.recent) {
    attributes.stamp->sequence = cure.recent->sequence;
    attributes.stamp->journal_token = cure.recent->journal_token;
    attributes.stamp->text = cure.recent->text_digest;
    bytes = file_text_of(*cure.recent);
  } else {
    if (cure.backup.health == FileHealth::good) attributes.stamp = *cure.backup.stamp;
    attributes.stamp->text = cure.backup.text_digest(settings_);
    bytes = cure.backup.bytes;
  }
  auto temporary = TemporaryFile::write(*folders_.chunks, folders_.naming.temporary_of(chunk),
                                        bytes, attributes);
  if (!temporary) return temporary.status();
  if (Status status = temporary->make_durable(); !status) return status;
  return publish(*temporary);
}

bool ChunkFiles::before_change(const std::string& chunk) const {
  const auto observer = observer_.lock();
  if (observer != nullptr) observer->preserve(chunk);
  return observer != nullptr;
}

Status ChunkFiles::check_untouched(const std::string& chunk, const FileInfo* found,
                                   bool ctime_may_differ) const {
  const auto now = folders_.chunks->stat(folders_.naming.file_of(chunk));
  if (!now && now.code() != ErrorCode::not_found) return now.status();
  const bool same =
      now.ok() == (found != nullptr) &&
      (found == nullptr || (now->same_file(*found) && now->size == found->size &&
                            now->modified_ns == found->modified_ns &&
                            folders_.rights.tightened(now->permissions) ==
                                folders_.rights.tightened(found->permissions) &&
                            (ctime_may_differ || now->changed_ns == found->changed_ns)));
  return same ? Status()
              : Status(ErrorCode::conflict, "another program changed the file meanwhile");
}

Healing ChunkFiles::report_lost(const std::string& chunk, const Inspection& file,
                                const Inspection& backup, std::vector<Event>& events) {
  bool added = false;
  bool added_backup = false;
  std::string kept_as;
  Status kept;
  if (is_damaged(file.health)) {
    kept = quarantine_.preserve_file(*folders_.chunks, folders_.naming.file_of(chunk),
                                     folders_.naming.file_of(chunk), file.bytes, kept_as, added);
  }
  if (kept.ok() && is_damaged(backup.health)) {
    kept = quarantine_.preserve(layout::backup_file(chunk), backup.bytes, added_backup);
  }
  if (added || added_backup) {
    events.push_back(
        {Event::Kind::lost, chunk,
         what_is_wrong(file) + "; no good version is left to heal it from; the bytes are kept" +
             (kept_as.empty() ? " in quarantine"
                              : " as " + folders_.shown(layout::kQuarantine, kept_as))});
  }
  Healing healing;
  healing.state = ChunkState::lost;
  Error error;
  error.code = ErrorCode::lost;
  error.message = what_is_wrong(file) + "; no good version is left; the bytes are kept";
  if (!kept) error.message += " where they are (" + kept.error().message + ")";
  error.path = folders_.chunks->path() + "/" + folders_.naming.file_of(chunk);
  error.position = file.reason.error().position;
  healing.reason = error;
  return healing;
}

}  // namespace safechunk
