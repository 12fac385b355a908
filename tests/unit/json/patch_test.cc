#include "json/patch.h"

#include <gtest/gtest.h>

#include <string>

#include "json/edit.h"
#include "json/equal.h"

namespace safechunk::json {
namespace {

std::string patched(std::string_view text, std::string_view patch,
                    const EditOptions& options = {}) {
  const Result<std::string> edited =
      apply(text, {Edit::Kind::patch, {}, std::string(patch)}, options);
  return edited ? *edited : edited.status().to_text();
}

// RFC 6902 appendix A, in the order of its sections. Documents are written on one line.
TEST(Patch, AppliesTheExamplesOfRfc6902) {
  EXPECT_EQ(patched(R"({"foo": "bar"})", R"([{"op": "add", "path": "/baz", "value": "qux"}])"),
            R"({"foo": "bar", "baz": "qux"})");
  EXPECT_EQ(
      patched(R"({"foo": ["bar", "baz"]})", R"([{"op": "add", "path": "/foo/1", "value": "qux"}])"),
      R"({"foo": ["bar", "qux", "baz"]})");
  EXPECT_EQ(patched(R"({"baz": "qux", "foo": "bar"})", R"([{"op": "remove", "path": "/baz"}])"),
            R"({"foo": "bar"})");
  EXPECT_EQ(patched(R"({"foo": ["bar", "qux", "baz"]})", R"([{"op": "remove", "path": "/foo/1"}])"),
            R"({"foo": ["bar", "baz"]})");
  EXPECT_EQ(patched(R"({"baz": "qux", "foo": "bar"})",
                    R"([{"op": "replace", "path": "/baz", "value": "boo"}])"),
            R"({"baz": "boo", "foo": "bar"})");
  EXPECT_EQ(patched(R"({"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}})",
                    R"([{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}])"),
            R"({"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}})");
  EXPECT_EQ(patched(R"({"foo": ["all", "grass", "cows", "eat"]})",
                    R"([{"op": "move", "from": "/foo/1", "path": "/foo/3"}])"),
            R"({"foo": ["all", "cows", "eat", "grass"]})");
  EXPECT_EQ(patched(R"({"baz": "qux", "foo": ["a", 2, "c"]})",
                    R"([{"op": "test", "path": "/baz", "value": "qux"},
                        {"op": "test", "path": "/foo/1", "value": 2}])"),
            R"({"baz": "qux", "foo": ["a", 2, "c"]})");
  EXPECT_EQ(patched(R"({"baz": "qux"})", R"([{"op": "test", "path": "/baz", "value": "bar"}])"),
            R"(conflict: operation 0: test of '/baz' failed: there is "qux")");
  EXPECT_EQ(patched(R"({"foo": "bar"})",
                    R"([{"op": "add", "path": "/child", "value": {"grandchild": {}}}])"),
            R"({"foo": "bar", "child": {"grandchild": {}}})");
  EXPECT_EQ(patched(R"({"foo": "bar"})",
                    R"([{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}])"),
            R"({"foo": "bar", "baz": "qux"})");
  EXPECT_EQ(patched(R"({"foo": "bar"})", R"([{"op": "add", "path": "/baz/bat", "value": "qux"}])"),
            "not_found: operation 0: '/baz/bat': the document has no member 'baz'");
  EXPECT_EQ(patched(R"({"foo": "bar"})",
                    R"([{"op": "add", "path": "/baz", "value": "qux", "op": "remove"}])"),
            R"(invalid_argument: operation 0: more than one member "op": )");
  EXPECT_EQ(patched(R"({"/": 9, "~1": 10})", R"([{"op": "test", "path": "/~01", "value": 10}])"),
            R"({"/": 9, "~1": 10})");
  EXPECT_EQ(patched(R"({"/": 9, "~1": 10})", R"([{"op": "test", "path": "/~01", "value": "10"}])"),
            "conflict: operation 0: test of '/~01' failed: there is 10");
  EXPECT_EQ(patched(R"({"foo": ["bar"]})",
                    R"([{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}])"),
            R"({"foo": ["bar", ["abc", "def"]]})");
}

