// Texts of lock files are read without harm, and what is read is written and read as the same.

#include "fuzz_support.h"
#include "storage/project/lock.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto idle = safechunk::IdleText::decode(as_text(data, size))) {
    const auto again = safechunk::IdleText::decode(idle->encode());
    require(again && again->sequence == idle->sequence && again->inode == idle->inode &&
            again->journal_token == idle->journal_token && again->boot_id == idle->boot_id);
  }
  const auto text = safechunk::LockText::decode(as_text(data, size));
  if (!text) return 0;
  const auto again = safechunk::LockText::decode(text->encode());
  require(again && again->pid == text->pid && again->token == text->token);
  return 0;
}
