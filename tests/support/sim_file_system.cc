#include "support/sim_file_system.h"
#include "support/place.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/digest.h"
#include "platform/posix_error.h"

namespace safechunk::test {

using InodeId = std::uint64_t;
using Names = std::map<std::string, InodeId>;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kSector = 512;
constexpr InodeId kRoot = 1;

struct SimFileSystem::Inode {
  bool directory = false;
  bool removed = false;       // a folder that has no name any more takes no new ones
  std::string bytes;          // as programs see it
  std::string durable_bytes;  // after the last sync
  std::set<std::size_t> dirty_pages;
  std::set<std::size_t> lost_pages;  // clean for the kernel, but never written: an fsync failed
  std::map<std::string, std::string> attributes;
  std::map<std::string, std::string> durable_attributes;
  Names entries;  // of a folder
  Names durable_entries;
  Permissions permissions{0644, 0, 0};
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  const void* locked_by = nullptr;
  int writers = 0;  // open files that may write to it
};

// One atomic folder operation: names that are set or removed together.
struct FolderOperation {
  struct Change {
    InodeId folder;
    std::string name;
    std::optional<InodeId> inode;  // nothing: removed
  };
  std::vector<Change> changes;
};

struct SimFileSystem::State {
  mutable std::mutex mutex;  // guards everything
  std::map<InodeId, Inode> inodes;
  std::vector<FolderOperation> pending;
  InodeId next_inode = kRoot + 1;
  std::int64_t now_ns = 1'000'000'000;
  bool attributes_supported = true;
  bool links_supported = true;
  std::size_t calls = 0;
  std::atomic<bool> dead{false};
  std::shared_ptr<const Hook> hook;

  Inode& at(InodeId id) { return inodes.at(id); }
  [[nodiscard]] const Inode& at(InodeId id) const { return inodes.at(id); }
  std::int64_t tick() { return now_ns += 1'000'000; }

  void apply(FolderOperation operation) {
    for (const auto& change : operation.changes) apply_change(change, &Inode::entries);
    pending.push_back(std::move(operation));
  }

  void apply_change(const FolderOperation::Change& change, Names Inode::*entries) {
    Names& names = at(change.folder).*entries;
    if (change.inode) {
      names[change.name] = *change.inode;
    } else {
      names.erase(change.name);
    }
  }

  void make_durable(const FolderOperation& operation) {
    for (const auto& change : operation.changes) apply_change(change, &Inode::durable_entries);
  }

  // fsync of a folder: every operation that touches it, and in their order those before (a journal
  // cannot leave them out, and the strict model has its own loop over subsets).
  void sync_folder(InodeId folder) {
    const auto touches = [&](const FolderOperation& operation) {
      return std::any_of(operation.changes.begin(), operation.changes.end(),
                         [&](const auto& change) { return change.folder == folder; });
    };
    std::vector<FolderOperation> rest;
    for (FolderOperation& operation : pending) {
      if (touches(operation)) {
        make_durable(operation);
      } else {
        rest.push_back(std::move(operation));
      }
    }
    pending = std::move(rest);
  }

