#include "json/fault.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "json/characters.h"

namespace safechunk::json {
namespace {

std::string what_is_at(std::string_view text, std::size_t offset) {
  if (offset == text.size()) return "the end of the text";
  if (text.substr(offset).starts_with(kByteOrderMark)) return "a byte-order mark";
  const auto byte = static_cast<unsigned char>(text[offset]);
  if (byte > 0x20 && byte < 0x7F) return std::string("'") + text[offset] + "'";
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  return std::string("the byte 0x") + kHexDigits[byte / 16] + kHexDigits[byte % 16];
}

}  // namespace

TextPosition position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_break = before.rfind('\n');
  const std::size_t line_start = line_break == std::string_view::npos ? 0 : line_break + 1;
  TextPosition position;
  position.offset = offset;
  position.line += static_cast<std::uint64_t>(std::ranges::count(before, '\n'));
  position.column += offset - line_start;
  return position;
}

Status status_of(const Fault& fault, std::string_view text, std::uint32_t depth_limit) {
  if (!fault.exists()) return {};
  const auto offset = static_cast<std::size_t>(fault.at - text.data());
  Error error;
  error.code = fault.code;
  error.position = position_of(text, offset);
  if (fault.code == ErrorCode::too_deep) {
    error.message = "more than " + std::to_string(depth_limit) + " objects and arrays are nested";
  } else {
    error.message =
        "expected " + std::string(fault.expected) + ", found " + what_is_at(text, offset);
  }
  return error;
}

}  // namespace safechunk::json
