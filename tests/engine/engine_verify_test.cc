// verify() while the engine works: what is removed meanwhile is not lost (G7).

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "engine/engine_meddling.h"

namespace safechunk::test {
namespace {

// What verify() finds unsound when `act` comes after its first file.
std::string complaints_with(SafeChunkEngine& engine, const std::function<void()>& act) {
  bool acted = false;
  const VerifyReport report = engine
                                  .verify([&](std::uint64_t done, std::uint64_t) {
                                    if (done == 1 && !std::exchange(acted, true)) act();
                                    return true;
                                  })
                                  .value();
  EXPECT_TRUE(acted);
  if (report.sound()) return {};
  std::string text;
  for (const auto& file : report.files) {
    text += file.path + " " + std::string(to_string(file.state)) + " " + file.detail + "\n";
  }
  return text;
}

// Kills: reporting a chunk as lost that was listed, and removed before its turn came.
// A project that was copied (cp -r, git, a stick) has no attributes. Kills: rot in such a project
// that is taken for an edit for ever.
TEST(EngineVerify, ACopiedProjectIsExplainedAndRepairStampsIt) {
  Machine machine;
  auto engine = machine.engine();
  machine.write("chunks", "a.json", "{\"copied\": 1}");
  const auto verdict = [&] {
    const auto report = engine.verify();
    for (const FileVerdict& file : report->files) {
      if (file.path == "chunks/a.json") return file;
    }
    return FileVerdict();
  };
  EXPECT_EQ(verdict().state, FileVerdict::State::unstamped);
  EXPECT_NE(verdict().detail.find("repair stamps it"), std::string::npos) << verdict().detail;
  ASSERT_TRUE(engine.repair().ok());
  EXPECT_EQ(verdict().state, FileVerdict::State::good);
  EXPECT_EQ(machine.chunk("a"), "{\"copied\": 1}");
  // An edit makes it an edited file, and that is stamped likewise.
  machine.write("chunks", "a.json", "{\"edited\": 1}");
  EXPECT_EQ(verdict().state, FileVerdict::State::edited);
  ASSERT_TRUE(engine.repair().ok());
  EXPECT_EQ(verdict().state, FileVerdict::State::good);
}

TEST(EngineVerify, BesideARemovalItReportsNoLoss) {
  Machine machine;
  auto engine = machine.engine();
  for (const char* chunk : {"a", "b"}) put(engine, chunk, "1");
  save(engine);
  EXPECT_EQ(complaints_with(engine,
                            [&] {
                              ASSERT_TRUE(engine.remove_chunk("b").ok());
                              save(engine);
                            }),
            "");
}

// The same when the journal, which was read before, had an update of it. Kills: taking the file
// that its owner has removed for one that is to be healed.
TEST(EngineVerify, BesideARemovalOfAStagedChunkItReportsNoLoss) {
  Machine machine;
  auto engine = machine.engine();
  for (const char* chunk : {"a", "b"}) put(engine, chunk, "1");
  save(engine);
  put(engine, "b", "2");
  EXPECT_EQ(complaints_with(engine,
                            [&] {
                              ASSERT_TRUE(engine.remove_chunk("b").ok());
                              save(engine);
                            }),
            "");
}

// Kills: the same with an archive that a retention deletes.
TEST(EngineVerify, BesideARetentionItReportsNoLoss) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "a", "1");
  const std::string old = engine.create_checkpoint("old", 5).value();
  machine.clock.advance(std::chrono::seconds(2));
  EXPECT_EQ(complaints_with(engine, [&] { ASSERT_TRUE(engine.create_checkpoint("new", 1).ok()); }),
            "");
  EXPECT_FALSE(machine.file("checkpoints/" + old));
}

// Kills: excusing files that are not there: another program has taken them all.
TEST(EngineVerify, FilesThatVanishTogetherBesideItAreALoss) {
  Machine machine;
  auto engine = machine.engine();
  for (const char* text : {"1", "2"}) {
    for (const char* chunk : {"a", "b"}) put(engine, chunk, text);
    save(engine);
  }
  EXPECT_EQ(complaints_with(engine, [&] { remove_file(machine.files, "chunks", "b.json"); }), "")
      << "one alone was removed by somebody";
  EXPECT_NE(complaints_with(engine, [&] { remove_file(machine.files, "chunks", "a.json"); }), "");
}

}  // namespace
}  // namespace safechunk::test
