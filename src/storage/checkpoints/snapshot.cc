#include "storage/checkpoints/snapshot.h"

#include <algorithm>
#include <iterator>
#include <new>

#include "storage/files/durable_file.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"

namespace safechunk {

Snapshot::Snapshot(ProjectFolders& folders, std::uint64_t token, const TextSettings& settings)
    : folders_(folders), name_(layout::pin_folder(token)), settings_(settings) {}

Result<std::shared_ptr<Snapshot>> Snapshot::take(ProjectFolders& folders, std::uint64_t token,
                                                 const TextSettings& settings) {
  std::shared_ptr<Snapshot> snapshot(new Snapshot(folders, token, settings));
  auto chunks = list_chunk_files(folders);
  if (!chunks) return chunks.status();
  snapshot->chunks_ = *std::move(chunks);
  auto backups = list_backup_files(folders);
  if (!backups) return backups.status();
  snapshot->backups_ = *std::move(backups);
  return snapshot;
}

void Snapshot::preserve(const std::string& chunk) {
  const auto holds = [&](const std::vector<std::string>& names) {
    return std::binary_search(names.begin(), names.end(), chunk);
  };
  const bool has_primary = holds(chunks_);
  const bool has_backup = holds(backups_);
  if ((!has_primary && !has_backup) || preserved(chunk)) return;
  Status status = open_folder();
  if (status.ok() && has_primary) {
    status = preserve_file(*folders_.chunks, folders_.naming.file_of(chunk), chunk);
  }
  if (status.ok() && has_backup) {
    status = preserve_file(*folders_.backups, layout::backup_file(chunk), chunk);
  }
  const MutexLock lock(mutex_);
  preserved_.emplace(chunk, std::move(status));
}

Status Snapshot::open_folder() {
  if (folder_ != nullptr) return {};
  Status made = folders_.checkpoints->make_directory(name_, folders_.rights.mode_of_new_folder());
  if (!made && !already_exists(made)) return made;
  auto folder = folders_.checkpoints->open_directory(name_);
  if (!folder) return folder.status();
  auto info = (*folder)->stat();
  if (!info) return info.status();
  if (Status shared = folders_.rights.share(**folder, *info); !shared) return shared;
  folder_ = *std::move(folder);
  return {};
}

Status Snapshot::preserve_file(Directory& from, const std::string& file, const std::string& chunk) {
  files_.push_back(file);  // also when it fails in the middle
  // An earlier attempt may have ended in the middle, for lack of memory.
  Status unlinked = folder_->unlink(file);
  if (!unlinked && unlinked.code() != ErrorCode::not_found) return unlinked;
  const Status linked = from.link(file, *folder_, file);
  if (linked.ok() || linked.code() == ErrorCode::no_space ||
      linked.code() == ErrorCode::not_found) {
    return linked;
  }
  // The copy has no stamp: it must be judged here.
  const Inspection found = inspect_file(from, file, chunk, settings_);
  if (is_damaged(found.health)) {
    return Status(ErrorCode::corrupt, found.reason.error().message);
  }
  if (!found.usable()) return found.reason;
  auto copy = folder_->open(file, OpenMode::create_exclusive, 0600);
  if (!copy) return copy.status();
  if (Status status = write_all(**copy, 0, found.bytes); !status) return status;
  return (*copy)->close();
}

std::vector<std::string> Snapshot::without_file(const std::set<std::string>& others) const {
  std::vector<std::string> found;
  std::set_difference(backups_.begin(), backups_.end(), chunks_.begin(), chunks_.end(),
                      std::back_inserter(found));
  std::erase_if(found, [&](const std::string& chunk) { return others.contains(chunk); });
  return found;
}

std::optional<Status> Snapshot::preserved(const std::string& chunk) const {
  const MutexLock lock(mutex_);
  const auto found = preserved_.find(chunk);
  return found == preserved_.end() ? std::nullopt : std::optional(found->second);
}

// The engine preserves a file before it changes it. If there is still no preserved copy after we
// have read the file, we have read the version that the checkpoint wants.
Inspection Snapshot::read_chunk(const std::string& chunk) const {
  const std::string file = folders_.naming.file_of(chunk);
  Inspection found = inspect_file(*folders_.chunks, file, chunk, settings_);
  const auto status = preserved(chunk);
  if (!status) return found;
  if (status->ok()) return inspect_file(*folder_, file, chunk, settings_);
  found.health = FileHealth::unreadable;
  found.reason = *status;
  return found;
}

Result<std::string> Snapshot::read_backup(const std::string& chunk) const {
  const auto read = [&](Directory& folder) -> Result<std::string> {
    auto file = folder.open(layout::backup_file(chunk), OpenMode::read);
    if (!file) return file.status();
    return read_all(**file, settings_.size_limit);
  };
  auto bytes = read(*folders_.backups);
  const auto status = preserved(chunk);
  if (!status) return bytes;
  return status->ok() ? read(*folder_) : Result<std::string>(*status);
}

namespace {

std::uint32_t mode_of(Directory& folder, const std::string& file) {
  const auto info = folder.stat(file);
  return info ? info->permissions.mode : 0600;
}

}  // namespace

// Saves keep the mode, so it does not matter which of the versions is looked at.
std::uint32_t Snapshot::mode_of_chunk(const std::string& chunk) const {
  return mode_of(*folders_.chunks, folders_.naming.file_of(chunk));
}

std::uint32_t Snapshot::mode_of_backup(const std::string& chunk) const {
  return mode_of(*folders_.backups, layout::backup_file(chunk));
}

// What cannot be removed here, also for lack of memory, is removed by the next attach.
Snapshot::~Snapshot() {
  if (folder_ == nullptr) return;
  try {
    for (const std::string& file : files_) (void)folder_->unlink(file);
    folder_.reset();
    (void)folders_.checkpoints->remove_directory(name_);
  } catch (const std::bad_alloc&) {  // NOLINT: see above
  }
}

namespace {

// Things of others under such names stay: they are in nobody's way.
Status unless(bool foreign, const Status& removed) {
  return foreign ? Status() : removed;
}

Status remove_pin_folder(Directory& checkpoints, const std::string& name) {
  auto folder = checkpoints.open_directory(name);
  if (!folder) return unless(is_no_folder(folder.status()), folder.status());
  auto files = (*folder)->list();
  if (!files) return files.status();
  for (const std::string& file : *files) {
    const Status removed = (*folder)->unlink(file);
    if (Status status = unless(is_folder(removed), removed); !status) return status;
  }
  const Status removed = checkpoints.remove_directory(name);
  return unless(has_entries(removed), removed);
}

}  // namespace

Status remove_unfinished_checkpoints(Directory& checkpoints) {
  auto names = checkpoints.list();
  if (!names) return names.status();
  for (const std::string& name : *names) {
    Status status;
    if (layout::is_own_temporary(name)) {
      const Status removed = checkpoints.unlink(name);
      status = unless(is_folder(removed), removed);
    } else if (layout::is_own_pin_folder(name)) {
      status = remove_pin_folder(checkpoints, name);
    }
    if (!status) return status;
  }
  return {};
}

}  // namespace safechunk