TEST(Patch, SaysWhichOperationIsWrong) {
  const auto wrong = [](std::string_view operation) {
    return patched("{}", R"([{"op":"test","path":"","value":{}},)" + std::string(operation) + "]");
  };
  EXPECT_EQ(wrong("1"), "invalid_argument: operation 1: not an object");
  EXPECT_EQ(wrong(R"({"path":""})"), "invalid_argument: operation 1: 'op' is missing");
  EXPECT_EQ(wrong(R"({"op":"spam","path":""})"),
            R"(invalid_argument: operation 1: there is no operation "spam")");
  EXPECT_EQ(wrong(R"({"op":1,"path":""})"),
            "invalid_argument: operation 1: there is no operation 1");
  EXPECT_EQ(wrong(R"({"op":"add","value":1})"), "invalid_argument: operation 1: 'path' is missing");
  EXPECT_EQ(wrong(R"({"op":"add","path":null,"value":1})"),
            "invalid_argument: operation 1: 'path' is not a string");
  EXPECT_EQ(wrong(R"({"op":"add","path":"a","value":1})"),
            "invalid_argument: operation 1: 'path': a pointer is empty or begins with '/' (byte 0 "
            "of the pointer)");
  for (const std::string op : {"add", "replace", "test"}) {
    EXPECT_EQ(wrong(R"({"op":")" + op + R"(","path":"/a"})"),
              "invalid_argument: operation 1: 'value' is missing");
  }
  for (const std::string op : {"move", "copy"}) {
    EXPECT_EQ(wrong(R"({"op":")" + op + R"(","path":"/a"})"),
              "invalid_argument: operation 1: 'from' is missing");
  }
  EXPECT_EQ(wrong(R"({"op":"move","from":"/a","path":"/a/b"})"),
            "invalid_argument: operation 1: a value cannot be moved into itself");
  EXPECT_EQ(wrong(R"({"op":"remove","path":""})"),
            "invalid_argument: operation 1: the whole document cannot be removed");
  EXPECT_EQ(wrong(R"({"op":"replace","path":"/a","value":1})"),
            "not_found: operation 1: '/a': the document has no member 'a'");
  EXPECT_EQ(patched("[1]", R"([{"op":"add","path":"/2","value":1}])"),
            "not_found: operation 0: '/2': the document has only 1 element");
  EXPECT_EQ(patched("[1]", R"([{"op":"test","path":"/1","value":1}])"),
            "not_found: operation 0: '/1': the document has only 1 element");
  EXPECT_EQ(patched("[1]", "[1,]").substr(0, 12), "invalid_json");
}

TEST(Patch, QuotesOnlyTheStartOfWhatIsThere) {
  const std::string text = "[\"" + std::string(200, 'x') + "\"]";
  EXPECT_EQ(
      patched(text, R"([{"op":"test","path":"/0","value":1}])"),
      "conflict: operation 0: test of '/0' failed: there is \"" + std::string(59, 'x') + "...");
}

// Later operations see what earlier ones have done, also inside of what they inserted.
TEST(Patch, OperationsBuildOnEachOther) {
  EXPECT_EQ(patched(R"({"a":[1]})", R"([{"op":"add","path":"/b","value":{"c":[]}},
      {"op":"add","path":"/b/c/0","value":7},{"op":"copy","from":"/b","path":"/a/0"},
      {"op":"remove","path":"/b/c/0"},{"op":"move","from":"/a/1","path":"/b/d"},
      {"op":"test","path":"/a","value":[{"c":[7]}]}])"),
            R"({"a":[{"c":[7]}],"b":{"c":[],"d":1}})");
  EXPECT_EQ(patched(R"({"a":1,"b":2})", R"([{"op":"move","from":"/a","path":"/b"}])"),
            R"({"b":1})");
  EXPECT_EQ(patched(R"({"a":1})", R"([{"op":"move","from":"/a","path":"/a"}])"), R"({"a":1})");
  EXPECT_EQ(patched(R"({"a":1})", R"([{"op":"move","from":"/b","path":"/b"}])").substr(0, 9),
            "not_found");
  EXPECT_EQ(patched(R"({"a":1})", R"([{"op":"copy","from":"","path":"/b"}])"),
            R"({"a":1,"b":{"a":1}})");
  EXPECT_EQ(
      patched("[1,[2]]", R"([{"op":"remove","path":"/1/0"},{"op":"add","path":"/1/-","value":3}])"),
      "[1,[3]]");
  EXPECT_EQ(patched("[ ]", "[]"), "[ ]");
  EXPECT_EQ(patched("[[ ],1]",
                    R"([{"op":"add","path":"/1","value":0},{"op":"test","path":"/0","value":[]}])"),
            "[[ ],0,1]");
}

TEST(Patch, MovesLinesWithTheirNewIndentation) {
  EXPECT_EQ(patched("{\n  \"a\": {\n    \"b\": {\n      \"c\": [1, 2]\n    }\n  }\n}",
                    R"([{"op":"move","from":"/a/b","path":"/d"}])"),
            "{\n  \"a\": {},\n  \"d\": {\n    \"c\": [\n      1,\n      2\n    ]\n  }\n}");
  // A value on one line stays as it is.
  EXPECT_EQ(patched("{\n  \"a\": {\n    \"b\": [1,  2]\n  }\n}",
                    R"([{"op":"copy","from":"/a/b","path":"/d"}])"),
            "{\n  \"a\": {\n    \"b\": [1,  2]\n  },\n  \"d\": [1,  2]\n}");
}

