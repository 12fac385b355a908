// JSON Pointer (RFC 6901): names one value inside of a JSON text.
//
// Thread-safe; no state; the functions throw std::bad_alloc only.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/status.hpp>

namespace safechunk::json {

class Pointer {
 public:
  static constexpr std::size_t kMaxTokens = 1024;
  static constexpr std::size_t kMaxBytes = 64 * 1024;

  Pointer() = default;  // the whole document

  // Reads "" or "/token/token...", where ~1 stands for '/' and ~0 for '~'.
  // Errors: invalid_argument, with what is wrong and at which byte: the first byte is not '/', a
  // '~' without 0 or 1 behind it, not UTF-8, more than kMaxTokens tokens or kMaxBytes bytes.
  static Result<Pointer> parse(std::string_view text);

  // The pointer that parse() reads as these tokens.
  static std::string write(std::span<const std::string> tokens);

  // As it was given to parse().
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  // The names and indices on the way to the value, without escapes; empty for the whole document.
  [[nodiscard]] const std::vector<std::string>& tokens() const noexcept { return tokens_; }
  // Does this pointer name a value inside of that which `other` names?
  [[nodiscard]] bool is_inside(const Pointer& other) const noexcept;

  friend bool operator==(const Pointer& a, const Pointer& b) noexcept {
    return a.tokens_ == b.tokens_;
  }

 private:
  std::string text_;
  std::vector<std::string> tokens_;
};

// The value that `pointer` names, as it is written in `text`, without white space around it; a view
// into `text`.
//
// Precondition: validate() has accepted `text`, lenient or not. That is not checked again here. For
// other text the result means nothing, and std::out_of_range may be thrown.
//
// Names of members are equal when they consist of the same characters, however they are written
// (\u0041 is A). A lone surrogate (\ud800) is equal to itself only, so no pointer reaches it.
//
// Errors; the message names the pointer, and the part of it at which it fails:
//   not_found         there is no such member or element, '-' is used, or the pointer leads through
//                     a value that is neither object nor array
//   invalid_argument  a token is no index although it names an element of an array (01, x, or more
//                     than SIZE_MAX); or an object on the way has the member more than once
// Cost: reads each array on the way up to the element, and each object to its end, at several GB/s.
Result<std::string_view> value_at(std::string_view text, const Pointer& pointer);

}  // namespace safechunk::json
