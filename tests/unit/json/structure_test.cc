#include "json/structure.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace safechunk::json {
namespace {

std::vector<std::size_t> commas_found(std::string_view entries) {
  std::vector<std::size_t> found;
  visit_commas(entries, [&](const char* block, std::uint64_t commas) {
    for (; commas != 0; commas &= commas - 1) {
      found.push_back(static_cast<std::size_t>(block - entries.data()) +
                      static_cast<std::size_t>(std::countr_zero(commas)));
    }
    return true;
  });
  return found;
}

// One byte after the other.
std::vector<std::size_t> commas_expected(std::string_view entries) {
  std::vector<std::size_t> expected;
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const char c = entries[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ',' && depth == 0) {
      expected.push_back(i);
    }
  }
  return expected;
}

// Entries with few and many brackets, also in strings and behind backslashes, at every place of a
// block. Kills each of the ways to count brackets, and state that is lost between blocks.
std::string random_entries(std::mt19937& random) {
  static const std::string kPieces[] = {",",
                                        ",",
                                        "1",
                                        " ",
                                        "\"\"",
                                        "\"],[,\"",
                                        "\"\\\"{,\"",
                                        "\"\\\\\"",
                                        "[]",
                                        "{},",
                                        "[1,2]",
                                        "a longer piece with no meaning at all ",
                                        "[[[[[[[[[,]]]]]]]]]",
                                        "[{},[],{},[],{},[]]"};
  std::string text;
  int depth = 0;
  for (auto count = random() % 200; count > 0; --count) {
    const auto choice = random() % 6;
    if (choice == 0 && depth < 100) {
      text += random() % 2 == 0 ? '[' : '{';
      ++depth;
    } else if (choice == 1 && depth > 0) {
      text += random() % 2 == 0 ? ']' : '}';
      --depth;
    } else {
      text += kPieces[random() % std::size(kPieces)];
    }
  }
  return text + std::string(static_cast<std::size_t>(depth), ']') + ",";
}

TEST(Structure, FindsTheOuterCommas) {
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    const std::string entries = random_entries(random);
    ASSERT_EQ(commas_found(entries), commas_expected(entries)) << entries;
  }
  EXPECT_TRUE(commas_found("").empty());
}

TEST(Structure, DoesNotLeaveTextThatIsNotJson) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 300, ' ');
    for (char& c : text) c = "{}[],\"\\ "[random() % 8];
    for (const std::size_t comma : commas_found(text)) {
      ASSERT_LT(comma, text.size());
      ASSERT_EQ(text[comma], ',');
    }
  }
}

TEST(Structure, IsTheSameWithAndWithoutVectors) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string block(kBlockBytes, ' ');
    for (char& c : block) {
      c = random() % 2 == 0 ? static_cast<char>(random() % 256) : "{}[],\"\\:"[random() % 8];
    }
    ASSERT_EQ(fastest::structure(block.data()), plain::structure(block.data())) << block;
  }
}

TEST(Structure, CountsOnes) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 2000; ++round) {
    const std::uint64_t bits = random() & random() & (random() | random());
    ASSERT_EQ(count_ones(bits), static_cast<std::uint64_t>(std::popcount(bits)));
  }
  EXPECT_EQ(count_ones(~std::uint64_t{0}), 64U);
}

}  // namespace
}  // namespace safechunk::json
