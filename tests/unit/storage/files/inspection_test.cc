// The rule of the stamp: good, edited, rotten (G6).

#include "storage/files/inspection.h"

#include <gtest/gtest.h>

namespace safechunk {
namespace {

constexpr std::int64_t kThen = 1000;
constexpr std::int64_t kLater = 2000;

std::optional<Stamp> stamp_for(std::string_view bytes) {
  Stamp stamp;
  stamp.bytes = digest_of(bytes);
  stamp.modified_ns = kThen;
  return stamp;
}

FileHealth judge_it(std::string_view bytes, std::int64_t modified,
                    const std::optional<Stamp>& stamp) {
  Status reason;
  const FileHealth health = judge(bytes, modified, stamp, {}, reason);
  EXPECT_EQ(reason.ok(), !is_damaged(health) && health != FileHealth::unreadable);
  return health;
}

TEST(Judge, FollowsTheRuleOfTheStamp) {
  EXPECT_EQ(judge_it("[1]", kThen, stamp_for("[1]")), FileHealth::good);
  EXPECT_EQ(judge_it("[1]", kLater, stamp_for("[1]")), FileHealth::good);   // copied, touched
  EXPECT_EQ(judge_it("[2]", kThen, stamp_for("[1]")), FileHealth::rotten);  // although it parses
  EXPECT_EQ(judge_it("[2]", kLater, stamp_for("[1]")), FileHealth::edited);
  EXPECT_EQ(judge_it("[2", kLater, stamp_for("[1]")), FileHealth::not_json);
  EXPECT_EQ(judge_it("[2]", kLater, std::nullopt), FileHealth::unstamped);
  EXPECT_EQ(judge_it("", kLater, std::nullopt), FileHealth::not_json);
  EXPECT_EQ(judge_it(std::string(8, '\0'), kLater, std::nullopt), FileHealth::not_json);
  EXPECT_EQ(judge_it("\xEF\xBB\xBF[NaN,-Infinity]", kLater, std::nullopt), FileHealth::unstamped);
}

TEST(Judge, NamesTheEncodingOfAHandEdit) {
  using namespace std::string_literals;
  const auto reason_of = [](std::string_view bytes) {
    Status reason;
    EXPECT_EQ(judge(bytes, kLater, std::nullopt, {}, reason), FileHealth::not_json);
    return reason.error().message;
  };
  EXPECT_NE(reason_of("\xFF\xFE{\0}\0"s).find("UTF-16"), std::string::npos);
  EXPECT_NE(reason_of("[\0]\0"s).find("UTF-16"), std::string::npos);
  EXPECT_NE(reason_of("\0\0\0[\0\0\0]"s).find("UTF-32"), std::string::npos);
  EXPECT_NE(reason_of("[\"Z\xFCrich\"]").find("Latin-1"), std::string::npos);
  // Zeros are what a crash leaves, and no encoding.
  for (const std::size_t size : {1U, 2U, 3U, 4U, 8U}) {
    EXPECT_EQ(reason_of(std::string(size, '\0')).find("UTF"), std::string::npos) << size;
  }
}

TEST(Judge, DoesNotCallDeepDamaged) {
  const std::string deep = std::string(2000, '[') + std::string(2000, ']');
  EXPECT_EQ(judge_it(deep, kLater, std::nullopt), FileHealth::unreadable);
}

}  // namespace
}  // namespace safechunk
