// A file system that acts after a look at a name, before the caller sees the answer: between two
// calls of the engine, where no hook before a call can be.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "platform/file_system.h"

namespace safechunk::test {

using AfterStat = std::function<void(const std::string& name)>;

class AfterStatDirectory final : public Directory {
 public:
  AfterStatDirectory(std::unique_ptr<Directory> directory, const AfterStat& after)
      : directory_(std::move(directory)), after_(after) {}

  [[nodiscard]] const std::string& path() const override { return directory_->path(); }
  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode,
                                     std::uint32_t permissions) override {
    return directory_->open(name, mode, permissions);
  }
  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    return directory_->open_directory(name);
  }
  Status make_directory(const std::string& name) override {
    return directory_->make_directory(name);
  }
  Result<FileInfo> stat(const std::string& name) override {
    auto info = directory_->stat(name);
    if (after_) after_(name);
    return info;
  }
  Result<std::vector<std::string>> list() override { return directory_->list(); }
  Status rename(const std::string& from, Directory& target, const std::string& to) override {
    return directory_->rename(from, inner(target), to);
  }
  Status link(const std::string& from, Directory& target, const std::string& to) override {
    return directory_->link(from, inner(target), to);
  }
  Status unlink(const std::string& name) override { return directory_->unlink(name); }
  Status remove_directory(const std::string& name) override {
    return directory_->remove_directory(name);
  }
  Status sync() override { return directory_->sync(); }
  Result<SpaceInfo> space() override { return directory_->space(); }

 private:
  static Directory& inner(Directory& directory) {
    auto* wrapped = dynamic_cast<AfterStatDirectory*>(&directory);
    return wrapped == nullptr ? directory : *wrapped->directory_;
  }

  std::unique_ptr<Directory> directory_;
  const AfterStat& after_;
};

// Only looks at names in folders that it opened itself count: a project's own folder.
class AfterStatFileSystem final : public FileSystem {
 public:
  explicit AfterStatFileSystem(FileSystem& inner) : inner_(inner) {}
  Result<std::string> absolute_path(const std::string& path) override {
    return inner_.absolute_path(path);
  }
  Result<std::unique_ptr<Directory>> open_directory(const std::string& absolute) override {
    auto opened = inner_.open_directory(absolute);
    if (!opened) return opened;
    return std::unique_ptr<Directory>(
        std::make_unique<AfterStatDirectory>(*std::move(opened), after));
  }

  AfterStat after;

 private:
  FileSystem& inner_;
};

}  // namespace safechunk::test