  // The inodes that have a name, or will have one when folder operations become durable, or are
  // undone. Others are only reached by who has them open.
  [[nodiscard]] std::map<InodeId, Inode> named_inodes() const {
    std::map<InodeId, Inode> named;
    std::vector<InodeId> todo{kRoot};
    for (const FolderOperation& operation : pending) {
      for (const auto& change : operation.changes) {
        todo.push_back(change.folder);
        if (change.inode) todo.push_back(*change.inode);
      }
    }
    while (!todo.empty()) {
      const auto [found, fresh] = named.emplace(todo.back(), at(todo.back()));
      todo.pop_back();
      if (!fresh) continue;
      for (const Names* names : {&found->second.entries, &found->second.durable_entries}) {
        for (const auto& [name, id] : *names) todo.push_back(id);
      }
    }
    return named;
  }
};

namespace {

using State = SimFileSystem::State;
using Inode = SimFileSystem::Inode;

// Tells the hook, and says which errno to fail with; 0 to go on.
int ask_hook(State& state, const char* verb, const std::string& path, const std::string& target) {
  SimCall call{verb, as_in_a_project(path), as_in_a_project(target), 0};
  std::shared_ptr<const SimFileSystem::Hook> hook;
  {
    const std::lock_guard lock(state.mutex);
    if (state.dead) return EIO;
    call.number = state.calls++;
    hook = state.hook;
  }
  if (hook != nullptr && *hook) {
    if (const auto error = (*hook)(call)) return *error;
  }
  return state.dead ? EIO : 0;
}

int enter(State& state, const char* verb, const std::string& path, const std::string& target = "") {
  return std::max(ask_hook(state, verb, path, target), 0);
}

// The same for a read or write of so many bytes, which may become fewer.
int enter(State& state, const char* verb, const std::string& path, std::size_t& size) {
  const int answer = ask_hook(state, verb, path, "");
  if (answer == SimFileSystem::kShort && size > 1) size /= 2;
  if (answer == SimFileSystem::kStoresNothing && std::strcmp(verb, "read_at") != 0) size = 0;
  return std::max(answer, 0);
}

Status failure(int number, const char* verb, const std::string& path) {
  return status_from_errno(number, verb, path);
}

class SimFile final : public File {
 public:
  // `state->mutex` is held.
  SimFile(std::shared_ptr<State> state, InodeId inode, std::string path, bool may_write)
      : state_(std::move(state)), inode_(inode), path_(std::move(path)), may_write_(may_write) {
    if (may_write_) ++state_->at(inode_).writers;
  }
  ~SimFile() override {
    unlock();
    stop_writing();
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
    std::size_t size = buffer.size();
    if (const int error = enter(*state_, "read_at", path_, size)) {
      return failure(error, "read", path_);
    }
    const std::lock_guard lock(state_->mutex);
    const std::string& bytes = state_->at(inode_).bytes;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t count = std::min(size, bytes.size() - static_cast<std::size_t>(offset));
    std::memcpy(buffer.data(), bytes.data() + offset, count);
    return count;
  }

  Result<std::size_t> write_at(std::uint64_t offset, std::string_view data) override {
    std::size_t size = data.size();
    if (const int error = enter(*state_, "write_at", path_, size)) {
      return failure(error, "write", path_);
    }
    data = data.substr(0, size);
    if (data.empty()) return size;
    const std::lock_guard lock(state_->mutex);
    write(offset, data);
    return data.size();
  }

  Result<Appended> append(std::string_view data) override {
    std::size_t size = data.size();
    if (const int error = enter(*state_, "append", path_, size)) {
      return failure(error, "append to", path_);
    }
    const std::lock_guard lock(state_->mutex);
    const std::size_t begin = state_->at(inode_).bytes.size();
    if (size > 0) write(begin, data.substr(0, size));
    return Appended{size, begin + size};
  }

  Status truncate(std::uint64_t size) override {
    if (const int error = enter(*state_, "truncate", path_)) {
      return failure(error, "truncate", path_);
    }
    const std::lock_guard lock(state_->mutex);
    Inode& inode = state_->at(inode_);
    inode.bytes.resize(static_cast<std::size_t>(size));
    inode.dirty_pages.insert(static_cast<std::size_t>(size) / kPage);
    inode.modified_ns = inode.changed_ns = state_->tick();
    return {};
  }

  Status start_writeback() override {
    const int error = enter(*state_, "start_writeback", path_);
    return error == 0 ? Status() : failure(error, "start writing back", path_);
  }

  Status sync() override { return sync_as("sync"); }
  Status sync_data() override { return sync_as("sync_data"); }

  Result<FileInfo> stat() override {
    if (const int error = enter(*state_, "fstat", path_)) return failure(error, "stat", path_);
    const std::lock_guard lock(state_->mutex);
    return info_of(state_->at(inode_), inode_);
  }

