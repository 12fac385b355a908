#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace safechunk::cli {
namespace {

Status failed_call(ErrorCode code, const std::string& what, const std::string& path, int number) {
  Error error;
  error.code = code;
  error.message = what;
  error.path = path;
  error.os_errno = number;
  return error;
}

// 0, or the number of the error.
int write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

int read_all(int file, std::string& text) {
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t count = ::read(file, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return 0;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

Result<PrivateFile> PrivateFile::create(std::string_view text) {
  constexpr const char* kWhat = "cannot make a temporary file";
  constexpr std::string_view kEnding = ".json";
  const char* folder = std::getenv("TMPDIR");
  std::string path = folder == nullptr || *folder == '\0' ? "/tmp" : folder;
  path += "/safechunk-XXXXXX";
  path += kEnding;
  const int file = ::mkstemps(path.data(), static_cast<int>(kEnding.size()));
  if (file < 0) return failed_call(ErrorCode::io_error, kWhat, path, errno);
  int number = write_all(file, text);
  if (::close(file) != 0 && number == 0) number = errno;
  PrivateFile made(path);
  if (number == 0) return made;
  made.remove();
  return failed_call(ErrorCode::io_error, kWhat, path, number);
}

Result<std::string> PrivateFile::read() const {
  const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::io_error;
    return failed_call(code, "cannot read the text back", path_, errno);
  }
  std::string text;
  struct stat about {};
  Status status;
  if (::fstat(file, &about) != 0) {
    status = failed_call(ErrorCode::io_error, "cannot read the text back", path_, errno);
  } else if (!S_ISREG(about.st_mode) || about.st_uid != ::geteuid()) {
    status = failed_call(ErrorCode::permission_denied, "this is no file of yours", path_, 0);
  } else if (const int number = read_all(file, text); number != 0) {
    status = failed_call(ErrorCode::io_error, "cannot read the text back", path_, number);
  }
  (void)::close(file);  // was only read
  if (!status.ok()) return status;
  return text;
}

void PrivateFile::remove() const {
  (void)::unlink(path_.c_str());  // what an editor has removed is gone already
}

}  // namespace safechunk::cli
