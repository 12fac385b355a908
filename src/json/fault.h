// The first thing that is wrong in a JSON text.
#pragma once

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

// The fault in `text` for people, with its position; success when there is none.
[[nodiscard]] Status status_of(const Fault& fault, std::string_view text,
                               std::uint32_t depth_limit);

}  // namespace safechunk::json
