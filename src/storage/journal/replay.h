// Which journaled edits are replayed after a crash, and when the disk wins. Pure: docs/FORMAT.md
// has the table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/digest.h"
#include "storage/files/inspection.h"

namespace safechunk {

// One journaled edit of a chunk.
struct JournalLink {
  std::uint64_t sequence = 0;
  bool removal = false;
  Digest base;
  Digest text_digest;
};

// The committed file of the same chunk.
struct ChunkOnDisk {
  FileHealth health = FileHealth::missing;
  Digest text_digest;          // of a usable file
  std::optional<Stamp> stamp;  // as found, also beside an invalid file
  bool has_backup = false;
};

enum class Replay {
  nothing,   // the disk has it, or something newer
  confirm,   // the file has its text, but may not be synced: stage it
  stage,     // stage the last edit of the chain
  conflict,  // the disk has something that the journal does not know: keep the disk
};

// `chain` holds all journaled edits of the chunk in their order, at least one. Pure.
Replay decide_replay(const ChunkOnDisk& disk, std::span<const JournalLink> chain,
                     std::uint32_t journal_token);

}  // namespace safechunk
