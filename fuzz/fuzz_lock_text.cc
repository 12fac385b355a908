// Lock texts are read without harm, and what is read is written and read as the same.

#include "fuzz_support.h"
#include "storage/project/lock.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = safechunk::LockText::decode(as_text(data, size));
  if (!text) return 0;
  const auto again = safechunk::LockText::decode(text->encode());
  require(again && again->pid == text->pid && again->token == text->token);
  return 0;
}
