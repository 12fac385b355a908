// Field faults: "retention 0, negative, foreign zips, clock skew".

#include "storage/checkpoints/retention.h"

#include <gtest/gtest.h>

namespace safechunk {
namespace {

KnownArchive archive(std::uint64_t number, const std::string& label = "a",
                     const std::string& time = "20260101_000000") {
  KnownArchive archive;
  archive.name = {layout::label_in_name(label), time, 1};
  archive.file = layout::checkpoint_file(archive.name) + std::to_string(number);
  archive.readable = true;
  archive.description.number = number;
  archive.description.label = label;
  return archive;
}

std::string file(std::uint64_t number, const std::string& label = "a") {
  return archive(number, label).file;
}

TEST(Retention, KeepsThoseWithTheLargestNumbers) {
  const std::vector<KnownArchive> all = {archive(1), archive(3), archive(2)};
  EXPECT_EQ(checkpoints_to_remove(all, file(3), "a", false, 2), std::vector{file(1)});
  EXPECT_EQ(checkpoints_to_remove(all, file(3), "a", false, 1), (std::vector{file(2), file(1)}));
  EXPECT_TRUE(checkpoints_to_remove(all, file(3), "a", false, 3).empty());
}

// Kills: an order by the clock.
TEST(Retention, LooksAtNoClockWhereThereAreNumbers) {
  const KnownArchive future = archive(1, "a", "20990101_000000");
  const KnownArchive past = archive(2, "a", "19700101_000000");
  EXPECT_EQ(checkpoints_to_remove({future, past, archive(3)}, file(3), "a", false, 2),
            std::vector{future.file});
}

TEST(Retention, ArchivesWithoutANumberAreOlderThanAll) {
  const KnownArchive old = archive(0, "a", "20990101_000000");
  const KnownArchive older = archive(0, "b", "20980101_000000");
  EXPECT_EQ(checkpoints_to_remove({old, older, archive(1)}, file(1), "a", false, 2),
            std::vector{older.file});
  EXPECT_EQ(checkpoints_to_remove({older, archive(2), old, archive(1)}, file(2), "a", false, 1),
            (std::vector{file(1), old.file, older.file}));
}

// The number of a damaged archive may be the same. Kills: removing the new one.
TEST(Retention, TheNewOneStaysWhateverTheOthersSay) {
  EXPECT_EQ(checkpoints_to_remove({archive(1), archive(9)}, file(1), "a", false, 1),
            std::vector{file(9)});
}

TEST(Retention, PinnedOnesAreNeitherCountedNorRemoved) {
  KnownArchive pinned = archive(1);
  pinned.description.keep = true;
  EXPECT_TRUE(
      checkpoints_to_remove({pinned, archive(2), archive(3)}, file(3), "a", false, 2).empty());
  EXPECT_EQ(checkpoints_to_remove({pinned, archive(2), archive(3)}, file(3), "a", false, 1),
            std::vector{file(2)});
  KnownArchive newest = archive(4);
  newest.description.keep = true;
  EXPECT_EQ(checkpoints_to_remove({archive(2), archive(3), newest}, file(4), "a", true, 1),
            std::vector{file(2)});
}

// It may be a pinned one.
TEST(Retention, UnreadableOnesAreNeitherCountedNorRemoved) {
  KnownArchive unreadable = archive(0);
  unreadable.readable = false;
  EXPECT_TRUE(checkpoints_to_remove({unreadable, archive(1)}, file(1), "a", false, 1).empty());
}

TEST(Retention, WhatTheEngineMakesBeforeAChangeCountsWithNoOther) {
  std::vector<KnownArchive> all = {archive(1, "before_restore"), archive(2, "before_migration"),
                                   archive(3), archive(4)};
  EXPECT_EQ(checkpoints_to_remove(all, file(4), "a", false, 1), std::vector{file(3)});
  const std::string migration = file(2, "before_migration");
  EXPECT_TRUE(checkpoints_to_remove(all, migration, "before_migration", false, 1).empty());
  for (std::uint64_t number = 5; number < 15; ++number) {
    all.push_back(archive(number, "before_restore"));
  }
  const std::string restore = file(14, "before_restore");
  EXPECT_EQ(checkpoints_to_remove(all, restore, "before_restore", false, 1),
            std::vector{file(1, "before_restore")});
}

}  // namespace
}  // namespace safechunk