  Status set_permissions(const Permissions& permissions) override {
    if (const int error = enter(*state_, "set_permissions", path_)) {
      return failure(error, "change the mode of", path_);
    }
    const std::lock_guard lock(state_->mutex);
    Inode& inode = state_->at(inode_);
    inode.permissions = permissions;
    return {};
  }

  Result<std::string> attribute(const char* name) override {
    if (const int error = enter(*state_, "attribute", path_)) {
      return failure(error, "read an attribute of", path_);
    }
    const std::lock_guard lock(state_->mutex);
    if (!state_->attributes_supported) return Status(ErrorCode::unsupported_format, "none here");
    const Inode& inode = state_->at(inode_);
    const auto found = inode.attributes.find(name);
    if (found == inode.attributes.end()) return Status(ErrorCode::not_found, "no such attribute");
    return found->second;
  }

  Status set_attribute(const char* name, std::string_view value) override {
    if (const int error = enter(*state_, "set_attribute", path_)) {
      return failure(error, "set an attribute of", path_);
    }
    const std::lock_guard lock(state_->mutex);
    if (!state_->attributes_supported) return Status(ErrorCode::unsupported_format, "none here");
    Inode& inode = state_->at(inode_);
    inode.attributes[name] = value;
    inode.changed_ns = state_->tick();
    return {};
  }

  Status remove_attribute(const char* name) override {
    if (const int error = enter(*state_, "remove_attribute", path_)) {
      return failure(error, "remove an attribute of", path_);
    }
    const std::lock_guard lock(state_->mutex);
    state_->at(inode_).attributes.erase(name);
    state_->at(inode_).changed_ns = state_->tick();
    return {};
  }

  Result<bool> try_lock() override {
    if (const int error = enter(*state_, "try_lock", path_)) return failure(error, "lock", path_);
    const std::lock_guard lock(state_->mutex);
    const void*& holder = state_->at(inode_).locked_by;
    if (holder != nullptr && holder != this) return false;
    holder = this;
    return true;
  }

  Result<bool> try_read_lease() override {
    if (const int error = enter(*state_, "try_read_lease", path_)) {
      return failure(error, "ask for the writers of", path_);
    }
    const std::lock_guard lock(state_->mutex);
    return state_->at(inode_).writers == 0;
  }

  // Nobody can be made to wait here: everything happens on one thread.
  Result<bool> lease_is_contested() override { return false; }

  Status close() override {
    unlock();
    stop_writing();
    const int error = enter(*state_, "close", path_);
    return error == 0 ? Status() : failure(error, "close", path_);
  }

  static FileInfo info_of(const Inode& inode, InodeId id) {
    FileInfo info;
    info.type = inode.directory ? FileType::directory : FileType::regular;
    info.size = inode.bytes.size();
    info.permissions = inode.permissions;
    info.inode = id;
    info.modified_ns = inode.modified_ns;
    info.changed_ns = inode.changed_ns;
    return info;
  }

 private:
  // `state_->mutex` is held.
  void write(std::uint64_t offset, std::string_view data) {
    Inode& inode = state_->at(inode_);
    const auto begin = static_cast<std::size_t>(offset);
    if (inode.bytes.size() < begin + data.size()) inode.bytes.resize(begin + data.size());
    std::memcpy(inode.bytes.data() + begin, data.data(), data.size());
    for (std::size_t page = begin / kPage; page * kPage < begin + data.size(); ++page) {
      inode.dirty_pages.insert(page);
      inode.lost_pages.erase(page);
    }
    inode.modified_ns = inode.changed_ns = state_->tick();
  }

  Status sync_as(const char* verb) {
    const int error = enter(*state_, verb, path_);
    const std::lock_guard lock(state_->mutex);
    Inode& inode = state_->at(inode_);
    if (error != 0) {
      inode.lost_pages.merge(inode.dirty_pages);
      inode.dirty_pages.clear();
      return failure(error, verb, path_);
    }
    std::string durable = inode.bytes;
    for (const std::size_t page : inode.lost_pages) {
      for (std::size_t i = page * kPage; i < std::min((page + 1) * kPage, durable.size()); ++i) {
        durable[i] = i < inode.durable_bytes.size() ? inode.durable_bytes[i] : '\0';
      }
    }
    inode.durable_bytes = std::move(durable);
    inode.durable_attributes = inode.attributes;
    inode.dirty_pages.clear();
    return {};
  }

