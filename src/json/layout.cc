#include "json/layout.h"

#include "json/block_reader.h"
#include "json/characters.h"
#include "json/entry.h"
#include "json/name.h"

namespace safechunk::json {
namespace {

// ':' and the white space around it, without line breaks.
std::string_view colon_of(std::string_view name) noexcept {
  const std::size_t quotes = 2;
  std::string_view colon =
      name.substr(std::min(name.size(), inside_of_string(name).size() + quotes));
  return has_line_break(colon) ? std::string_view(": ") : colon;
}

void observe_lines(std::string_view lead, std::string_view last_lead, Layout& layout) {
  const std::string entry_indent(indentation(lead));
  if (has_line_break(last_lead)) layout.base = indentation(last_lead);
  if (entry_indent.starts_with(layout.base)) {
    const std::string unit = entry_indent.substr(layout.base.size());
    if (!unit.empty()) layout.unit = unit;  // entries that are not indented show nothing
  }
  layout.lines = true;
  layout.line_break = lead.find("\r\n") != std::string_view::npos ? "\r\n" : "\n";
}

// Writes tokens, each line break of the layout between them.
class Writer {
 public:
  Writer(const Layout& layout, std::string& out)
      : layout_(layout), line_(std::string(layout.line_break) + layout.base), out_(out) {}

  void open(char bracket) {
    out_ += bracket;
    line_ += layout_.unit;
    if (layout_.lines) out_ += line_;
  }
  void close(char bracket) {
    line_.resize(line_.size() - layout_.unit.size());
    if (layout_.lines) out_ += line_;
    out_ += bracket;
  }
  void comma() {
    out_ += ',';
    out_ += layout_.lines ? std::string_view(line_) : layout_.gap;
  }
  void colon() { out_ += layout_.colon; }
  void other(std::string_view token) { out_ += token; }

 private:
  const Layout& layout_;
  std::string line_;  // a line break and the indentation of the next line
  std::string& out_;
};

}  // namespace

Layout default_layout(unsigned indent) {
  Layout layout;
  layout.lines = indent != 0;
  layout.unit.assign(indent, ' ');
  layout.colon = layout.lines ? ": " : ":";
  return layout;
}

bool has_line_break(std::string_view white_space) noexcept {
  return white_space.find('\n') != std::string_view::npos;
}

std::string_view indentation(std::string_view white_space) noexcept {
  return white_space.substr(white_space.rfind('\n') + 1);
}

bool has_entries(std::string_view value) noexcept {
  return (value.starts_with('{') || value.starts_with('[')) &&
         !trimmed(between_brackets(value)).empty();
}

Layout observed_layout(std::string_view value, const Layout& outer) {
  Layout layout = outer;
  if (!has_entries(value)) return layout;
  const bool is_object = value.front() == '{';
  std::string_view entries = between_brackets(value);
  const std::string_view lead = leading_white_space(entries);
  if (is_object) layout.colon = colon_of(parse_entry(entries, true).name);
  if (has_line_break(lead)) {
    observe_lines(lead, entries.substr(entries.find_last_not_of(" \t\r\n") + 1), layout);
    return layout;
  }
  layout.lines = false;
  layout.gap = layout.colon.ends_with(' ') ? " " : "";
  if (is_object) return layout;
  const std::string_view first = first_entry(entries);
  if (first.size() == entries.size()) return layout;
  layout.gap = leading_white_space(entries.substr(first.size() + 1));
  if (has_line_break(layout.gap)) layout.gap = " ";
  return layout;
}

bool lay_out(std::string_view value, const Layout& layout, std::size_t size_limit,
             std::string& out) {
  NoOutput no_output;
  BlockReader<NoOutput> reader(value, no_output);
  TokenCursor<NoOutput> tokens(value, reader);
  Writer writer(layout, out);
  const char* const end = value.data() + value.size();
  for (const char *token = tokens.next(), *following; token != end; token = following) {
    following = tokens.next();
    if (out.size() > size_limit) return false;
    switch (*token) {
      case '{':
      case '[':
        if (following != end && (*following == '}' || *following == ']')) {
          writer.other(*token == '{' ? "{}" : "[]");
          following = tokens.next();
        } else {
          writer.open(*token);
        }
        break;
      case '}':
      case ']':
        writer.close(*token);
        break;
      case ',':
        writer.comma();
        break;
      case ':':
        writer.colon();
        break;
      default:
        writer.other(trimmed({token, static_cast<std::size_t>(following - token)}));
    }
  }
  return out.size() <= size_limit;
}

}  // namespace safechunk::json
