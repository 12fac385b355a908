#include "json/edit.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "json/comments.h"
#include "json/entry.h"
#include "json/member.h"
#include "json/patch.h"
#include "json/pointer.h"
#include "json/scan.h"
#include "json/tree.h"
#include "json/tree_parts.h"

namespace safechunk::json {
namespace {

using Kind = Edit::Kind;

// An edit that check() has nothing against.
struct ParsedEdit {
  Pointer pointer;
  std::vector<PatchOperation> operations;
};

// The levels of a patch around its values.
constexpr std::uint32_t kPatchLevels = 2;

Status check_value(const Edit& edit, const EditOptions& options) {
  const std::uint32_t more = edit.kind == Kind::patch ? kPatchLevels : 0;
  const std::uint32_t limit = std::min(options.depth_limit, UINT32_MAX - more) + more;
  return validate(edit.value, {.depth_limit = limit});
}

Result<ParsedEdit> parse(const Edit& edit, const EditOptions& options) {
  ParsedEdit parsed;
  if (edit.kind == Kind::set || edit.kind == Kind::remove) {
    Result<Pointer> pointer = Pointer::parse(edit.pointer);
    if (!pointer) return pointer.status();
    parsed.pointer = *std::move(pointer);
  }
  if (edit.kind == Kind::remove) {
    if (!parsed.pointer.tokens().empty()) return parsed;
    return Status(ErrorCode::invalid_argument, "the whole document cannot be removed");
  }
  const Status valid = check_value(edit, options);
  if (!valid.ok()) return valid;
  if (edit.kind == Kind::merge) {
    const Status status = check_merge(edit.value);
    if (!status.ok()) return status;
  }
  if (edit.kind == Kind::patch) {
    Result<std::vector<PatchOperation>> operations = parse_patch(edit.value);
    if (!operations) return operations.status();
    parsed.operations = *std::move(operations);
  }
  return parsed;
}

// The value inside of an object for each token from `step` on.
std::string in_objects(std::string_view value, const Pointer& pointer, std::size_t step) {
  std::string text;
  for (std::size_t i = step; i < pointer.tokens().size(); ++i) {
    text += '{' + quote(pointer.tokens()[i]) + ':';
  }
  text += value;
  return text.append(pointer.tokens().size() - step, '}');
}

// Takes one step towards what the pointer names; sets it and returns nothing if it has to be made.
Result<std::optional<Tree::Place>> step_or_set(Tree& tree, Container& container,
                                               const Pointer& pointer, std::size_t step,
                                               std::string_view value) {
  using Next = Result<std::optional<Tree::Place>>;
  const std::string& token = pointer.tokens()[step];
  const std::size_t depth = step + 1;
  const bool is_last = depth == pointer.tokens().size();
  Status status;
  if (container.is_object) {
    const std::size_t ordinal = tree.find_member(container, token);
    if (ordinal != Tree::kNone) {
      const Result<Tree::Place> place = tree.member(container, pointer, step, ordinal);
      return place ? Next(*place) : Next(place.status());
    }
    if (!is_last) value = tree.keep(in_objects(value, pointer, depth));
    status = tree.append_member(container, tree.keep(quote(token)), {value}, depth);
  } else {
    const Result<std::size_t> index = is_last ? tree.insertion_index(container, pointer, step)
                                              : tree.element_index(container, pointer, step);
    if (!index) return index.status();
    if (tree.has_element(container, *index)) return Next(tree.place_of(container, *index));
    status = tree.insert_element(container, *index, {value}, depth);
  }
  return status.ok() ? Next(std::nullopt) : Next(status);
}

Status set(Tree& tree, const Pointer& pointer, std::string_view value) {
  Tree::Place place = tree.root();
  for (std::size_t step = 0; step < pointer.tokens().size(); ++step) {
    const Result<Container*> container = tree.enter(place, pointer, step);
    if (!container) return container.status();
    const auto next = step_or_set(tree, **container, pointer, step, value);
    if (!next) return next.status();
    if (!next->has_value()) return {};
    place = **next;
  }
  return tree.replace(place, {value}, pointer.tokens().size());
}

Status remove(Tree& tree, const Pointer& pointer) {
  const Result<Tree::Place> place = tree.find(pointer, pointer.tokens().size());
  if (!place) return place.status();
  tree.remove(*place);
  return {};
}

Status apply_to(Tree& tree, const Edit& edit, const ParsedEdit& parsed) {
  switch (edit.kind) {
    case Kind::set:
      return set(tree, parsed.pointer, trimmed(edit.value));
    case Kind::remove:
      return remove(tree, parsed.pointer);
    case Kind::merge:
      return apply_merge(tree, edit.value);
    case Kind::patch:
      return apply_patch(tree, parsed.operations);
  }
  return Status(ErrorCode::invalid_argument, "there is no such kind of edit");
}

Result<std::string> apply_parsed(std::string_view text, const Edit& edit, const ParsedEdit& parsed,
                                 const EditOptions& options, const Comments& comments) {
  Tree tree(text, options, comments);
  const Status status = apply_to(tree, edit, parsed);
  if (!status.ok()) return status;
  return tree.write();
}

// Whether two texts are written with the same tokens.
Result<bool> same_tokens(std::string_view left, std::string_view right, const ScanOptions& scan) {
  std::string compact_left;
  std::string compact_right;
  if (Status status = compact(left, scan, compact_left); !status) return status;
  if (Status status = compact(right, scan, compact_right); !status) return status;
  return compact_left == compact_right;
}

Result<std::string> apply_to_jsonc(std::string_view text, const Edit& edit,
                                   const ParsedEdit& parsed, const EditOptions& options) {
  const ScanOptions scan{.depth_limit = options.depth_limit, .lenient = true};
  const Result<std::string> masked = read_jsonc(text, scan);
  if (!masked) return masked.status();
  Result<std::string> edited = apply_parsed(*masked, edit, parsed, options, {text, *masked});
  if (!edited) return edited;
  const Result<std::string> plain = apply_parsed(*masked, edit, parsed, options, {});
  if (!plain) return plain.status();
  const Result<std::string> read = read_jsonc(*edited, scan);
  const Result<bool> same = read ? same_tokens(*read, *plain, scan) : read.status();
  if (same && *same) return edited;
  return Status(ErrorCode::io_error,
                "the comments around the value do not allow this edit; nothing was changed");
}

}  // namespace

Result<std::string> apply(std::string_view text, const Edit& edit, const EditOptions& options) {
  const Result<ParsedEdit> parsed = parse(edit, options);
  if (!parsed) return parsed.status();
  if (options.dialect == Dialect::jsonc) return apply_to_jsonc(text, edit, *parsed, options);
  return apply_parsed(text, edit, *parsed, options, {});
}

Status check(const Edit& edit, const EditOptions& options) {
  if (edit.kind < Kind::set || edit.kind > Kind::patch) {
    return Status(ErrorCode::invalid_argument, "there is no such kind of edit");
  }
  return parse(edit, options).status();
}

}  // namespace safechunk::json
