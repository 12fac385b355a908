// A real file system with a hook that sees every call before it is carried out.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/file_system.h"

namespace safechunk::test {

// Runs on the thread that makes the call.
using CallHook = std::function<void(const char* verb)>;

class HookedFile final : public File {
 public:
  HookedFile(std::unique_ptr<File> file, const CallHook& hook)
      : file_(std::move(file)), hook_(hook) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
    hook_("read_at");
    return file_->read_at(offset, buffer);
  }
  Result<std::size_t> write_at(std::uint64_t offset, std::string_view bytes) override {
    hook_("write_at");
    return file_->write_at(offset, bytes);
  }
  Status truncate(std::uint64_t size) override {
    hook_("truncate");
    return file_->truncate(size);
  }
  Status start_writeback() override {
    hook_("start_writeback");
    return file_->start_writeback();
  }
  Status sync() override {
    hook_("sync");
    return file_->sync();
  }
  Status sync_data() override {
    hook_("sync_data");
    return file_->sync_data();
  }
  Result<FileInfo> stat() override {
    hook_("stat");
    return file_->stat();
  }
  Status set_permissions(std::uint32_t mode, std::uint32_t user, std::uint32_t group) override {
    hook_("set_permissions");
    return file_->set_permissions(mode, user, group);
  }
  Result<std::string> attribute(const char* name) override {
    hook_("attribute");
    return file_->attribute(name);
  }
  Status set_attribute(const char* name, std::string_view value) override {
    hook_("set_attribute");
    return file_->set_attribute(name, value);
  }
  Result<bool> try_lock() override {
    hook_("try_lock");
    return file_->try_lock();
  }
  Status close() override {
    hook_("close");
    return file_->close();
  }

 private:
  std::unique_ptr<File> file_;
  const CallHook& hook_;
};

class HookedDirectory final : public Directory {
 public:
  HookedDirectory(std::unique_ptr<Directory> directory, const CallHook& hook)
      : directory_(std::move(directory)), hook_(hook) {}

  [[nodiscard]] const std::string& path() const override { return directory_->path(); }
  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode,
                                     std::uint32_t permissions) override {
    hook_("open");
    auto file = directory_->open(name, mode, permissions);
    if (!file) return file.status();
    return std::unique_ptr<File>(std::make_unique<HookedFile>(std::move(*file), hook_));
  }
  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    hook_("open_directory");
    auto directory = directory_->open_directory(name);
    if (!directory) return directory.status();
    return std::unique_ptr<Directory>(
        std::make_unique<HookedDirectory>(std::move(*directory), hook_));
  }
  Status make_directory(const std::string& name) override {
    hook_("make_directory");
    return directory_->make_directory(name);
  }
  Result<FileInfo> stat(const std::string& name) override {
    hook_("stat");
    return directory_->stat(name);
  }
  Result<std::vector<std::string>> list() override {
    hook_("list");
    return directory_->list();
  }
  Status rename(const std::string& from, Directory& target, const std::string& to) override {
    hook_("rename");
    return directory_->rename(from, real(target), to);
  }
  Status link(const std::string& from, Directory& target, const std::string& to) override {
    hook_("link");
    return directory_->link(from, real(target), to);
  }
  Status unlink(const std::string& name) override {
    hook_("unlink");
    return directory_->unlink(name);
  }
  Status remove_directory(const std::string& name) override {
    hook_("remove_directory");
    return directory_->remove_directory(name);
  }
  Status sync() override {
    hook_("sync");
    return directory_->sync();
  }
  Result<SpaceInfo> space() override {
    hook_("space");
    return directory_->space();
  }

 private:
  static Directory& real(Directory& target) {
    return *static_cast<HookedDirectory&>(target).directory_;
  }

  std::unique_ptr<Directory> directory_;
  const CallHook& hook_;
};

class HookedFileSystem final : public FileSystem {
 public:
  HookedFileSystem(FileSystem& real, CallHook hook) : real_(real), hook_(std::move(hook)) {}

  Result<std::string> absolute_path(const std::string& path) override {
    return real_.absolute_path(path);
  }
  Result<std::unique_ptr<Directory>> open_directory(const std::string& absolute) override {
    hook_("open_directory");
    auto directory = real_.open_directory(absolute);
    if (!directory) return directory.status();
    return std::unique_ptr<Directory>(
        std::make_unique<HookedDirectory>(std::move(*directory), hook_));
  }

 private:
  FileSystem& real_;
  CallHook hook_;
};

}  // namespace safechunk::test
