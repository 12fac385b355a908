#include "json/encoding.h"

#include <string>

#include "json/fault.h"
#include "json/utf8.h"

namespace safechunk::json {
namespace {

using namespace std::string_view_literals;

// The name of the encoding that the first bytes show; empty: none that is known. JSON begins with
// an ASCII character, so that the zero bytes around it tell.
std::string_view wide_encoding(std::string_view text) {
  if (text.starts_with("\xFF\xFE\0\0"sv) || text.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32";
  if (text.starts_with("\xFF\xFE"sv) || text.starts_with("\xFE\xFF"sv)) return "UTF-16";
  const auto is_zero = [&](std::size_t i) { return i < text.size() && text[i] == '\0'; };
  const bool zeros_only = text.find_first_not_of('\0') == std::string_view::npos;
  if (zeros_only || is_zero(0) == is_zero(1)) {
    return !zeros_only && is_zero(0) && is_zero(2) && !is_zero(3) ? "UTF-32"sv : ""sv;
  }
  if (is_zero(1) && is_zero(2) && is_zero(3)) return "UTF-32";
  return "UTF-16";
}

std::string hex_of(char byte) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  return {'0', 'x', kHexDigits[value / 16], kHexDigits[value % 16]};
}

}  // namespace

Status name_encoding(const Status& status, std::string_view text) {
  if (status.code() != ErrorCode::invalid_json) return status;
  Error error = status.error();
  if (const std::string_view encoding = wide_encoding(text); !encoding.empty()) {
    error.message = "the text is " + std::string(encoding) + "; JSON must be UTF-8";
    error.position = position_of(text, 0);
    return error;
  }
  const std::size_t invalid = find_invalid_utf8(text);
  // A fault in front of it is the first thing to mend.
  if (invalid == text.size() || (error.position && error.position->offset < invalid)) return status;
  error.message =
      "the byte " + hex_of(text[invalid]) +
      " is not UTF-8; the text seems to be Latin-1 or Windows-1252, and JSON must be UTF-8";
  error.position = position_of(text, invalid);
  return error;
}

}  // namespace safechunk::json
