#include "json/rewrite.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "json/entry.h"
#include "json/name.h"
#include "json/scan.h"
#include "json/tape.h"
#include "json/tree.h"

namespace safechunk::json {
namespace {

// Above, a Tree takes longer than writing the container anew.
constexpr std::size_t kMostChanges = 4096;

using Tape = std::vector<TapeItem>;

bool is_equal(const TapeItem& left, const TapeItem& right) {
  if (left.text == right.text) return true;
  const bool strings = left.text.starts_with('"') && right.text.starts_with('"');
  return strings &&
         unescaped(inside_of_string(left.text)) == unescaped(inside_of_string(right.text));
}

// The items of an array's elements.
std::vector<std::size_t> elements_of(const Tape& tape, std::size_t array) {
  std::vector<std::size_t> items;
  for (std::size_t item = array + 1; item < tape[array].end; item = tape[item].end) {
    items.push_back(item);
  }
  return items;
}

class Rewrite {
 public:
  Rewrite(Tree& tree, Tape present, Tape wanted)
      : tree_(tree), present_(std::move(present)), wanted_(std::move(wanted)) {}

  Status run() {
    steps_.push_back({tree_.root(), 0, 0, 0});
    while (!steps_.empty()) {
      const Step step = steps_.back();
      steps_.pop_back();
      if (Status status = take(step); !status) return status;
    }
    return {};
  }

 private:
  // A value of the text that has to become another one.
  struct Step {
    Tree::Place place;
    std::size_t present;  // item of the value that is there
    std::size_t wanted;
    std::size_t depth;  // of the place
  };

  Status take(const Step& step) {
    const TapeItem& present = present_[step.present];
    const TapeItem& wanted = wanted_[step.wanted];
    if (is_equal(present, wanted)) return {};
    bool done = false;
    if (present.text.front() == '{' && wanted.text.front() == '{') {
      if (Status status = take_members(step, done); !status) return status;
    } else if (present.text.front() == '[' && wanted.text.front() == '[') {
      if (Status status = take_elements(step, done); !status) return status;
    }
    return done ? Status() : tree_.replace(step.place, {wanted.text}, step.depth);
  }

  // `done` stays false when the object is to be replaced as a whole.
  Status take_members(const Step& step, bool& done) {
    std::deque<std::string> names;
    const auto present = sorted_members(present_, step.present, names);
    const auto wanted = sorted_members(wanted_, step.wanted, names);
    if (present.empty() || wanted.empty()) return {};
    if (find_repeated(present) != nullptr || find_repeated(wanted) != nullptr) return {};
    std::vector<std::string_view> gone;
    std::vector<std::size_t> added;  // items
    std::vector<std::pair<const TapeMember*, const TapeMember*>> changed;
    auto next = wanted.begin();
    for (const TapeMember& member : present) {
      for (; next != wanted.end() && next->name < member.name; ++next) added.push_back(next->value);
      if (next == wanted.end() || next->name != member.name) {
        gone.push_back(member.name);
        continue;
      }
      const bool same = is_equal(present_[member.value], wanted_[next->value]);
      if (!same) changed.emplace_back(&member, &*next);
      ++next;
    }
    for (; next != wanted.end(); ++next) added.push_back(next->value);
    if (gone.size() + added.size() + changed.size() > kMostChanges) return {};
    if (gone.size() == present.size()) return {};  // nothing is left that shows a layout
    done = true;
    Container& object = tree_.open(step.place);
    (void)tree_.find_member(object, present.front().name);  // counts them
    for (const auto& [from, to] : changed) {
      steps_.push_back({place_of(object, from->name), from->value, to->value, step.depth + 1});
    }
    for (const std::string_view name : gone) tree_.remove(place_of(object, name));
    std::ranges::sort(added);
    for (const std::size_t item : added) {
      Status status =
          tree_.append_member(object, wanted_[item - 1].text, {wanted_[item].text}, step.depth + 1);
      if (!status) return status;
    }
    return {};
  }

  Tree::Place place_of(Container& object, std::string_view name) {
    return tree_.place_of(object, tree_.find_member(object, name));
  }

  Status take_elements(const Step& step, bool& done) {
    const auto present = elements_of(present_, step.present);
    const auto wanted = elements_of(wanted_, step.wanted);
    const std::size_t shorter = std::min(present.size(), wanted.size());
    if (shorter == 0) return {};
    const auto same = [&](std::size_t left, std::size_t right) {
      return is_equal(present_[present[left]], wanted_[wanted[right]]);
    };
    std::size_t head = 0;
    while (head < shorter && same(head, head)) ++head;
    std::size_t tail = 0;
    while (tail < shorter - head && same(present.size() - tail - 1, wanted.size() - tail - 1)) {
      ++tail;
    }
    const std::size_t old_end = present.size() - tail;
    const std::size_t new_end = wanted.size() - tail;
    if (std::max(old_end, new_end) - head > kMostChanges) return {};
    done = true;
    Container& array = tree_.open(step.place);
    (void)tree_.has_element(array, present.size());  // counts them
    const std::size_t paired_end = std::min(old_end, new_end);
    for (std::size_t i = old_end; i > paired_end; --i) {
      tree_.remove(tree_.place_of(array, i - 1));
    }
    for (std::size_t i = paired_end; i < new_end; ++i) {
      Status status = tree_.insert_element(array, i, {wanted_[wanted[i]].text}, step.depth + 1);
      if (!status) return status;
    }
    for (std::size_t i = head; i < paired_end; ++i) {
      steps_.push_back({tree_.place_of(array, i), present[i], wanted[i], step.depth + 1});
    }
    return {};
  }

  Tree& tree_;
  const Tape present_;  // of the text without white space
  const Tape wanted_;
  std::vector<Step> steps_;
};

}  // namespace

Result<std::string> rewrite(std::string_view text, std::string_view value,
                            const EditOptions& options) {
  const ScanOptions scan{.depth_limit = UINT32_MAX, .lenient = true};
  std::string present;
  std::string wanted;
  if (Status status = compact(text, scan, present); !status) return status;
  if (Status status = compact(value, scan, wanted); !status) return status;
  Tree tree(text, options);
  if (Status status = Rewrite(tree, read_tape(present), read_tape(wanted)).run(); !status) {
    return status;
  }
  return tree.write();
}

}  // namespace safechunk::json
