#include "storage/journal/replay.h"

#include <algorithm>

namespace safechunk {

Replay decide_replay(const ChunkOnDisk& disk, std::span<const JournalLink> chain,
                     std::uint32_t journal_token) {
  const JournalLink& last = chain.back();
  // A file that was committed from this very journal says itself how far it is. This also tells
  // A -> B -> A from "still A", which contents cannot.
  const bool says_itself = disk.stamp && disk.stamp->journal_token == journal_token;
  const bool is_newer = says_itself && disk.stamp->sequence >= last.sequence;
  if (says_itself && disk.health == FileHealth::good) {
    return !is_newer && last.text_digest != disk.text_digest ? Replay::stage : Replay::nothing;
  }
  // All of the journal was in the file when somebody edited it.
  if (is_newer && disk.health == FileHealth::edited) return Replay::nothing;
  switch (disk.health) {
    case FileHealth::rotten:
    case FileHealth::not_json:
      return says_itself && last.sequence < disk.stamp->sequence ? Replay::nothing : Replay::stage;
    case FileHealth::unreadable:
      return Replay::conflict;  // deeper than any text of ours: somebody else's
    case FileHealth::missing:
      // A backup that is left would heal the file.
      return last.removal && !disk.has_backup ? Replay::nothing : Replay::stage;
    default:
      break;
  }
  if (disk.text_digest == last.text_digest) return Replay::confirm;
  const bool known = std::any_of(chain.begin(), chain.end(), [&](const JournalLink& link) {
    return link.base == disk.text_digest || link.text_digest == disk.text_digest ||
           link.base == kUnknownDigest;
  });
  return known ? Replay::stage : Replay::conflict;
}

}  // namespace safechunk
