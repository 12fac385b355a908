#include "json/name_index.h"

#include <gtest/gtest.h>

#include <string>

namespace safechunk::json {
namespace {

TEST(NameIndex, KnowsWhatWasAddedAndRemoved) {
  NameIndex index;
  EXPECT_EQ(index.find("a"), NameIndex::kNone);
  index.remove("a");
  for (std::size_t i = 0; i < 1000; ++i) index.add(std::to_string(i), i);  // grows several times
  for (std::size_t i = 0; i < 1000; ++i) EXPECT_EQ(index.find(std::to_string(i)), i);
  EXPECT_EQ(index.find("1000"), NameIndex::kNone);
  index.remove("7");
  EXPECT_EQ(index.find("7"), NameIndex::kNone);
  index.add("7", 2000);
  EXPECT_EQ(index.find("7"), 2000U);
}

// Removing one of two must not hide the other.
TEST(NameIndex, IsUnsureAboutNamesThatAreThereTwice) {
  NameIndex index;
  index.add("a", 1);
  index.add("a", 2);
  EXPECT_EQ(index.find("a"), NameIndex::kUnsure);
  index.remove("a");
  EXPECT_EQ(index.find("a"), NameIndex::kUnsure);
}

}  // namespace
}  // namespace safechunk::json
