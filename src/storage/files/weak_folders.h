// For file systems that cannot sync folders (EngineOptions::weak_folders): there a new name becomes
// durable when the system wants it to.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "platform/file_system.h"

namespace safechunk {

// Passes every call on. An fsync of a folder that the file system does not have counts as done.
class WeakFolders final : public FileSystem {
 public:
  // `inner` must outlive this object, and this object must outlive the folders that it opens.
  explicit WeakFolders(FileSystem& inner) : inner_(inner) {}

  Result<std::string> absolute_path(const std::string& path) override;
  Result<std::unique_ptr<Directory>> open_directory(const std::string& absolute) override;
  Result<std::unique_ptr<FolderWatch>> new_watch() override;

  // Whether some fsync was left out so far.
  [[nodiscard]] bool weakened() const { return weakened_; }

 private:
  FileSystem& inner_;
  std::atomic<bool> weakened_ = false;
};

}  // namespace safechunk
