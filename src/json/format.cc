#include "json/format.h"

#include <cstddef>

#include "json/block_reader.h"
#include "json/characters.h"
#include "json/compact_output.h"
#include "json/line_writer.h"

namespace safechunk::json {
namespace {

// Writes one token after the other, until more than `size_limit` bytes have left the buffer.
// Returns whether that is all of them. Everything is inlined, for the sake of registers.
[[gnu::flatten]] bool write_lines(std::string_view text, LineWriter writer,
                                  std::size_t size_limit) {
  NoOutput no_output;
  BlockReader<NoOutput> reader(text, no_output);
  TokenCursor<NoOutput> tokens(text, reader);
  const char* const end = text.data() + text.size();
  std::size_t depth = 0;
  for (const char *token = tokens.next(), *following; token != end; token = following) {
    following = tokens.next();
    if (writer.flushed_bytes() > size_limit) break;
    switch (*token) {
      case '{':
      case '[':
        writer.write(*token);
        if (following == end || (*following != '}' && *following != ']')) {
          writer.next_line(++depth);
          break;
        }
        writer.write(*following);
        following = tokens.next();
        break;
      case '}':
      case ']':
        if (depth > 0) --depth;
        writer.next_line(depth);
        writer.write(*token);
        break;
      case ',':
        writer.write(',');
        writer.next_line(depth);
        break;
      case ':':
        writer.write(": ");
        break;
      default: {  // A string, number or literal ends where the white space before the next begins.
        const char* behind = following;
        while (is_white_space(behind[-1])) --behind;
        writer.write(token, static_cast<std::size_t>(behind - token),
                     static_cast<std::size_t>(end - token));
      }
    }
  }
  writer.write('\n');
  writer.flush();
  return writer.flushed_bytes() <= size_limit;
}

std::string without_white_space(std::string_view text) {
  std::string result(text);
  CompactOutput output(text, result.data());
  BlockReader<CompactOutput> reader(text, output);
  while (reader.read().bytes != nullptr) continue;
  result.resize(output.finish());
  return result;
}

// The size of the NaN, Infinity or -Infinity that starts the text, 0 when none does.
std::size_t non_finite_size(std::string_view text) noexcept {
  switch (text.front()) {
    case 'N':
      return text.starts_with("NaN") ? 3 : 0;
    case 'I':
      return text.starts_with("Infinity") ? 8 : 0;
    case '-':
      return text.starts_with("-Infinity") ? 9 : 0;
    default:
      return 0;
  }
}

}  // namespace

std::string format(std::string_view text, unsigned indent, std::size_t size_limit) {
  std::string result;
  if (indent != 0) result.reserve(text.size() + text.size() / 2);  // a guess
  StringOutput output(result);
  format(text, indent, size_limit, output);
  return result;
}

void format(std::string_view text, unsigned indent, std::size_t size_limit, TextOutput& out) {
  text = without_byte_order_mark(text);
  if (indent != 0) {
    LineWriter::Buffer buffer;
    if (write_lines(text, LineWriter(out, buffer, indent), size_limit)) return;
    out.clear();
  }
  std::string compact = without_white_space(text);
  if (compact.size() < size_limit) compact += '\n';
  out.append(compact);
}

[[gnu::flatten]] std::string without_non_finite(std::string_view text) {
  text = without_byte_order_mark(text);
  NoOutput no_output;
  BlockReader<NoOutput> reader(text, no_output);
  TokenCursor<NoOutput> tokens(text, reader);
  const char* const end = text.data() + text.size();
  const char* kept_from = text.data();
  std::string result;
  result.reserve(text.size());
  for (const char* token = tokens.next(); token != end; token = tokens.next()) {
    const std::size_t size = non_finite_size({token, static_cast<std::size_t>(end - token)});
    if (size == 0) continue;
    result.append(kept_from, token).append("null");
    kept_from = token + size;
  }
  return result.append(kept_from, end);
}

}  // namespace safechunk::json
