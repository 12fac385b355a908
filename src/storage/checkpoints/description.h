// The description inside an archive, checkpoint_meta.json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace safechunk {

inline constexpr std::uint64_t kDescriptionLimit = 16ULL << 20U;  // bytes
// Larger numbers are not believed, so that there is always a next one, and every language has it.
inline constexpr std::uint64_t kLargestNumber = (1ULL << 53U) - 1;

struct Description {
  std::uint64_t number = 0;          // the order of checkpoints; 0: none
  std::optional<std::string> label;  // whole, as the user gave it
  std::string notes;
  bool keep = false;                    // retention does not count it, and never removes it
  bool unix_modes = false;              // the modes of the entries are those of the chunks
  std::uint64_t unix_time = 0;          // when it was made, seconds since 1970; 0: not known
  std::set<std::string> left_out;       // chunks that existed and are not in the archive
  std::optional<std::uint64_t> chunks;  // how many it has; nothing: it does not say

  // Not read back.
  std::string project_id;
  std::string date;
  std::set<std::string> left_out_backups;  // backups of these chunks could not be read

  [[nodiscard]] std::string to_text() const;
  // `text` may be hostile. Members that cannot be used are as if they were missing; nothing when it
  // is no JSON object.
  static std::optional<Description> parse(std::string_view text);
};

}  // namespace safechunk
