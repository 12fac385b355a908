#include <safechunk/status.hpp>

#include <cerrno>
#include <system_error>

namespace safechunk {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::ok:
      return "ok";
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::invalid_name:
      return "invalid_name";
    case ErrorCode::invalid_json:
      return "invalid_json";
    case ErrorCode::too_deep:
      return "too_deep";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::not_owner:
      return "not_owner";
    case ErrorCode::locked:
      return "locked";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::no_space:
      return "no_space";
    case ErrorCode::read_only:
      return "read_only";
    case ErrorCode::permission_denied:
      return "permission_denied";
    case ErrorCode::io_error:
      return "io_error";
    case ErrorCode::unsupported_format:
      return "unsupported_format";
    case ErrorCode::cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string Error::to_text() const {
  std::string text(to_string(code));
  text += ": " + message;
  if (!chunk.empty()) text += ", chunk '" + chunk + "'";
  if (!path.empty()) text += ", path '" + path + "'";
  if (position) {
    text += ", line " + std::to_string(position->line) + ", column " +
            std::to_string(position->column) + " (byte " + std::to_string(position->offset) + ")";
  }
  if (os_errno != 0) text += " (" + std::system_category().message(os_errno) + ")";
  return text;
}

Exception::Exception(const Error& error)
    : std::runtime_error(error.to_text()), error_(std::make_shared<const Error>(error)) {}

Status::Status(Error error) : error_(std::make_shared<const Error>(std::move(error))) {}

Status::Status(ErrorCode code, std::string message) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  error_ = std::make_shared<const Error>(std::move(error));
}

const Error& Status::error() const noexcept {
  static const Error kSuccess;
  return error_ ? *error_ : kSuccess;
}

void Status::throw_if_error() const {
  if (error_) throw Exception(*error_);
}

}  // namespace safechunk
