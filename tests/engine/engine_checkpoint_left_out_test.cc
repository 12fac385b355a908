// Rule 6 for checkpoints: the trouble of one chunk stays with that chunk. The archive names what it
// lacks, the call reports it, and a restore leaves it alone.

#include <gtest/gtest.h>

#include <set>

#include "archive/zip_reader.h"
#include "engine/engine_bench.h"
#include "engine/engine_meddling.h"
#include "unit/archive/memory_stream.h"

namespace safechunk::test {
namespace {

class EngineCheckpointLeftOut : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* text : {"1", "2"}) {
      for (const char* chunk : {"a", "b", "c"}) put(engine_, chunk, text);
      save(engine_);
    }
  }
  void listen() {
    engine_.on_fault([this](const Error& error) { faults_.add(error); });
  }
  // Names and contents of an archive.
  std::map<std::string, std::string> contents_of(const std::string& name) {
    std::map<std::string, std::string> contents;
    archive::MemorySource source(machine_.file("checkpoints/" + name).value());
    const auto reader = archive::ZipReader::open(source).value();
    for (std::size_t i = 0; i < reader.entries().size(); ++i) {
      contents[reader.entries()[i].name] = reader.read(i).value();
    }
    return contents;
  }
  void forget_recent_texts() {
    ASSERT_TRUE(engine_.detach().ok());
    ASSERT_TRUE(engine_.attach().ok());
  }

  Machine machine_;
  Faults faults_;  // outlives the engine
  SafeChunkEngine engine_ = machine_.engine();
};

// Kills: one chunk that keeps all others from being archived.
TEST_F(EngineCheckpointLeftOut, AChunkThatCannotBeReadIsLeftOutAndNamed) {
  listen();
  for (const int error : {EACCES, EIO, ELOOP, EISDIR, ENXIO}) {
    const auto before = faults_.list().size();
    const Failing failing(machine_.files, "open", "chunks/b.json", error);
    const auto name = engine_.create_checkpoint();
    ASSERT_TRUE(name.ok()) << name.status().to_text();
    const auto contents = contents_of(*name);
    EXPECT_FALSE(contents.contains("chunks/b.json"));
    EXPECT_TRUE(contents.contains("chunks_bak/b.bak"));
    EXPECT_EQ(contents.at("chunks/c.json"), "2\n");
    const std::string& meta = contents.at("checkpoint_meta.json");
    EXPECT_NE(meta.find("\"left_out\": [\"b\"]"), std::string::npos) << meta;
    EXPECT_NE(meta.find("\"chunks\": 2"), std::string::npos) << meta;
    ASSERT_EQ(faults_.list().size(), before + 1);
    EXPECT_EQ(faults_.list().back().chunk, "b");
    EXPECT_EQ(faults_.list().back().os_errno, error);
  }
}

// Another program made a file whose name differs only by case: where names are compared without
// case, an archive of both could not be restored. Kills: a checkpoint that fails because of it.
TEST_F(EngineCheckpointLeftOut, OfTwoSpellingsOneIsArchived) {
  listen();
  machine_.write("chunks", "B.json", "[0]");     // sorted before b
  machine_.write("chunks_bak", "B.bak", "[1]");  // likewise
  const auto name = engine_.create_checkpoint();
  ASSERT_TRUE(name.ok()) << name.status().to_text();
  const auto contents = contents_of(*name);
  EXPECT_EQ(contents.at("chunks/b.json"), "2\n");
  EXPECT_FALSE(contents.contains("chunks/B.json"));
  EXPECT_FALSE(contents.contains("chunks_bak/B.bak"));
  const std::string& meta = contents.at("checkpoint_meta.json");
  EXPECT_NE(meta.find("\"left_out\": [\"B\"]"), std::string::npos) << meta;
  ASSERT_EQ(faults_.list().size(), 1U);
  EXPECT_EQ(faults_.list().front().code, ErrorCode::invalid_name);
  EXPECT_EQ(faults_.list().front().chunk, "B");
  EXPECT_TRUE(engine_.verify_checkpoint(*name).ok());
  // A restore leaves it alone.
  ASSERT_TRUE(engine_.restore_checkpoint(*name).ok());
  EXPECT_EQ(machine_.file("chunks/B.json"), "[0]");
}

