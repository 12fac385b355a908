// Finds the members of a large object by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace safechunk::json {

// A hash table of the names, without the names. It has no false answers: where it is not sure, it
// says so. Memory: 16 to 64 bytes for each name.
class NameIndex {
 public:
  static constexpr std::size_t kNone = SIZE_MAX;        // there is no such name
  static constexpr std::size_t kUnsure = SIZE_MAX - 1;  // there is more than one, or another with
                                                        // the same hash

  // Makes room for so many names at once.
  void reserve(std::size_t names);
  void add(std::string_view name, std::size_t ordinal);
  // `name` has been added, and find() gave its ordinal.
  void remove(std::string_view name);
  // kNone, kUnsure, or the ordinal of the only name that can be this one; the caller compares them.
  [[nodiscard]] std::size_t find(std::string_view name) const noexcept;

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::size_t ordinal = kFree;
  };
  static constexpr std::size_t kFree = SIZE_MAX - 2;
  static constexpr std::size_t kRemoved = kNone;

  static std::uint64_t hash_of(std::string_view name) noexcept;
  // The slot with this hash, or the free one where it belongs.
  [[nodiscard]] std::size_t slot_of(std::uint64_t hash) const noexcept;
  void resize(std::size_t slots);

  std::vector<Slot> slots_;  // a power of two, at most half of them used
  std::size_t used_ = 0;
};

}  // namespace safechunk::json
