#include "archive/entry_name.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace safechunk::archive {
namespace {

using namespace std::string_literals;

TEST(EntryName, AllowsRelativePathsOfUtf8Components) {
  for (const std::string name : {"a", "chunks/users.json", "a/b/c", "...", "..a/b..", ".hidden",
                                 "blank and-dash_1", "chunks/\u00e4\u20ac\U0001F600.json"}) {
    EXPECT_EQ(objection_to_name(name), std::nullopt) << name;
  }
}

TEST(EntryName, RefusesEverythingThatCouldReachElsewhere) {
  for (const std::string& name : {""s,
                                  "/"s,
                                  "/etc/passwd"s,
                                  "."s,
                                  ".."s,
                                  "../a"s,
                                  "a/../b"s,
                                  "a/.."s,
                                  "./a"s,
                                  "a/./b"s,
                                  "a//b"s,
                                  "a/"s,
                                  "a\\b"s,
                                  "..\\a"s,
                                  "C:a"s,
                                  "C:/a"s,
                                  "a:stream"s,
                                  "a\0b"s,
                                  "a\nb"s,
                                  "\x7f"s,
                                  "\x80"s,
                                  "\xc0\xaf"s,
                                  "\xed\xa0\x80"s,
                                  "\xf4\x90\x80\x80"s,
                                  "a\xc3"s,
                                  std::string(0x10000, 'a')}) {
    EXPECT_NE(objection_to_name(name), std::nullopt) << printable_name(name);
  }
}

TEST(EntryName, FindsDuplicatesThatDifferInCaseOnly) {
  const auto found = [](const std::vector<std::string_view>& names) {
    const auto duplicate = find_duplicate_names(names);
    return duplicate ? std::to_string(duplicate->first) + "," + std::to_string(duplicate->second)
                     : "none";
  };
  EXPECT_EQ(found({}), "none");
  EXPECT_EQ(found({"a", "b", "a/b", "ab"}), "none");
  EXPECT_EQ(found({"b", "a", "c", "a"}), "1,3");
  EXPECT_EQ(found({"chunks/A.json", "chunks/a.JSON"}), "0,1");
  EXPECT_EQ(found({"\u00c4", "x", "\u00e4"}), "0,2");
}

TEST(EntryName, PrintsOnlyWhatAMessageMayHold) {
  EXPECT_EQ(printable_name("a\u00e4"), "a\u00e4");
  EXPECT_EQ(printable_name("a\n\x1b[0m"), "a\\x0a\\x1b[0m");
  EXPECT_EQ(printable_name("\u00e4\xff"), "\\xc3\\xa4\\xff");
  EXPECT_EQ(printable_name(std::string(1000, 'a')), std::string(120, 'a') + "...");
  std::string long_name(119, 'a');
  for (int i = 0; i < 10; ++i) long_name += "\u20ac";
  EXPECT_EQ(printable_name(long_name), std::string(119, 'a') + "\u20ac...");
}

}  // namespace
}  // namespace safechunk::archive
