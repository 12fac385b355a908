#include "json/name.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "json/characters.h"

namespace safechunk::json {
namespace {

constexpr std::uint32_t kFirstSurrogate = 0xD800;
constexpr std::uint32_t kFirstLowSurrogate = 0xDC00;
constexpr std::uint32_t kBehindSurrogates = 0xE000;

// The number of four hexadecimal digits; of fewer at the end of an invalid text.
std::uint32_t read_hex(std::string_view digits) noexcept {
  std::uint32_t value = 0;
  for (const char c : digits.substr(0, 4)) {
    const int digit = is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
    value = value * 16 + (static_cast<std::uint32_t>(digit) & 0xFU);
  }
  return value;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xC0U | point >> 6U);
  } else if (point < 0x10000) {
    put(0xE0U | point >> 12U);
    put(0x80U | (point >> 6U & 0x3FU));
  } else {
    put(0xF0U | point >> 18U);
    put(0x80U | (point >> 12U & 0x3FU));
    put(0x80U | (point >> 6U & 0x3FU));
  }
  put(0x80U | (point & 0x3FU));
}

// Reads \uXXXX, or two of them that are a pair of surrogates; returns the bytes read.
std::size_t append_code_point(std::string& out, std::string_view escape) {
  constexpr std::size_t kBytes = 6;
  const std::uint32_t first = read_hex(escape.substr(2));
  const std::string_view next = escape.substr(std::min(kBytes, escape.size()));
  if (first >= kFirstSurrogate && first < kFirstLowSurrogate && next.starts_with("\\u")) {
    const std::uint32_t second = read_hex(next.substr(2));
    if (second >= kFirstLowSurrogate && second < kBehindSurrogates) {
      append_utf8(out, 0x10000 + ((first - kFirstSurrogate) << 10U) + second - kFirstLowSurrogate);
      return 2 * kBytes;
    }
  }
  append_utf8(out, first);
  return kBytes;
}

char meaning_of(char escaped) noexcept {
  switch (escaped) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return escaped;
  }
}

}  // namespace

std::string unescaped(std::string_view inside) {
  std::string text;
  for (;;) {
    const std::size_t backslash = inside.find('\\');
    text += inside.substr(0, backslash);
    if (backslash == std::string_view::npos || backslash + 1 == inside.size()) return text;
    inside.remove_prefix(backslash);
    std::size_t size = 2;
    if (inside[1] == 'u') {
      size = append_code_point(text, inside);
    } else {
      text += meaning_of(inside[1]);
    }
    inside.remove_prefix(std::min(size, inside.size()));
  }
}

std::string_view inside_of_string(std::string_view text) noexcept {
  text.remove_prefix(1);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') return text.substr(0, at);
    if (text[at] == '\\') ++at;
  }
  return text;
}

bool string_is(std::string_view text, std::string_view name) {
  text.remove_prefix(1);
  // Most names differ in the first bytes.
  std::size_t same = 0;
  const std::size_t shorter = std::min(text.size(), name.size());
  while (same < shorter && text[same] == name[same] && text[same] != '\\' && text[same] != '"') {
    ++same;
  }
  if (same == text.size()) return false;
  if (text[same] == '"') return same == name.size();
  // What is equal so far holds no escape, so only one that comes now could make the rest equal.
  if (text[same] != '\\') return false;
  const std::string_view rest = inside_of_string({text.data() + same - 1, text.size() - same + 1});
  return unescaped(rest) == name.substr(same);
}

std::string shortened(std::string_view text, std::size_t limit) {
  std::string result(text.substr(0, limit));
  if (text.size() > limit) {
    // Does not cut a character in two.
    while (!result.empty() && (text[result.size()] & 0xC0) == 0x80) result.pop_back();
    result += "...";
  }
  for (char& c : result) {
    if (is_control(c)) c = ' ';
  }
  return result;
}

}  // namespace safechunk::json
