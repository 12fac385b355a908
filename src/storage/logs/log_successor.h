// What the file of a log says of the files in whose place it is, so that who follows the log knows
// where to read on: in the extended attribute kSuccessorAttribute.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace safechunk {

inline constexpr char kSuccessorAttribute[] = "user.safechunk.log";

struct LogSuccessor {
  std::uint64_t inode = 0;  // of a file that had the log's name
  std::uint64_t end = 0;    // where that ended
  std::uint64_t here = 0;   // where its end is in this file
};

// The newest first. Empty for any other text.
std::vector<LogSuccessor> parse_successors(std::string_view text);
// As many of the first as an attribute can hold.
std::string to_text(const std::vector<LogSuccessor>& successors);

}  // namespace safechunk