  void stop_writing() {
    const std::lock_guard lock(state_->mutex);
    if (std::exchange(may_write_, false)) --state_->at(inode_).writers;
  }
  void unlock() {
    const std::lock_guard lock(state_->mutex);
    const void*& holder = state_->at(inode_).locked_by;
    if (holder == this) holder = nullptr;
  }

  const std::shared_ptr<State> state_;
  const InodeId inode_;
  const std::string path_;
  bool may_write_;
};

class SimDirectory final : public Directory {
 public:
  SimDirectory(std::shared_ptr<State> state, InodeId inode, std::string path)
      : state_(std::move(state)), inode_(inode), path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const override { return path_; }

  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode,
                                     std::uint32_t permissions) override {
    const bool creates = mode == OpenMode::create || mode == OpenMode::create_exclusive;
    const std::string path = join(name);
    if (const int error = enter(*state_, creates ? "create" : "open", path)) {
      return failure(error, "open", path);
    }
    const std::lock_guard lock(state_->mutex);
    Names& entries = state_->at(inode_).entries;
    const auto found = entries.find(name);
    if (found != entries.end()) {
      if (mode == OpenMode::create_exclusive) return failure(EEXIST, "open", path);
      if (state_->at(found->second).directory) return failure(EISDIR, "open", path);
      return std::unique_ptr<File>(
          std::make_unique<SimFile>(state_, found->second, path, mode != OpenMode::read));
    }
    if (!creates || state_->at(inode_).removed) return failure(ENOENT, "open", path);
    const InodeId id = state_->next_inode++;
    Inode& inode = state_->inodes[id];
    inode.permissions.mode = permissions & ~022U;
    inode.modified_ns = inode.changed_ns = state_->tick();
    state_->apply({{{inode_, name, id}}});
    return std::unique_ptr<File>(std::make_unique<SimFile>(state_, id, path, true));
  }

  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    const std::string path = join(name);
    if (const int error = enter(*state_, "open_directory", path)) {
      return failure(error, "open the folder", path);
    }
    const std::lock_guard lock(state_->mutex);
    const Names& entries = state_->at(inode_).entries;
    const auto found = entries.find(name);
    if (found == entries.end()) return failure(ENOENT, "open the folder", path);
    if (!state_->at(found->second).directory) return failure(ENOTDIR, "open the folder", path);
    return std::unique_ptr<Directory>(std::make_unique<SimDirectory>(state_, found->second, path));
  }

  Status make_directory(const std::string& name, std::uint32_t permissions) override {
    const std::string path = join(name);
    if (const int error = enter(*state_, "make_directory", path)) {
      return failure(error, "create the folder", path);
    }
    const std::lock_guard lock(state_->mutex);
    if (state_->at(inode_).entries.contains(name)) {
      return failure(EEXIST, "create the folder", path);
    }
    if (state_->at(inode_).removed) return failure(ENOENT, "create the folder", path);
    const InodeId id = state_->next_inode++;
    state_->inodes[id].directory = true;
    state_->inodes[id].permissions.mode = permissions & ~022U;
    state_->apply({{{inode_, name, id}}});
    return {};
  }

  Result<FileInfo> stat() override {
    if (const int error = enter(*state_, "fstat", path_)) return failure(error, "stat", path_);
    const std::lock_guard lock(state_->mutex);
    return SimFile::info_of(state_->at(inode_), inode_);
  }

  Status set_permissions(const Permissions& permissions) override {
    if (const int error = enter(*state_, "set_permissions", path_)) {
      return failure(error, "change the mode of", path_);
    }
    const std::lock_guard lock(state_->mutex);
    state_->at(inode_).permissions = permissions;
    return {};
  }

