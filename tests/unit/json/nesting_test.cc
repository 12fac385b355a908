#include "json/nesting.h"

#include <gtest/gtest.h>

namespace safechunk::json {
namespace {

Nesting::Container kind_at(std::uint32_t level) {
  return level % 3 == 0 || level % 64 == 1 ? Nesting::kObject : Nesting::kArray;
}

TEST(Nesting, GivesBackEveryLevel) {
  constexpr std::uint32_t kDepth = 1000;
  std::vector<std::uint64_t> outer_levels;
  Nesting nesting(kDepth, outer_levels);
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t level = 0; level < kDepth; ++level) {
      ASSERT_TRUE(nesting.push(kind_at(level)));
      ASSERT_EQ(nesting.depth(), level + 1);
      ASSERT_EQ(nesting.innermost(), kind_at(level));
    }
    for (std::uint32_t level = kDepth; level-- > 0;) {
      ASSERT_EQ(nesting.innermost(), kind_at(level)) << level;
      nesting.pop();
    }
    EXPECT_EQ(nesting.depth(), 0U);
    EXPECT_TRUE(outer_levels.empty());
  }
}

TEST(Nesting, RefusesOneLevelMoreThanTheLimit) {
  std::vector<std::uint64_t> outer_levels;
  Nesting nesting(2, outer_levels);
  EXPECT_TRUE(nesting.push(Nesting::kArray));
  EXPECT_TRUE(nesting.push(Nesting::kObject));
  EXPECT_FALSE(nesting.push(Nesting::kArray));
  EXPECT_EQ(nesting.depth(), 2U);
  EXPECT_EQ(nesting.innermost(), Nesting::kObject);
}

TEST(Nesting, UsesNoHeapForUsualDepths) {
  std::vector<std::uint64_t> outer_levels;
  Nesting nesting(1024, outer_levels);
  for (int level = 0; level < 64; ++level) ASSERT_TRUE(nesting.push(Nesting::kArray));
  EXPECT_EQ(outer_levels.capacity(), 0U);
}

}  // namespace
}  // namespace safechunk::json
