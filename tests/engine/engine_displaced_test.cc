// Another program moves a folder of the project away, or puts another in its place, while the
// project is owned: nothing may be called saved that is not where the next owner looks (G1, G7).

#include <gtest/gtest.h>

#include <string>

#include "engine/engine_meddling.h"

namespace safechunk::test {
namespace {

class EngineDisplaced : public testing::TestWithParam<Durability> {
 protected:
  void SetUp() override {
    engine_.on_fault([this](const Error& error) { faults_.add(error); });
    for (const char* text : {"1", "2"}) {
      put(engine_, "a", text);
      save(engine_);
    }
    machine_.clock.advance(std::chrono::seconds(10));  // with the journal the files follow
    machine_.clock.await_idle();
  }
  // Moves a folder away and makes a new one, with copies of its files, as somebody does who
  // restores a backup of it.
  void displace(const std::string& folder) {
    const auto before = machine_.files.contents();
    const auto project = machine_.files.open_directory("/project").value();
    project->rename(folder, "moved").throw_if_error();
    project->make_directory(folder).throw_if_error();
    const std::string start = "project/" + folder + "/";
    for (const auto& [path, bytes] : before) {
      if (path.starts_with(start) && path != start) {
        machine_.write(folder, path.substr(start.size()), bytes);
      }
    }
  }
  [[nodiscard]] static EngineOptions options() {
    EngineOptions options;
    options.durability = GetParam();
    return options;
  }

  Machine machine_;
  Faults faults_;  // told until the engine is gone
  SafeChunkEngine engine_ = machine_.engine(options());
};

// Kills: saving into the folder that was moved away, saying that it is saved, and removing the
// journal.
TEST_P(EngineDisplaced, WhatIsSavedIsFoundByTheNextOwner) {
  displace("chunks");
  put(engine_, "a", "3");
  (void)engine_.force_sync();
  EXPECT_EQ(machine_.file("moved/a.json"), "2\n") << "what was moved away is somebody's copy";
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "3\n");
  EXPECT_EQ(engine_.detach().code(), ErrorCode::conflict);
  EXPECT_TRUE(faults_.has(ErrorCode::conflict));
  ASSERT_TRUE(engine_.attach().ok());
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "3\n") << recovery_of(engine_);
  EXPECT_EQ(machine_.chunk("a"), "3\n");
  put(engine_, "a", "4");
  save(engine_);
  ASSERT_TRUE(engine_.detach().ok());
  EXPECT_EQ(machine_.chunk("a"), "4\n");
}

// Kills: counting as success what nobody would find. With the journal it is kept, and only later
// told.
TEST_P(EngineDisplaced, ForceSyncSaysSo) {
  for (const char* folder : {"chunks", "chunks_bak"}) {
    displace(folder);
    put(engine_, "a", "3");
    const Status saved = engine_.force_sync();
    if (GetParam() == Durability::file) {
      EXPECT_EQ(saved.code(), ErrorCode::conflict) << folder;
      EXPECT_EQ(saved.error().path, std::string("project/") + folder);
    }
    (void)engine_.detach();
    ASSERT_TRUE(engine_.attach().ok());
    EXPECT_EQ(machine_.chunk("a"), "3\n") << folder;
    EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "2\n") << folder;
    put(engine_, "a", "2");
    save(engine_);
    ASSERT_TRUE(engine_.detach().ok());
    const auto project = machine_.files.open_directory("/project").value();
    const auto moved = project->open_directory("moved").value();
    for (const std::string& file : moved->list().value()) moved->unlink(file).throw_if_error();
    project->remove_directory("moved").throw_if_error();
    ASSERT_TRUE(engine_.attach().ok());
  }
}

// Kills: an archive in a folder that was moved away; deleting what somebody has moved out of reach.
TEST_P(EngineDisplaced, CheckpointsAreNotMadeWhereNobodyLooks) {
  const std::string old = engine_.create_checkpoint("old", 5).value();
  machine_.clock.advance(std::chrono::seconds(2));
  displace("checkpoints");
  const std::string before = machine_.files.fingerprint();
  EXPECT_EQ(engine_.create_checkpoint("new", 1).code(), ErrorCode::conflict);
  EXPECT_EQ(engine_.delete_checkpoint(old).code(), ErrorCode::conflict);
  EXPECT_EQ(engine_.restore_checkpoint(old).code(), ErrorCode::conflict);
  EXPECT_EQ(machine_.files.fingerprint(), before);
  // It is no reason not to save.
  put(engine_, "a", "3");
  save(engine_);
  ASSERT_TRUE(engine_.detach().ok());
  EXPECT_EQ(machine_.chunk("a"), "3\n");
  ASSERT_TRUE(engine_.attach().ok());
  EXPECT_TRUE(engine_.restore_checkpoint(old).ok());
  EXPECT_EQ(machine_.chunk("a"), "2\n");
}

// Kills: healing in the folder that was moved away. The damage is told, and what is in place is
// read.
TEST_P(EngineDisplaced, NothingIsHealedThere) {
  displace("chunks");
  machine_.write("moved", "a.json", "[gar");
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  EXPECT_EQ(machine_.file("moved/a.json"), "[gar");
}

INSTANTIATE_TEST_SUITE_P(All, EngineDisplaced,
                         testing::Values(Durability::file, Durability::journal),
                         [](const auto& test) {
                           return test.param == Durability::file ? "file" : "journal";
                         });

}  // namespace
}  // namespace safechunk::test
