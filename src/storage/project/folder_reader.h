// Reading a project in a local folder without owning it. Takes no lock and keeps nothing open: safe
// in a forked child, and beside a live owner.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/platform.h"
#include "storage/chunks/edit_watch.h"
#include "storage/files/project_folders.h"
#include "storage/files/text_settings.h"
#include "store/store.h"

namespace safechunk {

class FolderReader final : public StoreReader {
 public:
  // `path`: absolute, of the project's folder. The seams must outlive the object.
  FolderReader(Platform platform, std::string path, const TextSettings& settings)
      : platform_(platform), path_(std::move(path)), settings_(settings), watch_(platform.clock) {}

  // ok when there is a project.
  Status check() const;

  Result<StoredText> read(const std::string& chunk, Notices& notices) override;
  Result<std::vector<std::string>> list(Notices& notices) override;
  Status health(HealthReport& report) override;
  Result<VerifyReport> verify(const ProgressHandler& progress) override;
  Result<std::vector<CheckpointInfo>> list_checkpoints() override;
  Status read_checkpoint(const std::string& name, const ProgressHandler& progress,
                         const ArchivedChunkHandler& handler) override;

 private:
  const Platform platform_;
  const std::string path_;
  const TextSettings settings_;
  EditWatch watch_;
};

// Fills in what can be counted in the folders.
Status folder_health(const ProjectFolders& folders, HealthReport& report);

}  // namespace safechunk
