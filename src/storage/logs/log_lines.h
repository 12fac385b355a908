// The lines of a log: how a record becomes one, and which parts of a file are records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/status.hpp>

#include "platform/file_system.h"
#include "storage/files/text_settings.h"

namespace safechunk {

// Appends the record and a line break to `lines`: compact, and without the characters that are line
// breaks for some programs only (U+0085, U+2028 and U+2029 become escapes of JSON). On an error
// `lines` is as it was.
Status append_line(std::string_view json_text, const TextSettings& settings, std::string& lines);

// What a line is, without its line break.
struct LineKind {
  bool is_blank = false;
  Status invalid;  // ok: it is a record
  // A record of which nothing can be missing at its end: no number.
  bool is_closed = false;

  [[nodiscard]] bool is_record() const { return !is_blank && invalid.ok(); }
};
LineKind kind_of_line(std::string_view line, const TextSettings& settings);
// Without white space around it, and without a byte-order mark.
std::string_view trimmed(std::string_view line);

// Reads a file line by line, from the beginning of a line on.
class LineReader {
 public:
  struct Line {
    std::uint64_t position = 0;
    std::string_view text;     // without the line break; valid until the next call
    bool is_complete = true;   // false: the file ends without a line break
    bool is_too_long = false;  // more than limits::kRecordBytes: `text` is empty
    std::uint64_t end = 0;     // behind the line break
  };

  // Reads up to `end`. `file` must outlive the object.
  LineReader(File& file, std::uint64_t from, std::uint64_t end)
      : file_(file), offset_(from), end_(end) {}

  // Nothing at the end.
  Result<std::optional<Line>> next();

 private:
  Status fill();

  File& file_;
  std::string buffer_;
  std::size_t used_ = 0;  // of the buffer, by lines that were given
  std::uint64_t offset_;  // of the first byte that is not used, in the file
  const std::uint64_t end_;
};

// Whether a record may begin at `position` of a file of so many bytes: at an end of a line, or just
// before it.
Result<bool> may_begin_at(File& file, std::uint64_t size, std::uint64_t position);

// Where the last line begins that ends before `before`, or at it: behind the line break before it;
// 0 when there is none. With `lines`: where the first of the last so many begins. Reads backwards.
Result<std::uint64_t> begin_of_line(File& file, std::uint64_t before, std::size_t lines = 1);

}  // namespace safechunk
