#include <deque>
#include <string>
#include <vector>

#include "json/entry.h"
#include "json/name.h"
#include "json/patch.h"
#include "json/tape.h"

namespace safechunk::json {
namespace {

using Tape = std::vector<TapeItem>;

bool is_object(const TapeItem& item) noexcept {
  return item.text.starts_with('{');
}

// An object of the merge patch as the value of a member that does not exist yet: without members
// that are null. Objects in arrays stay as they are.
std::string without_nulls(const Tape& tape, std::size_t object) {
  struct Open {
    std::size_t next;
    std::size_t end;
    bool empty = true;
  };
  std::string text = "{";
  std::vector<Open> stack{{object + 1, tape[object].end}};
  while (!stack.empty()) {
    Open& open = stack.back();
    if (open.next == open.end) {
      text += '}';
      stack.pop_back();
      continue;
    }
    const std::size_t value = open.next + 1;
    const std::string_view name = tape[open.next].text;
    open.next = tape[value].end;
    if (tape[value].text == "null") continue;
    if (!open.empty) text += ',';
    open.empty = false;
    text.append(name) += ':';
    if (is_object(tape[value])) {
      text += '{';
      stack.push_back({value + 1, tape[value].end});
    } else {
      text += tape[value].text;
    }
  }
  return text;
}

class Merge {
 public:
  Merge(Tree& tree, std::string_view patch) : tree_(tree), tape_(read_tape(patch)) {}

  Status run() {
    steps_.push_back({tree_.root(), 0, 0});
    while (!steps_.empty()) {
      const Step step = steps_.back();
      steps_.pop_back();
      const bool both_objects = is_object(tape_[step.patch]) && is_object_at(step.place);
      Status status = both_objects ? merge_members(step)
                                   : tree_.replace(step.place, source(step.patch), step.depth);
      if (!status.ok()) return status;
    }
    return {};
  }

 private:
  struct Step {
    Tree::Place place;
    std::size_t patch;  // item
    std::size_t depth;  // of the place
  };

  // Nothing is opened before it is merged.
  static bool is_object_at(const Tree::Place& place) noexcept {
    return place.value->text.starts_with('{');
  }

  Tree::Source source(std::size_t item) {
    if (!is_object(tape_[item])) return {tape_[item].text};
    return {tree_.keep(without_nulls(tape_, item))};
  }

  Status merge_members(const Step& step) {
    Container& object = tree_.open(step.place);
    for (std::size_t item = step.patch + 1; item < tape_[step.patch].end;) {
      const std::size_t value = item + 1;
      Status status = merge_member(object, tape_[item].text, value, step.depth + 1);
      if (!status.ok()) return status;
      item = tape_[value].end;
    }
    return {};
  }

  Status merge_member(Container& object, std::string_view name, std::size_t value,
                      std::size_t depth) {
    const std::string plain_name = unescaped(inside_of_string(name));
    const std::size_t ordinal = tree_.find_member(object, plain_name);
    if (ordinal == Tree::kSeveral) {
      return Status(
          ErrorCode::invalid_argument,
          "an object to merge into has more than one member '" + shortened(plain_name, 200) + "'");
    }
    const bool removes = tape_[value].text == "null";
    if (ordinal == Tree::kNone) {
      return removes ? Status() : tree_.append_member(object, name, source(value), depth);
    }
    const Tree::Place place = tree_.place_of(object, ordinal);
    if (removes) {
      tree_.remove(place);
    } else {
      steps_.push_back({place, value, depth});
    }
    return {};
  }

  Tree& tree_;
  const Tape tape_;
  std::vector<Step> steps_;
};

}  // namespace

Status check_merge(std::string_view patch) {
  const Tape tape = read_tape(patch);
  for (std::size_t item = 0; item < tape.size();) {
    const TapeItem& value = tape[item];
    if (!is_object(value)) {
      item = value.end;  // also a name; what lies in an array is not merged
      continue;
    }
    std::deque<std::string> names;
    const std::vector<TapeMember> members = sorted_members(tape, item, names);
    const TapeMember* const repeated = find_repeated(members);
    if (repeated != nullptr) {
      return Status(ErrorCode::invalid_argument, "the merge patch has more than one member '" +
                                                     shortened(repeated->name, 200) +
                                                     "' in one object");
    }
    ++item;
  }
  return {};
}

Status apply_merge(Tree& tree, std::string_view patch) {
  return Merge(tree, patch).run();
}

}  // namespace safechunk::json
