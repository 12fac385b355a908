#include "storage/one_file/file_place.h"

#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

constexpr std::uint32_t kOwnerOnly = 0700;

Error failure(ErrorCode code, const char* message, const std::string& path) {
  Error error;
  error.code = code;
  error.message = message;
  error.path = path;
  return error;
}

Result<FilePlace> open_folder_of(FileSystem& file_system, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  FilePlace place;
  place.name = path.substr(slash + 1);
  if (place.name.empty() || place.name == "." || place.name == "..") {
    return failure(ErrorCode::io_error, "this is a folder, and not a file", path);
  }
  auto folder = file_system.open_directory(slash == 0 ? "/" : path.substr(0, slash));
  if (!folder) return folder.status();
  place.folder = *std::move(folder);
  return place;
}

}  // namespace

std::string FilePlace::path() const {
  return folder->path() == "/" ? "/" + name : folder->path() + "/" + name;
}

Result<FilePlace> find_file(FileSystem& file_system, const std::string& path) {
  if (path.empty()) return Status(ErrorCode::invalid_argument, "the path of the file is empty");
  const auto absolute = file_system.absolute_path(path);
  if (!absolute) return absolute.status();
  const auto resolved = file_system.resolved_path(*absolute);
  const bool missing = resolved.code() == ErrorCode::not_found;
  if (!resolved && !missing) return resolved.status();
  auto place = open_folder_of(file_system, missing ? *absolute : *resolved);
  if (!place) return place;
  const auto info = place->folder->stat(place->name);
  if (info.code() == ErrorCode::not_found) {
    place->missing = true;
    return place;
  }
  if (!info) return info.status();
  switch (info->type) {
    case FileType::regular:
      return place;
    case FileType::directory:
      return failure(ErrorCode::io_error, "this is a folder, and not a file", place->path());
    case FileType::symlink:
      return failure(ErrorCode::not_found, "the link leads to nothing", place->path());
    case FileType::other:
      break;
  }
  return failure(ErrorCode::io_error, "not a regular file", place->path());
}

Result<std::unique_ptr<LockedFile>> try_lock_file(const FilePlace& place) {
  using Locked = std::unique_ptr<LockedFile>;
  auto opened = place.folder->open(place.name, OpenMode::read);
  if (!opened) return opened.status();
  const auto held = (*opened)->try_lock();
  if (!held && has_no_locks(held.status())) {
    return failure(ErrorCode::unsupported_format, "the file system has no locks (flock)",
                   place.path());
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
