#include "json/member.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace safechunk::json {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Walks over a text that is known to be JSON.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return text_[at_]; }
  char next() { return text_[at_++]; }
  [[nodiscard]] std::size_t position() const { return at_; }
  void skip_space() {
    while (!at_end() && is_space(peek())) ++at_;
  }

  // At a quote: the string's raw inside.
  std::string_view raw_string() {
    const std::size_t start = ++at_;
    while (text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    return text_.substr(start, at_++ - start);
  }

  // Skips one value of any type; returns at the comma or bracket behind it.
  void skip_value() {
    std::size_t depth = 0;
    while (!at_end()) {
      const char c = peek();
      if (c == '"') {
        raw_string();
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) return;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    }
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::uint32_t read_hex(std::string_view raw, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4 && i < raw.size(); ++i) {
    const char lower = static_cast<char>(raw[i] | 0x20);
    const auto digit = kHex.find(raw[i] >= '0' && raw[i] <= '9' ? raw[i] : lower);
    value = value * 16 + static_cast<std::uint32_t>(digit == std::string_view::npos ? 0 : digit);
  }
  return value;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0U | (point >> 6U));
    put(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    put(0xE0U | (point >> 12U));
    put(0x80U | ((point >> 6U) & 0x3FU));
    put(0x80U | (point & 0x3FU));
  } else {
    put(0xF0U | (point >> 18U));
    put(0x80U | ((point >> 12U) & 0x3FU));
    put(0x80U | ((point >> 6U) & 0x3FU));
    put(0x80U | (point & 0x3FU));
  }
}

// A \uXXXX at `at` (behind the u); a pair of surrogates is one code point, a lone one becomes
// U+FFFD, because the result is UTF-8.
std::uint32_t read_escape(std::string_view raw, std::size_t& at) {
  constexpr std::uint32_t kReplacement = 0xFFFD;
  const std::uint32_t first = read_hex(raw, at);
  at += 4;
  if (first < 0xD800 || first > 0xDFFF) return first;
  if (first > 0xDBFF || raw.substr(at, 2) != "\\u") return kReplacement;
  const std::uint32_t second = read_hex(raw, at + 2);
  if (second < 0xDC00 || second > 0xDFFF) return kReplacement;
  at += 6;
  return 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00);
}

std::string unescape(std::string_view raw) {
  std::string text;
  for (std::size_t at = 0; at < raw.size();) {
    if (raw[at] != '\\') {
      text += raw[at++];
      continue;
    }
    const char kind = raw[at + 1];
    at += 2;
    switch (kind) {
      case 'b':
        text += '\b';
        break;
      case 'f':
        text += '\f';
        break;
      case 'n':
        text += '\n';
        break;
      case 'r':
        text += '\r';
        break;
      case 't':
        text += '\t';
        break;
      case 'u':
        append_utf8(text, read_escape(raw, at));
        break;
      default:
        text += kind;
    }
  }
  return text;
}

// Moves to the value of the first member `key` of the object that begins there; false when there is
// none.
bool find_member(Walker& walker, std::string_view key) {
  walker.skip_space();
  if (walker.at_end() || walker.next() != '{') return false;
  for (;;) {
    walker.skip_space();
    if (walker.at_end() || walker.peek() != '"') return false;
    const std::string name = unescape(walker.raw_string());
    walker.skip_space();
    walker.next();  // the colon
    walker.skip_space();
    if (name == key) return true;
    walker.skip_value();
    if (walker.at_end() || walker.next() != ',') return false;
  }
}

// The value of the member as it is written, without blanks around it; empty when there is none.
std::string_view raw_member(std::string_view text, std::string_view key) {
  Walker walker(text);
  if (!find_member(walker, key)) return {};
  const std::size_t start = walker.position();
  walker.skip_value();
  std::string_view raw = text.substr(start, walker.position() - start);
  while (!raw.empty() && is_space(raw.back())) raw.remove_suffix(1);
  return raw;
}

}  // namespace

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20) {
      quoted += "\\u00";
      quoted += kHex[byte >> 4U];
      quoted += kHex[byte & 0xFU];
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::optional<std::string> string_member(std::string_view text, std::string_view key) {
  Walker walker(text);
  if (!find_member(walker, key) || walker.peek() != '"') return std::nullopt;
  return unescape(walker.raw_string());
}

std::optional<std::uint64_t> integer_member(std::string_view text, std::string_view key) {
  const std::string_view raw = raw_member(text, key);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (raw.empty() || error != std::errc() || end != raw.data() + raw.size()) return std::nullopt;
  return value;
}

std::optional<bool> bool_member(std::string_view text, std::string_view key) {
  const std::string_view raw = raw_member(text, key);
  if (raw != "true" && raw != "false") return std::nullopt;
  return raw == "true";
}

std::vector<std::string> string_list_member(std::string_view text, std::string_view key) {
  Walker walker(text);
  std::vector<std::string> list;
  if (!find_member(walker, key) || walker.next() != '[') return list;
  for (;;) {
    walker.skip_space();
    if (walker.at_end() || walker.peek() == ']') return list;
    if (walker.peek() == '"') {
      list.push_back(unescape(walker.raw_string()));
    } else {
      walker.skip_value();
    }
    walker.skip_space();
    if (walker.at_end() || walker.next() != ',') return list;
  }
}

}  // namespace safechunk::json
