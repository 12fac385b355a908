#include "storage/chunks/decide.h"

namespace safechunk {
namespace {

bool is_usable(FileHealth health) {
  return health == FileHealth::good || health == FileHealth::unstamped ||
         health == FileHealth::edited;
}

}  // namespace

ChunkState decide_chunk(FileHealth file, std::optional<FileHealth> backup) {
  if (is_usable(file)) return ChunkState::sound;
  if (file == FileHealth::unreadable) return ChunkState::unreadable;
  if (!backup) return ChunkState::needs_backup;
  if (is_usable(*backup)) return ChunkState::healable;
  if (*backup == FileHealth::unreadable) return ChunkState::unreadable;
  const bool nothing = file == FileHealth::missing && *backup == FileHealth::missing;
  return nothing ? ChunkState::missing : ChunkState::lost;
}

}  // namespace safechunk
