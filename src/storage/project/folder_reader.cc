#include "storage/project/folder_reader.h"

#include <cmath>
#include <set>

#include "base/in_chunk.h"
#include "storage/checkpoints/archive_store.h"
#include "storage/checkpoints/catalog.h"
#include "storage/chunks/chunk_files.h"
#include "storage/files/names.h"
#include "storage/files/project_layout.h"
#include "storage/project/folders.h"
#include "storage/project/lock.h"
#include "storage/project/replay_plan.h"
#include "storage/project/verify.h"

namespace safechunk {
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

Status count_files(const ProjectFolders& folders, HealthReport& report) {
  auto files = folders.chunks->list();
  if (!files) return files.status();
  report.stamps_supported = answers_for_attributes(*folders.root, layout::kLock);
  for (const std::string& file : *files) {
    // Beside other programs' files only ours are worth a word.
    const bool is_left_over = folders.side.empty() ? layout::is_any_temporary(file)
                                                   : folders.naming.is_own_temporary(file);
    if (is_left_over) ++report.orphaned_artifacts;
    const bool is_chunk = folders.naming.only_file().empty() ? file.ends_with(".json")
                                                             : file == folders.naming.only_file();
    if (!is_chunk) continue;
    ++report.shards;
    if (!report.stamps_supported && report.shards == 1) {
      report.stamps_supported = answers_for_attributes(*folders.chunks, file);
    }
  }
  auto quarantine = folders.root->open_directory(layout::kQuarantine);
  if (!quarantine) {
    return quarantine.code() == ErrorCode::not_found ? Status() : quarantine.status();
  }
  auto preserved = (*quarantine)->list();
  if (!preserved) return preserved.status();
  report.quarantine_files = preserved->size();
  return {};
}

}  // namespace

Status folder_health(const ProjectFolders& folders, HealthReport& report) {
  if (!report.owner) report.owner = ProjectLock::peek(*folders.root);
  auto space = folders.root->space();
  if (!space) return space.status();
  report.storage_usage = usage_percent(*space);
  return count_files(folders, report);
}

Status FolderReader::check() const {
  return open_folders_for_reading(platform_.file_system, location_).status();
}

namespace {

// As Project::find_other_spelling().
Status find_other_spelling(const ProjectFolders& folders, const std::string& chunk) {
  auto files = list_chunk_files(folders);
  if (!files) return in_chunk(files.status(), chunk);
  Names names;
  for (const std::string& name : *files) names.add(name);
  const std::string rival = names.rival_of(chunk);
  return rival.empty() ? Status() : is_same_name(chunk, rival);
}

}  // namespace

Result<StoredText> FolderReader::read(const std::string& chunk, Notices& notices) {
  auto folders = open_folders_for_reading(platform_.file_system, location_);
  if (!folders) {
    if (folders.code() == ErrorCode::not_found && !location_.beside) return StoredText();
    return folders.status();
  }
  auto waiting = find_waiting_updates(*folders, platform_.process, settings_);
  if (!waiting) return in_chunk(waiting.status(), chunk);
  if (const auto update = waiting->texts.find(chunk); update != waiting->texts.end()) {
    notices.status(waiting->to_text() + "; '" + chunk + "' is read from there");
    if (!update->second) return StoredText();
    return stored(*update->second, {}, settings_);
  }
  const Status older_than_journal = in_chunk(waiting->unreadable, chunk);
  notices.fault(older_than_journal);
  ChunkInspection found = inspect_chunk(*folders, chunk, settings_, watch_);
  switch (found.state) {
    case ChunkState::sound: {
      std::string revision = found.file.text_digest(settings_).to_hex();
      return StoredText{text_of(std::move(found.file)), older_than_journal, std::move(revision)};
    }
    case ChunkState::unreadable: {
      const bool backup = found.backup.health == FileHealth::unreadable;
      return in_chunk(backup ? found.backup.reason : found.file.reason, chunk);
    }
    case ChunkState::healable:
    case ChunkState::being_edited: {
      const Status older(found.problem(*folders, chunk));
      if (!found.backup.usable()) return older;
      notices.fault(older);
      return stored(text_of(std::move(found.backup)), older, settings_);
    }
    case ChunkState::lost:
      return Status(found.problem(*folders, chunk));
    default:
      if (Status other = find_other_spelling(*folders, chunk); !other) return other;
      return StoredText{std::nullopt, older_than_journal, {}};
  }
}

Result<std::vector<std::string>> FolderReader::list(Notices& notices) {
  auto folders = open_folders_for_reading(platform_.file_system, location_);
  if (!folders) {
    if (folders.code() == ErrorCode::not_found && !location_.beside) {
      return std::vector<std::string>();
    }
    return folders.status();
  }
  auto chunks = list_readable_chunks(*folders);
  if (!chunks) return chunks.status();
  auto waiting = find_waiting_updates(*folders, platform_.process, settings_);
  if (!waiting) return waiting.status();
  notices.fault(waiting->unreadable);
  for (const auto& [chunk, text] : waiting->texts) {
    if (text) {
      chunks->insert(chunk);
    } else {
      chunks->erase(chunk);
    }
  }
  return std::vector<std::string>(chunks->begin(), chunks->end());
}

