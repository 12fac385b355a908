#include "unit/json/reference.h"

namespace safechunk::json {
namespace {

class Reader {
 public:
  Reader(std::string_view text, std::uint32_t depth_limit, bool lenient)
      : text_(text), depth_limit_(depth_limit), lenient_(lenient) {}

  Reference read() {
    try {
      if (lenient_ && text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
      skip_white_space();
      read_value(0);
      skip_white_space();
      if (at_ < text_.size()) fail();
    } catch (Reference::Verdict verdict) {
      reference_.verdict = verdict;
    }
    reference_.offset = at_;
    return reference_;
  }

 private:
  [[noreturn]] static void fail() { throw Reference::Verdict::invalid; }

  // -1 at the end, so that no comparison with a character is true there.
  [[nodiscard]] int peek() const {
    return at_ < text_.size() ? static_cast<unsigned char>(text_[at_]) : -1;
  }

  void expect(std::string_view word) {
    for (const char c : word) {
      if (peek() != c) fail();
      ++at_;
    }
  }

  void add_token(std::size_t start) {
    reference_.tokens.emplace_back(text_.substr(start, at_ - start));
  }

  void read_punctuation(std::string_view c) {
    expect(c);
    reference_.tokens.emplace_back(c);
  }

  void skip_white_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }

  void read_value(std::uint32_t depth) {
    const std::size_t start = at_;
    const int c = peek();
    if (c == '{' || c == '[') return read_container(depth, c == '{');
    if (c == '"') return read_string();
    if (c == 't')
      expect("true");
    else if (c == 'f')
      expect("false");
    else if (c == 'n')
      expect("null");
    else if (c == 'N' && lenient_)
      expect("NaN");
    else if (c == 'I' && lenient_)
      expect("Infinity");
    else
      read_number();
    add_token(start);
  }

  void read_container(std::uint32_t depth, bool is_object) {
    if (depth == depth_limit_) throw Reference::Verdict::too_deep;
    read_punctuation(is_object ? "{" : "[");
    skip_white_space();
    const std::string_view close = is_object ? "}" : "]";
    if (peek() == close[0]) return read_punctuation(close);
    while (true) {
      if (is_object) {
        read_string();
        skip_white_space();
        read_punctuation(":");
        skip_white_space();
      }
      read_value(depth + 1);
      skip_white_space();
      if (peek() != ',') return read_punctuation(close);
      read_punctuation(",");
      skip_white_space();
    }
  }

  void read_number() {
    if (peek() == '-') {
      ++at_;
      if (lenient_ && peek() == 'I') return expect("Infinity");
    }
    if (peek() == '0')
      ++at_;
    else
      read_digits();
    if (peek() == '.') {
      ++at_;
      read_digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      read_digits();
    }
  }

  void read_digits() {
    if (peek() < '0' || peek() > '9') fail();
    while (peek() >= '0' && peek() <= '9') ++at_;
  }

  void read_string() {
    const std::size_t start = at_;
    expect("\"");
    while (peek() != '"') {
      if (peek() < 0x20) fail();  // also at the end
      if (peek() == '\\')
        read_escape();
      else
        read_code_point();
    }
    ++at_;
    add_token(start);
  }

  void read_escape() {
    ++at_;
    const int c = peek();
    if (c < 0 || std::string_view("\"\\/bfnrtu").find(static_cast<char>(c)) == std::string::npos) {
      fail();
    }
    ++at_;
    for (int i = 0; c == 'u' && i < 4; ++i, ++at_) {
      const int digit = peek() | 0x20;
      if (!(peek() >= '0' && peek() <= '9') && !(digit >= 'a' && digit <= 'f')) fail();
    }
  }

  // By arithmetic: the number that the bytes stand for has to need that many of them.
  void read_code_point() {
    const int lead = peek();
    std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (lead >= 0x80 && lead < 0xC0) fail();
    if (lead >= 0xF8) fail();
    std::uint32_t value = static_cast<std::uint32_t>(lead) & (more == 0 ? 0x7FU : 0x3FU >> more);
    for (std::size_t i = 1; i <= more; ++i) {
      if (at_ + i >= text_.size()) fail();
      const auto byte = static_cast<unsigned char>(text_[at_ + i]);
      if (byte < 0x80 || byte > 0xBF) fail();
      value = value << 6 | (byte & 0x3FU);
    }
    const std::uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : more == 1 ? 0x80 : 0;
    if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) fail();
    at_ += more + 1;
  }

  const std::string_view text_;
  const std::uint32_t depth_limit_;
  const bool lenient_;
  std::size_t at_ = 0;
  Reference reference_;
};

}  // namespace

Reference reference_scan(std::string_view text, std::uint32_t depth_limit, bool lenient) {
  return Reader(text, depth_limit, lenient).read();
}

std::string reference_layout(const std::vector<std::string>& tokens, unsigned indent) {
  std::string out;
  std::size_t depth = 0;
  const auto new_line = [&] {
    if (indent > 0) out += '\n' + std::string(depth * indent, ' ');
  };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string& token = tokens[i];
    const bool opens = token == "{" || token == "[";
    const bool closes = token == "}" || token == "]";
    const bool empty = i > 0 && (tokens[i - 1] == "{" || tokens[i - 1] == "[");
    if (closes) --depth;
    if (closes && !empty) new_line();
    out += token;
    if (token == ":" && indent > 0) out += ' ';
    if (opens) ++depth;
    if (token == "," || (opens && tokens[i + 1] != "}" && tokens[i + 1] != "]")) new_line();
  }
  return out + '\n';
}

}  // namespace safechunk::json
