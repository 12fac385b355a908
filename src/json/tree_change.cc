// Changes of a Tree: where white space and commas go.
#include <algorithm>
#include <utility>

#include "json/characters.h"
#include "json/entry.h"
#include "json/name.h"
#include "json/scan.h"
#include "json/tree.h"
#include "json/tree_parts.h"

namespace safechunk::json {
namespace {

Error too_large(std::uint64_t limit) {
  Error error;
  error.code = ErrorCode::too_large;
  error.message = "the text would have more than " + std::to_string(limit) + " bytes";
  return error;
}

}  // namespace

Layout Tree::observe(std::string_view value, const Layout& outer) {
  const std::string_view shown = comments_.shown(value);
  if (shown.data() == value.data() || shown == value) return observed_layout(value, outer);
  return observed_layout(keep(without_comments(shown, value)), outer);
}

// The layout that an empty object or array would have in place of the entry's value.
Layout Tree::layout_inside(const Container& container, const Entry& entry) const {
  Layout layout = container.layout;
  if (!layout.lines) return layout;
  layout.base = has_line_break(entry.lead) ? std::string(indentation(space_like(entry.lead)))
                                           : container.layout.entry_indent();
  return layout;
}

// The layout of `example` if it is of the type of `value` and shows one.
Layout Tree::layout_like(const Value& example, std::string_view value, const Layout& outer) {
  if (example.opened != nullptr) {
    const bool same_type = example.opened->is_object == value.starts_with('{');
    return same_type && example.opened->has_entries() ? example.opened->layout : outer;
  }
  return example.text.front() == value.front() ? observe(example.text, outer) : outer;
}

Layout Tree::layout_for(const Container& container, const Entry& entry, const Value* example,
                        std::string_view value) {
  const Layout inside = layout_inside(container, entry);
  if (example == nullptr || !has_entries(value)) return inside;
  Layout layout = layout_like(*example, value, inside);
  if (inside.lines && layout.lines) layout.base = inside.base;
  return layout;
}

Container& Tree::open(const Place& place) {
  if (place.value->opened != nullptr) return *place.value->opened;
  const std::string_view text = place.value->text;
  const std::string_view inside = between_brackets(text);
  Container& container = containers_.emplace_back();
  container.is_object = text.starts_with('{');
  if (place.container == nullptr) {
    container.layout = root_layout_;
  } else {
    container.layout =
        observe(text, layout_inside(*place.container, entry_at(*place.container, place.ordinal)));
  }
  if (has_entries(text)) {
    container.pieces.push_back({.text = inside, .count = Piece::kUnread});
  } else {
    container.blank = inside;
  }
  place.value->opened = &container;
  return container;
}

Entry* Tree::entry_before(Container& container, std::size_t ordinal) {
  while (ordinal > 0) {
    Entry& entry = entry_at(container, --ordinal);
    if (!entry.removed) return &entry;
  }
  return nullptr;
}

Entry* Tree::entry_behind(Container& container, std::size_t ordinal) {
  if (!container.is_object) count_elements(container, ordinal + 1);
  const std::size_t count = container.counted();
  while (++ordinal < count) {
    Entry& entry = entry_at(container, ordinal);
    if (!entry.removed) return &entry;
  }
  return nullptr;
}

Result<std::string_view> Tree::laid_out(const Source& source, const Layout& layout,
                                        std::size_t depth) {
  const std::uint32_t limit = options_.depth_limit;
  // Each level takes two bytes.
  if (source.text.size() / 2 + depth > limit) {
    const auto levels_left =
        static_cast<std::uint32_t>(limit - std::min<std::size_t>(depth, limit));
    if (!validate(source.text, {.depth_limit = levels_left, .lenient = true}).ok()) {
      return Status(ErrorCode::too_deep,
                    "more than " + std::to_string(limit) + " objects and arrays would be nested");
    }
  }
  if (source.keeps_its_line && !has_line_break(source.text)) return source.text;
  if (!has_entries(source.text)) {
    if (source.text.starts_with('{')) return std::string_view("{}");
    if (source.text.starts_with('[')) return std::string_view("[]");
    return source.text;
  }
  std::string text;
  if (!lay_out(source.text, layout, options_.size_limit, text))
    return too_large(options_.size_limit);
  return keep(std::move(text));
}

Status Tree::replace(const Place& place, const Source& source, std::size_t depth) {
  Layout layout = root_layout_;
  if (place.container != nullptr) {
    layout = layout_for(*place.container, entry_at(*place.container, place.ordinal), place.value,
                        source.text);
  }
  const Result<std::string_view> text = laid_out(source, layout, depth);
  if (!text) return text.status();
  size_ -= std::min<std::uint64_t>(size_, size_of(*place.value));
  *place.value = {.text = *text};
  size_ += text->size();
  return check_size();
}

Status Tree::append_member(Container& object, std::string_view name, const Source& source,
                           std::size_t depth) {
  const std::size_t ordinal = object.counted();
  const std::string colon(object.layout.colon);
  Entry& entry = entries_.emplace_back();
  entry.name = keep(std::string(name) + colon);
  Status status = insert(object, ordinal, entry, source, depth);
  if (status.ok() && object.indexed) add_to_index(object, entry.name, ordinal);
  return status;
}

Status Tree::insert_element(Container& array, std::size_t index, const Source& source,
                            std::size_t depth) {
  return insert(array, index, entries_.emplace_back(), source, depth);
}

// Fills the entry, and puts it before the one that has the ordinal now.
Status Tree::insert(Container& container, std::size_t ordinal, Entry& entry, const Source& source,
                    std::size_t depth) {
  Entry* example = entry_before(container, ordinal);
  if (example == nullptr && ordinal < container.counted()) example = &entry_at(container, ordinal);
  const Entry& neighbour = example != nullptr ? *example : entry;
  const Layout layout =
      layout_for(container, neighbour, example != nullptr ? &example->value : nullptr, source.text);
  const Result<std::string_view> text = laid_out(source, layout, depth);
  if (!text) return text.status();
  entry.value.text = *text;
  separate(container, ordinal, entry);
  size_ += entry.name.size() + text->size();

  const bool at_end = ordinal == container.counted();
  const std::size_t at = at_end ? container.pieces.size() : isolate(container, ordinal);
  container.pieces.insert(container.pieces.begin() + static_cast<std::ptrdiff_t>(at),
                          {.text = {}, .entry = &entry});
  return check_size();
}

// Distributes white space so that the entry can be inserted before the one with the ordinal.
// All changes are such that text is inserted in one place; around comments, in two.
void Tree::separate(Container& container, std::size_t ordinal, Entry& entry) {
  const Layout& layout = container.layout;
  Entry* const before = entry_before(container, ordinal);
  Entry* const behind = ordinal < container.counted() ? &entry_at(container, ordinal) : nullptr;
  const auto trail_like = [&](const Entry* other) {
    return other == nullptr || has_comments(other->trail) ? std::string_view() : other->trail;
  };
  if (before != nullptr && behind != nullptr) {
    entry.trail = trail_like(before);
    if (has_comments(behind->lead)) return insert_between_comments(container, entry, *behind);
    entry.lead = space_like(behind->lead);
  } else if (before != nullptr) {
    const Entry* const second = entry_before(container, container.counted() - 1);
    const bool first_is_like_others = second != nullptr || has_line_break(before->lead);
    const std::string_view space = first_is_like_others ? space_like(before->lead) : layout.gap;
    if (has_comments(before->trail)) {
      return append_behind_comments(container, *before, entry, space);
    }
    entry.lead = space;
    entry.trail = std::exchange(before->trail, trail_like(second));
  } else if (behind != nullptr) {
    const Entry* const second = entry_behind(container, ordinal);
    entry.trail = second != nullptr ? trail_like(behind) : std::string_view();
    if (has_comments(behind->lead)) return insert_between_comments(container, entry, *behind);
    const bool alone_on_line = has_line_break(behind->lead);
    entry.lead = behind->lead;
    behind->lead = second != nullptr ? space_like(second->lead)
                   : alone_on_line   ? space_like(behind->lead)
                                     : layout.gap;
  } else if (has_comments(container.blank)) {
    fill_commented(container, entry);
  } else if (layout.lines) {
    const std::string line_break(layout.line_break);
    entry.lead = keep(line_break + layout.entry_indent());
    entry.trail = keep(line_break + layout.base);
  }
}

void Tree::remove(const Place& place) {
  Container& container = *place.container;
  const std::size_t ordinal = place.ordinal;
  Entry& entry = entry_at(container, ordinal);
  Entry* const before = entry_before(container, ordinal);
  Entry* const behind = entry_behind(container, ordinal);
  if (!comments_.any() || !remove_beside_comments(container, entry, before, behind)) {
    if (behind == nullptr && before != nullptr) before->trail = entry.trail;
    if (before == nullptr && behind != nullptr) behind->lead = entry.lead;
    if (before == nullptr && behind == nullptr) container.blank = {};
  }
  size_ -= std::min<std::uint64_t>(size_, entry.name.size() + size_of(entry.value));

  auto& pieces = container.pieces;
  if (!container.is_object) {
    pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(isolate(container, ordinal)));
    return;
  }
  entry.removed = true;
  if (container.indexed) container.index.remove(unescaped(inside_of_string(entry.name)));
  while (!pieces.empty() && pieces.back().is_removed()) pieces.pop_back();
}

Status Tree::check_size() {
  if (size_ <= options_.size_limit) return {};
  size_ = size_of(root_);
  if (size_ <= options_.size_limit) return {};
  return too_large(options_.size_limit);
}

Result<std::string> Tree::write() const {
  const std::size_t size = before_.size() + size_of(root_) + behind_.size();
  if (size > options_.size_limit) return too_large(options_.size_limit);
  std::string text;
  text.reserve(size);
  text += comments_.shown(before_);
  append_to(text, root_, comments_);
  text += comments_.shown(behind_);
  return text;
}

}  // namespace safechunk::json
