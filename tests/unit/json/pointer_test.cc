#include "json/pointer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "json/name.h"

namespace safechunk::json {
namespace {

std::string value(std::string_view text, std::string_view pointer) {
  const Result<Pointer> parsed = Pointer::parse(pointer);
  if (!parsed) return parsed.status().to_text();
  const Result<std::string_view> found = value_at(text, *parsed);
  return found ? std::string(*found) : found.status().to_text();
}

TEST(Pointer, ReadsTheExamplesOfRfc6901Section5) {
  const std::string_view text = R"({
    "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5,
    "k\"l": 6, " ": 7, "m~n": 8})";
  EXPECT_EQ(value(text, ""), text);
  EXPECT_EQ(value(text, "/foo"), R"(["bar", "baz"])");
  EXPECT_EQ(value(text, "/foo/0"), R"("bar")");
  EXPECT_EQ(value(text, "/"), "0");
  EXPECT_EQ(value(text, "/a~1b"), "1");
  EXPECT_EQ(value(text, "/c%d"), "2");
  EXPECT_EQ(value(text, "/e^f"), "3");
  EXPECT_EQ(value(text, "/g|h"), "4");
  EXPECT_EQ(value(text, "/i\\j"), "5");
  EXPECT_EQ(value(text, "/k\"l"), "6");
  EXPECT_EQ(value(text, "/ "), "7");
  EXPECT_EQ(value(text, "/m~0n"), "8");
}

TEST(Pointer, SaysWhatIsWrongWithItsText) {
  const auto error = [](std::string_view text) { return Pointer::parse(text).status().to_text(); };
  EXPECT_EQ(error("a"),
            "invalid_argument: a pointer is empty or begins with '/' (byte 0 of the pointer)");
  EXPECT_EQ(error("/a~2"),
            "invalid_argument: '~' must be followed by 0 or 1 (byte 2 of the pointer)");
  EXPECT_EQ(error("/a/~"),
            "invalid_argument: '~' must be followed by 0 or 1 (byte 3 of the pointer)");
  EXPECT_EQ(error("/a\xFF"), "invalid_argument: not UTF-8 (byte 2 of the pointer)");
  const std::string most(Pointer::kMaxTokens, '/');
  EXPECT_EQ(error(most), "ok");
  EXPECT_EQ(error(most + "/"),
            "invalid_argument: more than 1024 tokens (byte 1024 of the pointer)");
  const std::string longest = "/" + std::string(Pointer::kMaxBytes - 1, 'a');
  EXPECT_EQ(error(longest), "ok");
  EXPECT_EQ(error(longest + "a"), "invalid_argument: the pointer has more than 65536 bytes");
}

// "~01" is "~1": the order of the two replacements matters.
TEST(Pointer, IsWrittenAsItIsRead) {
  const std::vector<std::string> tokens{"", "~1", "a/b", "~", "é"};
  const std::string text = Pointer::write(tokens);
  EXPECT_EQ(text, "//~01/a~1b/~0/é");
  EXPECT_EQ(Pointer::parse(text)->tokens(), tokens);
  EXPECT_EQ(Pointer::write({}), "");
}

TEST(Pointer, KnowsWhatItIsInside) {
  const auto pointer = [](std::string_view text) { return *Pointer::parse(text); };
  EXPECT_TRUE(pointer("/a/b").is_inside(pointer("/a")));
  EXPECT_TRUE(pointer("/a").is_inside(pointer("")));
  EXPECT_FALSE(pointer("/a").is_inside(pointer("/a")));
  EXPECT_FALSE(pointer("/ab").is_inside(pointer("/a")));  // compares tokens, not bytes
}

TEST(ValueAt, ReadsAnyLayoutAndWhatIsLenient) {
  const std::string_view text =
      "\xEF\xBB\xBF\r\n{\t\"a\" : [ NaN , -Infinity,{ } ,\"]},\\\"\" ] }\n";
  EXPECT_EQ(value(text, "/a/0"), "NaN");
  EXPECT_EQ(value(text, "/a/1"), "-Infinity");
  EXPECT_EQ(value(text, "/a/2"), "{ }");
  EXPECT_EQ(value(text, "/a/3"), R"("]},\"")");
  EXPECT_EQ(value(text, ""), "{\t\"a\" : [ NaN , -Infinity,{ } ,\"]},\\\"\" ] }");
  EXPECT_EQ(value(" 1 ", ""), "1");
}

