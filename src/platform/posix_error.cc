#include "platform/posix_error.h"

#include <cerrno>

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
  error.path = std::move(path);
  error.os_errno = os_errno;
  return error;
}

}  // namespace safechunk
