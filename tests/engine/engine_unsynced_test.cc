// What another program writes, moves or removes and does not sync: found by docs/models/chunk.pml.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <string>

#include "engine/engine_meddling.h"

namespace safechunk::test {
namespace {

constexpr std::chrono::milliseconds kMoment{200};

// Writes into the file as it is, and syncs nothing.
void write_unsynced(SimFileSystem& disk, const std::string& name, std::string_view bytes) {
  const auto chunks = disk.open_directory("/project/chunks").value();
  const auto file = chunks->open(name, OpenMode::create).value();
  file->truncate(0).throw_if_error();
  (void)file->write_at(0, bytes).value();
}

// G1. Kills: taking an update of a dead owner's journal for committed because the file has its
// text, which another program wrote and nobody synced.
TEST(EngineUnsynced, AnUpdateThatTheFileEqualsSurvivesAPowerCutAfterTheAttach) {
  Machine machine;
  auto dead = machine.engine(by_journal());
  put(dead, "a", "1");
  save(dead);
  save_by_the_worker(machine);
  put(dead, "a", "2");
  save(dead);  // acknowledged
  const auto left = machine.files.crash_clone(0, CrashModel::process);
  write_unsynced(*left, "a.json", "2\n");
  Successor owner(*left, by_journal());
  after_each_power_cut(*left, {CrashModel::ordered, CrashModel::strict}, by_journal(),
                       [](SafeChunkEngine& next, const std::string& where) {
                         EXPECT_EQ(next.fetch_chunk("a").value(), "2\n") << where;
                       });
}

// G5. Kills: a backup that is not durable, because a crash inside a rotation had left file and
// backup as one file, into which another program has written since.
TEST(EngineUnsynced, WhatIsUnderBothNamesIsDurableBeforeItIsTheBackupOnly) {
  Machine machine;
  auto dead = machine.engine();
  put(dead, "a", "1");
  save(dead);
  std::unique_ptr<SimFileSystem> left;
  {
    const Meddler killer(machine.files, "rename", "chunks/a.749b0e0d.tmp", 1,
                         [&] { left = machine.files.crash_clone(0, CrashModel::process); });
    put(dead, "a", "2");
    save(dead);
  }
  ASSERT_TRUE(left);
  write_unsynced(*left, "a.json", "\"by hand\"");
  Successor owner(*left);
  put(owner.engine(), "a", "3");
  save(owner.engine());
  for_each_power_cut(*left, {CrashModel::ordered, CrashModel::strict},
                     [](SimFileSystem& cut, const std::string& where) {
                       EXPECT_EQ(cut.contents()["project/chunks/a.json"], "3\n") << where;
                       EXPECT_EQ(cut.contents()["project/chunks_bak/a.bak"], "\"by hand\"")
                           << where;
                     });
}

// G1. Kills: taking it for certain that a file which another program removed before the attach does
// not come back: then it is a conflict for the update that was acknowledged.
TEST(EngineUnsynced, AnUpdateAfterARemovalBeforeTheAttachSurvivesAPowerCut) {
  Machine machine;
  auto engine = machine.engine(by_journal());
  put(engine, "a", "1");
  save(engine);
  ASSERT_TRUE(engine.detach().ok());
  remove_file(machine.files, "chunks", "a.json");
  ASSERT_TRUE(engine.attach().ok());
  put(engine, "a", "3");
  save(engine);
  after_each_power_cut(machine.files, {CrashModel::ordered, CrashModel::strict}, by_journal(),
                       [](SafeChunkEngine& next, const std::string& where) {
                         EXPECT_EQ(next.fetch_chunk("a").value(), "3\n") << where;
                       });
}

// G1. Kills: standing upon a staged update whose commit is just replacing what another program
// wrote: until the folder is synced a power cut brings that back.
TEST(EngineUnsynced, AnUpdateStagedWhileAHandEditIsReplacedSurvivesAPowerCut) {
  Machine machine;
  auto engine = machine.engine(by_journal());
  put(engine, "a", "1");
  save(engine);
  save_by_the_worker(machine);
  put(engine, "a", "1");
  machine.clock.await_deadline(machine.clock.now() + std::chrono::seconds(1));
  write_unsynced(machine.files, "a.json", "\"by hand\"");
  Counter moments;
  std::future<Status> saved;
  {
    const Meddler meanwhile(machine.files, "sync_directory", "chunks", 1, [&] {
      put(engine, "a", "3");
      saved = std::async(std::launch::async, [&] { return engine.force_sync(); });
      // It waits for the commit, which waits here: a false acknowledgement comes at once.
      if (saved.wait_for(kMoment) == std::future_status::ready) {
        after_each_power_cut(machine.files, {CrashModel::ordered, CrashModel::strict}, by_journal(),
                             [](SafeChunkEngine& next, const std::string& where) {
                               EXPECT_EQ(next.fetch_chunk("a").value(), "3\n") << where;
                             });
      }
      moments.add();
    });
    machine.clock.advance(std::chrono::seconds(1));
    moments.await(1);
    EXPECT_TRUE(saved.get().ok());
    after_each_power_cut(machine.files, {CrashModel::ordered, CrashModel::strict}, by_journal(),
                         [](SafeChunkEngine& next, const std::string& where) {
                           EXPECT_EQ(next.fetch_chunk("a").value(), "3\n") << where;
                         });
    EXPECT_TRUE(engine.detach().ok());
  }
}

// G7. Kills: removing, without a word and without a copy, what another program wrote after the
// removal of a damaged chunk was staged.
TEST(EngineUnsynced, AHandEditAfterTheRemovalOfADamagedChunkIsKept) {
  Machine machine;
  Told told;  // until the engine is gone
  auto engine = machine.engine();
  told.listen(engine);
  put(engine, "a", "1");
  save(engine);
  machine.write("chunks", "a.json", "[half");
  ASSERT_TRUE(engine.remove_chunk("a").ok());
  machine.write("chunks", "a.json", "\"by hand\"");
  save(engine);
  EXPECT_TRUE(holds(machine.files, "", "by hand")) << told.all();
}

// G6. Kills: a removal that a later update had replaced before either was committed, and that an
// old journal brings back where the file is missing: it takes the backup along.
TEST(EngineUnsynced, ARemovalThatWasReplacedTakesNoBackupAlong) {
  Machine machine;
  auto engine = machine.engine();
  for (const char* text : {"1", "2"}) {
    put(engine, "a", text);
    save(engine);
  }
  for (const char* chunk : {"b", "c"}) put(engine, chunk, "1");
  {
    const Meddler meanwhile(machine.files, "sync_data", ".journal", 1,
                            [&] { EXPECT_TRUE(engine.remove_chunk("a").ok()); });
    save(engine);  // a set, so that the journal is durable, with the removal
    EXPECT_EQ(meanwhile.calls(), 1);
  }
  put(engine, "a", "3");
  save(engine);
  for_each_power_cut(machine.files, {CrashModel::ordered, CrashModel::strict},
                     [](SimFileSystem& cut, const std::string& where) {
                       remove_file(cut, "chunks", "a.json");
                       Successor next(cut);
                       const auto contents = cut.contents();
                       const bool is_kept = std::ranges::any_of(contents, [](const auto& file) {
                         return file.first == "project/chunks_bak/a.bak" ||
                                file.first == "project/chunks/a.json" ||
                                file.first.starts_with("project/quarantine/a.bak.");
                       });
                       EXPECT_TRUE(is_kept) << where << "; " << recovery_of(next.engine());
                     });
}

}  // namespace
}  // namespace safechunk::test
