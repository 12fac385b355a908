// A file system that counts what its callers ask of it, and does not count what it allocates
// itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "platform/file_system.h"

namespace safechunk::test {

// Of one thread.
struct Costs {
  std::uint64_t calls = 0;        // of the verbs of FileSystem, Directory and File
  std::uint64_t syncs = 0;        // fsync and fdatasync among them
  std::uint64_t bytes = 0;        // written
  std::uint64_t allocations = 0;  // by operator new
};

// The running costs of this thread. Allocations count while `counting` is true.
inline thread_local Costs costs;
inline thread_local bool counting = false;

// Stands for one call: counts it, and nothing that happens within it.
class Call {
 public:
  Call() : before_(std::exchange(counting, false)) { ++costs.calls; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() { counting = before_; }

 private:
  const bool before_;
};

class CountingFile final : public File {
 public:
  explicit CountingFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  ~CountingFile() override {
    const bool before = std::exchange(counting, false);
    file_.reset();
    counting = before;
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
    const Call call;
    return file_->read_at(offset, buffer);
  }
  Result<std::size_t> write_at(std::uint64_t offset, std::string_view bytes) override {
    const Call call;
    costs.bytes += bytes.size();
    return file_->write_at(offset, bytes);
  }
  Status truncate(std::uint64_t size) override {
    const Call call;
    return file_->truncate(size);
  }
  Status start_writeback() override {
    const Call call;
    return file_->start_writeback();
  }
  Status sync() override {
    const Call call;
    ++costs.syncs;
    return file_->sync();
  }
  Status sync_data() override {
    const Call call;
    ++costs.syncs;
    return file_->sync_data();
  }
  Result<FileInfo> stat() override {
    const Call call;
    return file_->stat();
  }
  Status set_permissions(std::uint32_t mode, std::uint32_t user, std::uint32_t group) override {
    const Call call;
    return file_->set_permissions(mode, user, group);
  }
  Result<std::string> attribute(const char* name) override {
    const Call call;
    return file_->attribute(name);
  }
  Status set_attribute(const char* name, std::string_view value) override {
    const Call call;
    return file_->set_attribute(name, value);
  }
  Result<bool> try_lock() override {
    const Call call;
    return file_->try_lock();
  }
  Status close() override {
    const Call call;
    return file_->close();
  }

 private:
  std::unique_ptr<File> file_;
};

class CountingDirectory final : public Directory {
 public:
  explicit CountingDirectory(std::unique_ptr<Directory> directory)
      : directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& path() const override { return directory_->path(); }
  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode,
                                     std::uint32_t permissions) override {
    const Call call;
    auto file = directory_->open(name, mode, permissions);
    if (!file) return file;
    return std::unique_ptr<File>(std::make_unique<CountingFile>(*std::move(file)));
  }
  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    const Call call;
    auto directory = directory_->open_directory(name);
    if (!directory) return directory;
    return std::unique_ptr<Directory>(std::make_unique<CountingDirectory>(*std::move(directory)));
  }
  Status make_directory(const std::string& name) override {
    const Call call;
    return directory_->make_directory(name);
  }
  Result<FileInfo> stat(const std::string& name) override {
    const Call call;
    return directory_->stat(name);
  }
  Result<std::vector<std::string>> list() override {
    const Call call;
    return directory_->list();
  }
  Status rename(const std::string& from, Directory& target, const std::string& to) override {
    const Call call;
    return directory_->rename(from, inner(target), to);
  }
  Status link(const std::string& from, Directory& target, const std::string& to) override {
    const Call call;
    return directory_->link(from, inner(target), to);
  }
  Status unlink(const std::string& name) override {
    const Call call;
    return directory_->unlink(name);
  }
  Status remove_directory(const std::string& name) override {
    const Call call;
    return directory_->remove_directory(name);
  }
  Status sync() override {
    const Call call;
    ++costs.syncs;
    return directory_->sync();
  }
  Result<SpaceInfo> space() override {
    const Call call;
    return directory_->space();
  }

 private:
  static Directory& inner(Directory& directory) {
    return *static_cast<CountingDirectory&>(directory).directory_;
  }
  const std::unique_ptr<Directory> directory_;
};

class CountingFileSystem final : public FileSystem {
 public:
  explicit CountingFileSystem(FileSystem& file_system) : file_system_(file_system) {}

  Result<std::string> absolute_path(const std::string& path) override {
    const Call call;
    return file_system_.absolute_path(path);
  }
  Result<std::unique_ptr<Directory>> open_directory(const std::string& absolute) override {
    const Call call;
    auto directory = file_system_.open_directory(absolute);
    if (!directory) return directory;
    return std::unique_ptr<Directory>(std::make_unique<CountingDirectory>(*std::move(directory)));
  }

 private:
  FileSystem& file_system_;
};

}  // namespace safechunk::test
