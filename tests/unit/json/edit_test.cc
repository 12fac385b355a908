#include "json/edit.h"

#include <gtest/gtest.h>

#include <string>

#include "json/format.h"
#include "json/scan.h"

namespace safechunk::json {
namespace {

using Kind = Edit::Kind;

std::string result(std::string_view text, const Edit& edit, const EditOptions& options = {}) {
  const Result<std::string> edited = apply(text, edit, options);
  return edited ? *edited : edited.status().to_text();
}
std::string set(std::string_view text, std::string_view pointer, std::string_view value,
                const EditOptions& options = {}) {
  return result(text, {Kind::set, std::string(pointer), std::string(value)}, options);
}
std::string removed(std::string_view text, std::string_view pointer) {
  return result(text, {Kind::remove, std::string(pointer), {}});
}

TEST(Set, ReplacesAValueInPlace) {
  EXPECT_EQ(set(R"( { "a" : 1.50, "b":[1 , 2] }  )", "/b/1", "3"),
            R"( { "a" : 1.50, "b":[1 , 3] }  )");
  EXPECT_EQ(set(R"({"\u0061":1})", "/a", "\"x\""), R"({"\u0061":"x"})");
  EXPECT_EQ(set("[NaN,Infinity]", "/1", "0"), "[NaN,0]");
}

TEST(Set, ReplacesTheWholeValueBetweenItsSurroundings) {
  EXPECT_EQ(set("\xEF\xBB\xBF\r\n {\"a\":1}\r\n", "", "[1, 2]"), "\xEF\xBB\xBF\r\n [1,2]\r\n");
  EXPECT_EQ(set("1\n", "", R"({"a":1})"), "{\n    \"a\": 1\n}\n");
  EXPECT_EQ(set("1\r\n", "", "[1]"), "[\r\n    1\r\n]\r\n");
  EXPECT_EQ(set("1", "", R"({"a":[]})", {.indent = 0}), R"({"a":[]})");
}

TEST(Set, AddsAtTheEnd) {
  EXPECT_EQ(set(R"({"a":1})", "/b", "2"), R"({"a":1,"b":2})");
  EXPECT_EQ(set("[1]", "/1", "2"), "[1,2]");
  EXPECT_EQ(set("[1, 2]", "/-", "3"), "[1, 2, 3]");
  EXPECT_EQ(set("[]", "/0", "1", {.indent = 0}), "[1]");
  EXPECT_EQ(set("[1]", "/3", "2"), "not_found: '/3': the document has only 1 element");
  EXPECT_EQ(set(R"({"a/b":{}})", "/a~1b/~0\"", "2", {.indent = 0}), R"({"a/b":{"~\"":2}})");
}

TEST(Set, MakesMissingObjects) {
  EXPECT_EQ(set("{}", "/window/width", "300", {.indent = 0}), R"({"window":{"width":300}})");
  EXPECT_EQ(set("{}", "/window/width", "300"),
            "{\n    \"window\": {\n        \"width\": 300\n    }\n}");
  // No arrays: "0" and "-" are names as well.
  EXPECT_EQ(set(R"({"a":1})", "/b/0/-", "1"), R"({"a":1,"b":{"0":{"-":1}}})");
  EXPECT_EQ(set("[[1]]", "/1/a", "1"), "not_found: '/1/a': the document has only 1 element");
  EXPECT_EQ(set("[{}]", "/-/a", "1"),
            "not_found: '/-/a': '-' is the place behind the last element of the document");
  EXPECT_EQ(set(R"({"a":1})", "/a/b", "1"), "not_found: '/a/b': '/a' is a number");
  EXPECT_EQ(set(R"({"a":null})", "/a/b/c", "1"), "not_found: '/a/b/c': '/a' is null");
}

TEST(Set, FollowsTheLinesAround) {
  EXPECT_EQ(set("{\n  \"a\": 1\n}\n", "/b", R"({"c":[1,{}]})"),
            "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [\n      1,\n      {}\n    ]\n  }\n}\n");
  EXPECT_EQ(set("[\r\n\t1\r\n]", "/-", "[2]"), "[\r\n\t1,\r\n\t[\r\n\t\t2\r\n\t]\r\n]");
  // Colons as the neighbours have them.
  EXPECT_EQ(set("{\n \"a\" : 1\n}", "/b", R"({"c":1})"),
            "{\n \"a\" : 1,\n \"b\" : {\n  \"c\" : 1\n }\n}");
  // Blank lines between neighbours are not repeated.
  EXPECT_EQ(set("[\n  1,\n\n  2\n]", "/-", "3"), "[\n  1,\n\n  2,\n  3\n]");
  // The comma at the beginning of the line.
  EXPECT_EQ(set("[ 1\n, 2\n]", "/-", "3"), "[ 1\n, 2\n, 3\n]");
  // No indentation at all.
  EXPECT_EQ(set("{\n\"a\":1\n}", "/b", "2"), "{\n\"a\":1,\n\"b\":2\n}");
}

