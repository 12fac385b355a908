#include "base/chunk_name.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/case_folding.h"
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

char32_t fold(char32_t point) {
  if (point < 0x80) return point >= 'A' && point <= 'Z' ? point + 32 : point;
  const auto range =
      std::lower_bound(kFoldedRanges.begin(), kFoldedRanges.end(), point,
                       [](const FoldedRange& one, char32_t wanted) { return one.last < wanted; });
  if (range == kFoldedRanges.end() || point < range->first) return point;
  if ((point - range->first) % range->stride != 0) return point;
  return static_cast<char32_t>(static_cast<std::int32_t>(point) + range->distance);
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
  if (name.starts_with(".#") || name.starts_with("._")) {
    return "is what Emacs or macOS calls the companion of a file";
  }
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
