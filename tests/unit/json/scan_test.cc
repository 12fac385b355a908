#include "json/scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "unit/json/cases.h"

namespace safechunk::json {
namespace {

using namespace std::string_view_literals;

constexpr ScanOptions kLenient{.lenient = true};
constexpr std::uint32_t kMillion = 1'000'000;

std::string repeat(std::string_view piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

void expect_fault(const Status& status, ErrorCode code, std::size_t offset) {
  EXPECT_EQ(status.code(), code) << status.to_text();
  ASSERT_TRUE(status.error().position.has_value());
  EXPECT_EQ(status.error().position->offset, offset) << status.to_text();
}

// For tests of `compact` that expect success.
std::string compacted(std::string_view text, const ScanOptions& options = {}) {
  std::string out;
  const Status status = compact(text, options, out);
  EXPECT_TRUE(status.ok()) << text << ": " << status.to_text();
  return out;
}

TEST(Validate, AcceptsWhatTheGrammarAllows) {
  for (const std::string_view text : accepted_texts()) {
    EXPECT_TRUE(validate(text, {}).ok()) << text << ": " << validate(text, {}).to_text();
    EXPECT_TRUE(validate(text, kLenient).ok()) << text;
  }
}

TEST(Validate, RejectsAtTheFirstWrongByte) {
  for (const Rejected& c : rejected_texts()) {
    SCOPED_TRACE(c.text);
    expect_fault(validate(c.text, {}), ErrorCode::invalid_json, c.offset);
  }
}

// Tokens, escapes and UTF-8 sequences may straddle the blocks that the scanner reads.
TEST(Validate, DoesNotDependOnWhereTheTextStarts) {
  for (std::size_t shift = 1; shift < 140; ++shift) {
    const std::string space(shift, ' ');
    const std::string string = "[\"" + std::string(shift, 'x') + "\",";
    for (const std::string_view text : accepted_texts()) {
      EXPECT_TRUE(validate(space + std::string(text), {}).ok()) << shift << " before " << text;
      EXPECT_TRUE(validate(string + std::string(text) + "]", {}).ok()) << shift << " " << text;
    }
    for (const Rejected& c : rejected_texts()) {
      SCOPED_TRACE(std::to_string(shift) + " spaces before " + std::string(c.text));
      const Status status = validate(space + std::string(c.text), {});
      expect_fault(status, ErrorCode::invalid_json, c.offset + shift);
    }
  }
}

TEST(Validate, LenientAddsWhatThePythonEngineWrote) {
  for (const std::string_view text : lenient_texts()) {
    EXPECT_TRUE(validate(text, kLenient).ok()) << validate(text, kLenient).to_text();
    EXPECT_EQ(validate(text, {}).code(), ErrorCode::invalid_json) << text;
  }
}

TEST(Validate, LenientAddsNothingElse) {
  constexpr Rejected kCases[] = {
      {"nan", 1},
      {"Nan", 2},
      {"NaN1", 3},
      {"NaNs", 3},
      {"-NaN", 1},
      {"+Infinity", 0},
      {"Inf", 3},
      {"-Inf", 4},
      {"Infinity1", 8},
      {"- Infinity", 1},
      {"--Infinity", 1},
      {"infinity", 0},
      {"[NaN", 4},
      {"{NaN:1}", 1},
      {"{Infinity:1}", 1},
      {"N", 1},
      {"\xEF\xBB\xBF", 3},
      {"\xEF\xBB\xBF\xEF\xBB\xBF"
       "1",
       3},
      {" \xEF\xBB\xBF"
       "1",
       1},
      {"\xEF\xBB"
       "1",
       0},
      {"[1,]", 3},
      {"1.", 2},
      {"\xEF\xBB\xBF[1,]", 6},
  };
  for (const Rejected& c : kCases) {
    SCOPED_TRACE(c.text);
    expect_fault(validate(c.text, kLenient), ErrorCode::invalid_json, c.offset);
  }
}

// A text that is cut anywhere ends too early; only a number that stands alone does not show it.
TEST(Validate, ReportsTheEndOfEveryTruncatedText) {
  const std::string text =
      "{\"name\": \"Alice \\\"A\\\" \\u00e9 \\ud83d\\ude00\", \"list\": [1, -2.5e+10, true, false, "
      "null, {}, [], {\"deep\": [[{\"er\": \"" +
      std::string(100, 'x') + "\"}]]}], \"z\": 0.0}";
  ASSERT_TRUE(validate(text, {}).ok());
  for (std::size_t size = 0; size < text.size(); ++size) {
    SCOPED_TRACE(size);
    const Status status = validate(std::string_view(text).substr(0, size), {});
    expect_fault(status, ErrorCode::invalid_json, size);
    EXPECT_NE(status.error().message.find("found the end of the text"), std::string::npos);
  }
}

TEST(Validate, CountsLinesAndColumnsInBytes) {
  const auto position = [](std::string_view text) { return *validate(text, {}).error().position; };
  EXPECT_EQ(position("[1,]").line, 1U);
  EXPECT_EQ(position("[1,]").column, 4U);
  EXPECT_EQ(position("[\n  1,\n  x\n]").line, 3U);
  EXPECT_EQ(position("[\n  1,\n  x\n]").column, 3U);
  EXPECT_EQ(position("[\r\n  1,\r\n  x\r\n]").column, 3U);
  EXPECT_EQ(position("[\n").line, 2U);
  EXPECT_EQ(position("[\n").column, 1U);
  EXPECT_EQ(position("[\"\xC3\xA9\", x]").column, 8U);
  EXPECT_EQ(position("\"a\nb\"").line, 1U);  // the line break itself is what is wrong
  EXPECT_EQ(position("\"a\nb\"").column, 3U);
  EXPECT_EQ(position("").line, 1U);
  EXPECT_EQ(position("").column, 1U);
}

TEST(Validate, SaysWhatItExpectedAndFound) {
  const auto message = [](std::string_view text) { return validate(text, {}).error().message; };
  EXPECT_EQ(message(""), "expected a value, found the end of the text");
  EXPECT_EQ(message("[1,]"), "expected a value, found ']'");
  EXPECT_EQ(message("{1:2}"), "expected a member name in double quotes, found '1'");
  EXPECT_EQ(message("{\"a\" 1}"), "expected ':' after the member name, found '1'");
  EXPECT_EQ(message("{\"a\":1]"), "expected ',' or '}' after the member, found ']'");
  EXPECT_EQ(message("[1 2]"), "expected ',' or ']' after the element, found '2'");
  EXPECT_EQ(message("[1]\x07"),
            "expected the end of the text after the value, found the byte 0x07");
  EXPECT_EQ(message("[tru]"), "expected true, found ']'");
  EXPECT_EQ(message("-"), "expected a digit, found the end of the text");
  EXPECT_EQ(message("01"), "expected no digit after a leading zero, found '1'");
  EXPECT_EQ(message("NaN"), "expected a value (NaN and Infinity are none in JSON), found 'N'");
  EXPECT_EQ(message("\"a"),
            "expected the double quote that ends the string, found the end of the text");
  EXPECT_EQ(message("[\"a"),
            "expected the double quote that ends the string, found the end of the text");
  EXPECT_EQ(message("\"\\u00"),
            "expected four hexadecimal digits after \\u, found the end of the text");
  EXPECT_EQ(message("\"\t\""),
            "expected control characters to be written as escapes, found the byte 0x09");
  EXPECT_EQ(message("\"\\x\""),
            "expected one of \" \\ / b f n r t u after the backslash, found 'x'");
  EXPECT_EQ(message("\"\\u00g0\""), "expected four hexadecimal digits after \\u, found 'g'");
  EXPECT_EQ(message("\"\xC3\""), "expected valid UTF-8, found the byte 0xC3");
  EXPECT_EQ(message("\xEF\xBB\xBF"
                    "1"),
            "expected a value, found a byte-order mark");
  EXPECT_EQ(validate("[[1]]", {.depth_limit = 1}).error().message,
            "more than 1 objects and arrays are nested");
}

TEST(Validate, LooksAtNothingOutsideOfTheText) {
  const std::string around = "[1,2,3]]]]\"";
  for (std::size_t size = 0; size < 7; ++size) {
    expect_fault(validate({around.data(), size}, {}), ErrorCode::invalid_json, size);
  }
  EXPECT_TRUE(validate({around.data(), 7}, {}).ok());
  expect_fault(validate(std::string_view(), {}), ErrorCode::invalid_json, 0);
  expect_fault(validate(std::string_view(), kLenient), ErrorCode::invalid_json, 0);
}

TEST(Validate, LimitsTheDepth) {
  EXPECT_TRUE(validate("1", {.depth_limit = 0}).ok());
  expect_fault(validate("[]", {.depth_limit = 0}), ErrorCode::too_deep, 0);
  EXPECT_TRUE(validate("[{}]", {.depth_limit = 2}).ok());
  expect_fault(validate("[{\"a\":[]}]", {.depth_limit = 2}), ErrorCode::too_deep, 6);
  EXPECT_TRUE(validate("[[],[],[[]]]", {.depth_limit = 3}).ok());
  for (const std::uint32_t depth : {63U, 64U, 65U, 127U, 128U, 129U, 1024U}) {
    const std::string text = repeat("[", depth) + repeat("]", depth);
    EXPECT_TRUE(validate(text, {}).ok()) << depth;
    expect_fault(validate(text, {.depth_limit = depth - 1}), ErrorCode::too_deep, depth - 1);
  }
}

TEST(Validate, SurvivesAMillionBrackets) {
  const std::string open = repeat("[", kMillion);
  expect_fault(validate(open, {}), ErrorCode::too_deep, 1024);
  expect_fault(validate(open, {.depth_limit = kMillion}), ErrorCode::invalid_json, kMillion);
  expect_fault(validate(open + "[", {.depth_limit = kMillion}), ErrorCode::too_deep, kMillion);
  EXPECT_TRUE(validate(open + repeat("]", kMillion), {.depth_limit = kMillion}).ok());
  expect_fault(validate(repeat("]", kMillion), {}), ErrorCode::invalid_json, 0);

  const std::string objects = repeat("{\"a\":", kMillion);
  expect_fault(validate(objects, {}), ErrorCode::too_deep, std::size_t{5} * 1024);
  EXPECT_TRUE(validate(objects + "0" + repeat("}", kMillion), {.depth_limit = kMillion}).ok());
}

// The kinds of brackets have to match at every level, also where their record changes words.
TEST(Validate, RemembersTheKindOfEveryOpenBracket) {
  std::string open;
  std::string close;
  for (std::size_t level = 0; level < 300; ++level) {
    const bool object = level % 3 == 0 || level % 7 == 0;
    open += object ? "{\"a\":" : "[";
    close.insert(close.begin(), object ? '}' : ']');
  }
  ASSERT_TRUE(validate(open + "0" + close, {}).ok());
  for (std::size_t i = 0; i < close.size(); ++i) {
    std::string wrong = close;
    wrong[i] = wrong[i] == ']' ? '}' : ']';
    expect_fault(validate(open + "0" + wrong, {}), ErrorCode::invalid_json, open.size() + 1 + i);
  }
}

TEST(Compact, RemovesWhiteSpaceBetweenTokensOnly) {
  EXPECT_EQ(compacted(" { \"a b\" :\t[ 1 ,\r\n 2 ] , \" c \" : \" \\n \" }\n"),
            "{\"a b\":[1,2],\" c \":\" \\n \"}");
  EXPECT_EQ(compacted("\n1\n"), "1");
  EXPECT_EQ(compacted("[1,2]"), "[1,2]");
  EXPECT_EQ(compacted("[1,2]\n"), "[1,2]");
  for (const std::string_view text : accepted_texts()) {
    const std::string once = compacted(text);
    EXPECT_EQ(compacted(once), once);
    EXPECT_LE(once.size(), text.size());
  }
}

// Runs of white space of every length at every place within the blocks.
TEST(Compact, ClosesGapsOfAnyLength) {
  for (std::size_t gap = 0; gap < 140; ++gap) {
    const std::string space(gap, ' ');
    for (std::size_t size = 0; size < 70; ++size) {
      const std::string string = "\"" + std::string(size, 'x') + "\"";
      const std::string text = space + "[" + space + string + space + "," + string + "]" + space;
      ASSERT_EQ(compacted(text), "[" + string + "," + string + "]") << gap << " " << size;
    }
  }
}

TEST(Compact, KeepsTheTextOfEveryToken) {
  const std::string_view text =
      "{\"b\":1.10,\"a\":1e400,\"b\":123456789012345678901234567890,\"\\u0061\":\"\\ud800\\/\","
      "\"z\":[-0,0.0,1E+2,100e-2],\"\":{}}";
  EXPECT_EQ(compacted(text), text);
}

TEST(Compact, AppendsAndLeavesWhatWasThere) {
  std::string out = "before ";
  ASSERT_TRUE(compact("[ 1 ]", {}, out).ok());
  EXPECT_EQ(out, "before [1]");
  ASSERT_TRUE(compact(" 2", {}, out).ok());
  EXPECT_EQ(out, "before [1]2");
}

TEST(Compact, LeavesOutAsItWasOnErrors) {
  for (const Rejected& c : rejected_texts()) {
    std::string out = "before";
    expect_fault(compact(c.text, {}, out), ErrorCode::invalid_json, c.offset);
    EXPECT_EQ(out, "before");
  }
  std::string out = "before";
  expect_fault(compact("[ [ 1 ] ]", {.depth_limit = 1}, out), ErrorCode::too_deep, 2);
  expect_fault(compact("[ 1, 2, \"\xFF\" ]", {}, out), ErrorCode::invalid_json, 9);
  EXPECT_EQ(out, "before");
}

TEST(Compact, DropsTheByteOrderMarkAndKeepsNonFiniteNumbers) {
  EXPECT_EQ(compacted("\xEF\xBB\xBF [ NaN, -Infinity, Infinity ]", kLenient),
            "[NaN,-Infinity,Infinity]");
}

}  // namespace
}  // namespace safechunk::json
