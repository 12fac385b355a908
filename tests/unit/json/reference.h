// A second opinion on JSON text: RFC 8259 written down as directly as possible, one byte at a time,
// with nothing shared with the code under test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace safechunk::json {

struct Reference {
  enum class Verdict { json, invalid, too_deep };
  Verdict verdict = Verdict::json;
  std::size_t offset = 0;           // of the fault
  std::vector<std::string> tokens;  // before the fault
};

[[nodiscard]] Reference reference_scan(std::string_view text, std::uint32_t depth_limit,
                                       bool lenient);

// The tokens of a JSON text as format() has to lay them out.
[[nodiscard]] std::string reference_layout(const std::vector<std::string>& tokens, unsigned indent);

}  // namespace safechunk::json
