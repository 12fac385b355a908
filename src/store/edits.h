// Edits of several chunks that a store accepts whole or not at all.
#pragma once

#include <cstdint>
#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk {

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
  [[nodiscard]] virtual bool empty() const = 0;
};

}  // namespace safechunk
