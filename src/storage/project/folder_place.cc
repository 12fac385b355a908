#include "storage/project/folder_place.h"

#include "storage/checkpoints/archive_store.h"
#include "storage/files/project_layout.h"
#include "storage/project/change_log.h"
#include "storage/project/folder_reader.h"
#include "storage/project/folder_watcher.h"
#include "storage/project/project.h"
#include "storage/project/shared_project.h"

namespace safechunk {
namespace {

std::chrono::milliseconds lock_timeout_of(const EngineOptions& options) {
  constexpr std::chrono::seconds kForTurns{10};
  if (options.lock_timeout.count() >= 0) return options.lock_timeout;
  return options.mode == Mode::shared ? kForTurns : std::chrono::milliseconds(0);
}

}  // namespace

FolderPlace::FolderPlace(std::string project_id, const EngineOptions& options, Platform platform)
    : FolderPlace(locate_project(platform.file_system, project_id, options), project_id, options,
                  platform) {}

FolderPlace::FolderPlace(Result<ProjectLocation> location, const std::string& project_id,
                         const EngineOptions& options, Platform platform)
    : weak_folders_(options.weak_folders ? std::make_unique<WeakFolders>(platform.file_system)
                                         : nullptr),
      platform_(weak_folders_ == nullptr
                    ? platform
                    : Platform{*weak_folders_, platform.clock, platform.process}),
      found_(location.status()),
      location_(location ? *std::move(location)
                         : ProjectLocation{options.base_dir, project_id, false, {}}),
      path_(location_.shown_path()),
      settings_{.size_limit = options.chunk_size_limit,
                .depth_limit = options.depth_limit,
                .indent = options.indent,
                .keep_layout = location_.beside},
      only_reads_(options.mode == Mode::read),
      opening_{.text = settings_,
               .journal_limit = options.journal_limit,
               .file_mode = options.file_mode,
               .weak_locks = options.weak_locks,
               .shared = options.mode == Mode::shared,
               .lock_timeout = lock_timeout_of(options),
               .engine = platform.process.random_token(),
               .weak_folders = weak_folders_.get()} {}

std::string FolderPlace::path_of(std::string_view chunk) const {
  return location_.chunks_path() + "/" + location_.naming.file_of(chunk);
}

Status FolderPlace::check_chunk(std::string_view name) const {
  return location_.naming.check(name);
}

Status FolderPlace::check_log(std::string_view name) const {
  return location_.naming.check_log(name);
}

Result<Opened> FolderPlace::open(std::optional<OwnerInfo>& holder, Notices& notices) {
  if (!found_) return found_;
  const auto open = opening_.shared ? SharedProject::open : Project::open;
  return open(platform_, location_, opening_, holder, notices);
}

Status FolderPlace::check_readable() {
  return found_ ? FolderReader(platform_, location_, settings_).check() : found_;
}

std::unique_ptr<StoreReader> FolderPlace::reader() {
  return std::make_unique<FolderReader>(platform_, location_, settings_, opening_.file_mode);
}

Result<std::unique_ptr<ChangeSource>> FolderPlace::watch(const WatchOptions& options) {
  auto root = platform_.file_system.open_directory(location_.path());
  if (!root) return root.status();
  Status begun;
  if (!only_reads_) {
    auto info = (*root)->stat();
    if (!info) return info.status();
    const FileRights rights(info->permissions, opening_.file_mode);
    begun = ChangeLog(**root, platform_, rights).begin();
  } else if (!(*root)->stat(layout::kChanges)) {
    begun = Status(ErrorCode::unavailable,
                   "the commits of this project are not counted yet: that begins with the first "
                   "watch of an engine that may write");
  }
  const bool needs_log = options.since || options.delivery == WatchOptions::Delivery::every;
  if (!begun && needs_log) return begun;
  return FolderWatcher::open(platform_, location_, settings_, opening_.engine, options);
}

std::shared_ptr<Edits> FolderPlace::new_edits(std::size_t expected_size) const {
  const auto give_back = [spare = spare_buffer_](JournalRecord* record) {
    spare->give(std::move(record->buffer()));
    delete record;
  };
  return std::shared_ptr<JournalRecord>(
      new JournalRecord(spare_buffer_->take(expected_size), settings_), give_back);
}

Status FolderPlace::check_checkpoint_name(std::string_view name) const {
  return safechunk::check_checkpoint_name(name);
}

Status FolderPlace::check_archive_name(std::string_view name) const {
  return safechunk::check_archive_name(name);
}

}  // namespace safechunk
