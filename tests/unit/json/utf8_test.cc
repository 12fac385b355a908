#include "json/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace safechunk::json {
namespace {

// As many bytes as asked for, whether or not the code point needs them.
std::string encoded(std::uint32_t code_point, int bytes) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value & 0xFF); };
  if (bytes == 1) return {byte(code_point)};
  std::string result;
  const std::uint32_t marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
  result += byte(marks[bytes] | code_point >> (6 * (bytes - 1)));
  for (int i = bytes - 2; i >= 0; --i) result += byte(0x80 | (code_point >> (6 * i) & 0x3F));
  return result;
}

// Enough for the text in front of it to be read in blocks.
const std::string kMore(80, '.');

bool well_formed(std::string_view text) {
  return find_invalid_utf8(text) == text.size();
}

int bytes_needed(std::uint32_t code_point) {
  return code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
}

TEST(Utf8, AcceptsEveryCodePointInItsShortestFormOnly) {
  for (std::uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    const int needed = bytes_needed(code_point);
    ASSERT_EQ(well_formed("..." + encoded(code_point, needed) + kMore), !surrogate) << code_point;
    for (int bytes = needed + 1; bytes <= 4; ++bytes) {
      ASSERT_EQ(find_invalid_utf8("..." + encoded(code_point, bytes) + kMore), 3U)
          << code_point << " in " << bytes;
    }
  }
  for (std::uint32_t code_point = 0x110000; code_point < 0x200000; ++code_point) {
    ASSERT_EQ(find_invalid_utf8("..." + encoded(code_point, 4) + kMore), 3U) << code_point;
  }
}

// All texts of four such bytes: whatever starts or continues a sequence, after whatever.
TEST(Utf8, FindsTheFirstIllFormedSequenceAnywhere) {
  const std::uint8_t interesting[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                      0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xEC, 0xED, 0xEE, 0xEF,
                                      0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFE, 0xFF};
  for (const std::uint8_t a : interesting) {
    for (const std::uint8_t b : interesting) {
      for (const std::uint8_t c : interesting) {
        for (const std::uint8_t d : interesting) {
          std::string text(4, '\0');
          text[0] = static_cast<char>(a);
          text[1] = static_cast<char>(b);
          text[2] = static_cast<char>(c);
          text[3] = static_cast<char>(d);
          // Short texts take another way than those that fill blocks: both have to agree.
          const std::size_t alone = find_invalid_utf8(text + ".");
          for (const std::size_t before : {1U, 3U, 17U, 64U, 66U}) {
            const std::string around = std::string(before, '.') + text + kMore;
            const std::size_t found = find_invalid_utf8(around);
            ASSERT_EQ(found, alone == 5 ? around.size() : before + alone)
                << int{a} << " " << int{b} << " " << int{c} << " " << int{d} << " at " << before;
          }
        }
      }
    }
  }
}

TEST(Utf8, FindsATruncatedSequenceAtItsStart) {
  for (const std::string& sequence : {encoded(0xE9, 2), encoded(0x20AC, 3), encoded(0x1F600, 4)}) {
    for (std::size_t before = 0; before < 150; ++before) {
      for (std::size_t size = 1; size < sequence.size(); ++size) {
        ASSERT_EQ(find_invalid_utf8(std::string(before, '.') + sequence.substr(0, size)), before);
      }
      std::string text(before, '.');
      for (int i = 0; i < 30; ++i) text += sequence;
      ASSERT_TRUE(well_formed(text));
      text.pop_back();
      ASSERT_EQ(find_invalid_utf8(text), text.size() + 1 - sequence.size());
    }
  }
}

TEST(Utf8, AcceptsNothingAsText) {
  EXPECT_EQ(find_invalid_utf8({}), 0U);
}

}  // namespace
}  // namespace safechunk::json
