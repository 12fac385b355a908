// The extra field that holds the sizes and offsets for which 32 bits do not suffice (APPNOTE.TXT
// 4.5.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "archive/field_reader.h"

namespace safechunk::archive {

// The content of the Zip64 field among the extra fields of a header (4.5.1), empty when there is
// none. Nothing when the extra fields are malformed or have it twice.
[[nodiscard]] std::optional<std::string_view> find_zip64_field(std::string_view extra_fields);

// The value of a header field: the next one in the Zip64 field when the header holds all ones.
[[nodiscard]] std::uint64_t widen(std::uint32_t narrow, FieldReader& zip64_field);

}  // namespace safechunk::archive
