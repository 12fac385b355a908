#include "archive/zip64_field.h"

namespace safechunk::archive {
namespace {

constexpr std::uint16_t kZip64Id = 0x0001;
constexpr std::uint32_t kAllOnes = 0xFFFFFFFF;

}  // namespace

std::optional<std::string_view> find_zip64_field(std::string_view extra_fields) {
  std::optional<std::string_view> found;
  FieldReader reader(extra_fields);
  while (reader.left() > 0) {
    const auto id = reader.next<std::uint16_t>();
    const auto length = reader.next<std::uint16_t>();
    const std::string_view field = reader.take(length);
    if (!reader.complete() || (id == kZip64Id && found)) return std::nullopt;
    if (id == kZip64Id) found = field;
  }
  return found ? found : std::string_view();
}

std::uint64_t widen(std::uint32_t narrow, FieldReader& zip64_field) {
  return narrow == kAllOnes ? zip64_field.next<std::uint64_t>() : narrow;
}

}  // namespace safechunk::archive
