// A file system that passes every call on to another one. Derived classes change what they want to.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/file_system.h"

namespace safechunk::test {

// What happens around a call. `call` carries it out.
class CallAround {
 public:
  virtual ~CallAround() = default;
  // On the thread that makes the call. `verb` is the name of the member function, `name` that of
  // the file in the folder; empty for calls on an open file, and for list(), sync() and space().
  // `bytes`: how many are to be written.
  virtual void before(const char* verb, const std::string& name, std::size_t bytes) = 0;
  virtual void after(const char* verb, const std::string& name) = 0;
  // An error in the place of try_lock() of a file or sync() of a folder (`name` is "folder" then).
  virtual std::optional<Status> instead(const char* /*verb*/, const std::string& /*name*/) {
    return std::nullopt;
  }
  // With which mode a call may make a file or a folder, or changes one that is there.
  virtual void mode_of_file(const std::string& /*name*/, std::uint32_t /*mode*/) {}
  virtual void mode_of_folder(const std::string& /*name*/, std::uint32_t /*mode*/) {}
};

template <typename Call>
auto forward(CallAround& around, const char* verb, const std::string& name, const Call& call,
             std::size_t bytes = 0) {
  around.before(verb, name, bytes);
  auto result = call();
  around.after(verb, name);
  return result;
}

class ForwardingFile final : public File {
 public:
  ForwardingFile(std::unique_ptr<File> file, CallAround& around)
      : file_(std::move(file)), around_(around) {}
  ~ForwardingFile() override {
    around_.before("~File", "", 0);
    file_.reset();
    around_.after("~File", "");
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
    return forward(around_, "read_at", "", [&] { return file_->read_at(offset, buffer); });
  }
  Result<std::size_t> write_at(std::uint64_t offset, std::string_view bytes) override {
    return forward(
        around_, "write_at", "", [&] { return file_->write_at(offset, bytes); }, bytes.size());
  }
  Result<Appended> append(std::string_view bytes) override {
    return forward(
        around_, "append", "", [&] { return file_->append(bytes); }, bytes.size());
  }
  Status truncate(std::uint64_t size) override {
    return forward(around_, "truncate", "", [&] { return file_->truncate(size); });
  }
  Status start_writeback() override {
    return forward(around_, "start_writeback", "", [&] { return file_->start_writeback(); });
  }
  Status sync() override {
    return forward(around_, "sync", "", [&] { return file_->sync(); });
  }
  Status sync_data() override {
    return forward(around_, "sync_data", "", [&] { return file_->sync_data(); });
  }
  Result<FileInfo> stat() override {
    return forward(around_, "stat", "", [&] { return file_->stat(); });
  }
  Status set_permissions(const Permissions& permissions) override {
    around_.mode_of_file("", permissions.mode);
    return forward(around_, "set_permissions", "",
                   [&] { return file_->set_permissions(permissions); });
  }
  Result<Attributes> attributes() override {
    return forward(around_, "attributes", "", [&] { return file_->attributes(); });
  }
  Result<std::string> attribute(const char* name) override {
    return forward(around_, "attribute", "", [&] { return file_->attribute(name); });
  }
  Status set_attribute(const char* name, std::string_view value) override {
    return forward(around_, "set_attribute", "", [&] { return file_->set_attribute(name, value); });
  }
  Status remove_attribute(const char* name) override {
    return forward(around_, "remove_attribute", "", [&] { return file_->remove_attribute(name); });
  }
  Result<bool> try_lock() override {
    if (const auto error = around_.instead("try_lock", "")) return *error;
    return forward(around_, "try_lock", "", [&] { return file_->try_lock(); });
  }
  Result<bool> try_read_lease() override {
    return forward(around_, "try_read_lease", "", [&] { return file_->try_read_lease(); });
  }
  Result<bool> lease_is_contested() override {
    return forward(around_, "lease_is_contested", "", [&] { return file_->lease_is_contested(); });
  }
  Status close() override {
    return forward(around_, "close", "", [&] { return file_->close(); });
  }

 private:
  std::unique_ptr<File> file_;
  CallAround& around_;
};

class ForwardingDirectory final : public Directory {
 public:
  ForwardingDirectory(std::unique_ptr<Directory> directory, CallAround& around)
      : directory_(std::move(directory)), around_(around) {}

