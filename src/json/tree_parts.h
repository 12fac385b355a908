// What a Tree consists of.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "json/layout.h"
#include "json/name_index.h"
#include "json/tree.h"

namespace safechunk::json {

// One member or element: lead + name + value + trail (see EntryText).
struct Entry {
  std::string_view lead;
  std::string_view name;
  Value value;
  std::string_view trail;
  bool removed = false;  // members only
};

// One entry, or a run of untouched ones with the commas between them.
struct Piece {
  static constexpr std::size_t kUnread = SIZE_MAX;

  std::string_view text;   // of a run
  std::size_t count = 1;   // entries; kUnread while nobody has counted: only in the last piece
  Entry* entry = nullptr;  // nullptr for a run

  [[nodiscard]] bool is_removed() const noexcept { return entry != nullptr && entry->removed; }
};

struct Container {
  bool is_object = false;
  Layout layout;
  std::string_view blank;     // the white space between the brackets while there are no entries
  std::vector<Piece> pieces;  // with a comma between each two that are not removed
  std::size_t searches = 0;   // for members
  NameIndex index;            // made when several searches have been necessary
  bool indexed = false;

  [[nodiscard]] bool is_unread() const noexcept {
    return !pieces.empty() && pieces.back().count == Piece::kUnread;
  }
  [[nodiscard]] bool has_entries() const noexcept {
    for (const Piece& piece : pieces) {
      if (!piece.is_removed()) return true;
    }
    return false;
  }
  // The entries that have been counted, with the removed ones.
  [[nodiscard]] std::size_t counted() const noexcept {
    std::size_t sum = 0;
    for (const Piece& piece : pieces) sum += piece.count == Piece::kUnread ? 0 : piece.count;
    return sum;
  }
};

// Entry `n` of a run, counted from 0.
[[nodiscard]] std::string_view entry_of_run(std::string_view run, std::size_t n) noexcept;

// Counts elements of an array, until there is one more than `wanted` or all are counted.
void count_elements(Container& array, std::size_t wanted);
// The ordinal of the member, kNone or kSeveral. Counts all members of an unread object.
std::size_t search_member(Container& object, std::string_view name);

// Makes the index of an object that has been read.
void index_members(Container& object);
// `name` begins with the name of the member.
void add_to_index(Container& object, std::string_view name, std::size_t ordinal);

// The number of bytes of a value as it is now.
[[nodiscard]] std::size_t size_of(const Value& value);
void append_to(std::string& out, const Value& value);
// The same with the comments of the text.
void append_to(std::string& out, const Value& value, const Comments& comments);

}  // namespace safechunk::json
