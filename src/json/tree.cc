#include "json/tree.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "json/characters.h"
#include "json/entry.h"
#include "json/name.h"
#include "json/tree_parts.h"

namespace safechunk::json {
namespace {

// Searching all members costs less than an index of them, this many times.
constexpr std::size_t kMaxSearches = 4;
constexpr std::size_t kMaxQuotedBytes = 200;

std::string quoted(std::string_view text) {
  return "'" + shortened(text, kMaxQuotedBytes) + "'";
}

// What the first `tokens` tokens name, for a message.
std::string part_of(const Pointer& pointer, std::size_t tokens) {
  if (tokens == 0) return "the document";
  return quoted(Pointer::write(std::span(pointer.tokens()).first(tokens)));
}

Error failure(ErrorCode code, const Pointer& pointer, const std::string& what) {
  Error error;
  error.code = code;
  error.message = quoted(pointer.text()) + ": " + what;
  return error;
}

std::string_view type_of(std::string_view value) noexcept {
  switch (value.empty() ? '\0' : value.front()) {
    case '"':
      return "a string";
    case 't':
      return "true";
    case 'f':
      return "false";
    case 'n':
      return "null";
    default:
      return "a number";
  }
}

// An array index as RFC 6901 section 4 writes it.
std::optional<std::size_t> parse_index(std::string_view token) noexcept {
  if (token.empty() || !std::ranges::all_of(token, is_digit)) return std::nullopt;
  if (token.size() > 1 && token.front() == '0') return std::nullopt;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (error != std::errc() || index == SIZE_MAX) return std::nullopt;
  return index;
}

Error no_index(const Pointer& pointer, std::size_t step) {
  return failure(ErrorCode::invalid_argument, pointer,
                 part_of(pointer, step) + " is an array, and " + quoted(pointer.tokens()[step]) +
                     " is no index");
}

Error beyond_the_end(const Pointer& pointer, std::size_t step, std::size_t count) {
  return failure(ErrorCode::not_found, pointer,
                 part_of(pointer, step) + " has only " + std::to_string(count) +
                     (count == 1 ? " element" : " elements"));
}

std::string_view text_before_root(std::string_view text) noexcept {
  const std::string_view inside = without_byte_order_mark(text);
  return text.substr(0, text.size() - inside.size() + leading_white_space(inside).size());
}

std::string_view text_behind_root(std::string_view text) noexcept {
  const std::size_t begin = text_before_root(text).size();
  return text.substr(begin + trimmed(text.substr(begin)).size());
}

}  // namespace

Tree::Tree(std::string_view text, const EditOptions& options, Comments comments)
    : before_(text_before_root(text)),
      behind_(text_behind_root(text)),
      options_(options),
      comments_(comments),
      size_(text.size()) {
  root_.text = text.substr(before_.size(), text.size() - before_.size() - behind_.size());
  Layout layout = default_layout(options.indent);
  if (behind_.starts_with("\r\n")) layout.line_break = "\r\n";
  // A document on one line shows that it has no line breaks.
  const bool one_line =
      has_entries(root_.text) && !has_line_break(leading_white_space(between_brackets(root_.text)));
  if (one_line) layout.colon = ":";
  root_layout_ = observe(root_.text, layout);
}

Tree::~Tree() = default;

Result<Tree::Place> Tree::find(const Pointer& pointer, std::size_t tokens) {
  Place place = root();
  for (std::size_t step = 0; step < tokens; ++step) {
    const Result<Container*> container = enter(place, pointer, step);
    if (!container) return container.status();
    const Result<Place> next = entry(**container, pointer, step);
    if (!next) return next.status();
    place = *next;
  }
  return place;
}

Result<Container*> Tree::enter(const Place& place, const Pointer& pointer, std::size_t step) {
  const std::string_view text = place.value->text;
  if (place.value->opened == nullptr && !text.starts_with('{') && !text.starts_with('[')) {
    return failure(ErrorCode::not_found, pointer,
                   part_of(pointer, step) + " is " + std::string(type_of(text)));
  }
  return &open(place);
}

Result<Tree::Place> Tree::entry(Container& container, const Pointer& pointer, std::size_t step) {
  if (!container.is_object) {
    const Result<std::size_t> index = element_index(container, pointer, step);
    if (!index) return index.status();
    return place_of(container, *index);
  }
  return member(container, pointer, step, find_member(container, pointer.tokens()[step]));
}

Result<Tree::Place> Tree::member(Container& container, const Pointer& pointer, std::size_t step,
                                 std::size_t ordinal) {
  const std::string& name = pointer.tokens()[step];
  if (ordinal == kNone) {
    return failure(ErrorCode::not_found, pointer,
                   part_of(pointer, step) + " has no member " + quoted(name));
  }
  if (ordinal == kSeveral) {
    return failure(ErrorCode::invalid_argument, pointer,
                   part_of(pointer, step) + " has more than one member " + quoted(name));
  }
  return place_of(container, ordinal);
}

Result<std::size_t> Tree::element_index(Container& array, const Pointer& pointer,
                                        std::size_t step) {
  const std::string& token = pointer.tokens()[step];
  if (token == "-") {
    return failure(ErrorCode::not_found, pointer,
                   "'-' is the place behind the last element of " + part_of(pointer, step));
  }
  const std::optional<std::size_t> index = parse_index(token);
  if (!index) return no_index(pointer, step);
  if (has_element(array, *index)) return *index;
  return beyond_the_end(pointer, step, element_count(array));
}

Result<std::size_t> Tree::insertion_index(Container& array, const Pointer& pointer,
                                          std::size_t step) {
  const std::string& token = pointer.tokens()[step];
  if (token == "-") return element_count(array);
  const std::optional<std::size_t> index = parse_index(token);
  if (!index) return no_index(pointer, step);
  if (has_element(array, *index) || *index == element_count(array)) return *index;
  return beyond_the_end(pointer, step, element_count(array));
}

Tree::Place Tree::place_of(Container& container, std::size_t ordinal) {
  return {&entry_at(container, ordinal).value, &container, ordinal};
}

std::size_t Tree::find_member(Container& object, std::string_view name) {
  if (!object.indexed && object.searches++ < kMaxSearches) return search_member(object, name);
  if (!object.indexed) index_members(object);
  const std::size_t ordinal = object.index.find(name);
  if (ordinal == NameIndex::kNone) return kNone;
  if (ordinal == NameIndex::kUnsure) return search_member(object, name);
  return string_is(entry_at(object, ordinal).name, name) ? ordinal : kNone;
}

bool Tree::has_element(Container& array, std::size_t index) {
  count_elements(array, index);
  return index < array.counted();
}

std::size_t Tree::element_count(Container& array) {
  count_elements(array, kNone);
  return array.counted();
}

std::size_t Tree::isolate(Container& container, std::size_t ordinal) {
  std::size_t at = 0;
  std::size_t before = ordinal;  // entries of the piece before the wanted one
  while (container.pieces[at].count <= before) before -= container.pieces[at++].count;
  const Piece piece = container.pieces[at];
  if (piece.entry != nullptr) return at;

  const std::string_view text = piece.count == 1 ? piece.text : entry_of_run(piece.text, before);
  const EntryText parts = parse_entry(text, container.is_object);
  entries_.push_back({parts.lead, parts.name, {.text = parts.value}, parts.trail});
  const auto begin = static_cast<std::size_t>(text.data() - piece.text.data());
  const std::size_t behind = piece.count - before - 1;
  std::vector<Piece> split;
  if (before > 0) split.push_back({.text = piece.text.substr(0, begin - 1), .count = before});
  split.push_back({.text = {}, .entry = &entries_.back()});
  if (behind > 0) {
    split.push_back({.text = piece.text.substr(begin + text.size() + 1), .count = behind});
  }
  const auto place = container.pieces.begin() + static_cast<std::ptrdiff_t>(at);
  *place = split.front();
  container.pieces.insert(place + 1, split.begin() + 1, split.end());
  return before > 0 ? at + 1 : at;
}

Entry& Tree::entry_at(Container& container, std::size_t ordinal) {
  return *container.pieces[isolate(container, ordinal)].entry;
}

std::string_view Tree::keep(std::string text) {
  return texts_.emplace_back(std::move(text));
}

std::string_view Tree::text_of(const Value& value) {
  if (value.opened == nullptr) return value.text;
  std::string text;
  text.reserve(size_of(value));
  append_to(text, value);
  return keep(std::move(text));
}

}  // namespace safechunk::json
