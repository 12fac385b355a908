// JSONC: JSON with comments (// to the end of the line, and /* */) and one comma behind the last
// member or element, as Visual Studio Code reads its settings.
//
// Everything else in this layer reads JSON. It gets a copy of the text that has blanks in place of
// the comments and of those commas: the copy is as long as the text, so that a place in one is the
// same place in the other.
//
// Thread-safe; no state; the functions throw std::bad_alloc only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <safechunk/status.hpp>

#include "json/scan.h"

namespace safechunk::json {

// The copy with blanks. It is JSON exactly when `text` is JSONC; that is not checked here.
// Errors: invalid_json at the start of a comment that does not end.
Result<std::string> mask_comments(std::string_view text);

// The same, and checks that `text` is JSONC. Errors: those of validate(), with positions in `text`.
Result<std::string> read_jsonc(std::string_view text, const ScanOptions& options);

// Where the comment that begins at text[begin] ends: behind "*/", or at the end of the line.
// npos when it does not end. `begin` when no comment begins there.
[[nodiscard]] std::size_t end_of_comment(std::string_view text, std::size_t begin) noexcept;

// A part of a JSONC text without its comments, the blanks behind each, and the last commas.
// `masked` is the same part of what mask_comments() made.
[[nodiscard]] std::string without_comments(std::string_view text, std::string_view masked);

// What is written for a piece of a text whose copy with blanks was edited.
class Comments {
 public:
  Comments() = default;  // there are none
  // Both outlive the object; `masked` is what mask_comments() made of `text`.
  Comments(std::string_view text, std::string_view masked) noexcept
      : text_(text), masked_(masked) {}

  [[nodiscard]] bool any() const noexcept { return !text_.empty(); }
  // The same place in the text, if `piece` lies in the copy; else `piece`.
  [[nodiscard]] std::string_view shown(std::string_view piece) const noexcept;

 private:
  std::string_view text_;
  std::string_view masked_;
};

// What stands between two values, names and brackets of a JSONC text: white space, comments, and at
// most one comma behind the last entry.
class Gap {
 public:
  static constexpr std::size_t kNone = std::string_view::npos;

  explicit Gap(std::string_view text) noexcept;

  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] bool has_comments() const noexcept { return comments_end_ > 0; }
  [[nodiscard]] bool has_line_break() const noexcept { return first_break_ != kNone; }
  [[nodiscard]] bool is_plain() const noexcept { return !has_comments() && comma_ == kNone; }
  [[nodiscard]] std::size_t comma() const noexcept { return comma_; }
  // Whether text without a line break, put behind the last comment, would become a part of it.
  [[nodiscard]] bool swallows() const noexcept { return swallows_; }

  // Up to the first line break outside of comments; everything when there is none.
  [[nodiscard]] std::string_view first_line() const noexcept {
    return text_.substr(0, first_break_);
  }
  [[nodiscard]] std::string_view behind_first_line() const noexcept {
    return text_.substr(first_line().size());
  }
  // Up to the last line break outside of comments; nothing when there is none.
  [[nodiscard]] std::string_view earlier_lines() const noexcept {
    return text_.substr(0, has_line_break() ? last_break_ : 0);
  }
  [[nodiscard]] std::string_view through_comments() const noexcept {
    return text_.substr(0, comments_end_);
  }
  [[nodiscard]] std::string_view behind_comments() const noexcept {
    return text_.substr(comments_end_);
  }
  // The white space that another entry in this place would have before it: the last line break and
  // the indentation, or what stands before the first comment.
  [[nodiscard]] std::string_view own_space() const noexcept;

 private:
  std::string_view text_;
  std::size_t first_break_ = kNone;
  std::size_t last_break_ = kNone;
  std::size_t comma_ = kNone;
  std::size_t comments_end_ = 0;
  bool swallows_ = false;
};

}  // namespace safechunk::json
