// Reading: fetch, list, health, verify, repair.

#include <algorithm>
#include <cmath>
#include <set>

#include "base/chunk_name.h"
#include "engine/engine_core.h"
#include "json/format.h"
#include "storage/project_layout.h"
#include "storage/verify.h"

namespace safechunk {
namespace {

using MaybeText = std::optional<std::string>;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string text_of(Inspection inspection) {
  if (inspection.bytes.starts_with(kByteOrderMark)) inspection.bytes.erase(0, 3);
  return std::move(inspection.bytes);
}

Status in_chunk(const Status& status, const std::string& chunk) {
  Error error = status.error();
  if (error.chunk.empty()) error.chunk = chunk;
  return error;
}

}  // namespace

Status EngineCore::check_readable() const {
  if (!options_status_) return options_status_;
  auto project = readable_project();
  return project.status();
}

Result<MaybeText> EngineCore::find_chunk(std::string_view name) {
  if (!options_status_) return options_status_;
  const std::string chunk(name);
  if (Status status = check_name(chunk, "chunk name"); !status) return in_chunk(status, chunk);
  if (is_forked()) return find_as_reader(chunk);
  // First, and also while it is being detached: until it is in the file, it is nowhere else.
  StagedEdit staged;
  {
    const Lock lock(mutex_);
    if (const StagedEdit* found = staging_.find(chunk)) staged = *found;
  }
  if (staged.record == nullptr) {
    auto owned = owned_project();
    return owned ? find_committed(**owned, chunk) : find_as_reader(chunk);
  }
  if (staged.edit().removal) return MaybeText();
  // As it will stand in the file.
  return MaybeText(json::format(staged.text(), settings_.indent, settings_.size_limit));
}

Result<MaybeText> EngineCore::find_committed(OpenProject& project, const std::string& chunk) {
  Inspection found = project.chunks->read(chunk);
  if (found.usable()) {
    note_first_sight(project, chunk, found);
    return MaybeText(text_of(std::move(found)));
  }
  if (found.health == FileHealth::unreadable) return in_chunk(found.reason, chunk);
  if (found.health == FileHealth::missing) {
    auto backup = project.folders.backups->stat(layout::backup_file(chunk));
    if (!backup && backup.code() == ErrorCode::not_found) return MaybeText();
  }
  return heal_and_find(project, chunk);
}

Result<MaybeText> EngineCore::heal_and_find(OpenProject& project, const std::string& chunk) {
  auto healed = heal(project, chunk);
  if (!healed) return find_as_reader(chunk);
  if (healed->usable()) return MaybeText(text_of(*std::move(healed)));
  if (healed->health == FileHealth::missing) return MaybeText();
  return in_chunk(healed->reason, chunk);
}

// Under the gate, and after another look: a commit may have been faster. What keeps it from healing
// is in the reason, also when the backup could be read. An error when it is not the owner any more.
Result<Inspection> EngineCore::heal(OpenProject& project, const std::string& chunk) {
  std::vector<Event> events;
  Inspection healed;
  {
    const std::lock_guard gate(gate_);
    auto owned = owned_project();
    if (!owned) return owned.status();
    if (owned->get() != &project) return Status(ErrorCode::not_owner, "detached meanwhile");
    if (Status held = project.lock->check_held(); !held) return held;
    Status in_place = project.check_in_place({layout::kChunks, layout::kBackups});
    if (!in_place) return in_place;
    healed = project.chunks->heal(chunk, events);
  }
  Notices notices;
  for (const Event& event : events) notices.event(event);
  if (healed.health != FileHealth::missing && !healed.reason.ok()) {
    notices.fault(in_chunk(healed.reason, chunk));
  }
  {
    const Lock lock(mutex_);
    for (const Event& event : events) {
      if (event.kind == Event::Kind::healed) ++counters_.heals;
    }
  }
  events_.deliver(std::move(notices));
  return healed;
}

// The first time that a version is read it is remembered, and an edit by another program is told.
void EngineCore::note_first_sight(OpenProject& project, const std::string& chunk,
                                  const Inspection& found) {
  if (project.chunks->known(chunk, found.info)) return;
  project.chunks->remember(chunk, ChunkStore::version_of(found, settings_));
  if (found.health == FileHealth::good) return;
  const bool edited = found.health == FileHealth::edited;
  Notices notices;
  notices.event({Event::Kind::external_edit, chunk,
                 edited ? "changed by another program, and accepted"
                        : "carries no stamp of this engine; it is JSON, and accepted"});
  events_.deliver(std::move(notices));
}

// Without ownership: nothing is remembered, nothing is written, and in a forked child no lock of
// this object is taken, which might be held for ever.
Result<MaybeText> EngineCore::find_as_reader(const std::string& chunk) {
  auto folders = open_folders_for_reading(platform_.file_system, location_);
  if (!folders) {
    if (folders.code() == ErrorCode::not_found) return MaybeText();
    return folders.status();
  }
  Inspection primary = inspect_file(*folders->chunks, layout::chunk_file(chunk), chunk, settings_);
  if (primary.usable()) return MaybeText(text_of(std::move(primary)));
  if (primary.health == FileHealth::unreadable) return in_chunk(primary.reason, chunk);
  Inspection backup = inspect_backup(folders->backups.get(), chunk, settings_);
  if (backup.health == FileHealth::unreadable) return in_chunk(backup.reason, chunk);
  if (primary.health == FileHealth::missing && backup.health == FileHealth::missing) {
    return MaybeText();
  }
  Error error;
  error.code = ErrorCode::corrupt;
  error.message = primary.health == FileHealth::missing ? "missing" : "damaged";
  error.message += backup.usable() ? "; its backup was read" : ", and no backup can replace it";
  error.chunk = chunk;
  error.path = project_path_ + "/" + layout::kChunks + "/" + layout::chunk_file(chunk);
  if (!backup.usable()) return error;
  if (!is_forked()) {
    Notices notices;
    notices.fault(error);
    events_.deliver(std::move(notices));
  }
  return MaybeText(text_of(std::move(backup)));
}

Result<std::vector<std::string>> EngineCore::list_chunks() {
  if (!options_status_) return options_status_;
  auto project = readable_project();
  if (!project) {
    if (project.code() == ErrorCode::not_found) return std::vector<std::string>();
    return project.status();
  }
  // What is staged first: a commit in between only moves it to the disk, where the listing finds
  // it.
  std::map<std::string, StagedEdit> staged_edits;
  if (!is_forked()) {
    const Lock lock(mutex_);
    staged_edits = staging_.snapshot();
  }
  ChunkStore store((*project)->folders, settings_);
  auto names = store.list();
  if (!names) return names;
  std::set<std::string> all(names->begin(), names->end());
  for (const auto& [chunk, staged] : staged_edits) {
    if (staged.edit().removal) {
      all.erase(chunk);
    } else {
      all.insert(chunk);
    }
  }
  return std::vector<std::string>(all.begin(), all.end());
}

Result<std::shared_ptr<OpenProject>> EngineCore::readable_project() const {
  auto owned = owned_project();
  if (owned) return owned;
  auto folders = open_folders_for_reading(platform_.file_system, location_);
  if (!folders) return folders.status();
  auto project = std::make_shared<OpenProject>();
  project->folders = *std::move(folders);
  return project;
}

// --- health

namespace {

// As the original computes it: used / (used + available to the user) x 100, one decimal.
double usage_percent(const SpaceInfo& space) {
  const double used = static_cast<double>(space.used_bytes);
  const double total = used + static_cast<double>(space.available_bytes);
  return total <= 0 ? 0 : std::round(used / total * 1000.0) / 10.0;
}

// Asking for an attribute tells whether the file system has any.
bool answers_for_attributes(Directory& folder, const std::string& name) {
  auto file = folder.open(name, OpenMode::read);
  if (!file) return false;
  auto attribute = (*file)->attribute(Stamp::kAttribute);
  return attribute.ok() || attribute.code() == ErrorCode::not_found;
}

Status count_files(ProjectFolders& folders, HealthReport& report) {
  auto files = folders.chunks->list();
  if (!files) return files.status();
  report.stamps_supported = answers_for_attributes(*folders.root, layout::kLock);
  for (const std::string& file : *files) {
    if (layout::is_temporary(file)) ++report.orphaned_artifacts;
    if (!file.ends_with(".json")) continue;
    ++report.shards;
    if (!report.stamps_supported && report.shards == 1) {
      report.stamps_supported = answers_for_attributes(*folders.chunks, file);
    }
  }
  auto quarantine = folders.root->open_directory(layout::kQuarantine);
  if (!quarantine) {
    return quarantine.code() == ErrorCode::not_found ? Status() : quarantine.status();
  }
  auto evidence = (*quarantine)->list();
  if (!evidence) return evidence.status();
  report.quarantine_files = evidence->size();
  return {};
}

}  // namespace

Result<HealthReport> EngineCore::health_report() {
  if (!options_status_) return options_status_;
  auto project = readable_project();
  if (!project) return project.status();
  ProjectFolders& folders = (*project)->folders;
  HealthReport report;
  if (!is_forked()) {
    const Lock lock(mutex_);
    report = counters_;
    report.engine_active = state_ == State::active;
    report.dirty_buffer = !staging_.empty();
    report.pending_chunks = staging_.size();
    report.owner = owner_;
  }
  if (!report.owner) report.owner = ProjectLock::peek(*folders.root);
  report.last_error = is_forked() ? "" : events_.last_error();
  if (const auto& journal = (*project)->journal) {
    report.journal_bytes = journal->size();
    report.bytes_written += journal->bytes_written();
  }
  auto space = folders.root->space();
  if (!space) return space.status();
  report.storage_usage = usage_percent(*space);
  if (Status status = count_files(folders, report); !status) return status;
  return report;
}

// --- verify and repair

Result<VerifyReport> EngineCore::verify(const ProgressHandler& progress) {
  if (!options_status_) return options_status_;
  auto project = readable_project();
  if (!project) return project.status();
  return verify_project((*project)->folders, platform_.process, settings_, progress);
}

Status EngineCore::repair_chunk(OpenProject& project, const std::string& chunk) {
  {
    const Lock lock(mutex_);
    if (staging_.find(chunk) != nullptr) return {};  // what is there will be replaced
  }
  const Inspection found = project.chunks->read(chunk);
  if (found.usable()) {
    note_first_sight(project, chunk, found);
    return {};
  }
  if (found.health == FileHealth::unreadable) return in_chunk(found.reason, chunk);
  auto healed = heal(project, chunk);
  if (!healed) return healed.status();
  const bool removed_meanwhile = healed->health == FileHealth::missing;
  return removed_meanwhile || healed->reason.ok() ? Status() : in_chunk(healed->reason, chunk);
}

Status EngineCore::repair(const ProgressHandler& progress) {
  auto project = owned_project();
  if (!project) return project.status();
  auto chunks = (*project)->chunks->list_with_backups();
  if (!chunks) return chunks.status();
  Status first_error;
  std::uint64_t done = 0;
  for (const std::string& chunk : *chunks) {
    Status repaired = repair_chunk(**project, chunk);
    if (first_error.ok()) first_error = std::move(repaired);
    if (progress && !progress(++done, chunks->size())) {
      return Status(ErrorCode::cancelled, "cancelled by the progress handler");
    }
  }
  return first_error;
}

}  // namespace safechunk
