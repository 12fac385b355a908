#include "storage/files/folder_on_demand.h"

#include <utility>

namespace safechunk {

Status folder_was_moved(const std::string& path) {
  Error error;
  error.code = ErrorCode::conflict;
  error.message = "another program has moved or replaced the folder; detach and attach again";
  error.path = path;
  return error;
}

Result<std::shared_ptr<Directory>> FolderOnDemand::hold() {
  const MutexLock lock(mutex_);
  if (auto held = open_.lock()) return held;
  auto opened = parent_.open_directory(name_);
  const bool must_be_there = place_ && opened.code() == ErrorCode::not_found;
  if (!opened && !must_be_there) return opened.status();
  bool is_it = opened.ok();
  if (is_it && place_) {
    auto found = (*opened)->stat();
    if (!found) return found.status();
    is_it = found->same_file(*place_);
  }
  if (!is_it) return folder_was_moved(path_);
  std::shared_ptr<Directory> held = *std::move(opened);
  open_ = held;
  return held;
}

template <typename Call>
auto FolderOnDemand::with_open(const Call& call) -> decltype(call(std::declval<Directory&>())) {
  auto folder = hold();
  if (!folder) return folder.status();
  return call(**folder);
}

Result<std::unique_ptr<File>> FolderOnDemand::open(const std::string& name, OpenMode mode,
                                                   std::uint32_t permissions) {
  return with_open([&](Directory& folder) { return folder.open(name, mode, permissions); });
}

Result<std::unique_ptr<Directory>> FolderOnDemand::open_directory(const std::string& name) {
  return with_open([&](Directory& folder) { return folder.open_directory(name); });
}

Status FolderOnDemand::make_directory(const std::string& name, std::uint32_t permissions) {
  return with_open([&](Directory& folder) { return folder.make_directory(name, permissions); });
}

Result<FileInfo> FolderOnDemand::stat(const std::string& name) {
  return with_open([&](Directory& folder) { return folder.stat(name); });
}

Result<FileInfo> FolderOnDemand::stat() {
  return with_open([](Directory& folder) { return folder.stat(); });
}

Status FolderOnDemand::set_permissions(const Permissions& permissions) {
  return with_open([&](Directory& folder) { return folder.set_permissions(permissions); });
}

Result<std::vector<std::string>> FolderOnDemand::list() {
  return with_open([](Directory& folder) { return folder.list(); });
}

Status FolderOnDemand::rename(const std::string& from, const std::string& to, RenameMode mode) {
  return with_open([&](Directory& folder) { return folder.rename(from, to, mode); });
}

Status FolderOnDemand::link(const std::string& from, Directory& target, const std::string& to) {
  return with_open([&](Directory& folder) { return folder.link(from, target, to); });
}

Status FolderOnDemand::unlink(const std::string& name) {
  return with_open([&](Directory& folder) { return folder.unlink(name); });
}

Status FolderOnDemand::remove_directory(const std::string& name) {
  return with_open([&](Directory& folder) { return folder.remove_directory(name); });
}

Status FolderOnDemand::sync() {
  return with_open([](Directory& folder) { return folder.sync(); });
}

Result<SpaceInfo> FolderOnDemand::space() {
  return with_open([](Directory& folder) { return folder.space(); });
}

}  // namespace safechunk
