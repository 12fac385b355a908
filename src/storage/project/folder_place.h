// A project in a local folder: in one of its own, or beside other programs' files.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <safechunk/options.hpp>

#include "platform/platform.h"
#include "storage/files/text_settings.h"
#include "storage/journal/spare_buffer.h"
#include "storage/project/opening.h"
#include "store/store.h"

namespace safechunk {

class FolderPlace final : public Place {
 public:
  // A relative `options.base_dir` is made absolute against the working folder of this moment.
  FolderPlace(std::string project_id, const EngineOptions& options, Platform platform);

  [[nodiscard]] const std::string& path() const override { return path_; }
  [[nodiscard]] std::string path_of(std::string_view chunk) const override;
  [[nodiscard]] const std::string& only_chunk() const override {
    return location_.naming.only_chunk();
  }
  [[nodiscard]] Status check_chunk(std::string_view name) const override;
  [[nodiscard]] Status check_log(std::string_view name) const override;
  Result<Opened> open(std::optional<OwnerInfo>& holder, Notices& notices) override;
  Status check_readable() override;
  std::unique_ptr<StoreReader> reader() override;
  // Begins a log of changes, unless the engine only reads.
  Result<std::unique_ptr<ChangeSource>> watch(const WatchOptions& options) override;
  [[nodiscard]] std::shared_ptr<Edits> new_edits(std::size_t expected_size) const override;
  [[nodiscard]] Status check_checkpoint_name(std::string_view name) const override;
  [[nodiscard]] Status check_archive_name(std::string_view name) const override;

 private:
  FolderPlace(Result<ProjectLocation> location, const std::string& project_id,
              const EngineOptions& options, Platform platform);

  const std::unique_ptr<WeakFolders> weak_folders_;  // used by platform_, if there is one
  const Platform platform_;
  const Status found_;  // an error: there can be no project
  const ProjectLocation location_;
  const std::string path_;
  const TextSettings settings_;
  const bool only_reads_;
  const OpeningOptions opening_;
  const std::shared_ptr<SpareBuffer> spare_buffer_ = std::make_shared<SpareBuffer>();
};

}  // namespace safechunk
