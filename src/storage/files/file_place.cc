#include "storage/files/file_place.h"

namespace safechunk {
namespace {

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

}  // namespace safechunk