TEST(ValueAt, ComparesNamesByTheirCharacters) {
  const std::string_view text =
      R"({"\u0041":1,"\ud83d\ude00":2,"\ud800":3,"é\n":4,"a":5,"ab":6,"a\u0000":7,"\/":8})";
  EXPECT_EQ(value(text, "/A"), "1");
  EXPECT_EQ(value(text, "/😀"), "2");
  EXPECT_EQ(value(text, "/é\n"), "4");
  EXPECT_EQ(value(text, "/a"), "5");  // neither "ab" nor what begins with a NUL behind it
  EXPECT_EQ(value(text, std::string_view("/a\0", 3)), "7");
  EXPECT_EQ(value(text, "/~1"), "8");
  // A lone surrogate is not the replacement character either.
  EXPECT_EQ(value(text, "/\xEF\xBF\xBD"),
            "not_found: '/\xEF\xBF\xBD': the document has no member '\xEF\xBF\xBD'");
}

TEST(ValueAt, NamesThePartWhereItFails) {
  const std::string_view text = R"({"users":[{"name":"a"},2],"x":null,"b":true,"s":"t"})";
  EXPECT_EQ(value(text, "/users/3/name"),
            "not_found: '/users/3/name': '/users' has only 2 elements");
  EXPECT_EQ(value(text, "/users/2"), "not_found: '/users/2': '/users' has only 2 elements");
  EXPECT_EQ(value(text, "/users/0/age"),
            "not_found: '/users/0/age': '/users/0' has no member 'age'");
  EXPECT_EQ(value(text, "/users/1/name"), "not_found: '/users/1/name': '/users/1' is a number");
  EXPECT_EQ(value(text, "/x/0"), "not_found: '/x/0': '/x' is null");
  EXPECT_EQ(value(text, "/b/0"), "not_found: '/b/0': '/b' is true");
  EXPECT_EQ(value(text, "/s/0"), "not_found: '/s/0': '/s' is a string");
  EXPECT_EQ(value("1", "/a"), "not_found: '/a': the document is a number");
  EXPECT_EQ(value(text, "/users/-"),
            "not_found: '/users/-': '-' is the place behind the last element of '/users'");
  for (const std::string token : {"01", "x", "+1", "-1", "1.0", "", " 1", "18446744073709551616"}) {
    EXPECT_EQ(value(text, "/users/" + token), "invalid_argument: '/users/" + token +
                                                  "': '/users' is an array, and '" + token +
                                                  "' is no index");
  }
  EXPECT_EQ(value(text, "/users/18446744073709551614"),
            "not_found: '/users/18446744073709551614': '/users' has only 2 elements");
}

TEST(ValueAt, RefusesToChooseBetweenMembersOfOneName) {
  const std::string_view text = R"({"a":1,"b":{"c":1},"\u0061":2,"b":2})";
  EXPECT_EQ(value(text, "/a"), "invalid_argument: '/a': the document has more than one member 'a'");
  EXPECT_EQ(value(text, "/b/c"),
            "invalid_argument: '/b/c': the document has more than one member 'b'");
  EXPECT_EQ(value(R"({"a":1,"a":2,"b":3})", "/b"), "3");
}

// Every boundary of blocks (64 bytes) and runs (1024 entries, 32 KiB) lies somewhere in here. Kills
// a wrong count of commas at the end of a run, and brackets or escapes that are lost at a boundary.
TEST(ValueAt, FindsEachOfManyElements) {
  for (const std::size_t padding : {0U, 1U, 5U, 100U, 40'000U}) {
    std::string text = "[";
    const std::size_t count = padding > 1000 ? 10 : 2500;
    for (std::size_t i = 0; i < count; ++i) {
      text += (i == 0 ? "" : ",") + std::string(R"({"a":["x\\",{}],"s":"[\",)") +
              std::string(padding * (i % 3), ']') + R"(","i":)" + std::to_string(i) + "}";
    }
    text += "]";
    for (std::size_t i = 0; i < count; i += count / 10 + i % 7) {
      EXPECT_EQ(value(text, "/" + std::to_string(i) + "/i"), std::to_string(i));
    }
    EXPECT_EQ(value(text, "/" + std::to_string(count) + "/i").substr(0, 9), "not_found");
  }
}

TEST(Name, IsShortenedBetweenCharacters) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "abc...");
  EXPECT_EQ(shortened("aéé", 2), "a...");
  EXPECT_EQ(shortened("a\nb", 9), "a b");
}

}  // namespace
}  // namespace safechunk::json
