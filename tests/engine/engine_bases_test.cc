// What an update stands upon. A journal's update is replayed where the file still is what the
// update was made from, so whatever an engine writes down as that base must be what a crash leaves:
// not what is only visible, not what nobody could read (G1, G3, G4).

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>

#include "engine/engine_meddling.h"

namespace safechunk::test {
namespace {

void commit_both(SafeChunkEngine& engine, std::string_view text) {
  auto transaction = engine.transaction();
  for (const char* chunk : {"a", "b"}) ASSERT_TRUE(transaction.stage(text, chunk).ok());
  const Status committed = transaction.commit();
  ASSERT_TRUE(committed.ok()) << committed.to_text();
}

// --- what was published, and could not be made durable

// An attach over what a crash has left, of which one fsync of chunks/ fails, whichever; then
// `look`.
void attach_with_each_failing_sync(const SimFileSystem& left, const EngineOptions& options,
                                   const std::function<void(Successor&, SimFileSystem&)>& look) {
  int owners = 0;
  for (int nth = 1;; ++nth) {
    const auto disk = left.crash_clone(0, CrashModel::process);
    std::optional<FailingOnce> fault(std::in_place, *disk, "sync_directory", "chunks", EIO, nth);
    Successor next(*disk, options);
    const bool happened = fault->happened();
    fault.reset();
    if (!happened) break;
    if (!next->is_active()) continue;
    ++owners;
    SCOPED_TRACE("fsync " + std::to_string(nth) + " of chunks/ failed");
    look(next, *disk);
  }
  EXPECT_GT(owners, 0) << "no attach outlived a failed fsync";
}

// G1. Kills: a rewritten journal whose update stands upon the file that has just been published,
// and is not durable: a power cut takes the file back, and then the update counts as overtaken.
TEST(EngineBases, WhatAnAttachCouldNotSyncIsReplayedAfterAPowerCut) {
  Machine machine;
  auto dead = machine.engine(by_journal());
  put(dead, "a", "1");
  save(dead);
  save_by_the_worker(machine);
  put(dead, "a", "2");
  const auto left = machine.files.crash_clone(0, CrashModel::process);
  attach_with_each_failing_sync(*left, by_journal(), [](Successor& owner, SimFileSystem& disk) {
    put(owner.engine(), "b", "7");
    save(owner.engine());
    after_each_power_cut(disk, {CrashModel::ordered}, by_journal(),
                         [](SafeChunkEngine& next, const std::string& where) {
                           EXPECT_EQ(next.fetch_chunk("a").value(), "2\n") << where;
                         });
  });
}

// G4. Kills: the same, which takes back one member of a set and finds the other one published.
TEST(EngineBases, ATransactionThatAnAttachCouldNotSyncLandsWhole) {
  Machine machine;
  auto dead = machine.engine();
  for (const char* chunk : {"a", "b"}) put(dead, chunk, "1");
  save(dead);
  std::unique_ptr<SimFileSystem> left;
  {
    const Meddler killer(machine.files, "rename", "chunks/a.749b0e0d.tmp", 1,
                         [&] { left = machine.files.crash_clone(0, CrashModel::process); });
    commit_both(dead, "2");
  }
  ASSERT_TRUE(left);
  attach_with_each_failing_sync(*left, {}, [](Successor&, SimFileSystem& disk) {
    after_each_power_cut(disk, {CrashModel::ordered, CrashModel::strict}, {},
                         [](SafeChunkEngine& next, const std::string& where) {
                           EXPECT_EQ(next.fetch_chunk("a").value(), next.fetch_chunk("b").value())
                               << where;
                         });
  });
}

// G1. Kills: the same in a live owner, whose journal is rewritten because it has become too long.
TEST(EngineBases, WhatALiveOwnerCouldNotSyncIsReplayedAfterAPowerCut) {
  Machine machine;
  EngineOptions options = by_journal();
  options.journal_limit = 100;
  auto engine = machine.engine(options);
  put(engine, "a", "1");
  save(engine);
  ASSERT_TRUE(engine.detach().ok());
  ASSERT_TRUE(engine.attach().ok());
  const std::string text = '"' + std::string(200, 'x') + '"';
  {
    const FailingOnce fault(machine.files, "sync_directory", "chunks", EIO);
    put(engine, "a", text);
    EXPECT_TRUE(fault.happened());
  }
  save(engine);
  after_each_power_cut(machine.files, {CrashModel::ordered}, options,
                       [&](SafeChunkEngine& next, const std::string& where) {
                         EXPECT_EQ(next.fetch_chunk("a").value(), text + "\n") << where;
                       });
}

// --- what could not be read

// A power cut after two acknowledged versions of chunk a, of which the journal may still have the
// first: it was in a set, so the journal was synced; that it was emptied was not.
class EngineUnreadable : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    commit_both(engine_, "1");
    put(engine_, "a", "2");
    save(engine_);
  }
  // Everything but the lock's text, which tells of the failed attach.
  static auto project_on(const SimFileSystem& disk) {
    auto all = disk.contents();
    all.erase("project/.lock");
    return all;
  }

