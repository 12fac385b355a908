#include "json/equal.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "json/characters.h"
#include "json/name.h"
#include "json/tape.h"

namespace safechunk::json {
namespace {

// A number is 0.DIGITS times ten to the power of exponent + shift, where DIGITS neither begins nor
// ends with 0; a zero has no digits.
struct Number {
  bool negative = false;
  std::string digits;
  bool exponent_negative = false;
  std::string_view exponent;  // digits, without leading zeros
  std::int64_t shift = 0;
};

std::string_view without_leading_zeros(std::string_view digits) noexcept {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

Number parse_number(std::string_view text) {
  Number number;
  number.negative = text.starts_with('-');
  if (number.negative) text.remove_prefix(1);
  const std::size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view exponent = text.substr(e + 1);
    number.exponent_negative = exponent.starts_with('-');
    if (exponent.starts_with('-') || exponent.starts_with('+')) exponent.remove_prefix(1);
    number.exponent = without_leading_zeros(exponent);
    text = text.substr(0, e);
  }
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string all(text.substr(0, point));
  if (point < text.size()) all += text.substr(point + 1);
  std::string_view digits = without_leading_zeros(all);
  number.shift =
      static_cast<std::int64_t>(point) - static_cast<std::int64_t>(all.size() - digits.size());
  number.digits = digits.substr(0, digits.find_last_not_of('0') + 1);
  return number;
}

// Digit `i` from the right, with the sign of the exponent.
int exponent_digit(const Number& number, std::size_t i) noexcept {
  if (i >= number.exponent.size()) return 0;
  const int digit = number.exponent[number.exponent.size() - 1 - i] - '0';
  return number.exponent_negative ? -digit : digit;
}

// Is a.exponent - b.exponent equal to `difference`, which is far from the limits of its type?
bool exponents_differ_by(const Number& a, const Number& b, std::int64_t difference) noexcept {
  constexpr std::int64_t kFar = 100'000'000'000'000'000;
  std::int64_t sum = 0;
  for (std::size_t i = std::max(a.exponent.size(), b.exponent.size()); i > 0; --i) {
    sum = sum * 10 + exponent_digit(a, i - 1) - exponent_digit(b, i - 1);
    if (sum > kFar || sum < -kFar) return false;  // The digits to come cannot bring it back.
  }
  return sum == difference;
}

enum class Type { object, array, string, number, other };

Type type_of(std::string_view text) noexcept {
  const char c = text.front();
  if (c == '{') return Type::object;
  if (c == '[') return Type::array;
  if (c == '"') return Type::string;
  return is_digit(c) || text.starts_with('-') ? Type::number : Type::other;
}

class Comparison {
 public:
  Comparison(std::string_view a, std::string_view b) : a_(read_tape(a)), b_(read_tape(b)) {}

  Result<bool> run() {
    pairs_.emplace_back(0, 0);
    while (!pairs_.empty() && equal_ && error_.ok()) {
      const auto [a, b] = pairs_.back();
      pairs_.pop_back();
      compare(a, b);
    }
    if (!error_.ok()) return error_;
    return equal_;
  }

 private:
  void compare(std::size_t a, std::size_t b) {
    const std::string_view text_a = a_[a].text;
    const std::string_view text_b = b_[b].text;
    const Type type = type_of(text_a);
    if (type != type_of(text_b)) {
      equal_ = false;
    } else if (type == Type::object) {
      compare_objects(a, b);
    } else if (type == Type::array) {
      compare_arrays(a, b);
    } else if (text_a != text_b) {
      equal_ = (type == Type::number && equal_numbers(text_a, text_b)) ||
               (type == Type::string &&
                unescaped(inside_of_string(text_a)) == unescaped(inside_of_string(text_b)));
    }
  }

  void compare_objects(std::size_t a, std::size_t b) {
    const std::vector<TapeMember> members_a = sorted_members(a_, a, names_);
    const std::vector<TapeMember> members_b = sorted_members(b_, b, names_);
    for (const auto* members : {&members_a, &members_b}) {
      const TapeMember* const repeated = find_repeated(*members);
      if (repeated == nullptr) continue;
      error_ =
          Status(ErrorCode::invalid_argument, "an object to compare has more than one member '" +
                                                  shortened(repeated->name, 200) + "'");
      return;
    }
    equal_ = members_a.size() == members_b.size();
    for (std::size_t i = 0; equal_ && i < members_a.size(); ++i) {
      equal_ = members_a[i].name == members_b[i].name;
      pairs_.emplace_back(members_a[i].value, members_b[i].value);
    }
  }

  void compare_arrays(std::size_t a, std::size_t b) {
    std::size_t element_a = a + 1;
    std::size_t element_b = b + 1;
    while (element_a < a_[a].end && element_b < b_[b].end) {
      pairs_.emplace_back(element_a, element_b);
      element_a = a_[element_a].end;
      element_b = b_[element_b].end;
    }
    equal_ = element_a == a_[a].end && element_b == b_[b].end;
  }

  const std::vector<TapeItem> a_;
  const std::vector<TapeItem> b_;
  std::vector<std::pair<std::size_t, std::size_t>> pairs_;  // to be compared
  std::deque<std::string> names_;
  bool equal_ = true;
  Status error_;
};

}  // namespace

bool equal_numbers(std::string_view a, std::string_view b) {
  if (a == b) return true;
  if (a.ends_with('y') || b.ends_with('y')) return false;  // -Infinity
  const Number x = parse_number(a);
  const Number y = parse_number(b);
  if (x.digits != y.digits) return false;
  if (x.digits.empty()) return true;
  return x.negative == y.negative && exponents_differ_by(x, y, y.shift - x.shift);
}

Result<bool> equal_values(std::string_view a, std::string_view b) {
  return Comparison(a, b).run();
}

}  // namespace safechunk::json
