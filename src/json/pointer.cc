#include "json/pointer.h"

#include <algorithm>

#include "json/tree.h"
#include "json/utf8.h"

namespace safechunk::json {
namespace {

Error invalid(std::string message) {
  Error error;
  error.code = ErrorCode::invalid_argument;
  error.message = std::move(message);
  return error;
}

std::string at_byte(std::size_t offset) {
  return " (byte " + std::to_string(offset) + " of the pointer)";
}

}  // namespace

Result<Pointer> Pointer::parse(std::string_view text) {
  if (text.size() > kMaxBytes) {
    return invalid("the pointer has more than " + std::to_string(kMaxBytes) + " bytes");
  }
  const std::size_t well_formed = find_invalid_utf8(text);
  if (well_formed != text.size()) return invalid("not UTF-8" + at_byte(well_formed));
  Pointer pointer;
  pointer.text_ = text;
  if (!text.empty() && text.front() != '/') {
    return invalid("a pointer is empty or begins with '/'" + at_byte(0));
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      if (pointer.tokens_.size() == kMaxTokens) {
        return invalid("more than " + std::to_string(kMaxTokens) + " tokens" + at_byte(i));
      }
      pointer.tokens_.emplace_back();
    } else if (text[i] != '~') {
      pointer.tokens_.back() += text[i];
    } else if (i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1')) {
      pointer.tokens_.back() += text[++i] == '0' ? '~' : '/';
    } else {
      return invalid("'~' must be followed by 0 or 1" + at_byte(i));
    }
  }
  return pointer;
}

std::string Pointer::write(std::span<const std::string> tokens) {
  std::string text;
  for (const std::string& token : tokens) {
    text += '/';
    for (const char c : token) {
      if (c == '~') {
        text += "~0";
      } else if (c == '/') {
        text += "~1";
      } else {
        text += c;
      }
    }
  }
  return text;
}

bool Pointer::is_inside(const Pointer& other) const noexcept {
  return tokens_.size() > other.tokens_.size() &&
         std::equal(other.tokens_.begin(), other.tokens_.end(), tokens_.begin());
}

Result<std::string_view> value_at(std::string_view text, const Pointer& pointer) {
  Tree tree(text, EditOptions{});
  const Result<Tree::Place> place = tree.find(pointer, pointer.tokens().size());
  if (!place) return place.status();
  return place->value->text;
}

}  // namespace safechunk::json