  Machine machine_;
  SafeChunkEngine engine_ = machine_.engine();
};

// G1, and rule "trouble of one chunk stays with that chunk". Kills: replaying an update of the
// journal over a file that could not be read: it may be newer; refusing the project for one file
// that stays unreadable; sending an acknowledged update to quarantine for a failure of the moment.
TEST_P(EngineUnreadable, AFileIsNotRolledBackAndDoesNotCloseTheProject) {
  const bool may_pass = GetParam() != EACCES;
  int refused = 0;
  int set_aside = 0;
  for_each_power_cut(
      machine_.files, {CrashModel::ordered}, [&](SimFileSystem& cut, const std::string& where) {
        const auto before = project_on(cut);
        {
          const Failing failing(cut, "open", "project/chunks/a.json", GetParam());
          Successor next(cut);
          if (!next->is_active()) {
            ++refused;
            EXPECT_EQ(next->status().error().os_errno, GetParam()) << next->status().to_text();
            EXPECT_EQ(project_on(cut), before) << where;
          } else {
            EXPECT_EQ(next->fetch_chunk("b").value(), "1\n") << where;
            if (holds(cut, "quarantine/", "1")) ++set_aside;
          }
        }
        Successor later(cut, {}, 2);
        ASSERT_TRUE(later->is_active()) << where << ": " << later->status().to_text();
        EXPECT_EQ(later->fetch_chunk("a").value(), "2\n")
            << where << "; " << recovery_of(later.engine());
        EXPECT_EQ(later->fetch_chunk("b").value(), "1\n") << where;
      });
  EXPECT_EQ(refused > 0, may_pass) << "no power cut left a journal with an update of the chunk";
  EXPECT_EQ(set_aside > 0, !may_pass);
}

// Kills: the same when only the first look fails, and the owner then goes on and saves.
TEST_P(EngineUnreadable, ForAMomentAFileIsNotRolledBack) {
  for_each_power_cut(
      machine_.files, {CrashModel::ordered}, [&](SimFileSystem& cut, const std::string& where) {
        std::optional<FailingOnce> fault(std::in_place, cut, "open", "chunks/a.json", GetParam());
        Successor next(cut);
        fault.reset();
        if (!next->is_active()) {
          ASSERT_TRUE(next->attach().ok()) << where << ": " << next->status().to_text();
        }
        save(next.engine());
        EXPECT_EQ(next->fetch_chunk("a").value(), "2\n")
            << where << "; " << recovery_of(next.engine());
      });
}

INSTANTIATE_TEST_SUITE_P(All, EngineUnreadable, testing::Values(EACCES, EIO, EMFILE, ENOMEM),
                         [](const auto& test) {
                           return test.param == EACCES   ? "EACCES"
                                  : test.param == EIO    ? "EIO"
                                  : test.param == EMFILE ? "EMFILE"
                                                         : "ENOMEM";
                         });

