// Limits and style of the texts of a project.
#pragma once

#include <cstdint>

namespace safechunk {

struct TextSettings {
  std::uint64_t size_limit = 512ULL << 20U;
  std::uint32_t depth_limit = 1024;
  unsigned indent = 4;
  // Of files that are there: they keep their layout, and the order of their members.
  bool keep_layout = false;
};

}  // namespace safechunk
