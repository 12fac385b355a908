#include <gtest/gtest.h>

#include <cerrno>

#include <safechunk/status.hpp>

namespace safechunk {
namespace {

TEST(Status, TellsEverything) {
  Error error;
  error.code = ErrorCode::invalid_json;
  error.message = "expected a value";
  error.chunk = "users";
  error.path = "/p";
  error.os_errno = ENOENT;
  error.position = TextPosition{7, 2, 3};
  const Status status(error);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.to_text(),
            "invalid_json: expected a value, chunk 'users', path '/p', line 2, column 3 (byte 7) "
            "(No such file or directory)");
  EXPECT_THROW(status.throw_if_error(), Exception);
  EXPECT_EQ(Status().error().code, ErrorCode::ok);
}

TEST(Result, GivesTheValueOrThrows) {
  const Result<int> good(3);
  EXPECT_EQ(good.value(), 3);
  const Result<int> bad(Status(ErrorCode::not_found, "no"));
  try {
    (void)bad.value();
    FAIL() << "value() must throw";
  } catch (const Exception& exception) {
    EXPECT_EQ(exception.error().code, ErrorCode::not_found);
  }
}

// The list is closed: bindings rely on numbers and names.
TEST(ErrorCode, HasNamesAndNumbers) {
  const char* names[] = {"ok",        "invalid_argument",  "invalid_name", "invalid_json",
                         "too_deep",  "too_large",         "not_found",    "not_owner",
                         "locked",    "corrupt",           "conflict",     "no_space",
                         "read_only", "permission_denied", "io_error",     "unsupported_format",
                         "cancelled"};
  int number = 0;
  for (const char* name : names) EXPECT_EQ(to_string(static_cast<ErrorCode>(number++)), name);
  EXPECT_EQ(to_string(static_cast<ErrorCode>(number)), "unknown");
}

}  // namespace
}  // namespace safechunk
