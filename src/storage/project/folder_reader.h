// Reading a project in a local folder without owning it. Takes no lock and keeps nothing open: safe
// in a forked child, and beside a live owner. It changes nothing in the project, but that it adds a
// checkpoint when it is asked to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/platform.h"
#include "storage/checkpoints/archive_store.h"
#include "storage/chunks/edit_watch.h"
#include "storage/files/project_folders.h"
#include "storage/files/text_settings.h"
#include "storage/logs/folder_logs.h"
#include "storage/project/committed_state.h"
#include "storage/project/location.h"
#include "store/store.h"

namespace safechunk {

class FolderReader final : public StoreReader {
 public:
  // The seams must outlive the object.
  // `file_mode`: what archives allow at most (EngineOptions::file_mode).
  FolderReader(Platform platform, ProjectLocation location, const TextSettings& settings,
               std::uint32_t file_mode = 0)
      : platform_(platform),
        location_(std::move(location)),
        settings_(settings),
        file_mode_(file_mode),
        watch_(platform.clock),
        logs_(platform, location_.chunks_path(), settings, location_.naming) {}

  // ok when there is a project.
  Status check() const;

  Result<StoredText> read(const std::string& chunk, Notices& notices) override;
  Result<std::vector<std::string>> list(Notices& notices) override;
  Status health(HealthReport& report) override;
  Result<VerifyReport> verify(const ProgressHandler& progress) override;
  Result<std::vector<CheckpointInfo>> list_checkpoints() override;
  LogReader& logs() override { return logs_; }
  Status read_checkpoint(const std::string& name, const ProgressHandler& progress,
                         const ArchivedChunkHandler& handler) override;
  Result<std::string> write_checkpoint(const CheckpointRequest& request,
                                       const ProgressHandler& progress, Notices& notices) override;
  Status export_archive(const std::string& path, const CheckpointRequest& request,
                        const ProgressHandler& progress, Notices& notices) override;

 private:
  // Takes one state of all chunks, gives it to `write`, and reports what was met.
  using WriteArchive =
      std::function<Status(const CommittedState& state, const ArchiveRequest& request)>;
  Status archive(const ProjectFolders& folders, Directory& target, ArchiveRequest request,
                 const WriteArchive& write, const ProgressHandler& progress, Notices& notices);

  const Platform platform_;
  const ProjectLocation location_;
  const TextSettings settings_;
  const std::uint32_t file_mode_;
  EditWatch watch_;
  FolderLogReader logs_;
};

// Fills in what can be counted in the folders.
Status folder_health(const ProjectFolders& folders, HealthReport& report);

}  // namespace safechunk
