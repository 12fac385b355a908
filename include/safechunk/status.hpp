// Errors as values: ErrorCode, Error, Status and Result<T>.
//
// Nothing in this library throws to report trouble, aborts, or prints. A function that can fail
// returns a Status or a Result<T>; both are [[nodiscard]]. Callers who prefer exceptions call
// `.value()` or `.throw_if_error()`, which throw safechunk::Exception carrying the same Error.
// (std::bad_alloc from the C++ runtime may still leave any function; nothing that had been
// acknowledged is lost by it.)
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <safechunk/export.hpp>

namespace safechunk {

// The closed list of codes, the same in every language. The numbers are part of the ABI.
enum class ErrorCode : int {
  ok = 0,
  invalid_argument = 1,  // an argument other than a name or JSON text is unusable
  invalid_name = 2,      // a project id, chunk name, label or checkpoint name is not allowed
  invalid_json = 3,      // text is not JSON; offset, line and column say where
  too_deep = 4,          // nesting exceeds EngineOptions::depth_limit
  too_large = 5,         // a size exceeds a limit stated in EngineOptions
  not_found = 6,         // the chunk, checkpoint or project does not exist
  not_owner = 7,         // this engine does not own the project (never attached, detached, forked)
  locked = 8,            // another owner holds the project
  corrupt = 9,           // damage was found that could not be healed; the bytes are kept
  conflict = 10,         // the disk holds something newer than what was to be written over it
  no_space = 11,         // the disk or the quota is full
  read_only = 12,        // the file system is read-only
  permission_denied = 13,   // the operating system refused access
  io_error = 14,            // any other failure of the operating system; see os_errno
  unsupported_format = 15,  // written by a newer or a foreign program
  cancelled = 16,           // a progress handler asked to stop
  healed = 17,              // a damaged chunk was replaced by an older version
  invalid_edit = 18,        // a program or person wrote text that is not JSON; the text is kept
  being_edited = 19,        // another program is writing the chunk's file
  removed_outside = 20,     // another program or a person removed the chunk's file
  lost = 21,                // a chunk is damaged and no good version is left; the bytes are kept
  unavailable = 22,         // the data cannot be reached now, and may be later
  unknown_outcome = 23,     // nobody knows whether the change was made
};

// Every code with its name, in the order of the numbers. This is the only list of names:
// to_string() reads it, the exception classes of Python are found by it, and tests compare the
// enumeration above and the constants of safechunk.h with it.
struct ErrorCodeName {
  ErrorCode code;
  std::string_view name;
};
inline constexpr std::array<ErrorCodeName, 24> kErrorCodes{{
    {ErrorCode::ok, "ok"},
    {ErrorCode::invalid_argument, "invalid_argument"},
    {ErrorCode::invalid_name, "invalid_name"},
    {ErrorCode::invalid_json, "invalid_json"},
    {ErrorCode::too_deep, "too_deep"},
    {ErrorCode::too_large, "too_large"},
    {ErrorCode::not_found, "not_found"},
    {ErrorCode::not_owner, "not_owner"},
    {ErrorCode::locked, "locked"},
    {ErrorCode::corrupt, "corrupt"},
    {ErrorCode::conflict, "conflict"},
    {ErrorCode::no_space, "no_space"},
    {ErrorCode::read_only, "read_only"},
    {ErrorCode::permission_denied, "permission_denied"},
    {ErrorCode::io_error, "io_error"},
    {ErrorCode::unsupported_format, "unsupported_format"},
    {ErrorCode::cancelled, "cancelled"},
    {ErrorCode::healed, "healed"},
    {ErrorCode::invalid_edit, "invalid_edit"},
    {ErrorCode::being_edited, "being_edited"},
    {ErrorCode::removed_outside, "removed_outside"},
    {ErrorCode::lost, "lost"},
    {ErrorCode::unavailable, "unavailable"},
    {ErrorCode::unknown_outcome, "unknown_outcome"},
}};

// The code's name, for messages and for JSON output; "unknown" for other numbers.
SAFECHUNK_EXPORT std::string_view to_string(ErrorCode code) noexcept;

// Where in a JSON text an error lies. `offset` counts bytes from 0; `line` and `column` count
// from 1, columns in bytes.
struct TextPosition {
  std::uint64_t offset = 0;
  std::uint64_t line = 1;
  std::uint64_t column = 1;
};

// What went wrong. Fields that do not apply are empty or 0.
struct Error {
  ErrorCode code = ErrorCode::ok;
  std::string message;                   // one English sentence without the fields below
  std::string chunk;                     // the chunk that it concerns
  std::string path;                      // the file or folder that it concerns
  int os_errno = 0;                      // errno (POSIX) of the failed call
  std::optional<TextPosition> position;  // for invalid_json and too_deep

  // Everything above in one line, for people.
  [[nodiscard]] SAFECHUNK_EXPORT std::string to_text() const;
};

// Thrown only by `.value()` and `.throw_if_error()`.
class SAFECHUNK_EXPORT Exception : public std::runtime_error {
 public:
  explicit Exception(const Error& error);
  [[nodiscard]] const Error& error() const noexcept { return *error_; }

 private:
  std::shared_ptr<const Error> error_;
};

// Success, or an Error. Cheap to copy; immutable; one word when it is a success.
class [[nodiscard]] SAFECHUNK_EXPORT Status {
 public:
  Status() noexcept = default;  // success
  Status(Error error);          // NOLINT: implicit by intent; `error.code` must not be ok
  Status(ErrorCode code, std::string message);

  [[nodiscard]] bool ok() const noexcept { return error_ == nullptr; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] ErrorCode code() const noexcept { return error_ ? error_->code : ErrorCode::ok; }
  // The error; a static error with code ok on success. Valid while this Status lives.
  [[nodiscard]] const Error& error() const noexcept;
  [[nodiscard]] std::string to_text() const { return ok() ? std::string("ok") : error_->to_text(); }
  void throw_if_error() const;

 private:
  std::shared_ptr<const Error> error_;
};

// A value, or the Error that prevented it.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}               // NOLINT: implicit by intent
  Result(Status status) : status_(std::move(status)) {}       // NOLINT: must hold an error
  Result(Error error) : status_(Status(std::move(error))) {}  // NOLINT

  [[nodiscard]] bool ok() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const Status& status() const noexcept { return status_; }
  [[nodiscard]] ErrorCode code() const noexcept { return status_.code(); }
  [[nodiscard]] const Error& error() const noexcept { return status_.error(); }

  // Access without a check: only after ok().
  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

  // Access with a check: throws Exception on error.
  T& value() & {
    status_.throw_if_error();
    return *value_;
  }
  const T& value() const& {
    status_.throw_if_error();
    return *value_;
  }
  T value() && {
    status_.throw_if_error();
    return *std::move(value_);
  }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace safechunk