TEST(Set, FollowsTheLineItIsOn) {
  EXPECT_EQ(set(R"({ "a": 1 })", "/b", R"([1,{"c":2}])"), R"({ "a": 1, "b": [1, {"c": 2}] })");
  EXPECT_EQ(set(R"({"a":1})", "/b", R"([1, {"c": 2}])"), R"({"a":1,"b":[1,{"c":2}]})");
  EXPECT_EQ(set("{\n  \"a\": [1]\n}", "/a/-", "2"), "{\n  \"a\": [1, 2]\n}");
  EXPECT_EQ(set("[ 1,2 ]", "/-", "3"), "[ 1,2,3 ]");
}

// An object in a list looks like the other objects in it.
TEST(Set, FollowsValuesOfItsType) {
  EXPECT_EQ(set("[\n  {\"a\": 1, \"b\": 2}\n]", "/-", R"({"a":3,"b":4})"),
            "[\n  {\"a\": 1, \"b\": 2},\n  {\"a\": 3, \"b\": 4}\n]");
  EXPECT_EQ(set("{\n  \"size\": [1, 2]\n}", "/size", "[3,4]"), "{\n  \"size\": [3, 4]\n}");
  EXPECT_EQ(set("[{\n  \"a\": 1\n}]", "/-", R"({"a":2})"), "[{\n  \"a\": 1\n},{\n  \"a\": 2\n}]");
  // A list shows nothing about objects.
  EXPECT_EQ(set("[\n  [1]\n]", "/-", R"({"a":2})"), "[\n  [1],\n  {\n    \"a\": 2\n  }\n]");
}

TEST(Set, FillsAnEmptyContainerLikeThoseAround) {
  EXPECT_EQ(set("{\n  \"a\": { }\n}\n", "/a/b", "1"), "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n");
  EXPECT_EQ(set(R"({"a": []})", "/a/0", R"({"b":1})"), R"({"a": [{"b": 1}]})");
  EXPECT_EQ(set(R"({"a":[ ]})", "/a/0", "1"), R"({"a":[1]})");
}

TEST(Set, StateWhatIsWrong) {
  EXPECT_EQ(set("{}", "/a", "NaN").substr(0, 12), "invalid_json");
  EXPECT_EQ(set("{}", "/a", "[1,]"), validate("[1,]", {}).to_text());
  EXPECT_EQ(set("{}", "/a", ""), validate("", {}).to_text());
  EXPECT_EQ(set(R"({"a":1,"a":2})", "/a", "3"),
            "invalid_argument: '/a': the document has more than one member 'a'");
  EXPECT_EQ(set("{}", "a", "3"),
            "invalid_argument: a pointer is empty or begins with '/' (byte 0 of the pointer)");
}

