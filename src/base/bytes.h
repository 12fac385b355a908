// Little-endian integers in byte strings, for every binary format on disk.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace safechunk {

static_assert(std::endian::native == std::endian::little,
              "a big-endian port has to swap bytes in this file");

template <std::unsigned_integral T>
void append_integer(std::string& out, T value) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  out.append(raw, sizeof raw);
}

// Overwrites sizeof(T) bytes at `offset`, which must lie within `out`.
template <std::unsigned_integral T>
void put_integer(std::string& out, std::size_t offset, T value) {
  std::memcpy(out.data() + offset, &value, sizeof value);
}

// Reads sizeof(T) bytes at `offset`, which must lie within `bytes`.
template <std::unsigned_integral T>
[[nodiscard]] T get_integer(std::string_view bytes, std::size_t offset) {
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace safechunk
