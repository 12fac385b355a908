#include "base/chunk_name.h"

#include <array>
#include <cstdint>
#include <optional>

#include "base/limits.h"

namespace safechunk {
namespace {

// Decodes the code point at `text[index]` and moves `index` past it; nothing when it is malformed.
std::optional<char32_t> decode_utf8(std::string_view text, std::size_t& index) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(index);
  if (lead < 0x80) {
    ++index;
    return lead;
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || index + length > text.size()) return std::nullopt;
  char32_t point = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(index + i) & 0xC0U) != 0x80) return std::nullopt;
    point = (point << 6U) | (byte(index + i) & 0x3FU);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  if (overlong || surrogate || point > 0x10FFFF) return std::nullopt;
  index += length;
  return point;
}

void append_utf8(std::string& out, char32_t point) {
  const auto put = [&](char32_t bits) { out += static_cast<char>(bits); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6U));
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12U));
    put(0x80 | ((point >> 6U) & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | (point >> 18U));
    put(0x80 | ((point >> 12U) & 0x3F));
    put(0x80 | ((point >> 6U) & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

// Simple case folding by block, after the Unicode character database (CaseFolding.txt).
char32_t fold(char32_t point) {
  const auto within = [&](char32_t first, char32_t last) {
    return point >= first && point <= last;
  };
  if (within('A', 'Z')) return point + 32;
  if (within(0xC0, 0xDE) && point != 0xD7) return point + 32;
  const bool even_is_capital = within(0x100, 0x137) || within(0x14A, 0x177) ||
                               within(0x460, 0x481) || within(0x48A, 0x4BF) || within(0x4D0, 0x52F);
  if (even_is_capital) return point | 1U;
  const bool odd_is_capital = within(0x139, 0x148) || within(0x179, 0x17E) || within(0x4C1, 0x4CE);
  if (odd_is_capital) return (point & 1U) != 0 ? point + 1 : point;
  if (point == 0x178) return 0xFF;
  if (point == 0x386) return 0x3AC;
  if (within(0x388, 0x38A)) return point + 37;
  if (point == 0x38C) return 0x3CC;
  if (within(0x38E, 0x38F)) return point + 63;
  if (within(0x391, 0x3AB) && point != 0x3A2) return point + 32;
  if (point == 0x3C2) return 0x3C3;
  if (within(0x400, 0x40F)) return point + 80;
  if (within(0x410, 0x42F)) return point + 32;
  return point;
}

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
  return {};
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t index = 0; index < text.size();) {
    if (!decode_utf8(text, index)) return false;
  }
  return true;
}

std::string fold_case(std::string_view name) {
  std::string folded;
  folded.reserve(name.size());
  for (std::size_t index = 0; index < name.size();) {
    if (const auto point = decode_utf8(name, index)) {
      append_utf8(folded, fold(*point));
    } else {
      folded += name[index++];
    }
  }
  return folded;
}

Status check_name(std::string_view name, std::string_view what) {
  const std::string reason = reason_to_refuse(name);
  if (reason.empty()) return {};
  return Status(ErrorCode::invalid_name, std::string(what) + " " + reason);
}

}  // namespace safechunk
