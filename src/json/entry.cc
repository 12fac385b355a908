#include "json/entry.h"

#include <bit>
#include <cstddef>

#include "json/characters.h"
#include "json/name.h"
#include "json/structure.h"

namespace safechunk::json {

std::string_view leading_white_space(std::string_view text) noexcept {
  std::size_t size = 0;
  while (size < text.size() && is_white_space(text[size])) ++size;
  return text.substr(0, size);
}

std::string_view trimmed(std::string_view text) noexcept {
  text.remove_prefix(leading_white_space(text).size());
  while (!text.empty() && is_white_space(text.back())) text.remove_suffix(1);
  return text;
}

EntryText parse_entry(std::string_view text, bool is_member) noexcept {
  EntryText entry;
  entry.lead = leading_white_space(text);
  std::string_view rest = text.substr(entry.lead.size());
  if (is_member && !rest.empty()) {
    const std::size_t quotes = 2;
    std::size_t size = std::min(inside_of_string(rest).size() + quotes, rest.size());
    size += leading_white_space(rest.substr(size)).size();
    if (size < rest.size()) ++size;  // the colon
    size += leading_white_space(rest.substr(size)).size();
    entry.name = rest.substr(0, size);
    rest.remove_prefix(size);
  }
  entry.value = trimmed(rest);
  entry.trail = rest.substr(entry.value.size());
  return entry;
}

std::string_view first_entry(std::string_view entries) noexcept {
  std::size_t size = entries.size();
  visit_commas(entries, [&](const char* block, std::uint64_t commas) {
    size = static_cast<std::size_t>(block - entries.data()) +
           static_cast<std::size_t>(std::countr_zero(commas));
    return false;
  });
  return entries.substr(0, size);
}

EntryReader::EntryReader(std::string_view container) noexcept
    : members_(container.starts_with('{')),
      at_end_(trimmed(between_brackets(container)).empty()),
      rest_(between_brackets(container)) {}

bool EntryReader::next() noexcept {
  if (at_end_) return false;
  const std::string_view text = first_entry(rest_);
  at_end_ = text.size() == rest_.size();
  rest_.remove_prefix(at_end_ ? text.size() : text.size() + 1);
  entry_ = parse_entry(text, members_);
  return true;
}

}  // namespace safechunk::json
