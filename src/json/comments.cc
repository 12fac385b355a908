#include "json/comments.h"

#include <algorithm>
#include <functional>

#include "json/characters.h"
#include "json/entry.h"
#include "json/fault.h"
#include "json/utf8.h"

namespace safechunk::json {
namespace {

// Behind the closing quote of the string that begins at text[begin], or the end of the text.
std::size_t end_of_string(std::string_view text, std::size_t begin) noexcept {
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return text.size();
}

Status error_at(std::string_view text, std::size_t offset, const char* message) {
  Error error;
  error.code = ErrorCode::invalid_json;
  error.message = message;
  error.position = position_of(text, offset);
  return error;
}

// Remembers a comma behind a value until something other than a closing bracket follows.
class LastCommas {
 public:
  explicit LastCommas(std::string& masked) noexcept : masked_(masked) {}

  void see(char c, std::size_t at) noexcept {
    const bool closes = c == '}' || c == ']';
    if (closes && comma_ != std::string::npos) masked_[comma_] = ' ';
    comma_ = c == ',' && behind_value_ ? at : std::string::npos;
    behind_value_ = closes || !is_punctuation(c);
  }

 private:
  std::string& masked_;
  std::size_t comma_ = std::string::npos;
  bool behind_value_ = false;
};

}  // namespace

std::size_t end_of_comment(std::string_view text, std::size_t begin) noexcept {
  const std::string_view rest = text.substr(begin);
  if (rest.starts_with("//")) return std::min(text.find_first_of("\r\n", begin), text.size());
  if (!rest.starts_with("/*")) return begin;
  const std::size_t end = text.find("*/", begin + 2);
  return end == std::string_view::npos ? end : end + 2;
}

Result<std::string> mask_comments(std::string_view text) {
  std::string masked(text);
  LastCommas commas(masked);
  for (std::size_t i = 0; i < text.size();) {
    if (is_white_space(text[i])) {
      ++i;
      continue;
    }
    const std::size_t end = end_of_comment(text, i);
    if (end == std::string_view::npos) {
      return error_at(text, i, "expected '*/' behind the comment that begins here");
    }
    if (end > i) {
      std::fill(masked.begin() + static_cast<std::ptrdiff_t>(i),
                masked.begin() + static_cast<std::ptrdiff_t>(end), ' ');
      i = end;
      continue;
    }
    commas.see(text[i], i);
    i = text[i] == '"' ? end_of_string(text, i) : i + 1;
  }
  return masked;
}

Result<std::string> read_jsonc(std::string_view text, const ScanOptions& options) {
  Result<std::string> masked = mask_comments(text);
  if (!masked) return masked;
  const Status status = validate(*masked, options);
  if (!status.ok()) {
    if (!status.error().position) return status;
    Error error = status.error();
    error.position = position_of(text, static_cast<std::size_t>(error.position->offset));
    return error;
  }
  const std::size_t invalid = find_invalid_utf8(text);
  if (invalid < text.size()) return error_at(text, invalid, "the comment is not valid UTF-8");
  return masked;
}

std::string without_comments(std::string_view text, std::string_view masked) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == masked[i]) {
      result += text[i++];
      continue;
    }
    const std::size_t end = std::min(end_of_comment(text, i), text.size());
    const bool is_comment = end > i;
    i = is_comment ? end : i + 1;
    while (is_comment && i < text.size() && (text[i] == ' ' || text[i] == '\t')) ++i;
  }
  return result;
}

std::string_view Comments::shown(std::string_view piece) const noexcept {
  const std::less<> before;
  const char* const end = masked_.data() + masked_.size();
  if (!any() || before(piece.data(), masked_.data()) || before(end, piece.data() + piece.size())) {
    return piece;
  }
  return text_.substr(static_cast<std::size_t>(piece.data() - masked_.data()), piece.size());
}

Gap::Gap(std::string_view text) noexcept : text_(text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(end_of_comment(text, i), text.size());
    if (end > i) {
      swallows_ = text[i + 1] == '/';
      comments_end_ = end;
      i = end;
      continue;
    }
    if (text[i] == ',') comma_ = i;
    if (text[i] == '\n') {
      last_break_ = i > 0 && text[i - 1] == '\r' ? i - 1 : i;
      if (first_break_ == kNone) first_break_ = last_break_;
    }
    ++i;
  }
}

std::string_view Gap::own_space() const noexcept {
  if (!has_line_break()) return leading_white_space(text_);
  const std::string_view line = text_.substr(last_break_);
  return leading_white_space(line);
}

}  // namespace safechunk::json
