#include "platform/posix_error.h"

#include <cerrno>

#include "platform/file_system.h"

namespace safechunk {
namespace {

ErrorCode code_from_errno(int os_errno) {
  switch (os_errno) {
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::no_space;
    case EROFS:
      return ErrorCode::read_only;
    case EACCES:
    case EPERM:
      return ErrorCode::permission_denied;
    case ENOENT:
      return ErrorCode::not_found;
    case EFBIG:
      return ErrorCode::too_large;
    default:
      return ErrorCode::io_error;
  }
}

}  // namespace

Status status_from_errno(int os_errno, const char* verb, std::string path) {
  Error error;
  error.code = code_from_errno(os_errno);
  error.message = std::string("cannot ") + verb;
  if (os_errno == ELOOP) error.message += ": it is a symbolic link, and links are not followed";
  if (os_errno == EBUSY) {
    error.message +=
        ": something is mounted there, and cannot be replaced; mount the folder around it instead";
  }
  error.path = std::move(path);
  error.os_errno = os_errno;
  return error;
}

bool already_exists(const Status& status) {
  return status.error().os_errno == EEXIST;
}

bool is_folder(const Status& status) {
  return status.error().os_errno == EISDIR;
}

bool is_no_folder(const Status& status) {
  return status.error().os_errno == ENOTDIR;
}

bool has_entries(const Status& status) {
  return status.error().os_errno == ENOTEMPTY;
}

bool has_no_links(const Status& status) {
  switch (status.error().os_errno) {
    case EPERM:
    case EOPNOTSUPP:
    case ENOSYS:
    case EMLINK:
    case EXDEV:
      return true;
    default:
      return false;
  }
}

bool has_no_locks(const Status& status) {
  switch (status.error().os_errno) {
    case ENOLCK:
    case ENOSYS:
    case EOPNOTSUPP:
      return true;
    default:
      return false;
  }
}

bool is_unknown_call(const Status& status) {
  switch (status.error().os_errno) {
    case EINVAL:
    case ENOSYS:
    case EOPNOTSUPP:
      return true;
    default:
      return false;
  }
}

bool lacks_resources(const Status& status) {
  switch (status.error().os_errno) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

bool will_last(const Status& status) {
  switch (status.error().os_errno) {
    case 0:  // refused by us
    case EACCES:
    case EPERM:
    case ELOOP:
    case EISDIR:
    case ENXIO:
      return true;
    default:
      return false;
  }
}

bool refused_by_system(const Status& status) {
  return status.error().os_errno != 0;
}

}  // namespace safechunk