  Result<FileInfo> stat(const std::string& name) override {
    const std::string path = join(name);
    if (const int error = enter(*state_, "stat", path)) return failure(error, "stat", path);
    const std::lock_guard lock(state_->mutex);
    const Names& entries = state_->at(inode_).entries;
    const auto found = entries.find(name);
    if (found == entries.end()) return failure(ENOENT, "stat", path);
    return SimFile::info_of(state_->at(found->second), found->second);
  }

  Result<std::vector<std::string>> list() override {
    if (const int error = enter(*state_, "list", path_)) return failure(error, "list", path_);
    const std::lock_guard lock(state_->mutex);
    std::vector<std::string> names;
    for (const auto& [name, id] : state_->at(inode_).entries) names.push_back(name);
    return names;
  }

  Status rename(const std::string& from, const std::string& to, RenameMode mode) override {
    return move(from, *this, to, "rename", mode);
  }

  Status link(const std::string& from, Directory& target, const std::string& to) override {
    return move(from, target, to, "link", RenameMode::keep);
  }

  Status unlink(const std::string& name) override {
    const std::string path = join(name);
    if (const int error = enter(*state_, "unlink", path)) return failure(error, "remove", path);
    const std::lock_guard lock(state_->mutex);
    const Names& entries = state_->at(inode_).entries;
    const auto found = entries.find(name);
    if (found == entries.end()) return failure(ENOENT, "remove", path);
    if (state_->at(found->second).directory) return failure(EISDIR, "remove", path);
    state_->apply({{{inode_, name, std::nullopt}}});
    return {};
  }

  Status remove_directory(const std::string& name) override {
    const std::string path = join(name);
    if (const int error = enter(*state_, "remove_directory", path)) {
      return failure(error, "remove the folder", path);
    }
    const std::lock_guard lock(state_->mutex);
    const Names& entries = state_->at(inode_).entries;
    const auto found = entries.find(name);
    if (found == entries.end()) return failure(ENOENT, "remove the folder", path);
    if (!state_->at(found->second).entries.empty()) {
      return failure(ENOTEMPTY, "remove the folder", path);
    }
    state_->at(found->second).removed = true;
    state_->apply({{{inode_, name, std::nullopt}}});
    return {};
  }

  Status sync() override {
    if (const int error = enter(*state_, "sync_directory", path_)) {
      return failure(error, "fsync the folder", path_);
    }
    const std::lock_guard lock(state_->mutex);
    state_->sync_folder(inode_);
    return {};
  }

  Result<SpaceInfo> space() override { return SpaceInfo{1000, 1000}; }

 private:
  Status move(const std::string& from, Directory& target, const std::string& to, const char* verb,
              RenameMode mode) {
    const std::string path = join(from);
    const std::string target_path = static_cast<SimDirectory&>(target).join(to);
    if (const int error = enter(*state_, verb, path, target_path)) {
      return failure(error, verb, path);
    }
    const std::lock_guard lock(state_->mutex);
    const InodeId target_id = static_cast<SimDirectory&>(target).inode_;
    const bool is_link = std::strcmp(verb, "link") == 0;
    const Names& entries = state_->at(inode_).entries;
    const auto found = entries.find(from);
    if (found == entries.end() || state_->at(target_id).removed) {
      return failure(ENOENT, verb, path);
    }
    const InodeId id = found->second;
    const Names& target_entries = state_->at(target_id).entries;
    const auto present = target_entries.find(to);
    if (is_link && !state_->links_supported) return failure(EPERM, verb, path);
    if (mode != RenameMode::replace && !state_->links_supported) {
      return failure(EINVAL, verb, path);
    }
    if (mode == RenameMode::keep && present != target_entries.end()) {
      return failure(EEXIST, verb, path);
    }
    state_->at(id).changed_ns = state_->tick();
    if (mode == RenameMode::exchange) {
      if (present == target_entries.end()) return failure(ENOENT, verb, path);
      const InodeId other = present->second;
      state_->at(other).changed_ns = state_->tick();
      state_->apply({{{target_id, to, id}, {inode_, from, other}}});
      return {};
    }
    // Two names of one inode: rename(2) does nothing.
    if (!is_link && present != target_entries.end() && present->second == id) return {};
    FolderOperation operation;
    operation.changes.push_back({target_id, to, id});
    if (!is_link) operation.changes.push_back({inode_, from, std::nullopt});
    state_->apply(std::move(operation));
    return {};
  }

