#include "storage/logs/log_lines.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "json/scan.h"
#include "storage/files/file_io.h"

namespace safechunk {
namespace {

constexpr std::size_t kBlock = std::size_t{64} << 10U;

constexpr std::string_view kWhiteSpace = " \t\r\n";

// UTF-8 of a character that is a line break for some programs, and its escape.
struct LineBreak {
  std::string_view bytes;
  std::string_view escape;
};
constexpr std::array<LineBreak, 3> kLineBreaks{{
    {"\xC2\x85", "\\u0085"},
    {"\xE2\x80\xA8", "\\u2028"},
    {"\xE2\x80\xA9", "\\u2029"},
}};

// In valid JSON they stand in strings only.
void escape_line_breaks(std::string& lines, std::size_t from) {
  for (const auto& [bytes, escape] : kLineBreaks) {
    for (auto at = lines.find(bytes, from); at != std::string::npos;
         at = lines.find(bytes, at + escape.size())) {
      lines.replace(at, bytes.size(), escape);
    }
  }
}

std::uint64_t record_limit(const TextSettings& settings) {
  return std::min<std::uint64_t>(settings.size_limit, limits::kRecordBytes);
}

}  // namespace

Status append_line(std::string_view json_text, const TextSettings& settings, std::string& lines) {
  const std::uint64_t limit = record_limit(settings);
  const auto too_large = [&] {
    return Status(ErrorCode::too_large,
                  "the record has more than " + std::to_string(limit) + " bytes");
  };
  if (json_text.size() > limit) return too_large();
  const std::size_t begin = lines.size();
  if (Status status =
          json::compact(json_text, {.depth_limit = settings.depth_limit, .lenient = false}, lines);
      !status) {
    return status;
  }
  escape_line_breaks(lines, begin);
  if (lines.size() - begin > limit) {
    lines.resize(begin);
    return too_large();
  }
  lines += '\n';
  return {};
}

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  const auto begin = line.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kWhiteSpace) - begin + 1);
}

LineKind kind_of_line(std::string_view line, const TextSettings& settings) {
  LineKind kind;
  const std::string_view text = trimmed(line);
  kind.is_blank = text.empty();
  if (kind.is_blank) return kind;
  kind.invalid = json::validate(text, {.depth_limit = settings.depth_limit, .lenient = false});
  const bool is_number = text.front() == '-' || (text.front() >= '0' && text.front() <= '9');
  kind.is_closed = kind.invalid.ok() && !is_number;
  return kind;
}

// --- LineReader

Status LineReader::fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  const std::uint64_t at = offset_ + buffer_.size();
  const std::size_t wanted = static_cast<std::size_t>(
      std::min<std::uint64_t>(std::max(kBlock, buffer_.size()), end_ - at));
  const std::size_t had = buffer_.size();
  buffer_.resize(had + wanted);
  auto count = read_up_to(file_, at, std::span(buffer_).subspan(had));
  buffer_.resize(had + (count ? *count : 0));
  return count.status();
}

Result<std::optional<LineReader::Line>> LineReader::next() {
  Line line;
  line.position = offset_;
  std::size_t searched = used_;
  for (;;) {
    const auto at = buffer_.find('\n', searched);
    if (at != std::string::npos) {
      line.text = std::string_view(buffer_).substr(used_, at - used_);
      line.is_too_long = line.text.size() > limits::kRecordBytes;
      if (line.is_too_long) line.text = {};
      offset_ += at + 1 - used_;
      used_ = at + 1;
      line.end = offset_;
      return std::optional(line);
    }
    const std::size_t had = buffer_.size() - used_;
    if (had > limits::kRecordBytes) break;
    if (Status status = fill(); !status) return status;
    if (buffer_.size() == had) {
      if (had == 0) return std::optional<Line>();
      line.text = buffer_;
      line.is_complete = false;
      offset_ += had;
      used_ = buffer_.size();
      line.end = offset_;
      return std::optional(line);
    }
    searched = had;
  }
  // Too long: only its end is looked for.
  line.is_too_long = true;
  for (;;) {
    offset_ += buffer_.size() - used_;
    used_ = buffer_.size();
    if (Status status = fill(); !status) return status;
    const auto at = buffer_.find('\n');
    if (at == std::string::npos && !buffer_.empty()) continue;
    line.is_complete = at != std::string::npos;
    if (line.is_complete) {
      offset_ += at + 1;
      used_ = at + 1;
    }
    line.end = offset_;
    return std::optional(line);
  }
}

Result<bool> may_begin_at(File& file, std::uint64_t size, std::uint64_t position) {
  if (position == 0) return true;
  if (position > size) return false;
  std::array<char, 2> around{'\0', '\0'};
  auto count = read_up_to(file, position - 1, around);
  if (!count) return count.status();
  if (around[0] == '\n' || around[1] == '\n') return true;
  // Behind a whole last record that has no line break yet.
  return position == size;
}

Result<std::uint64_t> begin_of_line(File& file, std::uint64_t before, std::size_t lines) {
  if (lines == 0) return before;
  std::string block;
  // The line break at its own end does not count.
  std::uint64_t end = before == 0 ? 0 : before - 1;
  while (end > 0) {
    const std::uint64_t begin = end > kBlock ? end - kBlock : 0;
    block.resize(static_cast<std::size_t>(end - begin));
    auto count = read_up_to(file, begin, block);
    if (!count) return count.status();
    block.resize(*count);
    for (auto at = block.rfind('\n'); at != std::string::npos; at = block.rfind('\n', at - 1)) {
      if (--lines == 0) return begin + at + 1;
      if (at == 0) break;
    }
    end = begin;
  }
  return std::uint64_t{0};
}

}  // namespace safechunk
