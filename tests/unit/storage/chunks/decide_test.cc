// What a chunk is: every state of its file against every state of its backup (G5, G6).

#include "storage/chunks/decide.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace safechunk {
namespace {

constexpr FileHealth kAll[] = {FileHealth::missing, FileHealth::good,    FileHealth::unstamped,
                               FileHealth::edited,  FileHealth::invalid, FileHealth::unreadable};

bool usable(FileHealth health) {
  return health == FileHealth::good || health == FileHealth::unstamped ||
         health == FileHealth::edited;
}

// Kills: looking at the backup of a sound file, or healing over a file that cannot be judged.
TEST(DecideChunk, AFileThatIsSoundOrCannotBeJudgedDecidesAlone) {
  for (const FileHealth backup : kAll) {
    for (const FileHealth file : {FileHealth::good, FileHealth::unstamped, FileHealth::edited}) {
      EXPECT_EQ(decide_chunk(file, backup), ChunkState::sound);
      EXPECT_EQ(decide_chunk(file, std::nullopt), ChunkState::sound);
    }
    EXPECT_EQ(decide_chunk(FileHealth::unreadable, backup), ChunkState::unreadable);
    EXPECT_EQ(decide_chunk(FileHealth::unreadable, std::nullopt), ChunkState::unreadable);
  }
}

// Kills: each row of the table.
TEST(DecideChunk, OtherwiseTheBackupDecides) {
  const std::map<std::pair<FileHealth, FileHealth>, ChunkState> expected = {
      {{FileHealth::missing, FileHealth::missing}, ChunkState::missing},
      {{FileHealth::missing, FileHealth::invalid}, ChunkState::lost},
      {{FileHealth::missing, FileHealth::unreadable}, ChunkState::unreadable},
      {{FileHealth::invalid, FileHealth::missing}, ChunkState::lost},
      {{FileHealth::invalid, FileHealth::invalid}, ChunkState::lost},
      {{FileHealth::invalid, FileHealth::unreadable}, ChunkState::unreadable}};
  for (const FileHealth file : {FileHealth::missing, FileHealth::invalid}) {
    EXPECT_EQ(decide_chunk(file, std::nullopt), ChunkState::needs_backup);
    for (const FileHealth backup : kAll) {
      const ChunkState wanted = usable(backup) ? ChunkState::healable : expected.at({file, backup});
      EXPECT_EQ(decide_chunk(file, backup), wanted);
    }
  }
}

}  // namespace
}  // namespace safechunk
