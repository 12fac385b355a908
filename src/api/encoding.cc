#include "api/encoding.h"

#include <algorithm>
#include <string>

#include "json/characters.h"
#include "json/utf8.h"

namespace safechunk {
namespace {

using namespace std::string_view_literals;

// The name of the encoding that the first bytes show; empty: none that is known. JSON begins with
// an ASCII character, so that the zero bytes around it tell.
std::string_view wide_encoding(std::string_view text) {
  if (text.starts_with("\xFF\xFE\0\0"sv) || text.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32";
  if (text.starts_with("\xFF\xFE"sv) || text.starts_with("\xFE\xFF"sv)) return "UTF-16";
  if (text.size() < 2) return {};
  const bool first = text[0] == '\0';
  const bool second = text[1] == '\0';
  if (first == second) return first ? "UTF-32"sv : ""sv;
  if (text.size() >= 4 && second && text[2] == '\0' && text[3] == '\0') return "UTF-32";
  return "UTF-16";
}

TextPosition position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_break = before.rfind('\n');
  TextPosition position;
  position.offset = offset;
  position.line += static_cast<std::uint64_t>(std::ranges::count(before, '\n'));
  position.column += offset - (line_break == std::string_view::npos ? 0 : line_break + 1);
  return position;
}

std::string hex_of(char byte) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  return {'0', 'x', kHexDigits[value / 16], kHexDigits[value % 16]};
}

// `status` as it is, unless the encoding of `text` is the reason.
Status name_encoding(const Status& status, std::string_view text) {
  if (status.code() != ErrorCode::invalid_json) return status;
  Error error = status.error();
  if (const std::string_view encoding = wide_encoding(text); !encoding.empty()) {
    error.message = "the text is " + std::string(encoding) + "; JSON must be UTF-8";
    error.position = position_of(text, 0);
    return error;
  }
  const std::size_t invalid = json::find_invalid_utf8(text);
  // A fault in front of it is the first thing to mend.
  if (invalid == text.size() || (error.position && error.position->offset < invalid)) return status;
  error.message =
      "the byte " + hex_of(text[invalid]) +
      " is not UTF-8; the text seems to be Latin-1 or Windows-1252, and JSON must be UTF-8";
  error.position = position_of(text, invalid);
  return error;
}

// `status` with the position in the text in front of which `removed` bytes were taken away.
Status shifted(const Status& status, std::size_t removed) {
  if (removed == 0 || !status.error().position) return status;
  Error error = status.error();
  error.position->offset += removed;
  if (error.position->line == 1) error.position->column += removed;
  return error;
}

}  // namespace

Status put_text(Edits& edits, std::string_view text, std::string_view chunk) {
  const std::string_view json_text = json::without_byte_order_mark(text);
  Status status = edits.put(json_text, chunk);
  if (status.ok()) return status;
  return shifted(name_encoding(status, json_text), text.size() - json_text.size());
}

}  // namespace safechunk
