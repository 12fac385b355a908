#include "base/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>

#include "base/case_folding.h"

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

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string normalize(const std::string& text) {
  utf8proc_uint8_t* normalized = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &normalized,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(normalized, &std::free);
  if (size == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  if (size < 0) return text;
  return {reinterpret_cast<const char*>(normalized), static_cast<std::size_t>(size)};
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

// Normalised twice: folding may make a letter that has a form with its accent ("J" and a caron have
// none, "j" and a caron have).
std::string same_name_form(std::string_view name) {
  if (is_ascii(name)) return fold_case(name);
  return normalize(fold_case(normalize(std::string(name))));
}

}  // namespace safechunk
