// Damaged and rearranged documents, judged by this library, by the reference and by two parsers
// that others wrote.

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "json/format.h"
#include "json/scan.h"
#include "unit/json/cases.h"
#include "unit/json/corpus.h"
#include "unit/json/reference.h"

namespace safechunk::json {
namespace {

constexpr int kRounds = 240'000;
constexpr ScanOptions kLenient{.lenient = true};

// Deterministic; SAFECHUNK_TEST_SEED replays another run.
unsigned seed() {
  const char* const text = std::getenv("SAFECHUNK_TEST_SEED");
  const unsigned value =
      text == nullptr ? 1 : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
  std::cout << "seed " << value << '\n';
  return value;
}

// Whole documents, alone and in an array, so that faults also lie far from the start; and as many
// short texts.
std::vector<std::string> seeds() {
  std::vector<std::string> texts;
  for (const std::string_view text : accepted_texts()) texts.emplace_back(text);
  const std::size_t twice = 2 * texts.size();
  const std::vector<std::string> documents = corpus_texts();
  while (texts.size() < twice) {
    for (const std::string& text : documents) {
      texts.push_back(text);
      texts.push_back("[" + text + "," + text + "," + text + "]");
    }
  }
  return texts;
}

class Mutator {
 public:
  Mutator(std::vector<std::string> texts, unsigned seed)
      : texts_(std::move(texts)), random_(seed) {}

