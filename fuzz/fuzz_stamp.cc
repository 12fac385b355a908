// A stamp that is accepted is exactly what would be written.

#include "fuzz_support.h"
#include "storage/files/stamp.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value = as_text(data, size);
  const auto stamp = safechunk::Stamp::decode(value, "");
  if (stamp) require(stamp->encode("") == value);
  return 0;
}
