// An engine whose lock another program has removed: the project belongs to who takes it next, and
// the first one only reads (G9).

#include <gtest/gtest.h>

#include <string>

#include "engine/engine_meddling.h"

namespace safechunk::test {
namespace {

class EngineLostLock : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* text : {"1", "2"}) {
      put(first_, "a", text);
      save(first_);
    }
    checkpoint_ = first_.create_checkpoint("kept", 5).value();
    machine_.clock.advance(std::chrono::seconds(5));
  }
  // Removes the lock, and lets another process attach.
  void lose() {
    remove_file(machine_.files, "", ".lock");
    second_.emplace(machine_.files);
    ASSERT_TRUE(second_->engine().is_active()) << second_->engine().status().to_text();
  }
  void damage() { machine_.write("chunks", "a.json", "[gar"); }

  Machine machine_;
  Faults faults_;  // told until the engine is gone
  SafeChunkEngine first_ = machine_.engine();
  std::string checkpoint_;
  std::optional<Successor> second_;
};

// Kills: healing a project that has another owner.
TEST_F(EngineLostLock, HealsNothing) {
  lose();
  damage();
  const std::string before = machine_.files.fingerprint();
  EXPECT_EQ(first_.fetch_chunk("a").value(), "1\n");
  EXPECT_EQ(machine_.files.fingerprint(), before);
  EXPECT_FALSE(first_.repair().ok());
  EXPECT_EQ(machine_.files.fingerprint(), before);
}

// Kills: naming a journal that is gone, or another owner's.
TEST_F(EngineLostLock, WhatCouldNotBeSavedIsNotSaidToBeKept) {
  put(first_, "a", "9");
  lose();
  const std::string said = first_.detach().to_text();
  EXPECT_NE(said.find("this engine has lost its journal"), std::string::npos) << said;
  EXPECT_EQ(said.find("kept in the journal"), std::string::npos) << said;
}

// Kills: going on with a heal over what the new owner has saved and acknowledged.
TEST_F(EngineLostLock, DuringAHealItReplacesNothingOfTheNewOwner) {
  damage();
  {
    const Meddler thief(machine_.files, "create", "chunks/a.749b0e0d.tmp", 1, [&] {
      lose();
      put(second_->engine(), "a", "3");
      save(second_->engine());
    });
    EXPECT_TRUE(first_.fetch_chunk("a").ok());
    ASSERT_TRUE(second_) << "no heal was begun";
  }
  EXPECT_EQ(machine_.chunk("a"), "3\n");
  EXPECT_EQ(second_->engine().fetch_chunk("a").value(), "3\n");
}

// Kills: an archive, or a retention that deletes the new owner's archives; the same by a deletion
// and by a restore.
TEST_F(EngineLostLock, ItsCheckpointCallsChangeNothing) {
  lose();
  const std::string before = machine_.files.fingerprint();
  EXPECT_EQ(first_.create_checkpoint("x", 1).code(), ErrorCode::not_owner);
  EXPECT_EQ(machine_.files.fingerprint(), before) << "after create_checkpoint";
  EXPECT_EQ(first_.delete_checkpoint(checkpoint_).code(), ErrorCode::not_owner);
  EXPECT_EQ(machine_.files.fingerprint(), before) << "after delete_checkpoint";
  EXPECT_EQ(first_.restore_checkpoint(checkpoint_).code(), ErrorCode::not_owner);
  EXPECT_EQ(machine_.files.fingerprint(), before) << "after restore_checkpoint";
}

// Kills: healing what a checkpoint has found damaged.
TEST_F(EngineLostLock, ItsCheckpointHealsNothing) {
  lose();
  damage();
  const std::string before = machine_.files.fingerprint();
  EXPECT_EQ(first_.create_checkpoint("x", 5).code(), ErrorCode::not_owner);
  EXPECT_EQ(machine_.files.fingerprint(), before);
}

// G7. Kills: a worker that knows, and does not tell.
TEST_F(EngineLostLock, TheWorkerTellsThatItCannotSave) {
  first_.on_fault([this](const Error& error) { faults_.add(error); });
  put(first_, "a", "3");
  lose();
  const auto due = machine_.clock.now() + std::chrono::seconds(1);
  machine_.clock.await_deadline(due);
  machine_.clock.advance(std::chrono::seconds(1));
  machine_.clock.await_deadline(machine_.clock.now() + std::chrono::seconds(1));  // the retry
  EXPECT_TRUE(faults_.has(ErrorCode::not_owner));
  EXPECT_TRUE(first_.is_dirty());
}

// What anybody may do it still does.
TEST_F(EngineLostLock, ItReadsOn) {
  lose();
  put(second_->engine(), "a", "3");
  save(second_->engine());
  EXPECT_EQ(first_.fetch_chunk("a").value(), "3\n");
  EXPECT_EQ(first_.list_checkpoints()->size(), 1U);
  EXPECT_TRUE(first_.verify_checkpoint(checkpoint_).ok());
}

}  // namespace
}  // namespace safechunk::test
