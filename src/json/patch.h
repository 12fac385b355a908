// JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396) on a Tree.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <safechunk/status.hpp>

#include "json/pointer.h"
#include "json/tree.h"

namespace safechunk::json {

struct PatchOperation {
  enum class Type : std::uint8_t { add, remove, replace, move, copy, test };

  Type type = Type::test;
  Pointer path;
  Pointer from;            // of move and copy
  std::string_view value;  // of add, replace and test; a view into the patch
};

// Reads `patch`, a text that was accepted by validate(). Errors: invalid_argument.
Result<std::vector<PatchOperation>> parse_patch(std::string_view patch);

// Applies all operations, or returns the error of the first that fails; the tree is of no use then.
Status apply_patch(Tree& tree, const std::vector<PatchOperation>& operations);

// Is `patch`, a text that was accepted by validate(), one that apply_merge() takes? It is not when
// a member occurs twice in an object: invalid_argument.
Status check_merge(std::string_view patch);
// Applies a merge patch that check_merge() has accepted.
Status apply_merge(Tree& tree, std::string_view patch);

}  // namespace safechunk::json
