// Kills: a byte that changes although its value does not; a new member that is laid out unlike its
// neighbours; time that grows with the square of the changes; a repeated name that loses a value.

#include "json/rewrite.h"

#include <gtest/gtest.h>

#include <string>

#include "json/format.h"

namespace safechunk::json {
namespace {

std::string rewritten(std::string_view text, std::string_view value) {
  auto result = rewrite(text, value, {.indent = 4});
  return result ? *result : result.status().to_text();
}

TEST(Rewrite, KeepsWhatIsEqual) {
  EXPECT_EQ(rewritten(" {\"b\" : 1 ,\n \"a\":[ 1,2 ]}\n\n", R"({"a":[1,2],"b":1})"),
            " {\"b\" : 1 ,\n \"a\":[ 1,2 ]}\n\n");
  EXPECT_EQ(rewritten(R"({"a": "\u00e9\/"})", "{\"a\":\"é/\"}"), R"({"a": "\u00e9\/"})");
  // Programs may read 1 and 1.0 as different types: the text of the new value counts.
  EXPECT_EQ(rewritten(R"({"a": 1.0})", R"({"a":1})"), R"({"a": 1})");
}

TEST(Rewrite, ListsKeepTheirHeadAndTail) {
  EXPECT_EQ(rewritten("[ 1,  2,   3 ]", "[1,9,2,3]"), "[ 1,  9,  2,   3 ]");
  EXPECT_EQ(rewritten("[\n  1,\n  2,\n  3\n]", "[1,3]"), "[\n  1,\n  3\n]");
  EXPECT_EQ(rewritten("[[1, 2], [3, 4]]", "[[1,2],[3,5]]"), "[[1, 2], [3, 5]]");
  EXPECT_EQ(rewritten("[]", "[1]"), "[\n    1\n]");
  EXPECT_EQ(rewritten("[1, 2]", "[]"), "[]");
}

TEST(Rewrite, AnotherTypeIsLaidOutAnew) {
  EXPECT_EQ(rewritten("{\n  \"a\": [\n    1\n  ]\n}\n", R"({"a":{"x":[1]}})"),
            "{\n  \"a\": {\n    \"x\": [\n      1\n    ]\n  }\n}\n");
  EXPECT_EQ(rewritten("1\n", "[1]"), "[\n    1\n]\n");
}

// Which of the two was meant nobody knows: the value that is given is written as it is.
TEST(Rewrite, RepeatedNames) {
  EXPECT_EQ(rewritten(R"({"a": 1, "a": 2})", R"({"a":3})"), R"({"a": 3})");
  EXPECT_EQ(rewritten(R"({"b": {"a": 1}})", R"({"b":{"a":1,"a":2}})"),
            R"({"b": {"a": 1, "a": 2}})");
}

TEST(Rewrite, ManyChangesOfOneListAreWrittenAtOnce) {
  std::string before = "[";
  std::string after = "[";
  constexpr int kElements = 200'000;
  for (int i = 0; i < kElements; ++i) {
    before += (i == 0 ? "" : ",") + std::to_string(i);
    after += (i == 0 ? "" : ",") + std::to_string(i + 1);
  }
  before += ']';
  after += ']';
  EXPECT_EQ(rewritten(format(before, 2), after), format(after, 2));
}

TEST(Rewrite, Limits) {
  EXPECT_EQ(rewrite("{}", R"({"a":[[[1]]]})", {.depth_limit = 3}).status().code(),
            ErrorCode::too_deep);
  EXPECT_EQ(rewrite("{}", R"({"a":"0123456789"})", {.size_limit = 10}).status().code(),
            ErrorCode::too_large);
  std::string deep(100'000, '[');
  deep += std::string(100'000, ']');
  EXPECT_EQ(rewrite(deep, deep, {.depth_limit = 1'000'000}).value(), deep);
}

}  // namespace
}  // namespace safechunk::json
