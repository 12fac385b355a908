// The entries of an object or array (its members or elements) as pieces of the text.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "json/structure.h"

namespace safechunk::json {

// The text of an entry between two commas or brackets is lead + name + value + trail.
struct EntryText {
  std::string_view lead;   // white space
  std::string_view name;   // of a member: from its quote up to the value, with the colon
  std::string_view value;  // without white space around it
  std::string_view trail;  // white space
};

[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
[[nodiscard]] std::string_view leading_white_space(std::string_view text) noexcept;

// `text` between its brackets.
[[nodiscard]] inline std::string_view between_brackets(std::string_view text) noexcept {
  return text.size() < 2 ? std::string_view() : text.substr(1, text.size() - 2);
}

// Takes an entry apart. Cost: O(name), not O(value).
[[nodiscard]] EntryText parse_entry(std::string_view text, bool is_member) noexcept;

// The first entry of `entries`, which is not blank: up to its comma or to the end.
[[nodiscard]] std::string_view first_entry(std::string_view entries) noexcept;

// Calls `use` for each of `entries`, which are not blank, with the text from there to the end.
template <typename Use>
void for_each_entry(std::string_view entries, Use use) {
  use(entries);
  visit_commas(entries, [&](const char* block, std::uint64_t commas) {
    const auto offset = static_cast<std::size_t>(block - entries.data());
    for (; commas != 0; commas &= commas - 1) {
      use(entries.substr(offset + static_cast<std::size_t>(std::countr_zero(commas)) + 1));
    }
    return true;
  });
}

// Reads one entry after the other.
class EntryReader {
 public:
  // `container` is an object or array without white space around it.
  explicit EntryReader(std::string_view container) noexcept;

  // Moves to the next entry; false behind the last.
  bool next() noexcept;
  [[nodiscard]] const EntryText& entry() const noexcept { return entry_; }

 private:
  const bool members_;
  bool at_end_;
  std::string_view rest_;
  EntryText entry_;
};

}  // namespace safechunk::json
