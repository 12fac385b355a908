#include "base/chunk_name.h"

#include <array>
#include <string>

#include "base/limits.h"
#include "base/unicode.h"

namespace safechunk {
namespace {

bool is_windows_device(std::string_view name) {
  std::string_view start = name.substr(0, name.find('.'));
  while (start.ends_with(' ')) start.remove_suffix(1);
  if (start.size() < 3 || start.size() > 7) return false;  // no device has such a name
  const std::string stem = fold_case(start);
  static constexpr std::array<std::string_view, 6> kPlain = {"con", "prn",    "aux",
                                                             "nul", "conin$", "conout$"};
  for (const std::string_view device : kPlain) {
    if (stem == device) return true;
  }
  if (stem.rfind("com", 0) != 0 && stem.rfind("lpt", 0) != 0) return false;
  const std::string_view number = std::string_view(stem).substr(3);
  return (number.size() == 1 && number[0] >= '0' && number[0] <= '9') || number == "\u00b9" ||
         number == "\u00b2" || number == "\u00b3";
}

// Why the name is refused; empty when it is allowed.
std::string reason_to_refuse(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > limits::kNameBytes) {
    return "has more than " + std::to_string(limits::kNameBytes) + " bytes";
  }
  if (!is_utf8(name)) return "is not valid UTF-8";
  if (name == "." || name == "..") return "is a relative folder";
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return "holds a control character";
    if (std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos) {
      return std::string("holds the character '") + c + "'";
    }
  }
  if (name.back() == '.' || name.back() == ' ') return "ends in a dot or a blank";
  if (is_windows_device(name)) return "is a device name on Windows";
  if (name.starts_with(".#") || name.starts_with("._")) {
    return "is what Emacs or macOS calls the companion of a file";
  }
  return {};
}

}  // namespace

Status check_name(std::string_view name, std::string_view what) {
  const std::string reason = reason_to_refuse(name);
  if (reason.empty()) return {};
  return Status(ErrorCode::invalid_name, std::string(what) + " " + reason);
}

}  // namespace safechunk
