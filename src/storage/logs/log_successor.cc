#include "storage/logs/log_successor.h"

#include <charconv>
#include <optional>

namespace safechunk {
namespace {

constexpr std::size_t kMostBytes = 250;  // File::attribute() gives no more

// A number and the blank behind it.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return number;
}

}  // namespace

std::vector<LogSuccessor> parse_successors(std::string_view text) {
  std::vector<LogSuccessor> successors;
  while (!text.empty()) {
    const auto inode = take_number(text);
    const auto end = take_number(text);
    const auto here = take_number(text);
    if (!inode || !end || !here) return {};
    successors.push_back({*inode, *end, *here});
  }
  return successors;
}

std::string to_text(const std::vector<LogSuccessor>& successors) {
  std::string text;
  for (const auto& [inode, end, here] : successors) {
    const std::string entry = (text.empty() ? "" : " ") + std::to_string(inode) + " " +
                              std::to_string(end) + " " + std::to_string(here);
    if (text.size() + entry.size() > kMostBytes) break;
    text += entry;
  }
  return text;
}

}  // namespace safechunk