Status FolderReader::health(HealthReport& report) {
  auto folders = open_folders_for_reading(platform_.file_system, location_);
  if (!folders) return folders.status();
  auto waiting = find_waiting_updates(*folders, platform_.process, settings_);
  if (!waiting) return waiting.status();
  report.pending_chunks = waiting->texts.size();
  report.dirty_buffer = !waiting->texts.empty();
  if (report.last_error.empty()) {
    if (report.dirty_buffer) report.last_error = waiting->to_text();
    if (!waiting->unreadable.ok()) report.last_error = waiting->unreadable.to_text();
  }
  return folder_health(*folders, report);
}

Result<VerifyReport> FolderReader::verify(const ProgressHandler& progress) {
  auto folders = open_folders_for_reading(platform_.file_system, location_);
  if (!folders) return folders.status();
  return verify_project(*folders, platform_, settings_, progress);
}

Result<std::vector<CheckpointInfo>> FolderReader::list_checkpoints() {
  auto folders = open_folders_for_reading(platform_.file_system, location_);
  if (!folders) return folders.status();
  if (folders->checkpoints == nullptr) return std::vector<CheckpointInfo>();
  auto checkpoints = folders->checkpoints->hold();
  if (!checkpoints) return checkpoints.status();
  return safechunk::list_checkpoints(**checkpoints);
}

Status FolderReader::read_checkpoint(const std::string& name, const ProgressHandler& progress,
                                     const ArchivedChunkHandler& handler) {
  auto folders = open_folders_for_reading(platform_.file_system, location_);
  if (!folders) return folders.status();
  auto found = find_archive(platform_.file_system, folders->checkpoints.get(), name);
  if (!found) return found.status();
  return safechunk::read_checkpoint(*found->folder, found->name, settings_, progress, handler);
}

// --- archives

Status FolderReader::archive(const ProjectFolders& folders, Directory& target,
                             ArchiveRequest request, const WriteArchive& write,
                             const ProgressHandler& progress, Notices& notices) {
  request.token = platform_.process.random_token();
  auto info = folders.root->stat();
  if (!info) return info.status();
  // As the umask of most people makes them, as far as the project's folder allows it.
  const std::uint32_t mode_of_new =
      FileRights(info->permissions, file_mode_).mode_of_new_file(0644);
  auto state = CommittedState::take(folders, platform_, settings_, watch_, {target, request.token},
                                    mode_of_new, progress);
  if (!state) return state.status();
  request.left_out = (*state)->left_out();
  Status written = write(**state, request);
  if (!written) return written;
  for (const Status& fault : (*state)->faults()) notices.fault(fault);
  return {};
}

Status FolderReader::export_archive(const std::string& path, const CheckpointRequest& wanted,
                                    const ProgressHandler& progress, Notices& notices) {
  auto place = open_archive_folder(platform_.file_system, path);
  if (!place) return place.status();
  if (Status free = check_free_name(*place->folder, place->name); !free) return free;
  auto folders = open_folders_for_reading(platform_.file_system, location_);
  if (!folders) return folders.status();
  if (Status outside = check_outside(*folders, *place->folder); !outside) return outside;
  ArchiveRequest request = archive_request(wanted, location_.name(), platform_.clock);
  request.rights = FileRights::at_most(file_mode_);
  const auto write = [&](const CommittedState& state, const ArchiveRequest& settled) {
    return write_export(*place->folder, place->name, state, settled, settings_, progress);
  };
  return archive(*folders, *place->folder, std::move(request), write, progress, notices);
}

Result<std::string> FolderReader::write_checkpoint(const CheckpointRequest& wanted,
                                                   const ProgressHandler& progress,
                                                   Notices& notices) {
  auto folders = open_folders_for_reading(platform_.file_system, location_);
  if (!folders) return folders.status();
  if (folders->checkpoints == nullptr) {
    return Status(ErrorCode::not_found,
                  "the project has no checkpoints folder; a program that opens it for writing "
                  "makes one");
  }
  auto checkpoints = folders->checkpoints->hold();
  if (!checkpoints) return checkpoints.status();
  auto info = folders->root->stat();
  if (!info) return info.status();
  ArchiveRequest request = archive_request(wanted, location_.name(), platform_.clock);
  request.rights = FileRights(info->permissions, file_mode_);
  std::string name;
  const auto write = [&](const CommittedState& state, const ArchiveRequest& settled) {
    // An owner that attaches removes archives that are not complete, for those of an owner that was
    // killed.
    constexpr int kTries = 3;
    Result<std::string> written = Status(ErrorCode::not_found, "");
    for (int i = 0; i < kTries && written.code() == ErrorCode::not_found; ++i) {
      written = safechunk::write_checkpoint(**checkpoints, state, settled, settings_, progress);
    }
    if (written) name = *written;
    return written.status();
  };
  Status written = archive(*folders, **checkpoints, std::move(request), write, progress, notices);
  return written.ok() ? Result<std::string>(name) : written;
}

}  // namespace safechunk
