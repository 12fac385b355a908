// The first thing that is wrong in a JSON text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk::json {

struct Fault {
  const char* at = nullptr;        // in the text, or its end
  std::string_view expected;       // what would have been right there; nothing for too_deep
  ErrorCode code = ErrorCode::ok;  // ok when nothing is wrong

  [[nodiscard]] bool exists() const noexcept { return code != ErrorCode::ok; }
};

// Where the byte at `offset` is, for people.
[[nodiscard]] TextPosition position_of(std::string_view text, std::size_t offset);

// The fault in `text` for people, with its position; success when there is none.
[[nodiscard]] Status status_of(const Fault& fault, std::string_view text,
                               std::uint32_t depth_limit);

}  // namespace safechunk::json
