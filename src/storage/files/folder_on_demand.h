// A folder of a project that is open only while it is used: a process may have many projects open,
// and not many descriptors.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "platform/file_system.h"

namespace safechunk {

// The error where a folder is not the one that was opened.
Status folder_was_moved(const std::string& path);

// Every call opens the folder for itself, unless somebody holds it open. A call may then fail with
// the errors of hold().
// Threads: any.
class FolderOnDemand final : public Directory {
 public:
  // `parent` must outlive this object. `place`: what the folder must be; nothing: whatever has the
  // name.
  FolderOnDemand(Directory& parent, std::string name, std::optional<FileInfo> place)
      : parent_(parent),
        name_(std::move(name)),
        path_(parent.path() + "/" + name_),
        place_(std::move(place)) {}

  // The open folder. It stays open as long as somebody has it. conflict when another one has its
  // name now: nobody would find files that are written through the one that was there.
  Result<std::shared_ptr<Directory>> hold() EXCLUDES(mutex_);

  [[nodiscard]] const std::string& path() const override { return path_; }
  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode,
                                     std::uint32_t permissions = 0666) override;
  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override;
  Status make_directory(const std::string& name, std::uint32_t permissions = 0777) override;
  Result<FileInfo> stat(const std::string& name) override;
  Result<FileInfo> stat() override;
  Status set_permissions(const Permissions& permissions) override;
  Result<std::vector<std::string>> list() override;
  using Directory::rename;
  Status rename(const std::string& from, const std::string& to, RenameMode mode) override;
  // `target` must be an open folder.
  Status link(const std::string& from, Directory& target, const std::string& to) override;
  Status unlink(const std::string& name) override;
  Status remove_directory(const std::string& name) override;
  Status sync() override;
  Result<SpaceInfo> space() override;

 private:
  template <typename Call>
  auto with_open(const Call& call) -> decltype(call(std::declval<Directory&>()));

  Directory& parent_;
  const std::string name_;
  const std::string path_;
  const std::optional<FileInfo> place_;
  Mutex mutex_;
  std::weak_ptr<Directory> open_ GUARDED_BY(mutex_);
};

}  // namespace safechunk
