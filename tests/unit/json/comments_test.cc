// JSONC: which texts are read, and where comments go when a part is edited.

#include "json/comments.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "json/characters.h"
#include "json/edit.h"
#include "json/pointer.h"

namespace safechunk::json {
namespace {

using Kind = Edit::Kind;

constexpr EditOptions kJsonc{.indent = 2, .dialect = Dialect::jsonc};

std::string result(std::string_view text, const Edit& edit) {
  const Result<std::string> edited = apply(text, edit, kJsonc);
  return edited ? *edited : edited.status().to_text();
}
std::string set(std::string_view text, std::string_view pointer, std::string_view value) {
  return result(text, {Kind::set, std::string(pointer), std::string(value)});
}
std::string removed(std::string_view text, std::string_view pointer) {
  return result(text, {Kind::remove, std::string(pointer), {}});
}
std::string merged(std::string_view text, std::string_view patch) {
  return result(text, {Kind::merge, {}, std::string(patch)});
}
std::string patched(std::string_view text, std::string_view patch) {
  return result(text, {Kind::patch, {}, std::string(patch)});
}
std::string read(std::string_view text) {
  const Result<std::string> masked = read_jsonc(text, {.depth_limit = 1024, .lenient = true});
  return masked ? *masked : masked.status().to_text();
}

// Fails when the mask takes a byte of a string, keeps one of a comment, or moves anything.
TEST(Jsonc, HasBlanksInThePlaceOfCommentsAndLastCommas) {
  EXPECT_EQ(read("1 // x"), "1     ");
  EXPECT_EQ(read("/**/1/* x */"), "    1       ");
  EXPECT_EQ(read("[1,]"), "[1 ]");
  EXPECT_EQ(read("[[1,],[{},],]"), "[[1 ],[{} ] ]");
  EXPECT_EQ(read("{\"a\":1 , // ,]\n}"), "{\"a\":1        \n}");
  EXPECT_EQ(read("{\"a\"/*:*/:/*,*/1/*}*/,}"), "{\"a\"     :     1      }");
  EXPECT_EQ(read("{// only this\r\n}"), "{            \r\n}");
  EXPECT_EQ(read("[1,// ended by a carriage return\r2]"), "[1,                             \r2]");
  EXPECT_EQ(read("\xEF\xBB\xBF// x\n{}"), "\xEF\xBB\xBF    \n{}");
  // No comments: in strings, behind escapes.
  EXPECT_EQ(read(R"(["//", "/*", "*/", "\"//\\", ",]"])"), R"(["//", "/*", "*/", "\"//\\", ",]"])");
  // A comment that seems to begin or to end twice.
  EXPECT_EQ(read("[1/*/*/,2/***/]"), "[1     ,2     ]");
  EXPECT_EQ(read("1// /*\n"), "1     \n");
}

// Fails when one of these is read as something, or its place is that in another text.
TEST(Jsonc, RefusesWhatIsNeither) {
  EXPECT_EQ(
      read("{\n  /* x"),
      "invalid_json: expected '*/' behind the comment that begins here, line 2, column 3 (byte 4)");
  EXPECT_EQ(
      read("/*/"),
      "invalid_json: expected '*/' behind the comment that begins here, line 1, column 1 (byte 0)");
  EXPECT_EQ(read("[1] /"),
            "invalid_json: expected the end of the text after the value, found '/', line 1, column "
            "5 (byte 4)");
  EXPECT_EQ(read("[1, /\n2]"),
            "invalid_json: expected a value, found '/', line 1, column 5 (byte 4)");
  EXPECT_NE(read("[,]").find("invalid_json"), std::string::npos);
  EXPECT_NE(read("{,}").find("invalid_json"), std::string::npos);
  EXPECT_NE(read("[1,,]").find("invalid_json"), std::string::npos);
  EXPECT_NE(read("{\"a\":,}").find("invalid_json"), std::string::npos);
  EXPECT_NE(read("{\"a\",}").find("invalid_json"), std::string::npos);
  EXPECT_NE(read("1,").find("invalid_json"), std::string::npos);
  EXPECT_NE(read("// nothing").find("invalid_json"), std::string::npos);
  EXPECT_NE(read("tr/**/ue").find("invalid_json"), std::string::npos);
  EXPECT_NE(read("1/**/2").find("invalid_json"), std::string::npos);
  EXPECT_NE(read("['a']").find("invalid_json"), std::string::npos);
  // The line is that of the text, and not that of a text without its comments.
  EXPECT_NE(read("/* a\n b\n */ [1 2]").find("line 3, column 8 (byte 15)"), std::string::npos)
      << read("/* a\n b\n */ [1 2]");
  EXPECT_EQ(read("1 // \xFF"),
            "invalid_json: the comment is not valid UTF-8, line 1, column 6 (byte 5)");
}

// Fails when anything but the value changes.
TEST(Jsonc, SetsAValueAndKeepsEveryComment) {
  EXPECT_EQ(set("{\n  // a\n  \"a\" /*b*/ : /*c*/ 1 /*d*/, // e\n}\n", "/a", "[2]"),
            "{\n  // a\n  \"a\" /*b*/ : /*c*/ [\n    2\n  ] /*d*/, // e\n}\n");
  EXPECT_EQ(set("[1, // one\r\n 2, // two\r\n]", "/1", "3"), "[1, // one\r\n 3, // two\r\n]");
  EXPECT_EQ(set("// a\n{} // b\n", "", "1"), "// a\n1 // b\n");
  EXPECT_EQ(set("{\"//\": 1}", "/~1~1", "2"), "{\"//\": 2}");
}

// Fails when a comment moves away from its member, swallows a new one, or a comma is missing.
TEST(Jsonc, AddsBehindTheCommentsOfTheLastMember) {
  EXPECT_EQ(set("{\n  \"a\": 1 // why\n}\n", "/b", "2"), "{\n  \"a\": 1, // why\n  \"b\": 2\n}\n");
  EXPECT_EQ(set("{\n  \"a\": 1, // why\n}\n", "/b", "2"),
            "{\n  \"a\": 1, // why\n  \"b\": 2,\n}\n");
  EXPECT_EQ(set("{\n  \"a\": 1,\n}\n", "/b", "2"), "{\n  \"a\": 1,\n  \"b\": 2,\n}\n");
  EXPECT_EQ(set("{\"a\": 1,}", "/b", "2"), "{\"a\": 1, \"b\": 2,}");
  EXPECT_EQ(set("{\"a\": 1 /* why */}", "/b", "2"), "{\"a\": 1 /* why */, \"b\": 2}");
  EXPECT_EQ(set("{\"a\": 1 // why\n}", "/b", "2"), "{\"a\": 1, // why\n  \"b\": 2\n}");
  EXPECT_EQ(set("{\n  \"a\": 1 // why\n  // \"c\": 3\n}", "/b", "2"),
            "{\n  \"a\": 1, // why\n  \"b\": 2\n  // \"c\": 3\n}");
  EXPECT_EQ(set("{\n  \"a\": 1 // why\n  ,\n}", "/b", "2"),
            "{\n  \"a\": 1 // why\n  ,\n  \"b\": 2,\n}");
  EXPECT_EQ(set("{\r\n\t/* a */ \"a\": 1 // why\r\n}", "/b", "{\"c\": 1}"),
            "{\r\n\t/* a */ \"a\": 1, // why\r\n\t\"b\": {\r\n\t\t\"c\": 1\r\n\t}\r\n}");
  EXPECT_EQ(set("[\n  1, // one\n  2 // two\n]", "/-", "3"), "[\n  1, // one\n  2, // two\n  3\n]");
  EXPECT_EQ(set("{\n  \"a\": {\n    \"b\": 1 // b\n  } // a\n}", "/a/c/d", "2"),
            "{\n  \"a\": {\n    \"b\": 1, // b\n    \"c\": {\n      \"d\": 2\n    }\n  } // a\n}");
}

TEST(Jsonc, AddsToWhatIsEmptyButForComments) {
  EXPECT_EQ(set("{ // nothing yet\n}", "/a", "1"), "{ // nothing yet\n  \"a\": 1\n}");
  EXPECT_EQ(set("{\n  // \"a\": 0\n}\n", "/a", "1"), "{\n  // \"a\": 0\n  \"a\": 1\n}\n");
  EXPECT_EQ(set("{\"a\":[/* none */]}", "/a/-", "1"), "{\"a\":[/* none */ 1]}");
  EXPECT_EQ(set("{ // none\r\n}", "/a", "1"), "{ // none\r\n  \"a\": 1\r\n}");
  EXPECT_EQ(set("{}", "/a", "1"), "{\n  \"a\": 1\n}");
}

TEST(Jsonc, InsertsBetweenComments) {
  EXPECT_EQ(patched("[\n  1, // one\n  // about two\n  2 // two\n]",
                    R"([{"op":"add","path":"/1","value":9}])"),
            "[\n  1, // one\n  9,\n  // about two\n  2 // two\n]");
  EXPECT_EQ(patched("[ // all\n  // about one\n  1\n]", R"([{"op":"add","path":"/0","value":9}])"),
            "[ // all\n  9,\n  // about one\n  1\n]");
  EXPECT_EQ(patched("[/*one*/ 1]", R"([{"op":"add","path":"/0","value":9}])"), "[9,/*one*/ 1]");
  EXPECT_EQ(patched("[1, /*two*/ 2]", R"([{"op":"add","path":"/1","value":9}])"),
            "[1, 9, /*two*/ 2]");
}

// Fails when a comment of a neighbour goes, or one that stays swallows the next line.
TEST(Jsonc, RemovesWithTheCommentsOfItsLines) {
  const std::string three =
      "{\n  // about a\n  \"a\": 1, // a\n  // about b\n  \"b\": 2, // b\n  // about c\n  \"c\": 3 "
      "// c\n}";
  EXPECT_EQ(removed(three, "/b"),
            "{\n  // about a\n  \"a\": 1, // a\n  // about b\n  // about c\n  \"c\": 3 // c\n}");
  EXPECT_EQ(removed(three, "/a"),
            "{\n  // about a\n  // about b\n  \"b\": 2, // b\n  // about c\n  \"c\": 3 // c\n}");
  EXPECT_EQ(removed(three, "/c"),
            "{\n  // about a\n  \"a\": 1, // a\n  // about b\n  \"b\": 2 // b\n  // about c\n}");
  EXPECT_EQ(removed("{\n  \"a\": 1, // a\n  \"b\": 2, // b\n}", "/b"), "{\n  \"a\": 1, // a\n}");
  EXPECT_EQ(removed("{\n  \"a\": 1,\n  \"b\": 2,\n}", "/b"), "{\n  \"a\": 1,\n}");
  EXPECT_EQ(removed("{\n  \"a\": 1, // a\n  \"b\": 2}", "/b"), "{\n  \"a\": 1 // a\n  }");
  EXPECT_EQ(removed("{\n  /* the */ \"a\": 1 /* one */, // a\n  \"b\": 2\n}", "/a"),
            "{\n  \"b\": 2\n}");
  // On a line with others.
  EXPECT_EQ(removed("[1 /*one*/, /*two*/ 2, 3] // all", "/0"), "[/*two*/ 2, 3] // all");
  EXPECT_EQ(removed("{\n  \"a\": 1, \"b\": 2, // both\n  \"c\": 3\n}", "/b"),
            "{\n  \"a\": 1, // both\n  \"c\": 3\n}");
  EXPECT_EQ(removed("[1, 2, /* and */]", "/1"), "[1, ]");
  EXPECT_EQ(removed("{\"a\": 1 /* x */, \"b\": 2}", "/b"), "{\"a\": 1 /* x */ }");
  EXPECT_EQ(removed("[\n  1 // x\n  ,\n  2\n]", "/1"), "[\n  1 // x\n  \n]");
  // The only one.
  EXPECT_EQ(removed("{ // all\n  \"a\": 1 // a\n}", "/a"), "{ // all\n}");
  EXPECT_EQ(removed("{\n  \"a\": 1, // a\n}", "/a"), "{}");
}

// Fails when what one operation left behind is not what the next one finds.
TEST(Jsonc, SeveralChangesInOneEdit) {
  EXPECT_EQ(merged("{\n  \"a\": 1, // a\n  \"b\": {\"c\": 2 /* c */}, // b\n}\n",
                   R"({"a": null, "b": {"d": 3}, "e": 4, "f": 5})"),
            "{\n  \"b\": {\"c\": 2 /* c */, \"d\": 3}, // b\n  \"e\": 4,\n  \"f\": 5,\n}\n");
  EXPECT_EQ(patched("[\n  1, // one\n  2, // two\n]\n",
                    R"([{"op":"remove","path":"/1"},{"op":"remove","path":"/0"},
                        {"op":"add","path":"/-","value":3},{"op":"add","path":"/-","value":4}])"),
            "[\n  3,\n  4\n]\n");
  EXPECT_EQ(patched("{\n  \"a\": [1 /* x */], // a\n}", R"([{"op":"test","path":"/a","value":[1]},
                        {"op":"move","from":"/a","path":"/b"}])"),
            "{\n  \"b\": [1 /* x */]\n}");
}

TEST(Jsonc, AnEditIsJsonItself) {
  EXPECT_NE(set("{}", "/a", "1 // x").find("invalid_json"), std::string::npos);
  EXPECT_NE(merged("{}", "{\"a\": 1,}").find("invalid_json"), std::string::npos);
}

// --- any text

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t count) { return random_() % count; }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }

  std::string gap() {
    static const std::vector<std::string> kParts = {"",       "",          "",
                                                    " ",      "\n  ",      "\r\n\t",
                                                    "/*x*/",  " // x\n",   "/* x\n y */ ",
                                                    "//\r\n", "  /*,*/  ", "// ]\"\n    "};
    std::string text = kParts[below(kParts.size())];
    return chance(3) ? text + kParts[below(kParts.size())] : text;
  }
  std::string value(int depth) {
    static const std::vector<std::string> kScalars = {"1",      "-0.5e3",        "null",
                                                      "\"//\"", "\"a,]\\\"/*\"", "true"};
    if (depth == 0 || chance(3)) return kScalars[below(kScalars.size())];
    const bool object = chance(2);
    std::string text = object ? "{" : "[";
    const std::size_t count = below(4);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) text += ',';
      text += gap();
      if (object)
        text += "\"" + std::string(1, static_cast<char>('a' + i)) + "\"" + gap() + ":" + gap();
      text += value(depth - 1) + gap();
    }
    if (count > 0 && chance(3)) text += ",";
    return text + gap() + (object ? "}" : "]");
  }
  std::string pointer() {
    static const std::vector<std::string> kTokens = {"/a", "/b", "/c", "/d",
                                                     "/0", "/1", "/2", "/-"};
    std::string text = kTokens[below(kTokens.size())];
    while (chance(2)) text += kTokens[below(kTokens.size())];
    return text;
  }
  Edit edit() {
    switch (below(4)) {
      case 0:
        return {Kind::remove, pointer(), {}};
      case 1:
        return {Kind::merge, {}, R"({"a":null,"b":{"a":null,"z":[1]},"c":2,"y":null})"};
      case 2:
        return {Kind::patch,
                {},
                R"([{"op":"add","path":")" + pointer() +
                    R"(","value":[7]},{"op":"remove","path":")" + pointer() +
                    R"("},{"op":"add","path":")" + pointer() + R"(","value":8}])"};
      default:
        return {Kind::set, pointer(), chance(2) ? "9" : R"({"n":[1,{}]})"};
    }
  }

 private:
  std::minstd_rand random_;
};

