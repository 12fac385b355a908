// A fuzz target aborts when a property does not hold; libFuzzer then keeps the input.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

inline void require(bool property) {
  if (!property) std::abort();
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
