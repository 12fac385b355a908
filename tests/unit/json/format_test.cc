#include "json/format.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "json/scan.h"
#include "unit/json/cases.h"
#include "unit/json/corpus.h"
#include "unit/json/reference.h"

namespace safechunk::json {
namespace {

constexpr ScanOptions kLenient{.lenient = true};

std::string compacted(std::string_view text) {
  std::string out;
  const Status status = compact(text, kLenient, out);
  EXPECT_TRUE(status.ok()) << text << ": " << status.to_text();
  return out;
}

// Small trees with everything that JSON has, deep or wide.
nlohmann::ordered_json random_value(std::mt19937& random, int levels) {
  const auto text = [&] {
    static const std::string kPieces[] = {
        "a", "key",  " ", "\"", "\\", "\n",
        "é", "日本", "{", ":",  ",",  "a longer piece that takes more than 32 bytes"};
    std::string result;
    for (auto i = random() % 5; i > 0; --i) result += kPieces[random() % std::size(kPieces)];
    return result;
  };
  switch (levels > 0 ? random() % 8 : 2 + random() % 6) {
    case 0: {
      auto object = nlohmann::ordered_json::object();
      for (auto i = random() % 6; i > 0; --i) object[text()] = random_value(random, levels - 1);
      return object;
    }
    case 1: {
      auto array = nlohmann::ordered_json::array();
      for (auto i = random() % 6; i > 0; --i) array.push_back(random_value(random, levels - 1));
      return array;
    }
    case 2:
      return text();
    case 3:
      return static_cast<int>(random() % 2001) - 1000;
    case 4:
      return static_cast<double>(random()) / 1024 - 1e6;
    case 5:
      return random() % 2 == 0;
    case 6:
      return nullptr;
    default:
      return nlohmann::ordered_json::array();
  }
}

TEST(Format, LaysOutLikePythonsJsonDumps) {
  // Printed by json.dumps(..., indent=4) of Python 3.
  EXPECT_EQ(format(R"({"a":1,"b":[1,2,{"c":{}}],"d":[],"e":{"f":[[],[{}]]},"g":"x, y: {z}"})", 4),
            R"({
    "a": 1,
    "b": [
        1,
        2,
        {
            "c": {}
        }
    ],
    "d": [],
    "e": {
        "f": [
            [],
            [
                {}
            ]
        ]
    },
    "g": "x, y: {z}"
}
)");
  EXPECT_EQ(format("[1,[2]]", 2), "[\n  1,\n  [\n    2\n  ]\n]\n");
  EXPECT_EQ(format("[1,[2]]", 1), "[\n 1,\n [\n  2\n ]\n]\n");
}

TEST(Format, EndsWithOneLineBreak) {
  EXPECT_EQ(format("null", 4), "null\n");
  EXPECT_EQ(format(" \"a\" \n\n", 4), "\"a\"\n");
  EXPECT_EQ(format("{ }", 4), "{}\n");
  EXPECT_EQ(format("[\n]\n", 4), "[]\n");
  EXPECT_EQ(format("{ }", 0), "{}\n");
}

// Kills: a file that is larger than the limit for reading it.
TEST(Format, FitsIntoTheLimitWhenTheTextDoes) {
  for (const unsigned indent : {0U, 4U}) {
    EXPECT_EQ(format("[ 1, 2 ]", indent, 6), "[1,2]\n");
    EXPECT_EQ(format("[ 1, 2 ]", indent, 5), "[1,2]");
    EXPECT_EQ(format("[1,2]\n", indent, 5), "[1,2]");
  }
}

TEST(Format, WithoutIndentationIsCompact) {
  EXPECT_EQ(format("{ \"a\" : [ 1, 2 ] }\n", 0), "{\"a\":[1,2]}\n");
  EXPECT_EQ(format("{\"a\":[1,2]}", 0), "{\"a\":[1,2]}\n");
}

TEST(Format, TouchesNothingButWhiteSpace) {
  const std::string_view text =
      "{\"b\":1.10,\"a\":1e400,\"b\":123456789012345678901234567890,\"\\u0061\":\"\\ud800\\/\","
      "\"z\":[-0,0.0,1E+2,100e-2,NaN,-Infinity],\"  \":{}}";
  for (const unsigned indent : {0U, 1U, 4U, 200U}) {
    EXPECT_EQ(compacted(format(text, indent)), text);
  }
}

TEST(Format, DropsTheByteOrderMark) {
  EXPECT_EQ(format("\xEF\xBB\xBF[1]", 4), "[\n    1\n]\n");
  EXPECT_EQ(format("\xEF\xBB\xBF [ 1 ]", 0), "[1]\n");
  EXPECT_EQ(format("\"\xEF\xBB\xBF\"", 4), "\"\xEF\xBB\xBF\"\n");
}

TEST(Format, AgreesWithTheReference) {
  std::vector<std::string> texts = corpus_texts();
  for (const std::string_view text : accepted_texts()) texts.emplace_back(text);
  for (const std::string_view text : lenient_texts()) texts.emplace_back(text);
  for (const std::string& text : texts) {
    const Reference reference = reference_scan(text, 1024, true);
    ASSERT_EQ(reference.verdict, Reference::Verdict::json) << text;
    for (const unsigned indent : {0U, 1U, 2U, 4U, 8U, 33U}) {
      EXPECT_EQ(format(text, indent), reference_layout(reference.tokens, indent)) << text;
    }
  }
}

TEST(Format, AgreesWithNlohmannOnRandomValues) {
  constexpr unsigned kSeed = 7;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 3000; ++round) {
    const nlohmann::ordered_json value = random_value(random, 1 + round % 7);
    const std::string compact_text = value.dump();
    const std::string lines = format(compact_text, 4);
    ASSERT_EQ(lines, value.dump(4) + "\n");
    ASSERT_EQ(nlohmann::ordered_json::parse(lines), value);
    ASSERT_EQ(format(lines, 4), lines);
    ASSERT_EQ(format(lines, 0), compact_text + "\n");
    ASSERT_EQ(compacted(lines), compact_text);
  }
}