// G1. Kills: taking a file that is larger than this owner's limit for one that has to be rolled
// back or replaced; the owner after it, who can read it, finds what was acknowledged.
TEST(EngineBases, AnOwnerWithALowerLimitRollsNothingBack) {
  Machine machine;
  auto engine = machine.engine();
  commit_both(engine, "1");
  const std::string text = '"' + std::string(3000, 'x') + '"';
  put(engine, "a", text);
  save(engine);
  EngineOptions low;
  low.chunk_size_limit = 1000;
  for_each_power_cut(
      machine.files, {CrashModel::ordered}, [&](SimFileSystem& cut, const std::string& where) {
        {
          Successor next(cut, low);
          ASSERT_TRUE(next->is_active()) << where << ": " << next->status().to_text();
          EXPECT_EQ(next->fetch_chunk("b").value(), "1\n") << where;
          EXPECT_EQ(cut.contents()["project/chunks/a.json"], text + "\n") << where;
        }
        Successor later(cut, {}, 2);
        ASSERT_TRUE(later->is_active()) << where;
        EXPECT_EQ(later->fetch_chunk("a").value(), text + "\n")
            << where << "; " << recovery_of(later.engine());
      });
}

// --- what another program wrote

// G1. Kills: an update that stands upon another program's change only, which a power cut may undo:
// the file is as it was before, which the journal does not know as a base.
TEST(EngineBases, AnUpdateUponAnUnsyncedChangeSurvivesAPowerCut) {
  for (const std::string how : {"written in place", "renamed", "removed"}) {
    Machine machine;
    auto engine = machine.engine(by_journal());
    put(engine, "a", "1");
    save(engine);
    ASSERT_TRUE(engine.detach().ok());
    ASSERT_TRUE(engine.attach().ok());
    const auto chunks = machine.files.open_directory("/project/chunks").value();
    if (how == "removed") {
      chunks->unlink("a.json").throw_if_error();
    } else {
      const bool in_place = how == "written in place";
      const auto file = chunks->open(in_place ? "a.json" : "a.swp", OpenMode::create).value();
      file->truncate(0).throw_if_error();
      (void)file->write_at(0, "\"by hand\"").value();
      if (!in_place) {
        file->sync().throw_if_error();
        chunks->rename("a.swp", "a.json").throw_if_error();
      }
    }
    put(engine, "a", "3");
    save(engine);
    after_each_power_cut(machine.files, {CrashModel::ordered, CrashModel::strict}, by_journal(),
                         [&](SafeChunkEngine& next, const std::string& where) {
                           EXPECT_EQ(next.fetch_chunk("a").value(), "3\n") << how << ", " << where;
                         });
  }
}

// G3. Kills: an update that stands upon the staged one before it, although another program has
// changed the file since: after a kill the file is what neither of the two knows.
TEST(EngineBases, AnUpdateStagedAfterAHandEditSurvivesAKillAlsoBehindAnother) {
  for (const bool journal : {true, false}) {
    const EngineOptions options = journal ? by_journal() : EngineOptions();
    Machine machine;
    auto engine = machine.engine(options);
    put(engine, "a", "1");
    save(engine);
    save_by_the_worker(machine);
    put(engine, "a", "2");
    machine.write("chunks", "a.json", "\"by hand\"");
    put(engine, "a", "3");
    if (journal) save(engine);
    const auto left = machine.files.crash_clone(0, CrashModel::process);
    Successor next(*left, options);
    EXPECT_EQ(next->fetch_chunk("a").value(), "3\n") << recovery_of(next.engine());
  }
}

// --- removals and heals

// Kills: taking an equal text for what is staged already, although another program was there since.
TEST(EngineBases, AnEqualUpdateStagedAfterAHandEditSurvivesAKill) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "a", "1");
  save(engine);
  put(engine, "a", "2");
  machine.write("chunks", "a.json", "\"by hand\"");
  put(engine, "a", "2");
  const auto killed = machine.files.crash_clone(0, CrashModel::process);
  Successor next(*killed);
  EXPECT_EQ(next->fetch_chunk("a").value(), "2\n") << recovery_of(next.engine());
}

