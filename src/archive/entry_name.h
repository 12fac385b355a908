// Which names an archive entry may have. The writer and the reader obey the same rules, so that
// nothing is written that would later be refused.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk::archive {

// Why `name` may not be the name of an entry, as a clause ("its name is empty"), or nothing when it
// may. Allowed is a relative path of UTF-8 components joined by '/', without control characters,
// backslashes and colons, no component of it empty, "." or "..", of no more bytes than a zip header
// can count. Cost: O(bytes).
[[nodiscard]] std::optional<std::string_view> objection_to_name(std::string_view name);

// Indexes of two names that are equal, or equal but for case and normalisation (same_name_form()).
struct DuplicateNames {
  std::size_t first = 0;
  std::size_t second = 0;
};

// Nothing when all names differ. Cost: O(n log n) comparisons, whatever the names.
[[nodiscard]] std::optional<DuplicateNames> find_duplicate_names(
    std::span<const std::string_view> names);

// `name` made safe for a message: control characters, and all that is not ASCII when the whole is
// not UTF-8, become \xNN; a long name is cut.
[[nodiscard]] std::string printable_name(std::string_view name);

// The error "archive entry 'NAME': WHY".
[[nodiscard]] Status entry_error(ErrorCode code, std::string_view name, std::string_view why);

}  // namespace safechunk::archive