  [[nodiscard]] std::string join(const std::string& name) const {
    return path_.empty() ? name : path_ + "/" + name;
  }

  const std::shared_ptr<State> state_;
  const InodeId inode_;
  const std::string path_;
};

// --- crash states

// What may be left of a file whose pages were not all synced.
std::string crashed_bytes(const Inode& inode, std::mt19937_64& random) {
  std::set<std::size_t> pages = inode.dirty_pages;
  pages.insert(inode.lost_pages.begin(), inode.lost_pages.end());
  if (pages.empty()) return inode.durable_bytes;
  enum Kind { kOld, kNew, kPages, kZeroPages, kTorn, kGarbage, kEmpty, kKinds };
  const auto kind = random() % kKinds;
  if (kind == kOld) return inode.durable_bytes;
  if (kind == kNew) return inode.bytes;
  if (kind == kEmpty && inode.durable_bytes.empty()) return {};
  std::string result = inode.durable_bytes;
  const std::size_t size = random() % 2 == 0 ? inode.bytes.size() : inode.durable_bytes.size();
  result.resize(size);
  for (const std::size_t page : pages) {
    if (random() % 2 == 0) continue;
    for (std::size_t at = page * kPage; at < std::min((page + 1) * kPage, size); at += kSector) {
      const std::size_t end = std::min({at + kSector, size, inode.bytes.size()});
      if (at >= end) break;
      if (kind == kTorn && random() % 2 == 0) continue;
      for (std::size_t i = at; i < end; ++i) {
        const bool beyond = i >= inode.durable_bytes.size();
        result[i] = kind == kZeroPages && beyond ? '\0'
                    : kind == kGarbage && beyond ? static_cast<char>(random())
                                                 : inode.bytes[i];
      }
    }
  }
  return result;
}

void crash_inode(Inode& inode, std::mt19937_64& random) {
  if (!inode.directory) {
    inode.bytes = crashed_bytes(inode, random);
    if (random() % 2 == 0) inode.attributes = inode.durable_attributes;
  }
  inode.durable_bytes = inode.bytes;
  inode.durable_attributes = inode.attributes;
  inode.dirty_pages.clear();
  inode.lost_pages.clear();
  inode.entries = inode.durable_entries;
}

}  // namespace

// --- SimFileSystem

SimFileSystem::SimFileSystem(bool attributes_supported, bool links_supported)
    : state_(std::make_shared<State>()) {
  state_->inodes[kRoot].directory = true;
  state_->inodes[kRoot].permissions.mode = 0755;
  state_->attributes_supported = attributes_supported;
  state_->links_supported = links_supported;
  if (is_project()) return;
  const InodeId folder = state_->next_inode++;
  state_->inodes[folder].directory = true;
  state_->inodes[folder].permissions.mode = 0755;
  Inode& root = state_->inodes[kRoot];
  root.entries[std::string(kProject)] = root.durable_entries[std::string(kProject)] = folder;
}

SimFileSystem::SimFileSystem(std::shared_ptr<State> state) : state_(std::move(state)) {}
SimFileSystem::~SimFileSystem() = default;

Result<std::string> SimFileSystem::absolute_path(const std::string& path) {
  return path.starts_with('/') ? path : "/" + path;
}

