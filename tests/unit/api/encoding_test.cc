// Text as callers hand it over: with a byte-order mark, or in another encoding than UTF-8.

#include "api/encoding.h"

#include <gtest/gtest.h>

#include <safechunk/safechunk.hpp>

#include "support/temporary_folder.h"

namespace safechunk {
namespace {

using namespace std::string_literals;

class Encoding : public testing::Test {
 protected:
  Encoding() : engine_("project", options()) {}

  EngineOptions options() const {
    EngineOptions options;
    options.base_dir = folder_.string();
    return options;
  }

  test::TemporaryFolder folder_;
  SafeChunkEngine engine_;
};

TEST_F(Encoding, AByteOrderMarkIsDropped) {
  ASSERT_TRUE(engine_.stage_update(std::string_view("\xEF\xBB\xBF[1]"), "a").ok());
  EXPECT_EQ(*engine_.fetch_chunk("a"), "[\n    1\n]\n");
  Transaction transaction = engine_.transaction();
  ASSERT_TRUE(transaction.stage(std::string_view("\xEF\xBB\xBF[2]"), "a").ok());
  ASSERT_TRUE(transaction.commit().ok());
  // A second one is no white space.
  const Status twice = engine_.stage_update(std::string_view("\xEF\xBB\xBF\xEF\xBB\xBF[1]"), "a");
  EXPECT_EQ(twice.code(), ErrorCode::invalid_json);
  EXPECT_EQ(twice.error().position->offset, 3U);
}

TEST_F(Encoding, OtherEncodingsAreNamed) {
  for (const auto& [text, name] : std::vector<std::pair<std::string, std::string>>{
           {"\xFF\xFE[\0]\0"s, "UTF-16"},
           {"\xFE\xFF\0[\0]"s, "UTF-16"},
           {"[\0]\0"s, "UTF-16"},
           {"\0[\0]"s, "UTF-16"},
           {"1\0"s, "UTF-16"},
           {"\xFF\xFE\0\0[\0\0\0]\0\0\0"s, "UTF-32"},
           {"\0\0\xFE\xFF\0\0\0[\0\0\0]"s, "UTF-32"},
           {"[\0\0\0]\0\0\0"s, "UTF-32"},
           {"\0\0\0[\0\0\0]"s, "UTF-32"},
           {"[\"\xE9\"]", "Latin-1 or Windows-1252"}}) {
    const Error error = engine_.stage_update(std::string_view(text), "a").error();
    EXPECT_EQ(error.code, ErrorCode::invalid_json);
    EXPECT_NE(error.message.find(name), std::string::npos) << error.message;
    EXPECT_EQ(error.chunk, "a");
  }
}

TEST_F(Encoding, ThePositionIsThatInTheTextAsItWasGiven) {
  const Error latin = engine_.stage_update(std::string_view("[1,\n \"caf\xE9\"]"), "a").error();
  EXPECT_EQ(latin.position->offset, 9U);
  EXPECT_EQ(latin.position->line, 2U);
  EXPECT_EQ(latin.position->column, 6U);
  const Error first = engine_.stage_update(std::string_view("\xEF\xBB\xBF[x]"), "a").error();
  EXPECT_EQ(first.position->offset, 4U);
  EXPECT_EQ(first.position->column, 5U);
  const Error second = engine_.stage_update(std::string_view("\xEF\xBB\xBF[\nx]"), "a").error();
  EXPECT_EQ(second.position->offset, 5U);
  EXPECT_EQ(second.position->column, 1U);
}

// What is wrong first is named, not what is wrong behind it.
TEST_F(Encoding, AnotherMistakeInFrontIsNamedFirst) {
  const Error error = engine_.stage_update(std::string_view("[x, \"\xE9\"]"), "a").error();
  EXPECT_EQ(error.position->offset, 1U);
  EXPECT_EQ(error.message.find("Latin-1"), std::string::npos) << error.message;
}

}  // namespace
}  // namespace safechunk
