// A JSON text as a tree that is read only where an edit looks.
//
// A value is a span of the original text until somebody needs an entry of it (a member or an
// element); then it is opened. An opened container is a list of pieces, in the order of the text: a
// run of untouched entries, or one entry on its own. Runs are short enough that an entry in one is
// found quickly, and long enough that there are few of them. Writing the tree concatenates the
// pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include <safechunk/status.hpp>

#include "json/comments.h"
#include "json/edit.h"
#include "json/layout.h"
#include "json/pointer.h"

namespace safechunk::json {

struct Container;  // tree_parts.h
struct Entry;

struct Value {
  std::string_view text;        // as it was when it was not open yet
  Container* opened = nullptr;  // if there is one, it counts instead of `text`
};

class Tree {
 public:
  // Where a value is. Valid until the tree changes.
  struct Place {
    Value* value = nullptr;
    Container* container = nullptr;  // around the value; nullptr for the whole document
    std::size_t ordinal = 0;         // in the container
  };

  // A value to insert: JSON without white space around it, which outlives the tree.
  struct Source {
    std::string_view text;
    bool keeps_its_line = false;  // if it has no line breaks, it is not laid out
  };

  // `text` outlives the tree. It was accepted by validate(), lenient or not.
  // With `comments`, it is their copy with blanks, and write() gives the text with its comments.
  Tree(std::string_view text, const EditOptions& options, Comments comments = {});
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree();

  [[nodiscard]] Place root() noexcept { return {.value = &root_}; }
  // The value that the first `tokens` tokens of the pointer name. Errors: as value_at().
  Result<Place> find(const Pointer& pointer, std::size_t tokens);

  // The steps of find(). Token `step` of the pointer, counted from 0, names an entry of the
  // container at `place`; not_found when that is none.
  Result<Container*> enter(const Place& place, const Pointer& pointer, std::size_t step);
  Result<Place> entry(Container& container, const Pointer& pointer, std::size_t step);
  // The same, when the ordinal (or kNone, or kSeveral) of the member has been found already.
  Result<Place> member(Container& object, const Pointer& pointer, std::size_t step,
                       std::size_t ordinal);
  Result<std::size_t> element_index(Container& array, const Pointer& pointer, std::size_t step);
  // The index before which an element can be inserted; the number of elements for '-'.
  Result<std::size_t> insertion_index(Container& array, const Pointer& pointer, std::size_t step);

  // The container that `place` holds, which is an object or array.
  Container& open(const Place& place);
  Place place_of(Container& container, std::size_t ordinal);
  // An ordinal; it counts the members that were removed as well.
  static constexpr std::size_t kNone = SIZE_MAX;
  static constexpr std::size_t kSeveral = SIZE_MAX - 1;
  std::size_t find_member(Container& object, std::string_view name);
  bool has_element(Container& array, std::size_t index);

  // Changes. `depth` is the number of containers around the value. Errors: too_deep, too_large.
  Status replace(const Place& place, const Source& source, std::size_t depth);
  // `name` is a JSON string that outlives the tree; the object does not have it yet.
  Status append_member(Container& object, std::string_view name, const Source& source,
                       std::size_t depth);
  Status insert_element(Container& array, std::size_t index, const Source& source,
                        std::size_t depth);
  void remove(const Place& place);

  // Keeps a text as long as the tree lives.
  std::string_view keep(std::string text);
  // The text of a value as it is now; it lives as long as the tree.
  std::string_view text_of(const Value& value);
  // The whole text as it is now. Errors: too_large.
  [[nodiscard]] Result<std::string> write() const;

 private:
  std::size_t element_count(Container& array);
  std::size_t isolate(Container& container, std::size_t ordinal);
  Entry& entry_at(Container& container, std::size_t ordinal);
  Entry* entry_before(Container& container, std::size_t ordinal);
  Entry* entry_behind(Container& container, std::size_t ordinal);

  Result<std::string_view> laid_out(const Source& source, const Layout& layout, std::size_t depth);
  Status insert(Container& container, std::size_t ordinal, Entry& entry, const Source& source,
                std::size_t depth);
  void separate(Container& container, std::size_t ordinal, Entry& entry);
  Layout observe(std::string_view value, const Layout& outer);
  Layout layout_inside(const Container& container, const Entry& entry) const;
  Layout layout_like(const Value& example, std::string_view value, const Layout& outer);
  Layout layout_for(const Container& container, const Entry& entry, const Value* example,
                    std::string_view value);

  // tree_comments.cc
  [[nodiscard]] std::string_view space_like(std::string_view lead) const noexcept;
  // Comments, or a comma behind the last entry.
  [[nodiscard]] bool has_comments(std::string_view gap) const noexcept;
  void append_behind_comments(const Container& container, Entry& before, Entry& entry,
                              std::string_view space);
  void insert_between_comments(const Container& container, Entry& entry, Entry& behind);
  void fill_commented(const Container& container, Entry& entry);
  // False, and nothing done, where there are no comments around the entry.
  bool remove_beside_comments(Container& container, const Entry& entry, Entry* before,
                              Entry* behind);
  Status check_size();

  const std::string_view before_;  // the root: a byte-order mark and white space
  const std::string_view behind_;
  const EditOptions options_;
  const Comments comments_;
  Value root_;
  Layout root_layout_;
  // Of the text as it is now: an estimate, so that copies of copies end.
  std::uint64_t size_;
  std::list<Container> containers_;
  std::list<Entry> entries_;
  std::list<std::string> texts_;
};

}  // namespace safechunk::json