Result<std::unique_ptr<Directory>> SimFileSystem::open_directory(const std::string& absolute) {
  const int error = enter(*state_, "open_root", absolute);
  if (error != 0) return failure(error, "open the folder", absolute);
  const std::lock_guard lock(state_->mutex);
  InodeId id = kRoot;
  std::string path;
  for (std::size_t at = 0; at < absolute.size();) {
    const std::size_t begin = absolute.find_first_not_of('/', at);
    if (begin == std::string::npos) break;
    at = std::min(absolute.find('/', begin), absolute.size());
    const std::string name = absolute.substr(begin, at - begin);
    const Names& entries = state_->at(id).entries;
    const auto found = entries.find(name);
    if (found == entries.end()) return failure(ENOENT, "open the folder", absolute);
    id = found->second;
    path += (path.empty() ? "" : "/") + name;
  }
  return std::unique_ptr<Directory>(std::make_unique<SimDirectory>(state_, id, path));
}

void SimFileSystem::set_hook(Hook hook) {
  const std::lock_guard lock(state_->mutex);
  state_->hook = std::make_shared<const Hook>(std::move(hook));
}

void SimFileSystem::kill() {
  state_->dead = true;
}

std::size_t SimFileSystem::calls() const {
  const std::lock_guard lock(state_->mutex);
  return state_->calls;
}

std::unique_ptr<SimFileSystem> SimFileSystem::crash_clone(std::uint64_t seed,
                                                          CrashModel model) const {
  auto copy = std::make_shared<State>();
  {
    const std::lock_guard lock(state_->mutex);
    copy->inodes = state_->named_inodes();
    copy->pending = state_->pending;
    copy->next_inode = state_->next_inode;
    copy->now_ns = state_->now_ns;
    copy->attributes_supported = state_->attributes_supported;
    copy->links_supported = state_->links_supported;
  }
  for (auto& [id, inode] : copy->inodes) {
    inode.locked_by = nullptr;
    inode.writers = 0;
    inode.removed = false;  // its name may come back; where it does not, nobody has it open
  }
  if (model != CrashModel::process) {
    std::mt19937_64 random(seed);
    const std::size_t prefix = random() % (copy->pending.size() + 1);
    for (std::size_t i = 0; i < copy->pending.size(); ++i) {
      const bool survives = model == CrashModel::ordered ? i < prefix : random() % 2 == 0;
      if (survives) copy->make_durable(copy->pending[i]);
    }
    copy->pending.clear();
    for (auto& [id, inode] : copy->inodes) crash_inode(inode, random);
  }
  return std::unique_ptr<SimFileSystem>(new SimFileSystem(std::move(copy)));
}

std::map<std::string, std::string> SimFileSystem::contents() const {
  const std::lock_guard lock(state_->mutex);
  std::map<std::string, std::string> result;
  const std::function<void(InodeId, const std::string&)> walk = [&](InodeId id,
                                                                    const std::string& path) {
    for (const auto& [name, child] : state_->at(id).entries) {
      const Inode& inode = state_->at(child);
      if (inode.directory) {
        result[as_in_a_project(path + name + "/")];
        walk(child, path + name + "/");
      } else {
        result[as_in_a_project(path + name)] = inode.bytes;
      }
    }
  };
  walk(kRoot, "");
  return result;
}

std::string SimFileSystem::fingerprint() const {
  const std::lock_guard lock(state_->mutex);
  std::string all;
  const auto add = [&](const std::string& text) {
    all += std::to_string(text.size()) + '\0';
    all += text;
  };
  std::map<InodeId, std::string> first_names;
  const std::function<void(InodeId, const std::string&)> walk = [&](InodeId id,
                                                                    const std::string& path) {
    for (const auto& [name, child] : state_->at(id).entries) {
      const Inode& inode = state_->at(child);
      const std::string here = path + name + (inode.directory ? "/" : "");
      add(here);
      const auto [first, fresh] = first_names.emplace(child, here);
      if (!fresh) {
        add("is " + first->second);
        continue;
      }
      add(inode.bytes);
      all += std::to_string(inode.attributes.size());
      for (const auto& [attribute, value] : inode.attributes) {
        add(attribute);
        add(value);
      }
      if (inode.directory) walk(child, here);
    }
  };
  walk(kRoot, "");
  return digest_of(all).to_hex();
}

}  // namespace safechunk::test