// After several searches members are found by an index: it must know what was removed, added again
// and there twice. Kills an index that is not kept up to date.
TEST(Patch, FindsMembersByAnIndexAsWell) {
  std::string text = "{";
  for (int i = 0; i < 3000; ++i)
    text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  text += R"("twice":1,"\u0074wice":2,"es\u0063":3})";
  std::string patch = "[";
  for (int i = 0; i < 10; ++i)
    patch += R"({"op":"remove","path":"/k)" + std::to_string(i * 299) + "\"},";
  const std::string tail = text.substr(text.find("\"k2999\""));
  EXPECT_EQ(patched(text, patch + R"({"op":"test","path":"/k0","value":0}])"),
            "not_found: operation 10: '/k0': the document has no member 'k0'");
  EXPECT_EQ(
      patched(text, patch + R"({"op":"test","path":"/twice","value":0}])"),
      "invalid_argument: operation 10: '/twice': the document has more than one member 'twice'");
  const std::string edited = patched(text, patch + R"({"op":"add","path":"/k0","value":"new"},
      {"op":"test","path":"/k0","value":"new"},{"op":"test","path":"/esc","value":3},
      {"op":"remove","path":"/esc"},{"op":"add","path":"/esc","value":4}])");
  EXPECT_EQ(edited.substr(0, 16), R"({"k1":1,"k2":2,")");
  EXPECT_EQ(edited.substr(edited.find("\"k2999\"")),
            tail.substr(0, tail.find(",\"es")) + R"(,"k0":"new","esc":4})");
}

// Each copy doubles the text: without a limit for what is in between, memory would run out.
TEST(Patch, CopiesOfCopiesEnd) {
  std::string patch = "[";
  for (int i = 0; i < 100; ++i)
    patch += R"({"op":"copy","from":"","path":"/a)" + std::to_string(i) + "\"},";
  patch += R"({"op":"replace","path":"","value":1}])";
  EXPECT_EQ(patched(R"({"x":1})", patch, {.size_limit = 1'000'000}),
            "too_large: operation 16: the text would have more than 1000000 bytes");
}

bool equal(std::string_view a, std::string_view b) {
  const Result<bool> result = equal_values(a, b);
  EXPECT_TRUE(result.ok()) << result.status().to_text();
  EXPECT_EQ(*equal_values(b, a), *result);
  return *result;
}

TEST(Equal, ComparesNumbersByTheirValue) {
  for (const std::string_view one :
       {"1", "1.0", "10e-1", "0.1E+1", "1e0", "1.000e-0", "100e-02", "0.001e3"}) {
    EXPECT_TRUE(equal(one, "1")) << one;
    EXPECT_FALSE(equal("-" + std::string(one), "1")) << one;
  }
  for (const std::string_view zero : {"0", "-0", "0.0", "0e99999999999999999999999", "-0.00E-7"}) {
    EXPECT_TRUE(equal(zero, "0")) << zero;
    EXPECT_FALSE(equal(zero, "1")) << zero;
  }
  // A double cannot tell these apart.
  EXPECT_FALSE(equal("9007199254740993", "9007199254740992"));
  EXPECT_FALSE(equal("0.1", "0.1000000000000000055"));
  EXPECT_FALSE(equal("1e400", "1e401"));
  EXPECT_FALSE(equal("1e-400", "0"));
  // Exponents that no integer type holds.
  EXPECT_TRUE(equal("10e99999999999999999999", "1e100000000000000000000"));
  EXPECT_FALSE(equal("1e99999999999999999999", "1e100000000000000000000"));
  EXPECT_TRUE(equal("0.1e-99999999999999999999", "1e-100000000000000000000"));
  EXPECT_FALSE(equal("1e-99999999999999999999", "1e99999999999999999999"));
  EXPECT_TRUE(equal("1e0000000000000000000000007", "10000000"));
  EXPECT_FALSE(equal("12", "1"));
  EXPECT_FALSE(equal("1", "\"1\""));
}

TEST(Equal, ComparesTheRestByItsMeaning) {
  EXPECT_TRUE(equal(R"("A\/\ud83d\ude00")", R"("\u0041/😀")"));
  EXPECT_FALSE(equal(R"("\ud800")", R"("\ud801")"));
  EXPECT_TRUE(equal(R"({"a":1,"b":[{"c":2}]})", R"( {"b" : [ {"\u0063" : 2.0} ] , "a":1} )"));
  EXPECT_FALSE(equal(R"({"a":1})", R"({"a":1,"b":1})"));
  EXPECT_FALSE(equal(R"({"a":1})", R"({"b":1})"));
  EXPECT_FALSE(equal("[1,2]", "[2,1]"));
  EXPECT_FALSE(equal("[1,2]", "[1]"));
  EXPECT_FALSE(equal("[[1],2]", "[[1,2]]"));
  EXPECT_FALSE(equal("null", "false"));
  EXPECT_FALSE(equal("[]", "{}"));
  EXPECT_EQ(equal_values(R"({"a":1,"a":1})", R"({"a":1,"a":1})").status().to_text(),
            "invalid_argument: an object to compare has more than one member 'a'");
  EXPECT_EQ(equal_values(R"({"a":1})", R"({"\u0061":1,"a":1})").code(),
            ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace safechunk::json