// Whether `text` is what is left of `longer` when bytes are taken away; without white space, which
// an empty container may lose.
bool has_all_of(const std::string& longer, std::string text) {
  std::erase_if(text, [](char c) { return is_white_space(c); });
  std::string_view rest = text;
  for (const char c : longer) {
    if (!rest.empty() && rest.front() == c) rest.remove_prefix(1);
  }
  return rest.empty();
}

// Fails when an edit that is possible without the comments is not with them, gives another value,
// when setting a value that is there changes a byte outside of it, or when one that is added takes
// a byte away.
TEST(Jsonc, GivesTheValueThatTheEditGivesWithoutComments) {
  std::size_t done = 0;
  for (unsigned seed = 1; seed <= 30000; ++seed) {
    Generator generator(seed);
    const std::string text = generator.gap() + generator.value(3) + generator.gap();
    const Edit edit = generator.edit();
    const auto masked = read_jsonc(text, {});
    ASSERT_TRUE(masked.ok()) << "seed " << seed << ": " << masked.status().to_text() << "\n"
                             << text;
    const auto with = apply(text, edit, kJsonc);
    const auto without = apply(*masked, edit, {.indent = 2});
    ASSERT_EQ(with.code(), without.code())
        << "seed " << seed << ": " << with.status().to_text() << "\n"
        << text << "\n"
        << edit.pointer << edit.value;
    if (!with) continue;
    ++done;
    std::string left;
    std::string right;
    ASSERT_TRUE(compact(*mask_comments(*with), {}, left).ok()) << "seed " << seed << "\n" << *with;
    ASSERT_TRUE(compact(*without, {}, right).ok());
    ASSERT_EQ(left, right) << "seed " << seed << "\n" << text << "\n->\n" << *with;
    const auto pointer = Pointer::parse(edit.pointer);
    const auto old = value_at(*masked, *pointer);
    if (edit.kind != Kind::set) continue;
    if (!old) {
      ASSERT_TRUE(has_all_of(*with, text)) << "seed " << seed << "\n" << text << "\n->\n" << *with;
      continue;
    }
    const auto offset = static_cast<std::size_t>(old->data() - masked->data());
    ASSERT_EQ(with->substr(0, offset), text.substr(0, offset)) << "seed " << seed;
    const std::string behind = text.substr(offset + old->size());
    ASSERT_TRUE(with->ends_with(behind)) << "seed " << seed << "\n" << text << "\n->\n" << *with;
  }
  EXPECT_GT(done, 10000U);
}

}  // namespace
}  // namespace safechunk::json
