// Edits of several chunks that a store accepts whole or not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk {

// An edit of a part of a chunk. json/edit.h says what each kind does.
struct PartEdit {
  enum class Kind : std::uint8_t { set = 1, remove = 2, merge = 3, patch = 4 };
  Kind kind = Kind::set;
  std::string_view pointer;    // of set and remove: where, a JSON Pointer
  std::string_view json_text;  // the value, the merge patch (RFC 7396), the patch (RFC 6902)
};

// Made by Place::new_edits(), filled by one thread, then given to Store::accept() of a store of the
// same place. Accepted edits are shared with the store and must not be changed any more.
class Edits {
 public:
  virtual ~Edits() = default;

  // Checks the name and the text, and copies the text. invalid_name, invalid_json, too_deep or
  // too_large leave the edits as they were.
  virtual Status put(std::string_view json_text, std::string_view chunk) = 0;
  // The same for text that a store has had before: NaN, infinities and a byte-order mark may stay.
  // `mode`: the bits that the chunk's file shall have; 0: those that it has.
  virtual Status put_stored(std::string_view json_text, std::string_view chunk,
                            std::uint32_t mode) = 0;
  // Removes the chunk and its backup. invalid_name leaves the edits as they were.
  virtual Status remove(std::string_view chunk) = 0;
  // Checks what can be said without the chunk: invalid_name, invalid_argument, invalid_json and
  // too_deep leave the edits as they were. accept() applies the edit to the chunk as the edits
  // before it leave it, and is refused when that fails. A chunk that is not there counts as {}.
  virtual Status edit_part(std::string_view chunk, const PartEdit& edit) = 0;
  // accept() is refused with `conflict` unless the chunk has this revision, or, when it is empty,
  // is not there. invalid_argument when the text is no revision.
  virtual Status require(std::string_view chunk, std::string_view revision) = 0;
  // For those who watch: the edits restore a checkpoint.
  virtual void mark_restore() = 0;
  [[nodiscard]] virtual bool empty() const = 0;
};

}  // namespace safechunk
