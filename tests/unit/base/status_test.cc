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

TEST(ErrorCode, HasAName) {
  EXPECT_EQ(to_string(ErrorCode::ok), "ok");
  EXPECT_EQ(to_string(ErrorCode::cancelled), "cancelled");
  for (const auto& [code, name] : kErrorCodes) EXPECT_EQ(to_string(code), name);
  for (const int number : {-1, static_cast<int>(kErrorCodes.size()), 1'000'000}) {
    EXPECT_EQ(to_string(static_cast<ErrorCode>(number)), "unknown") << number;
  }
}

}  // namespace
}  // namespace safechunk