// Strings around the sizes at which the writer takes another way.
TEST(Format, WritesPiecesOfAnySize) {
  for (std::size_t size = 0; size < 600; ++size) {
    const std::string string = "\"" + std::string(size, 'x') + "\"";
    ASSERT_EQ(format("[" + string + "," + string + "]", 4),
              "[\n    " + string + ",\n    " + string + "\n]\n");
  }
  const std::string large = "\"" + std::string(1'000'000, 'x') + "\"";
  EXPECT_EQ(format("[1," + large + ",2]", 2), "[\n  1,\n  " + large + ",\n  2\n]\n");
}

TEST(Format, IndentsAnyDepth) {
  constexpr std::size_t kDepth = 3000;
  const std::string text = std::string(kDepth, '[') + "0" + std::string(kDepth, ']');
  std::string expected;
  for (std::size_t level = 0; level < kDepth; ++level) {
    expected += std::string(level, ' ') + "[\n";
  }
  expected += std::string(kDepth, ' ') + "0\n";
  for (std::size_t level = kDepth; level-- > 0;) expected += std::string(level, ' ') + "]\n";
  EXPECT_EQ(format(text, 1), expected);
  EXPECT_EQ(format(std::string(1'000'000, '[') + std::string(1'000'000, ']'), 0).size(),
            2'000'001U);
}

// The contract asks for JSON; on anything else the functions still stay within the text, which
// the sanitizers watch.
TEST(Format, EndsOnAnyText) {
  for (const Rejected& c : rejected_texts()) {
    const std::string text(c.text);
    EXPECT_EQ(format(text, 4).back(), '\n');
    EXPECT_EQ(format(text, 0).back(), '\n');
    EXPECT_LE(without_non_finite(text).size(), text.size() + 4);
  }
  EXPECT_EQ(format({}, 4), "\n");
  EXPECT_EQ(format({}, 0), "\n");
  EXPECT_EQ(without_non_finite({}), "");
}

TEST(WithoutNonFinite, ReplacesBareWordsOnly) {
  EXPECT_EQ(without_non_finite("NaN"), "null");
  EXPECT_EQ(without_non_finite("[NaN, Infinity,-Infinity ,1]\n"), "[null, null,null ,1]\n");
  EXPECT_EQ(without_non_finite(R"({"NaN": NaN, "x": "-Infinity \" NaN"})"),
            R"({"NaN": null, "x": "-Infinity \" NaN"})");
  EXPECT_EQ(without_non_finite("\xEF\xBB\xBF[-1, -Infinity]"), "[-1, null]");
}

TEST(WithoutNonFinite, LeavesJsonAsItIs) {
  for (const std::string_view text : accepted_texts()) EXPECT_EQ(without_non_finite(text), text);
  for (const std::string& text : corpus_texts()) EXPECT_EQ(without_non_finite(text), text);
}

TEST(WithoutNonFinite, MakesStrictJsonOfLenientTexts) {
  for (const std::string_view text : lenient_texts()) {
    EXPECT_TRUE(validate(without_non_finite(text), {}).ok()) << text;
  }
}

}  // namespace
}  // namespace safechunk::json
