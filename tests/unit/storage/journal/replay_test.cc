// decide_replay(): which journaled edits are replayed, and when the disk wins. Every state of the
// disk against every kind of chain.

#include "storage/journal/replay.h"

#include <gtest/gtest.h>

namespace safechunk {
namespace {

constexpr std::uint32_t kToken = 7;
const Digest kA = digest_of("a");
const Digest kB = digest_of("b");
const Digest kC = digest_of("c");
const Digest kForeign = digest_of("foreign");

JournalLink put(std::uint64_t sequence, const Digest& base, const Digest& text) {
  return {sequence, false, base, text};
}
JournalLink removal(std::uint64_t sequence, const Digest& base) {
  return {sequence, true, base, kAbsentDigest};
}

ChunkOnDisk good(const Digest& text, std::uint32_t token, std::uint64_t sequence) {
  ChunkOnDisk disk;
  disk.health = FileHealth::good;
  disk.text_digest = text;
  disk.stamp = Stamp{};
  disk.stamp->journal_token = token;
  disk.stamp->sequence = sequence;
  return disk;
}
ChunkOnDisk with(FileHealth health, const Digest& text = kAbsentDigest) {
  ChunkOnDisk disk;
  disk.health = health;
  disk.text_digest = text;
  return disk;
}

Replay decide(const ChunkOnDisk& disk, std::vector<JournalLink> chain) {
  return decide_replay(disk, chain, kToken);
}

TEST(DecideReplay, StagesWhatTheDiskDoesNotHave) {
  EXPECT_EQ(decide(good(kA, 1, 9), {put(1, kA, kB)}), Replay::stage);
  EXPECT_EQ(decide(good(kB, 1, 9), {put(1, kA, kB), put(2, kB, kC)}), Replay::stage);
  EXPECT_EQ(decide(with(FileHealth::missing), {put(1, kAbsentDigest, kA)}), Replay::stage);
  EXPECT_EQ(decide(with(FileHealth::unstamped, kA), {put(1, kA, kB)}), Replay::stage);
  EXPECT_EQ(decide(good(kA, 1, 9), {removal(1, kA)}), Replay::stage);
  EXPECT_EQ(decide(good(kForeign, 1, 9), {put(1, kUnknownDigest, kB)}), Replay::stage);
}

TEST(DecideReplay, LeavesWhatIsThere) {
  EXPECT_EQ(decide(good(kB, kToken, 1), {put(1, kA, kB)}), Replay::nothing);
  EXPECT_EQ(decide(with(FileHealth::missing), {removal(3, kA)}), Replay::nothing);
}

// G1. Kills: dropping what somebody has written into the file as well, and may not have synced.
TEST(DecideReplay, ConfirmsWhatTheFileEquals) {
  EXPECT_EQ(decide(good(kB, 1, 9), {put(1, kA, kB)}), Replay::confirm);
  EXPECT_EQ(decide(with(FileHealth::edited, kC), {put(1, kA, kB), put(2, kB, kC)}),
            Replay::confirm);
  EXPECT_EQ(decide(with(FileHealth::unstamped, kB), {put(1, kA, kB)}), Replay::confirm);
}

// An old journal never rolls back a durable commit: A, then B, then A again, of which only the
// first edit's record survived a power cut.
TEST(DecideReplay, TellsBackToAFromStillA) {
  EXPECT_EQ(decide(good(kA, kToken, 3), {put(2, kA, kB)}), Replay::nothing);
  EXPECT_EQ(decide(good(kA, kToken, 1), {put(2, kA, kB)}), Replay::stage);
  EXPECT_EQ(decide(good(kC, kToken, 9), {put(2, kA, kB)}), Replay::nothing);
  EXPECT_EQ(decide(good(kA, kToken, 12), {removal(9, kA)}), Replay::nothing);
}

TEST(DecideReplay, KeepsTheDiskWhenSomebodyEditedIt) {
  EXPECT_EQ(decide(good(kForeign, 1, 9), {put(1, kA, kB)}), Replay::conflict);
  EXPECT_EQ(decide(with(FileHealth::edited, kForeign), {put(1, kA, kB)}), Replay::conflict);
  EXPECT_EQ(decide(with(FileHealth::unstamped, kForeign), {removal(1, kA)}), Replay::conflict);
}

// G6, and FORMAT.md's rule of the stamp. Kills: an edit by hand, also one back to an earlier
// version, that is rolled forward to what the file had before it, or taken for a conflict with it.
TEST(DecideReplay, KeepsAnEditOfWhatWasCommitted) {
  ChunkOnDisk edited = good(kA, kToken, 2);
  edited.health = FileHealth::edited;
  const std::vector<JournalLink> chain = {put(1, kAbsentDigest, kA), put(2, kA, kB)};
  EXPECT_EQ(decide(edited, chain), Replay::nothing);  // back to the version before
  EXPECT_EQ(decide(edited, {put(1, kA, kB)}), Replay::nothing);
  edited.text_digest = kForeign;
  EXPECT_EQ(decide(edited, chain), Replay::nothing);
  EXPECT_EQ(decide(edited, {removal(2, kB)}), Replay::nothing);
  // Something was staged upon what is not there any more.
  EXPECT_EQ(decide(edited, {put(2, kA, kB), put(3, kB, kC)}), Replay::conflict);
  // The stamp is of another journal: its sequence tells nothing.
  edited.stamp->journal_token = kToken + 1;
  EXPECT_EQ(decide(edited, chain), Replay::conflict);
}

TEST(DecideReplay, HealsFromTheJournal) {
  EXPECT_EQ(decide(with(FileHealth::rotten), {put(1, kA, kB)}), Replay::stage);
  EXPECT_EQ(decide(with(FileHealth::missing), {put(1, kA, kB)}), Replay::stage);
  ChunkOnDisk rotten = good(kA, kToken, 5);
  rotten.health = FileHealth::rotten;
  EXPECT_EQ(decide(rotten, {put(5, kA, kB)}), Replay::stage);    // the very version that rotted
  EXPECT_EQ(decide(rotten, {put(4, kA, kB)}), Replay::nothing);  // its backup is newer
}

TEST(DecideReplay, NeverDropsWhatItCannotJudge) {
  EXPECT_EQ(decide(with(FileHealth::unreadable), {put(1, kA, kB)}), Replay::conflict);
}

}  // namespace
}  // namespace safechunk
