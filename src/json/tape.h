// A JSON text as a list of its values and names, for what must look at all of them.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace safechunk::json {

// One value, or the name of a member, which comes before its value. The entries of a container come
// behind it.
struct TapeItem {
  std::string_view text;  // of a container: with all of it
  std::size_t end = 0;    // the item behind this and all that lies in it
};

// `text` was accepted by validate(); item 0 is the whole value. Cost: O(bytes).
[[nodiscard]] std::vector<TapeItem> read_tape(std::string_view text);

struct TapeMember {
  std::string_view name;  // without escapes
  std::size_t value = 0;  // item
};

// The members of the object that is item `object`, sorted by name. Unescaped names are kept in
// `names`.
[[nodiscard]] std::vector<TapeMember> sorted_members(const std::vector<TapeItem>& tape,
                                                     std::size_t object,
                                                     std::deque<std::string>& names);
// A name that occurs twice; nullptr when none does.
[[nodiscard]] const TapeMember* find_repeated(const std::vector<TapeMember>& sorted) noexcept;

}  // namespace safechunk::json
