#include "archive/entry_name.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "base/unicode.h"

namespace safechunk::archive {
namespace {

constexpr std::size_t kPrintedBytes = 120;
constexpr std::size_t kMaxNameBytes = 0xFFFF;  // APPNOTE.TXT 4.4.10

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

std::optional<std::string_view> objection_to_component(std::string_view component) {
  if (component.empty()) return "its name has an empty component";
  if (component == ".") return "its name has a component '.'";
  if (component == "..") return "its name has a component '..'";
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> objection_to_name(std::string_view name) {
  if (name.empty()) return "its name is empty";
  if (name.size() > kMaxNameBytes) return "its name is too long";
  if (name.front() == '/') return "its name is absolute";
  if (name.back() == '/') return "its name is that of a directory";
  if (std::any_of(name.begin(), name.end(), is_control)) {
    return "its name has a control character";
  }
  if (name.find('\\') != std::string_view::npos) return "its name has a backslash";
  if (name.find(':') != std::string_view::npos) return "its name has a colon";
  if (!is_utf8(name)) return "its name is not UTF-8";
  while (true) {
    const std::size_t slash = name.find('/');
    if (const auto objection = objection_to_component(name.substr(0, slash))) return objection;
    if (slash == std::string_view::npos) return std::nullopt;
    name.remove_prefix(slash + 1);
  }
}

std::optional<DuplicateNames> find_duplicate_names(std::span<const std::string_view> names) {
  // Sorted rather than hashed: the names may have been chosen to collide.
  std::vector<std::string> folded;
  folded.reserve(names.size());
  for (const std::string_view name : names) folded.push_back(same_name_form(name));
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int compared = folded[a].compare(folded[b]);
    return compared != 0 ? compared < 0 : a < b;
  });
  const auto found =
      std::adjacent_find(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return folded[a] == folded[b]; });
  if (found == order.end()) return std::nullopt;
  return DuplicateNames{*found, *(found + 1)};
}

std::string printable_name(std::string_view name) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const bool keep_upper_half = is_utf8(name);
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool inside_sequence = keep_upper_half && (byte & 0xC0) == 0x80;
    if (text.size() >= kPrintedBytes && !inside_sequence) return text + "...";
    if (is_control(c) || (byte >= 0x80 && !keep_upper_half)) {
      text += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 0xF]};
    } else {
      text += c;
    }
  }
  return text;
}

Status entry_error(ErrorCode code, std::string_view name, std::string_view why) {
  return Status(code, "archive entry '" + printable_name(name) + "': " + std::string(why));
}

}  // namespace safechunk::archive
