// Changes of a Tree over a text with comments: which of them stay where, and which go.
//
//   - A comment behind an entry on its line stays behind it, also when an entry is added there.
//   - Comments on other lines stay where they are. An entry that is added at the end goes in front
//     of those that stand before the closing bracket.
//   - With an entry that has lines of its own, the comments on these lines are removed. Where it
//     shares a line, only those between it and its comma, or the bracket, are.
#include <string>
#include <utility>

#include "json/entry.h"
#include "json/tree.h"
#include "json/tree_parts.h"

namespace safechunk::json {
namespace {

std::string joined(std::string_view first, std::string_view second, std::string_view third = {}) {
  std::string text(first);
  text += second;
  text += third;
  return text;
}

bool starts_line(std::string_view text) noexcept {
  return text.starts_with('\n') || text.starts_with("\r\n");
}

std::string_view without_leading_space(std::string_view text) noexcept {
  return text.substr(leading_white_space(text).size());
}

// Of the gap between a removed value and its comma: what is on later lines, if it has a comment.
std::string_view kept_before_comma(std::string_view text) noexcept {
  const std::string_view later = Gap(text).behind_first_line();
  return Gap(later).has_comments() ? later : std::string_view();
}

// A line of its own for an entry of the container.
std::string new_line(const Layout& layout) {
  return joined(layout.line_break, layout.entry_indent());
}

}  // namespace

std::string_view Tree::space_like(std::string_view lead) const noexcept {
  return Gap(comments_.shown(lead)).own_space();
}

bool Tree::has_comments(std::string_view gap) const noexcept {
  return !Gap(comments_.shown(gap)).is_plain();
}

void Tree::append_behind_comments(const Container& container, Entry& before, Entry& entry,
                                  std::string_view space) {
  const Gap all(comments_.shown(before.trail));
  const bool has_comma = all.comma() != Gap::kNone;
  const Gap gap(has_comma ? all.text().substr(all.comma() + 1) : all.text());
  const std::string_view line = gap.has_line_break() ? gap.first_line() : gap.through_comments();
  const std::string_view rest = gap.text().substr(line.size());
  std::string lead(space);
  if (Gap(line).swallows() && !starts_line(lead)) lead = new_line(container.layout);
  if (has_comma) {  // it stays the last one
    before.trail = all.text().substr(0, all.comma());
    entry.lead = keep(joined(line, lead));
    entry.trail = keep(joined(",", rest));
  } else if (gap.has_line_break()) {
    before.trail = {};
    entry.lead = keep(joined(line, lead));
    entry.trail = rest;
  } else {
    before.trail = line;
    entry.lead = keep(std::move(lead));
    entry.trail = rest;
  }
}

void Tree::insert_between_comments(const Container& container, Entry& entry, Entry& behind) {
  const Gap gap(comments_.shown(behind.lead));
  if (gap.has_line_break()) {
    entry.lead = keep(joined(gap.first_line(), gap.own_space()));
    behind.lead = gap.behind_first_line();
    return;
  }
  entry.lead = gap.own_space();
  if (gap.own_space().empty()) behind.lead = keep(joined(container.layout.gap, gap.text()));
}

void Tree::fill_commented(const Container& container, Entry& entry) {
  Layout layout = container.layout;
  const Gap gap(comments_.shown(container.blank));
  if (gap.behind_first_line().starts_with("\r\n")) layout.line_break = "\r\n";
  const bool lines = layout.lines || gap.has_line_break() || gap.swallows();
  entry.lead = keep(joined(gap.through_comments(), lines ? new_line(layout) : " "));
  entry.trail = lines ? keep(joined(layout.line_break, layout.base)) : gap.behind_comments();
}

bool Tree::remove_beside_comments(Container& container, const Entry& entry, Entry* before,
                                  Entry* behind) {
  const Gap lead(comments_.shown(entry.lead));
  const Gap trail(comments_.shown(entry.trail));
  const Gap next(behind != nullptr ? comments_.shown(behind->lead) : std::string_view());
  // Of the entry before, when it becomes the last one.
  const bool has_others = behind == nullptr && before != nullptr && has_comments(before->trail);
  if (lead.is_plain() && trail.is_plain() && next.is_plain() && !has_others) return false;

  const bool alone = lead.has_line_break() && (behind == nullptr || next.has_line_break());
  const bool has_comma = trail.comma() != Gap::kNone;
  const std::string_view up_to_comma = trail.text().substr(0, trail.comma());
  // What follows the entry and its comma.
  const Gap after(behind != nullptr ? next.text()
                  : has_comma       ? trail.text().substr(trail.comma() + 1)
                                    : trail.text());
  std::string_view rest = after.text();
  if (after.has_line_break()) {
    if (alone) rest = after.behind_first_line();
  } else if (behind == nullptr) {
    rest = after.behind_comments();
  }
  const std::string_view inner =
      behind != nullptr || has_comma ? kept_before_comma(up_to_comma) : std::string_view();

  std::string kept(Gap(alone ? lead.earlier_lines() : lead.text()).through_comments());
  kept += inner;
  if (!starts_line(rest)) {
    if (inner.empty()) kept = lead.text();
    rest = without_leading_space(rest);
  }
  kept += rest;
  if (behind != nullptr) {
    behind->lead = keep(std::move(kept));
  } else if (before != nullptr) {
    before->trail = keep(joined(comments_.shown(before->trail), has_comma ? "," : "", kept));
  } else {
    container.blank = Gap(kept).has_comments() ? keep(std::move(kept)) : std::string_view();
  }
  return true;
}

}  // namespace safechunk::json