TEST(Remove, TakesTheCommaAndTheWhiteSpace) {
  EXPECT_EQ(removed("[1, 2, 3]", "/0"), "[2, 3]");
  EXPECT_EQ(removed("[1, 2, 3]", "/1"), "[1, 3]");
  EXPECT_EQ(removed("[1, 2, 3]", "/2"), "[1, 2]");
  EXPECT_EQ(removed("[ 1 ]", "/0"), "[]");
  EXPECT_EQ(removed("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "/a"), "{\n  \"b\": 2\n}\n");
  EXPECT_EQ(removed("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "/b"), "{\n  \"a\": 1\n}\n");
  EXPECT_EQ(removed("{\n  \"a\": 1\n}\n", "/a"), "{}\n");
  EXPECT_EQ(removed("[ 1\n, 2\n, 3\n]", "/2"), "[ 1\n, 2\n]");
}

TEST(Remove, StatesWhatIsWrong) {
  EXPECT_EQ(removed("[1]", ""), "invalid_argument: the whole document cannot be removed");
  EXPECT_EQ(removed("[1]", "/1"), "not_found: '/1': the document has only 1 element");
  EXPECT_EQ(removed("[1]", "/-").substr(0, 9), "not_found");
  EXPECT_EQ(removed(R"({"a":1})", "/b"), "not_found: '/b': the document has no member 'b'");
  EXPECT_EQ(removed(R"({"a":1,"a":2})", "/a").substr(0, 16), "invalid_argument");
}

TEST(Limits, HoldForTheResult) {
  const EditOptions shallow{.indent = 0, .depth_limit = 2};
  EXPECT_EQ(set("[[1]]", "/0/0", "2", shallow), "[[2]]");
  EXPECT_EQ(set("[[1]]", "/0/0", "[]", shallow),
            "too_deep: more than 2 objects and arrays would be nested");
  EXPECT_EQ(set("[[1]]", "/0", "[2]", shallow), "[[2]]");
  EXPECT_EQ(set("{}", "/a/b", "1", shallow), R"({"a":{"b":1}})");
  EXPECT_EQ(set("{}", "/a/b/c", "1", shallow).substr(0, 8), "too_deep");
  EXPECT_EQ(set("1", "", "[[[]]]", shallow).substr(0, 8), "too_deep");
  EXPECT_EQ(set("[1]", "/-", "234", {.size_limit = 7}), "[1,234]");
  EXPECT_EQ(set("[1]", "/-", "2345", {.size_limit = 7}),
            "too_large: the text would have more than 7 bytes");
}

std::string nested_objects(std::size_t depth, std::string_view value) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += R"({"a":)";
  return text.append(value).append(depth, '}');
}

// 100,000 levels would overflow the stack if anything were recursive.
TEST(Limits, DepthCostsNoStack) {
  constexpr std::size_t kDepth = 100'000;
  const EditOptions options{.indent = 0, .depth_limit = kDepth + 10};
  const std::string deep = std::string(kDepth, '[') + std::string(kDepth, ']');
  EXPECT_EQ(set("[1]", "/0", deep, options), "[" + deep + "]");
  EXPECT_EQ(set("[" + deep + "]", "/0", "2", options), "[2]");
  const std::string objects = nested_objects(kDepth, "1");
  EXPECT_EQ(result("{}", {Kind::merge, {}, objects}, options), objects);
  const std::string patch = R"([{"op":"test","path":"","value":)" + objects + "}]";
  EXPECT_EQ(result(objects, {Kind::patch, {}, patch}, options), objects);
  // Opening each level of a text reads it again.
  const Edit merge{Kind::merge, {}, nested_objects(kDepth / 50, "2")};
  EXPECT_EQ(result(nested_objects(kDepth / 50, "1"), merge, options), merge.value);
}

TEST(Check, SaysWhatTheTextDoesNotMatterFor) {
  const auto checked = [](const Edit& edit) { return check(edit, {.depth_limit = 3}).to_text(); };
  EXPECT_EQ(checked({Kind::set, "/a", "[[[1]]]"}), "ok");
  EXPECT_EQ(checked({Kind::set, "/a", "[[[[1]]]]"}).substr(0, 8), "too_deep");
  EXPECT_EQ(checked({Kind::set, "/a~", "1"}).substr(0, 16), "invalid_argument");
  EXPECT_EQ(checked({Kind::remove, "", {}}).substr(0, 16), "invalid_argument");
  EXPECT_EQ(checked({Kind::merge, {}, R"({"a":{"b":1,"\u0062":2}})"}),
            "invalid_argument: the merge patch has more than one member 'b' in one object");
  EXPECT_EQ(checked({Kind::merge, {}, R"({"a":[{"b":1,"b":2}]})"}), "ok");
  EXPECT_EQ(checked({Kind::patch, {}, R"([{"op":"add","path":"/a","value":[[[1]]]}])"}), "ok");
  EXPECT_EQ(
      checked({Kind::patch, {}, R"([{"op":"add","path":"/a","value":[[[[1]]]]}])"}).substr(0, 8),
      "too_deep");
  EXPECT_EQ(checked({Kind::patch, {}, "{}"}),
            "invalid_argument: a patch is an array of operations");
  EXPECT_EQ(checked({static_cast<Kind>(9), {}, "1"}).substr(0, 16), "invalid_argument");
}

}  // namespace
}  // namespace safechunk::json
