#include "storage/logs/log_lines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/limits.h"
#include "storage/files/file_io.h"
#include "support/sim_file_system.h"

namespace safechunk::test {
namespace {

std::string line_of(std::string_view text) {
  std::string lines;
  const Status status = append_line(text, {}, lines);
  return status.ok() ? lines : "error " + std::string(to_string(status.code()));
}

// Kills: a record of several lines; a line break that only some programs know.
TEST(LogLines, ARecordIsOneLineForEveryReader) {
  EXPECT_EQ(line_of("{\"a\" :\n [1,\t2 ]}\n"), "{\"a\":[1,2]}\n");
  EXPECT_EQ(line_of("\"a\xE2\x80\xA8"
                    "b\xE2\x80\xA9"
                    "c\xC2\x85"
                    "d\""),
            "\"a\\u2028b\\u2029c\\u0085d\"\n");
  EXPECT_EQ(line_of("\"\xC3\x85\xE2\x80\xA6\""), "\"\xC3\x85\xE2\x80\xA6\"\n");
  EXPECT_EQ(line_of("1.10"), "1.10\n");
}

TEST(LogLines, ARefusedRecordLeavesTheLinesAsTheyWere) {
  for (const std::string text : {"", "{", "1 2", "NaN", "\"\n\"", "[1,]", "\"\xFF\"",
                                 "\xEF\xBB\xBF"
                                 "1"}) {
    std::string lines = "0\n";
    EXPECT_EQ(append_line(text, {}, lines).code(), ErrorCode::invalid_json) << text;
    EXPECT_EQ(lines, "0\n");
  }
  std::string lines;
  EXPECT_EQ(append_line("[[1]]", {.depth_limit = 1}, lines).code(), ErrorCode::too_deep);
  EXPECT_EQ(append_line("\"1234\"", {.size_limit = 5}, lines).code(), ErrorCode::too_large);
  // It grows when it is escaped.
  EXPECT_EQ(append_line("\"\xE2\x80\xA8\"", {.size_limit = 6}, lines).code(), ErrorCode::too_large);
  EXPECT_EQ(lines, "");
}

TEST(LogLines, KindsOfLines) {
  struct Row {
    std::string line;
    bool is_record;
    bool is_closed;
    bool is_blank = false;
  };
  const std::vector<Row> rows = {{"{\"a\":1}", true, true},
                                 {" [1] \r", true, true},
                                 {"\"x\"", true, true},
                                 {"12", true, false},
                                 {"true", true, true},
                                 {"\xEF\xBB\xBF[]", true, true},
                                 {"", false, false, true},
                                 {" \t\r", false, false, true},
                                 {"{\"a\":", false, false},
                                 {"foo", false, false},
                                 {std::string("\0\0", 2), false, false}};
  for (const Row& row : rows) {
    const LineKind kind = kind_of_line(row.line, {});
    EXPECT_EQ(kind.is_record(), row.is_record) << row.line;
    EXPECT_EQ(kind.is_closed, row.is_closed) << row.line;
    EXPECT_EQ(kind.is_blank, row.is_blank) << row.line;
  }
}

class LineReaderTest : public testing::Test {
 protected:
  File& file_with(std::string_view bytes) {
    auto root = disk.open_directory("/").value();
    file = root->open("log", OpenMode::create).value();
    file->truncate(0).throw_if_error();
    if (!bytes.empty()) write_all(*file, 0, bytes).throw_if_error();
    return *file;
  }

  SimFileSystem disk;
  std::unique_ptr<File> file;
};

// The lines, and where they begin, against a plain loop over the text: at every offset, with lines
// that end before, at and behind the ends of blocks. Kills: a line that is cut or joined there.
TEST_F(LineReaderTest, AgreesWithAPlainLoop) {
  std::mt19937_64 random(20260701);
  for (int round = 0; round < 40; ++round) {
    std::string text;
    while (text.size() < 300'000) {
      const std::size_t length = random() % 4 == 0 ? random() % 70'000 : random() % 30;
      text += std::string(length, 'x') + "\n";
    }
    if (round % 2 == 0) text += "tail";
    File& log = file_with(text);
    std::vector<std::uint64_t> begins{0};
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) {
      begins.push_back(++at);
    }
    const std::size_t first = random() % begins.size();
    LineReader lines(log, begins[first], text.size());
    for (std::size_t i = first; i < begins.size() && begins[i] < text.size(); ++i) {
      const auto line = lines.next().value();
      ASSERT_TRUE(line.has_value());
      const std::size_t end = std::min(text.find('\n', begins[i]), text.size());
      EXPECT_EQ(line->position, begins[i]);
      EXPECT_EQ(line->text, std::string_view(text).substr(begins[i], end - begins[i]));
      EXPECT_EQ(line->is_complete, end < text.size());
      EXPECT_EQ(line->end, std::min(end + 1, text.size()));
    }
    EXPECT_FALSE(lines.next().value().has_value());
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t before = random() % (text.size() + 1);
      const auto expected = std::ranges::find_if(begins.rbegin(), begins.rend(), [&](auto begin) {
        return begin < before || before == 0;
      });
      EXPECT_EQ(begin_of_line(log, before).value(),
                before == 0 || expected == begins.rend() ? 0 : *expected);
      // Several lines at once, as one by one.
      std::uint64_t one_by_one = before;
      const std::size_t several = random() % 50;
      for (std::size_t line = 0; line < several; ++line) {
        one_by_one = begin_of_line(log, one_by_one).value();
      }
      EXPECT_EQ(begin_of_line(log, before, several).value(), one_by_one);
    }
  }
}

// Kills: a line of any length in memory; a reader that loses its place behind one.
TEST_F(LineReaderTest, ALineThatIsTooLongIsTold) {
  const std::string text = "1\n" + std::string(limits::kRecordBytes + 100'000, ' ') + "\n2\n";
  LineReader lines(file_with(text), 0, text.size());
  EXPECT_EQ(lines.next().value()->text, "1");
  const auto line = lines.next().value();
  ASSERT_TRUE(line.has_value());
  EXPECT_TRUE(line->is_too_long);
  EXPECT_EQ(line->text, "");
  EXPECT_EQ(line->end, text.size() - 2);
  const auto next = lines.next().value();
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->text, "2");
  EXPECT_EQ(next->position, text.size() - 2);
  EXPECT_FALSE(lines.next().value().has_value());
}

}  // namespace
}  // namespace safechunk::test
