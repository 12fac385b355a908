#include "storage/files/weak_folders.h"

#include <utility>

namespace safechunk {
namespace {

class WeakDirectory final : public Directory {
 public:
  WeakDirectory(std::unique_ptr<Directory> inner, std::atomic<bool>& weakened)
      : inner_(std::move(inner)), weakened_(weakened) {}

  [[nodiscard]] const std::string& path() const override { return inner_->path(); }
  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode,
                                     std::uint32_t permissions) override {
    return inner_->open(name, mode, permissions);
  }
  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    return wrap(inner_->open_directory(name), weakened_);
  }
  Status make_directory(const std::string& name, std::uint32_t permissions) override {
    return inner_->make_directory(name, permissions);
  }
  Result<FileInfo> stat(const std::string& name) override { return inner_->stat(name); }
  Result<FileInfo> stat() override { return inner_->stat(); }
  Status set_permissions(const Permissions& permissions) override {
    return inner_->set_permissions(permissions);
  }
  Result<std::vector<std::string>> list() override { return inner_->list(); }
  Status rename(const std::string& from, const std::string& to, RenameMode mode) override {
    return inner_->rename(from, to, mode);
  }
  // Folders of one file system only meet others of the same one.
  Status link(const std::string& from, Directory& target, const std::string& to) override {
    return inner_->link(from, *static_cast<WeakDirectory&>(target).inner_, to);
  }
  Status unlink(const std::string& name) override { return inner_->unlink(name); }
  Status remove_directory(const std::string& name) override {
    return inner_->remove_directory(name);
  }
  Status sync() override {
    Status status = inner_->sync();
    if (!is_unknown_call(status)) return status;
    weakened_ = true;
    return {};
  }
  Result<SpaceInfo> space() override { return inner_->space(); }

  static Result<std::unique_ptr<Directory>> wrap(Result<std::unique_ptr<Directory>> folder,
                                                 std::atomic<bool>& weakened) {
    if (!folder) return folder;
    return std::unique_ptr<Directory>(
        std::make_unique<WeakDirectory>(*std::move(folder), weakened));
  }

 private:
  const std::unique_ptr<Directory> inner_;
  std::atomic<bool>& weakened_;
};

}  // namespace

Result<std::string> WeakFolders::absolute_path(const std::string& path) {
  return inner_.absolute_path(path);
}

Result<std::unique_ptr<Directory>> WeakFolders::open_directory(const std::string& absolute) {
  return WeakDirectory::wrap(inner_.open_directory(absolute), weakened_);
}

Result<std::unique_ptr<FolderWatch>> WeakFolders::new_watch() {
  return inner_.new_watch();
}

}  // namespace safechunk
