#include "storage/one_file/file_lock.h"

#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

constexpr std::uint32_t kOwnerOnly = 0700;

}  // namespace

Result<std::unique_ptr<LockedFile>> try_lock_file(const FilePlace& place) {
  using Locked = std::unique_ptr<LockedFile>;
  auto opened = place.folder->open(place.name, OpenMode::read);
  if (!opened) return opened.status();
  const auto held = (*opened)->try_lock();
  if (!held && has_no_locks(held.status())) {
    Error error;
    error.code = ErrorCode::unsupported_format;
    error.message = "the file system has no locks (flock)";
    error.path = place.path();
    return error;
  }
  if (!held) return held.status();
  if (!*held) return Locked();
  const auto info = (*opened)->stat();
  if (!info) return info.status();
  const auto named = place.folder->stat(place.name);
  if (named.code() == ErrorCode::not_found) return Locked();
  if (!named) return named.status();
  if (!named->same_file(*info)) return Locked();
  auto locked = std::make_unique<LockedFile>();
  locked->file = *std::move(opened);
  locked->info = *info;
  return locked;
}

Result<std::unique_ptr<Directory>> open_side_folder(const FilePlace& place, const FileInfo& file) {
  const std::string name = layout::side_folder(place.name);
  const Status made = place.folder->make_directory(name, kOwnerOnly);
  if (!made && !already_exists(made)) return made;
  auto side = place.folder->open_directory(name);
  if (!side) return side;
  if (made.ok()) {
    const Permissions wanted{kOwnerOnly, file.permissions.user, file.permissions.group};
    if (Status status = (*side)->set_permissions(wanted); !status) return status;
  }
  // Also when the folder was there: the process that made it may have died before it synced.
  if (Status synced = place.folder->sync(); !synced) return synced;
  return side;
}

}  // namespace safechunk