TEST_F(EngineCheckpointLeftOut, ManyAreLeftOutInOneTurn) {
  for (int i = 100; i < 200; ++i) put(engine_, "many" + std::to_string(i), "1");
  save(engine_);
  listen();
  std::size_t created = 0;
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb == "create" && call.path.find(".zip") != std::string::npos) ++created;
    const bool refused = call.verb == "open" && call.path.find("chunks/many") != std::string::npos;
    return refused ? std::optional(EACCES) : std::nullopt;
  });
  EXPECT_TRUE(engine_.create_checkpoint().ok());
  machine_.files.set_hook({});
  EXPECT_EQ(created, 2U);
  EXPECT_EQ(faults_.list().size(), 100U);
}

TEST_F(EngineCheckpointLeftOut, ABackupThatCannotBeReadIsLeftOut) {
  listen();
  const Failing failing(machine_.files, "open", "chunks_bak/b.bak", EACCES);
  const auto name = engine_.create_checkpoint();
  ASSERT_TRUE(name.ok()) << name.status().to_text();
  const auto contents = contents_of(*name);
  EXPECT_EQ(contents.at("chunks/b.json"), "2\n");
  EXPECT_FALSE(contents.contains("chunks_bak/b.bak"));
  EXPECT_NE(contents.at("checkpoint_meta.json").find("\"left_out_backups\": [\"b\"]"),
            std::string::npos);
  EXPECT_TRUE(faults_.has(ErrorCode::permission_denied, "b"));
}

// What concerns more than one chunk fails the call. Kills: an archive without anything in it.
TEST_F(EngineCheckpointLeftOut, ALackOfDescriptorsFailsTheCheckpoint) {
  listen();
  const Failing failing(machine_.files, "open", "chunks/b.json", EMFILE);
  EXPECT_EQ(engine_.create_checkpoint().code(), ErrorCode::io_error);
  EXPECT_TRUE(engine_.list_checkpoints()->empty());
}

TEST_F(EngineCheckpointLeftOut, ALostChunkIsLeftOut) {
  forget_recent_texts();
  machine_.write("chunks", "a.json", "[gar");
  machine_.write("chunks_bak", "a.bak", "[bage");
  listen();
  const auto name = engine_.create_checkpoint();
  ASSERT_TRUE(name.ok()) << name.status().to_text();
  EXPECT_FALSE(contents_of(*name).contains("chunks/a.json"));
  EXPECT_TRUE(faults_.has(ErrorCode::lost, "a"));
}

// A program is still writing the file.
TEST_F(EngineCheckpointLeftOut, WhatIsBeingEditedIsArchivedInItsNewestGoodVersion) {
  const auto chunks = machine_.files.open_directory("/project/chunks").value();
  const auto editor = chunks->open("a.json", OpenMode::read_write).value();
  editor->truncate(0).throw_if_error();
  listen();
  const auto name = engine_.create_checkpoint();
  ASSERT_TRUE(name.ok()) << name.status().to_text();
  const auto contents = contents_of(*name);
  EXPECT_EQ(contents.at("chunks/a.json"), "2\n");
  EXPECT_NE(contents.at("checkpoint_meta.json").find("\"left_out\": []"), std::string::npos);
  EXPECT_TRUE(faults_.has(ErrorCode::being_edited, "a"));
  EXPECT_EQ(machine_.chunk("a"), "") << "it is left alone";
}

// Nobody could undo it. Kills: a restore over what could not be archived before.
TEST_F(EngineCheckpointLeftOut, ARestoreIsRefusedWhileAChunkCannotBeRead) {
  const std::string name = engine_.create_checkpoint().value();
  put(engine_, "b", "3");
  save(engine_);
  {
    const Failing failing(machine_.files, "open", "chunks/b.json", EACCES);
    EXPECT_EQ(engine_.restore_checkpoint(name).code(), ErrorCode::permission_denied);
  }
  EXPECT_EQ(machine_.chunk("b"), "3\n");
  EXPECT_EQ(engine_.list_checkpoints()->size(), 1U);
}

// Kills: a restore that removes chunks which its archive names as left out.
TEST_F(EngineCheckpointLeftOut, ARestoreLeavesAloneWhatTheArchiveLacks) {
  std::string name;
  {
    const Failing failing(machine_.files, "open", "chunks/b.json", EACCES);
    name = engine_.create_checkpoint().value();
  }
  put(engine_, "a", "3");
  put(engine_, "b", "3");
  put(engine_, "new", "3");
  ASSERT_TRUE(engine_.restore_checkpoint(name).ok());
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  EXPECT_EQ(engine_.fetch_chunk("b").value(), "3\n");
  EXPECT_FALSE(engine_.find_chunk("new")->has_value());
}

}  // namespace
}  // namespace safechunk::test
