#include "storage/chunks/decide.h"

namespace safechunk {

ChunkState decide_chunk(const ChunkFacts& facts) {
  if (is_usable(facts.file)) return ChunkState::sound;
  if (facts.file == FileHealth::unreadable) return ChunkState::unreadable;
  // Bytes that rotted were not written by anybody; every other text that is not JSON was.
  if (facts.file == FileHealth::not_json && facts.in_motion) return ChunkState::being_edited;
  if (!facts.backup) return ChunkState::needs_backup;
  const FileHealth backup = *facts.backup;
  if (facts.file == FileHealth::missing) {
    if (backup == FileHealth::missing) return ChunkState::missing;
    if (!facts.names_lost) return ChunkState::removed;
  }
  if (is_usable(backup)) return ChunkState::healable;
  return backup == FileHealth::unreadable ? ChunkState::unreadable : ChunkState::lost;
}

bool names_are_lost(std::size_t gone, std::size_t present) {
  constexpr std::size_t kSeveral = 2;
  if (gone < kSeveral) return false;
  return present == 0 || gone > present;
}

}  // namespace safechunk