// G7. Kills: taking what this engine has published meanwhile for what another program wrote.
TEST(EngineBases, ARemovalStagedDuringTheCommitOfItsChunkIsNoConflict) {
  Machine machine;
  Faults faults;
  auto engine = machine.engine();
  engine.on_fault([&](const Error& error) { faults.add(error); });
  put(engine, "a", "1");
  {
    const Meddler meanwhile(machine.files, "rename", "chunks/a.749b0e0d.tmp", 1,
                            [&] { engine.remove_chunk("a").throw_if_error(); });
    save(engine);
    EXPECT_EQ(meanwhile.calls(), 1);
  }
  EXPECT_EQ(machine.chunk("a"), "1\n");
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "(missing)");
  EXPECT_FALSE(holds(machine.files, "quarantine", ""));
  EXPECT_TRUE(faults.list().empty());
}

class EngineBasesOfBackups : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* text : {"1", "2"}) {
      put(engine_, "a", text);
      save(engine_);
    }
  }

  Machine machine_;
  SafeChunkEngine engine_ = machine_.engine();
};

// G3. Kills: a removal that has nothing to do because the file is gone, and leaves the backup from
// which the chunk comes back.
TEST_F(EngineBasesOfBackups, AReplayedRemovalOfAMissingFileRemovesItsBackup) {
  ASSERT_TRUE(engine_.remove_chunk("a").ok());
  const auto left = machine_.files.crash_clone(0, CrashModel::process);
  remove_file(*left, "chunks", "a.json");
  Successor next(*left);
  EXPECT_EQ(next->find_chunk("a").value(), std::nullopt) << recovery_of(next.engine());
}

// G3. Kills: the same because the backup cannot be looked at for a moment.
TEST_F(EngineBasesOfBackups, AReplayedRemovalIsNotForgottenWhenTheBackupCannotBeLookedAt) {
  ASSERT_TRUE(engine_.remove_chunk("a").ok());
  bool happened = true;
  int nth = 1;
  for (; happened; ++nth) {
    const auto left = machine_.files.crash_clone(0, CrashModel::process);
    remove_file(*left, "chunks", "a.json");
    const FailingOnce fault(*left, "stat", "chunks_bak/a.bak", EIO, nth);
    Successor next(*left);
    happened = fault.happened();
    if (!next->is_active()) {
      EXPECT_EQ(next->status().code(), ErrorCode::io_error) << next->status().to_text();
      ASSERT_TRUE(next->attach().ok()) << next->status().to_text();
    }
    EXPECT_EQ(next->find_chunk("a").value(), std::nullopt)
        << "look " << nth << " at the backup failed; " << recovery_of(next.engine());
  }
  EXPECT_GT(nth, 2) << "nobody looked at the backup";
}

// G3. Kills: the same after a power cut inside the removal, which has undone half of it.
TEST_F(EngineBasesOfBackups, APowerCutInsideARemovalBringsNothingOlderBack) {
  ASSERT_TRUE(engine_.remove_chunk("a").ok());
  int moments = 0;
  {
    const Meddler cuts(machine_.files, "sync_directory", "chunks_bak", 1, [&] {
      ++moments;
      after_each_power_cut(machine_.files, {CrashModel::strict}, {},
                           [](SafeChunkEngine& next, const std::string& where) {
                             EXPECT_NE(next.find_chunk("a").value(), "1\n") << where;
                           });
    });
    save(engine_);
  }
  EXPECT_EQ(moments, 1);
}

// G3. Kills: an update that is based on nothing, staged while the damaged file is healed: after a
// kill it would count as overtaken by the backup.
TEST_F(EngineBasesOfBackups, AnUpdateStagedDuringAHealSurvivesAKill) {
  // Of an earlier life, so that the backup's sequence cannot be compared.
  ASSERT_TRUE(engine_.detach().ok());
  ASSERT_TRUE(engine_.attach().ok());
  machine_.write("chunks", "a.json", "[gar");
  {
    const Meddler meddler(machine_.files, "sync", "chunks/a.749b0e0d.tmp", 1,
                          [&] { put(engine_, "a", "3"); });
    EXPECT_TRUE(engine_.fetch_chunk("a").ok());
    EXPECT_GE(meddler.calls(), 1);
  }
  const auto left = machine_.files.crash_clone(0, CrashModel::process);
  Successor next(*left);
  EXPECT_EQ(next->fetch_chunk("a").value(), "3\n") << recovery_of(next.engine());
}

}  // namespace
}  // namespace safechunk::test
