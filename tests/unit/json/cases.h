// Texts that are JSON and texts that are not, written down from the grammar of RFC 8259.
#pragma once

#include <cstddef>
#include <ostream>
#include <span>
#include <string_view>

namespace safechunk::json {

struct Rejected {
  std::string_view text;
  std::size_t offset;  // of the first byte that is wrong

  friend std::ostream& operator<<(std::ostream& out, const Rejected& c) { return out << c.text; }
};

std::span<const std::string_view> accepted_texts();
std::span<const Rejected> rejected_texts();
// Only with ScanOptions::lenient.
std::span<const std::string_view> lenient_texts();

}  // namespace safechunk::json
