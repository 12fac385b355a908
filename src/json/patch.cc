#include "json/patch.h"

#include <array>
#include <string>
#include <utility>

#include "json/entry.h"
#include "json/equal.h"
#include "json/member.h"
#include "json/name.h"
#include "json/tree_parts.h"

namespace safechunk::json {
namespace {

using Operation = PatchOperation;
using Type = Operation::Type;

constexpr std::size_t kQuotedBytes = 60;

constexpr std::array<std::pair<std::string_view, Type>, 6> kTypes{{
    {"add", Type::add},
    {"remove", Type::remove},
    {"replace", Type::replace},
    {"move", Type::move},
    {"copy", Type::copy},
    {"test", Type::test},
}};

Status invalid(std::string message) {
  return Status(ErrorCode::invalid_argument, std::move(message));
}

// Says which operation an error is about.
Status at_operation(std::size_t index, const Status& status) {
  Error error = status.error();
  error.message = "operation " + std::to_string(index) + ": " + error.message;
  return error;
}

// The members of an operation that mean something; views into the patch, empty when missing.
struct Members {
  std::string_view op, path, from, value;

  std::string_view* find(std::string_view name) noexcept {
    if (string_is(name, "op")) return &op;
    if (string_is(name, "path")) return &path;
    if (string_is(name, "from")) return &from;
    return string_is(name, "value") ? &value : nullptr;
  }
};

Result<Pointer> read_pointer(std::string_view name, std::string_view value) {
  if (value.empty()) return invalid("'" + std::string(name) + "' is missing");
  if (!value.starts_with('"')) return invalid("'" + std::string(name) + "' is not a string");
  Result<Pointer> pointer = Pointer::parse(unescaped(inside_of_string(value)));
  if (pointer.ok()) return pointer;
  return invalid("'" + std::string(name) + "': " + pointer.error().message);
}

Result<Type> read_type(std::string_view op) {
  if (op.empty()) return invalid("'op' is missing");
  if (op.starts_with('"')) {
    for (const auto& [name, type] : kTypes) {
      if (string_is(op, name)) return type;
    }
  }
  return invalid("there is no operation " + shortened(op, kQuotedBytes));
}

bool has_value(Type type) noexcept {
  return type == Type::add || type == Type::replace || type == Type::test;
}

bool has_from(Type type) noexcept {
  return type == Type::move || type == Type::copy;
}

Result<Operation> read_operation(std::string_view text) {
  if (!text.starts_with('{')) return invalid("not an object");
  Members members;
  for (EntryReader reader(text); reader.next();) {
    std::string_view* const member = members.find(reader.entry().name);
    if (member == nullptr) continue;
    if (!member->empty()) {
      return invalid("more than one member " + shortened(reader.entry().name, kQuotedBytes));
    }
    *member = reader.entry().value;
  }
  Operation operation;
  const Result<Type> type = read_type(members.op);
  if (!type) return type.status();
  operation.type = *type;
  Result<Pointer> path = read_pointer("path", members.path);
  if (!path) return path.status();
  operation.path = *std::move(path);
  if (has_from(*type)) {
    Result<Pointer> from = read_pointer("from", members.from);
    if (!from) return from.status();
    operation.from = *std::move(from);
  }
  if (has_value(*type) && members.value.empty()) return invalid("'value' is missing");
  operation.value = members.value;
  const bool removes = *type == Type::remove || *type == Type::move;
  const Pointer& removed = *type == Type::move ? operation.from : operation.path;
  const bool goes_nowhere = *type == Type::move && operation.from == operation.path;
  if (*type == Type::move && operation.path.is_inside(operation.from)) {
    return invalid("a value cannot be moved into itself");
  }
  if (removes && removed.tokens().empty() && !goes_nowhere) {
    return invalid("the whole document cannot be removed");
  }
  return operation;
}

class Run {
 public:
  explicit Run(Tree& tree) : tree_(tree) {}

  Status apply(const Operation& operation) {
    switch (operation.type) {
      case Type::add:
        return add(operation.path, {operation.value});
      case Type::remove:
        return remove(operation.path);
      case Type::replace:
        return replace(operation);
      case Type::move:
      case Type::copy:
        return move_or_copy(operation);
      case Type::test:
        return test(operation);
    }
    return invalid("no operation");
  }

 private:
  static std::size_t depth_of(const Pointer& pointer) { return pointer.tokens().size(); }

  Result<Tree::Place> find(const Pointer& pointer) {
    return tree_.find(pointer, depth_of(pointer));
  }

  Status add(const Pointer& path, const Tree::Source& source) {
    if (path.tokens().empty()) return tree_.replace(tree_.root(), source, 0);
    const std::size_t last = depth_of(path) - 1;
    const Result<Tree::Place> parent = tree_.find(path, last);
    if (!parent) return parent.status();
    const Result<Container*> container = tree_.enter(*parent, path, last);
    if (!container) return container.status();
    if (!(*container)->is_object) {
      const Result<std::size_t> index = tree_.insertion_index(**container, path, last);
      if (!index) return index.status();
      return tree_.insert_element(**container, *index, source, depth_of(path));
    }
    const std::size_t ordinal = tree_.find_member(**container, path.tokens()[last]);
    if (ordinal == Tree::kNone) {
      const std::string_view name = tree_.keep(quote(path.tokens()[last]));
      return tree_.append_member(**container, name, source, depth_of(path));
    }
    const Result<Tree::Place> place = tree_.member(**container, path, last, ordinal);
    if (!place) return place.status();
    return tree_.replace(*place, source, depth_of(path));
  }

  Status remove(const Pointer& path) {
    const Result<Tree::Place> place = find(path);
    if (!place) return place.status();
    tree_.remove(*place);
    return {};
  }

  Status replace(const Operation& operation) {
    const Result<Tree::Place> place = find(operation.path);
    if (!place) return place.status();
    return tree_.replace(*place, {operation.value}, depth_of(operation.path));
  }

  Status move_or_copy(const Operation& operation) {
    const Result<Tree::Place> from = find(operation.from);
    if (!from) return from.status();
    const bool moves = operation.type == Type::move;
    if (moves && operation.from == operation.path) return {};
    const std::string_view value = tree_.text_of(*from->value);
    if (moves) tree_.remove(*from);
    return add(operation.path, {value, true});
  }

  Status test(const Operation& operation) {
    const Result<Tree::Place> place = find(operation.path);
    if (!place) return place.status();
    const std::string_view value = tree_.text_of(*place->value);
    const Result<bool> equal = equal_values(value, operation.value);
    if (!equal) return equal.status();
    if (*equal) return {};
    return Status(ErrorCode::conflict, "test of '" + shortened(operation.path.text(), 200) +
                                           "' failed: there is " + shortened(value, kQuotedBytes));
  }

  Tree& tree_;
};

}  // namespace

Result<std::vector<PatchOperation>> parse_patch(std::string_view patch) {
  patch = trimmed(patch);
  if (!patch.starts_with('[')) return invalid("a patch is an array of operations");
  std::vector<PatchOperation> operations;
  for (EntryReader reader(patch); reader.next();) {
    Result<Operation> operation = read_operation(reader.entry().value);
    if (!operation) return at_operation(operations.size(), operation.status());
    operations.push_back(*std::move(operation));
  }
  return operations;
}

Status apply_patch(Tree& tree, const std::vector<PatchOperation>& operations) {
  Run run(tree);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Status status = run.apply(operations[i]);
    if (!status.ok()) return at_operation(i, status);
  }
  return {};
}

}  // namespace safechunk::json
