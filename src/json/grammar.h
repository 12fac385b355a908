// The upper half of a scan: the order of the tokens. Section numbers are those of RFC 8259.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "json/block_reader.h"
#include "json/characters.h"
#include "json/fault.h"
#include "json/nesting.h"

namespace safechunk::json {

// Four letters as the processor loads them.
[[nodiscard]] inline std::uint32_t four(const char* letters) noexcept {
  std::uint32_t value;
  std::memcpy(&value, letters, sizeof value);
  return value;
}

// What may follow a number or a literal directly. Any other byte would be a part of it.
inline constexpr ByteSet kEndsScalar{
    [](char c) { return is_white_space(c) || is_punctuation(c) || c == '"'; }};

// Matches one text. A function that takes a token, by its first byte, matches the production that
// starts there; it returns the token behind it, or nullptr after fail(). Behind the last token is
// the end of the text.
//
// check_grammar() has one as a local variable and all functions inlined, so that the members live
// in registers; whatever is large or seldom used is held by reference. That makes it half as fast
// again.
template <typename Output>
class Grammar {
 public:
  Grammar(std::string_view text, BlockReader<Output>& reader, const Nesting& nesting,
          bool lenient) noexcept
      : end_(text.data() + text.size()),
        lenient_(lenient),
        tokens_(text, reader),
        nesting_(nesting) {}

  // JSON-text = ws value ws (section 2).
  [[nodiscard]] Fault match() {
    const char* token = tokens_.next();
    do {  // A value is due.
      if (is(token, '{') || is(token, '[')) {
        token = open(token);
        if (token == nullptr) break;
        if (!is(token, closing_bracket())) {
          token = entry(token);
          continue;
        }
      } else {
        token = is(token, '"') ? tokens_.next() : scalar(token);
      }
      token = after_value(token);
    } while (token != nullptr && nesting_.depth() > 0);
    if (token != nullptr && token != end_) fail(token, kWhatFollows);
    return fault_;
  }

 private:
  static constexpr std::string_view kWhatFollows = "the end of the text after the value";

  std::nullptr_t fail(const char* at, std::string_view expected,
                      ErrorCode code = ErrorCode::invalid_json) noexcept {
    fault_ = {at, expected, code};
    return nullptr;
  }

  [[nodiscard]] bool is(const char* at, char c) const noexcept { return at != end_ && *at == c; }
  [[nodiscard]] bool in_object() const noexcept { return nesting_.innermost() == Nesting::kObject; }
  [[nodiscard]] char closing_bracket() const noexcept { return in_object() ? '}' : ']'; }

  // begin-object or begin-array (section 2).
  const char* open(const char* token) {
    const auto container = *token == '{' ? Nesting::kObject : Nesting::kArray;
    if (!nesting_.push(container)) return fail(token, {}, ErrorCode::too_deep);
    return tokens_.next();
  }

  // What comes before a value in the innermost container: string name-separator in an object
  // (section 4), nothing in an array (section 5). Returns the token of the value.
  const char* entry(const char* token) noexcept {
    if (!in_object()) return token;
    if (!is(token, '"')) return fail(token, "a member name in double quotes");
    token = tokens_.next();
    if (!is(token, ':')) return fail(token, "':' after the member name");
    return tokens_.next();
  }

  // Closes containers until one has another value, of which the token is returned, or none is
  // open.
  const char* after_value(const char* token) noexcept {
    while (token != nullptr && nesting_.depth() > 0) {
      if (is(token, ',')) return entry(tokens_.next());
      if (!is(token, closing_bracket())) return fail(token, what_follows());
      nesting_.pop();
      token = tokens_.next();
    }
    return token;
  }

  [[nodiscard]] std::string_view what_follows() const noexcept {
    if (nesting_.depth() == 0) return kWhatFollows;
    return in_object() ? "',' or '}' after the member" : "',' or ']' after the element";
  }

  // A number or a literal.
  const char* scalar(const char* token) noexcept {
    if (token == end_) return fail(token, "a value");
    const char* const behind = end_of_scalar(token);
    if (behind == nullptr) return nullptr;
    if (behind != end_ && !kEndsScalar.contains(*behind)) {
      return fail(behind, what_follows());
    }
    return tokens_.next();
  }

  // The functions from here on return the place behind what they match, not a token.

  const char* end_of_scalar(const char* at) noexcept {
    if (*at == 't' || *at == 'f' || *at == 'n') return literal(at);
    if (*at == 'N' || *at == 'I') return non_finite(at);
    return number(at);
  }

  const char* non_finite(const char* at) noexcept {
    if (!lenient_) return fail(at, "a value (NaN and Infinity are none in JSON)");
    return word(at, *at == 'N' ? "NaN" : "Infinity");
  }

  // false, null or true (section 3) in one comparison: which of them it is cannot be predicted,
  // and a branch that is predicted wrong costs as much as 50 bytes of text.
  const char* literal(const char* at) noexcept {
    const std::ptrdiff_t skipped = *at == 'f' ? 1 : 0;
    const char* const last_four = *at == 't' ? "true" : *at == 'f' ? "alse" : "null";
    if (end_ - at > 4 && four(at + skipped) == four(last_four)) return at + skipped + 4;
    return word(at, *at == 't' ? "true" : *at == 'f' ? "false" : "null");
  }

  const char* word(const char* at, std::string_view letters) noexcept {
    for (const char c : letters) {
      if (!is(at, c)) return fail(at, letters);
      ++at;
    }
    return at;
  }

  // number = [ minus ] int [ frac ] [ exp ] (section 6). The sign takes no branch, see literal().
  const char* number(const char* token) noexcept {
    const char* const first = token + (*token == '-' ? 1 : 0);
    const char* at = fastest::skip_digits(first, end_);
    if (at == first) return no_number(token);
    if (*first == '0' && at - first > 1) return fail(first + 1, "no digit after a leading zero");
    if (is(at, '.')) {
      at = digits(at + 1);
      if (at == nullptr) return nullptr;
    }
    if (!is(at, 'e') && !is(at, 'E')) return at;
    ++at;
    return digits(is(at, '+') || is(at, '-') ? at + 1 : at);
  }

  const char* no_number(const char* token) noexcept {
    if (*token != '-') return fail(token, "a value");
    if (lenient_ && is(token + 1, 'I')) return word(token + 1, "Infinity");
    return fail(token + 1, "a digit");
  }

  // 1*DIGIT
  const char* digits(const char* first) noexcept {
    const char* const at = fastest::skip_digits(first, end_);
    return at != first ? at : fail(at, "a digit");
  }

  const char* const end_;
  const bool lenient_;
  TokenCursor<Output> tokens_;
  Nesting nesting_;
  Fault fault_;
};

// The first fault that lies outside of strings.
template <typename Output>
[[nodiscard, gnu::flatten]] Fault check_grammar(std::string_view text, BlockReader<Output>& reader,
                                                std::uint32_t depth_limit, bool lenient) {
  std::vector<std::uint64_t> outer_levels;
  return Grammar<Output>(text, reader, Nesting(depth_limit, outer_levels), lenient).match();
}

}  // namespace safechunk::json
