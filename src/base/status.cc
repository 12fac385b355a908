#include <safechunk/status.hpp>

#include <cstddef>
#include <system_error>

namespace safechunk {

namespace {

// A code's number is its place in the list.
constexpr bool numbers_are_places() {
  for (std::size_t place = 0; place < kErrorCodes.size(); ++place) {
    if (static_cast<std::size_t>(kErrorCodes[place].code) != place) return false;
  }
  return true;
}
static_assert(numbers_are_places());

}  // namespace

std::string_view to_string(ErrorCode code) noexcept {
  const auto place = static_cast<std::size_t>(code);  // a negative number becomes a large one
  return place < kErrorCodes.size() ? kErrorCodes[place].name : "unknown";
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