  [[nodiscard]] const std::string& path() const override { return directory_->path(); }
  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode,
                                     std::uint32_t permissions) override {
    if (mode == OpenMode::create || mode == OpenMode::create_exclusive) {
      around_.mode_of_file(name, permissions);
    }
    return forward(around_, "open", name, [&]() -> Result<std::unique_ptr<File>> {
      auto file = directory_->open(name, mode, permissions);
      if (!file) return file;
      return std::unique_ptr<File>(std::make_unique<ForwardingFile>(*std::move(file), around_));
    });
  }
  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    return forward(around_, "open_directory", name, [&]() -> Result<std::unique_ptr<Directory>> {
      auto directory = directory_->open_directory(name);
      if (!directory) return directory;
      return std::unique_ptr<Directory>(
          std::make_unique<ForwardingDirectory>(*std::move(directory), around_));
    });
  }
  Status make_directory(const std::string& name, std::uint32_t permissions) override {
    around_.mode_of_folder(name, permissions);
    return forward(around_, "make_directory", name,
                   [&] { return directory_->make_directory(name, permissions); });
  }
  Result<FileInfo> stat() override {
    return forward(around_, "stat", "", [&] { return directory_->stat(); });
  }
  Status set_permissions(const Permissions& permissions) override {
    around_.mode_of_folder("", permissions.mode);
    return forward(around_, "set_permissions", "",
                   [&] { return directory_->set_permissions(permissions); });
  }
  Result<FileInfo> stat(const std::string& name) override {
    return forward(around_, "stat", name, [&] { return directory_->stat(name); });
  }
  Result<std::vector<std::string>> list() override {
    return forward(around_, "list", "", [&] { return directory_->list(); });
  }
  Status rename(const std::string& from, const std::string& to, RenameMode mode) override {
    return forward(around_, "rename", from, [&] { return directory_->rename(from, to, mode); });
  }
  Status link(const std::string& from, Directory& target, const std::string& to) override {
    return forward(around_, "link", from,
                   [&] { return directory_->link(from, inner(target), to); });
  }
  Status unlink(const std::string& name) override {
    return forward(around_, "unlink", name, [&] { return directory_->unlink(name); });
  }
  Status remove_directory(const std::string& name) override {
    return forward(around_, "remove_directory", name,
                   [&] { return directory_->remove_directory(name); });
  }
  Status sync() override {
    if (const auto error = around_.instead("sync", "folder")) return *error;
    return forward(around_, "sync", "", [&] { return directory_->sync(); });
  }
  Result<SpaceInfo> space() override {
    return forward(around_, "space", "", [&] { return directory_->space(); });
  }

 private:
  // Directories of one file system only meet others of the same one.
  static Directory& inner(Directory& directory) {
    return *static_cast<ForwardingDirectory&>(directory).directory_;
  }

  const std::unique_ptr<Directory> directory_;
  CallAround& around_;
};

class ForwardingFileSystem : public FileSystem, public CallAround {
 public:
  explicit ForwardingFileSystem(FileSystem& inner) : inner_(inner) {}

  Result<std::string> absolute_path(const std::string& path) override {
    return inner_.absolute_path(path);
  }
  Result<std::string> resolved_path(const std::string& absolute) override {
    return inner_.resolved_path(absolute);
  }
  Result<std::unique_ptr<Directory>> open_directory(const std::string& absolute) override {
    before("open_directory", absolute, 0);
    auto directory = inner_.open_directory(absolute);
    std::unique_ptr<Directory> wrapped;
    if (directory) {
      wrapped = std::make_unique<ForwardingDirectory>(*std::move(directory), *this);
    }
    after("open_directory", absolute);
    if (!wrapped) return directory;
    return wrapped;
  }
  Result<std::unique_ptr<FolderWatch>> new_watch() override { return inner_.new_watch(); }

 private:
  void before(const char* /*verb*/, const std::string& /*name*/, std::size_t /*bytes*/) override {}
  void after(const char* /*verb*/, const std::string& /*name*/) override {}

  FileSystem& inner_;
};

// Every call is shown to a hook before it is carried out.
class HookedFileSystem final : public ForwardingFileSystem {
 public:
  using CallHook = std::function<void(const char* verb)>;
  HookedFileSystem(FileSystem& inner, CallHook hook)
      : ForwardingFileSystem(inner), hook_(std::move(hook)) {}

 private:
  void before(const char* verb, const std::string& /*name*/, std::size_t /*bytes*/) override {
    if (std::string_view(verb) != "~File") hook_(verb);
  }
  const CallHook hook_;
};

// Acts after a look at a name, before the caller sees the answer: between two calls of the engine,
// where no hook before a call can be.
class AfterStatFileSystem final : public ForwardingFileSystem {
 public:
  using ForwardingFileSystem::ForwardingFileSystem;
  std::function<void(const std::string& name)> act;

 private:
  void after(const char* verb, const std::string& name) override {
    if (act && std::string_view(verb) == "stat" && !name.empty()) act(name);
  }
};

}  // namespace safechunk::test
