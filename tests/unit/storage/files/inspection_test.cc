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

TEST(Judge, DoesNotCallDeepDamaged) {
  const std::string deep = std::string(2000, '[') + std::string(2000, ']');
  EXPECT_EQ(judge_it(deep, kLater, std::nullopt), FileHealth::unreadable);
}

}  // namespace
}  // namespace safechunk