  std::string next() {
    std::string text = any_text();
    for (std::size_t count = below(4); count > 0; --count) mutate(text);
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  const std::string& any_text() { return texts_[below(texts_.size())]; }

  std::string_view any_piece() {
    static constexpr std::string_view kPieces[] = {"{",
                                                   "}",
                                                   "[",
                                                   "]",
                                                   ":",
                                                   ",",
                                                   "\"",
                                                   "\\",
                                                   " ",
                                                   "\n",
                                                   "\t",
                                                   "\r",
                                                   "0",
                                                   "1",
                                                   "-",
                                                   "+",
                                                   ".",
                                                   "e",
                                                   "E5",
                                                   "true",
                                                   "false",
                                                   "null",
                                                   "NaN",
                                                   "Infinity",
                                                   "-Infinity",
                                                   "\\u00e9",
                                                   "\\ud800",
                                                   "\\u",
                                                   "\\\"",
                                                   "\\\\",
                                                   "\x01",
                                                   "\x1F",
                                                   "\x7F",
                                                   "\x80",
                                                   "\xC3",
                                                   "\xC3\xA9",
                                                   "\xED",
                                                   "\xA0",
                                                   "\xF0",
                                                   "\xFF",
                                                   "\"a\"",
                                                   "\"a\":",
                                                   "\xEF\xBB\xBF",
                                                   "[]",
                                                   "{}",
                                                   "1.5",
                                                   ",,",
                                                   "/**/",
                                                   "'",
                                                   "123456789012345678",
                                                   "\xF0\x9F\x98\x80",
                                                   "\xE2\x82\xAC"};
    return kPieces[below(std::size(kPieces))];
  }

  void mutate(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t size = below(std::min<std::size_t>(text.size() - at, 12) + 1);
    switch (below(9)) {
      case 0:
        text.insert(at, any_piece());
        break;
      case 1:
        text.replace(at, size, any_piece());
        break;
      case 2:
        text.erase(at, size);
        break;
      case 3:
        text.resize(at);
        break;
      case 4:
        text.insert(at, text.substr(at, size));
        break;
      case 5:
        text.insert(at, any_text());
        break;
      case 6:
        text.insert(at, below(200), ' ');
        break;
      case 7:
        std::reverse(text.begin() + static_cast<std::ptrdiff_t>(at), text.end());
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
    }
  }

  const std::vector<std::string> texts_;
  std::mt19937_64 random_;
};

ErrorCode code_of(Reference::Verdict verdict) {
  switch (verdict) {
    case Reference::Verdict::json:
      return ErrorCode::ok;
    case Reference::Verdict::invalid:
      return ErrorCode::invalid_json;
    case Reference::Verdict::too_deep:
      return ErrorCode::too_deep;
  }
  return ErrorCode::ok;
}

// Verdict, place of the fault, and what compact() and format() make of the text.
void compare_with_reference(std::string_view text, const ScanOptions& options) {
  const Reference reference = reference_scan(text, options.depth_limit, options.lenient);
  const Status status = validate(text, options);
  std::string compacted = "before";
  const Status compact_status = compact(text, options, compacted);
  ASSERT_EQ(status.code(), code_of(reference.verdict)) << status.to_text();
  ASSERT_EQ(compact_status.to_text(), status.to_text());
  if (!status.ok()) {
    ASSERT_EQ(status.error().position->offset, reference.offset) << status.to_text();
    ASSERT_EQ(compacted, "before");
    return;
  }
  const std::string expected = reference_layout(reference.tokens, 0);
  ASSERT_EQ(compacted + "\n", "before" + expected);
  ASSERT_EQ(format(text, 0), expected);
  ASSERT_EQ(format(text, 4), reference_layout(reference.tokens, 4));
}

// Both parsers build values; where a text has none, they refuse it although it is grammatical:
// numbers that no double or 64-bit integer holds, and lone surrogates.
bool may_have_no_value(std::string_view text) {
  int digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
    digits = digit ? digits + 1 : text[i] == '.' ? digits : 0;
    if (digits > 15) return true;
    // An exponent of three digits, or one behind many digits.
    if (digit && i > 0 && std::string_view("eE+-").find(text[i - 1]) != std::string_view::npos &&
        text.substr(i).find_first_not_of("0123456789") > 2) {
      return true;
    }
    const std::string_view rest = text.substr(i, 4);
    if (rest.starts_with("\\ud") || rest.starts_with("\\uD")) return true;
  }
  return false;
}

bool simdjson_accepts(simdjson::dom::parser& parser, std::string_view text) {
  return parser.parse(simdjson::padded_string(text)).error() == simdjson::SUCCESS;
}

TEST(Differential, MutatedDocumentsAgreeWithTheReference) {
  Mutator mutator(seeds(), seed());
  int accepted = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string text = mutator.next();
    SCOPED_TRACE("round " + std::to_string(round) + ": " + text);
    const ScanOptions options{.depth_limit = round % 5 == 0 ? 4U : 1024U,
                              .lenient = round % 3 == 0};
    compare_with_reference(text, options);
    if (HasFatalFailure()) return;
    accepted += validate(text, options).ok() ? 1 : 0;
  }
  EXPECT_GT(accepted, kRounds / 5);
  EXPECT_LT(accepted, kRounds * 4 / 5);
}

TEST(Differential, MutatedDocumentsAgreeWithSimdjsonAndNlohmann) {
  Mutator mutator(seeds(), seed() + 1);
  simdjson::dom::parser parser;
  int compared = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string text = mutator.next();
    const bool accepted = validate(text, {}).ok();
    if (accepted && may_have_no_value(text)) continue;
    SCOPED_TRACE("round " + std::to_string(round) + ": " + text);
    ++compared;
    // nlohmann/json skips a byte-order mark, and so do newer versions of simdjson.
    if (text.starts_with("\xEF\xBB\xBF")) {
      ASSERT_FALSE(accepted);
      continue;
    }
    // simdjson refuses nothing else: its limit of 1024 levels is not reached here.
    ASSERT_EQ(simdjson_accepts(parser, text), accepted);
    // nlohmann/json takes a NUL byte for the end of the text.
    if (text.find('\0') != std::string::npos) continue;
    ASSERT_EQ(nlohmann::json::accept(text), accepted);
  }
  EXPECT_GE(compared, 200'000);
}

// What was laid out is the same document to others, and laying out twice changes nothing.
TEST(Differential, LayoutIsIdempotentAndKeepsTheValue) {
  Mutator mutator(seeds(), seed() + 2);
  int compared = 0;
  for (int round = 0; round < kRounds / 4; ++round) {
    const std::string text = mutator.next();
    std::string compacted;
    if (!compact(text, kLenient, compacted)) continue;
    SCOPED_TRACE("round " + std::to_string(round) + ": " + text);
    const std::string lines = format(text, 4);
    ASSERT_EQ(format(compacted, 4), lines);
    ASSERT_EQ(format(lines, 4), lines);
    std::string again;
    ASSERT_TRUE(compact(lines, kLenient, again).ok());
    ASSERT_EQ(again, compacted);
    if (!validate(text, {}).ok() || may_have_no_value(text)) continue;
    ++compared;
    ASSERT_EQ(nlohmann::ordered_json::parse(lines), nlohmann::ordered_json::parse(text));
  }
  EXPECT_GT(compared, kRounds / 20);
}

}  // namespace
}  // namespace safechunk::json
