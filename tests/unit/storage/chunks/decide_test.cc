// What a chunk is: every state of its file against every state of its backup (G5, G6, G15, G17).

#include "storage/chunks/decide.h"

#include <gtest/gtest.h>

namespace safechunk {
namespace {

using State = ChunkState;
constexpr FileHealth kAll[] = {FileHealth::missing,   FileHealth::good,   FileHealth::unstamped,
                               FileHealth::edited,    FileHealth::rotten, FileHealth::not_json,
                               FileHealth::unreadable};

ChunkState decide(FileHealth file, std::optional<FileHealth> backup, bool in_motion = false,
                  bool names_lost = false) {
  return decide_chunk({file, backup, in_motion, names_lost});
}

// Kills: looking at the backup of a sound file, or healing over a file that cannot be judged.
TEST(DecideChunk, AFileThatIsSoundOrCannotBeJudgedDecidesAlone) {
  for (const bool flag : {false, true}) {
    for (const FileHealth backup : kAll) {
      for (const FileHealth file : {FileHealth::good, FileHealth::unstamped, FileHealth::edited}) {
        EXPECT_EQ(decide(file, backup, flag, flag), State::sound);
        EXPECT_EQ(decide(file, std::nullopt, flag, flag), State::sound);
      }
      EXPECT_EQ(decide(FileHealth::unreadable, backup, flag, flag), State::unreadable);
    }
    EXPECT_EQ(decide(FileHealth::unreadable, std::nullopt, flag, flag), State::unreadable);
  }
}

// G15. Kills: taking a file that an editor has truncated for damage; waiting for rot to end.
TEST(DecideChunk, ATextThatMayStillBeWrittenIsLeftAlone) {
  for (const FileHealth backup : kAll) {
    EXPECT_EQ(decide(FileHealth::not_json, backup, true), State::being_edited);
    EXPECT_NE(decide(FileHealth::rotten, backup, true), State::being_edited);
    EXPECT_NE(decide(FileHealth::not_json, backup, false), State::being_edited);
  }
  EXPECT_EQ(decide(FileHealth::not_json, std::nullopt, true), State::being_edited);
  EXPECT_EQ(decide(FileHealth::not_json, std::nullopt, false), State::needs_backup);
}

TEST(DecideChunk, DamageIsHealedFromAGoodBackupOnly) {
  for (const FileHealth file : {FileHealth::rotten, FileHealth::not_json}) {
    EXPECT_EQ(decide(file, std::nullopt), State::needs_backup);
    for (const FileHealth backup : kAll) {
      const State wanted = is_usable(backup)                  ? State::healable
                           : backup == FileHealth::unreadable ? State::unreadable
                                                              : State::lost;
      EXPECT_EQ(decide(file, backup), wanted);
      EXPECT_EQ(decide(file, backup, false, true), wanted);
    }
  }
}

// Kills: bringing back a file that a person removed; giving up those that a bad mount hides.
TEST(DecideChunk, AMissingFileWasRemovedUnlessManyAreGone) {
  EXPECT_EQ(decide(FileHealth::missing, std::nullopt), State::needs_backup);
  for (const FileHealth backup : kAll) {
    const bool none = backup == FileHealth::missing;
    EXPECT_EQ(decide(FileHealth::missing, backup), none ? State::missing : State::removed);
    const State lost = none                               ? State::missing
                       : is_usable(backup)                ? State::healable
                       : backup == FileHealth::unreadable ? State::unreadable
                                                          : State::lost;
    EXPECT_EQ(decide(FileHealth::missing, backup, false, true), lost);
  }
}

TEST(NamesAreLost, WhenMostOfSeveralAreGone) {
  EXPECT_FALSE(names_are_lost(0, 0));
  EXPECT_FALSE(names_are_lost(1, 0));  // "delete settings.json to start afresh"
  EXPECT_TRUE(names_are_lost(2, 0));
  EXPECT_TRUE(names_are_lost(2, 1));
  EXPECT_FALSE(names_are_lost(2, 2));
  EXPECT_FALSE(names_are_lost(3, 50));
  EXPECT_TRUE(names_are_lost(51, 50));
}

}  // namespace
}  // namespace safechunk
