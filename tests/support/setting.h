// A number from the environment, which sets how deep a test goes.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace safechunk::test {

inline std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace safechunk::test
