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

std::string absolute_base(FileSystem& file_system, const std::string& base) {
  auto absolute = file_system.absolute_path(base);
  return absolute ? *absolute : base;
}

std::chrono::milliseconds lock_timeout_of(const EngineOptions& options) {
  constexpr std::chrono::seconds kForTurns{10};
  if (options.lock_timeout.count() >= 0) return options.lock_timeout;
  return options.mode == Mode::shared ? kForTurns : std::chrono::milliseconds(0);
}

}  // namespace

FolderPlace::FolderPlace(std::string project_id, const EngineOptions& options, Platform platform)
    : weak_folders_(options.weak_folders ? std::make_unique<WeakFolders>(platform.file_system)
                                         : nullptr),
      platform_(weak_folders_ == nullptr
                    ? platform
                    : Platform{*weak_folders_, platform.clock, platform.process}),
      location_{absolute_base(platform.file_system, options.base_dir), std::move(project_id)},
      path_(location_.path()),
      settings_{.size_limit = options.chunk_size_limit,
                .depth_limit = options.depth_limit,
                .indent = options.indent},
      only_reads_(options.mode == Mode::read),
      opening_{.text = settings_,
               .journal_limit = options.journal_limit,
               .file_mode = options.file_mode,
               .weak_locks = options.weak_locks,
               .shared = options.mode == Mode::shared,
               .lock_timeout = lock_timeout_of(options),
               .engine = platform.process.random_token(),
               .weak_folders = weak_folders_.get()} {}

Result<Opened> FolderPlace::open(std::optional<OwnerInfo>& holder, Notices& notices) {
  const auto open = opening_.shared ? SharedProject::open : Project::open;
  return open(platform_, location_, opening_, holder, notices);
}

Status FolderPlace::check_readable() {
  return FolderReader(platform_, path_, settings_).check();
}

std::unique_ptr<StoreReader> FolderPlace::reader() {
  return std::make_unique<FolderReader>(platform_, path_, settings_, opening_.file_mode);
}

Result<std::unique_ptr<ChangeSource>> FolderPlace::watch(const WatchOptions& options) {
  auto root = platform_.file_system.open_directory(path_);
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
  return FolderWatcher::open(platform_, path_, settings_, opening_.engine, options);
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
