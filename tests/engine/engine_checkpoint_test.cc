// Checkpoints and restore: G13, and "checkpoints of the same second overwrite each other",
// "retention 0, negative, foreign zips", "achieved although the sync failed", "partial zip counts
// as newest".

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include "archive/zip_reader.h"
#include "archive/zip_writer.h"
#include "base/limits.h"
#include "engine/engine_bench.h"
#include "unit/archive/memory_stream.h"

namespace safechunk::test {
namespace {

using Chunks = std::map<std::string, std::string>;

class EngineCheckpoint : public testing::Test {
 protected:
  void put(const std::string& chunk, const std::string& text) {
    ASSERT_TRUE(engine_.stage_update(std::string_view(text), chunk).ok());
  }
  Chunks all() {
    Chunks result;
    for (const auto& chunk : engine_.list_chunks().value()) {
      result[chunk] = engine_.fetch_chunk(chunk).value();
    }
    return result;
  }
  std::vector<std::string> names() {
    std::vector<std::string> result;
    for (const auto& info : engine_.list_checkpoints().value()) result.push_back(info.file_name);
    return result;
  }
  // Files under checkpoints/, whatever they are.
  std::size_t files_in_checkpoints() {
    std::size_t count = 0;
    for (const auto& [path, bytes] : machine_.files.contents()) {
      if (path.starts_with("project/checkpoints/") && path != "project/checkpoints/") ++count;
    }
    return count;
  }

  Machine machine_;
  SafeChunkEngine engine_ = machine_.engine();
};

TEST_F(EngineCheckpoint, TwoInOneSecondAreNumbered) {
  put("a", "1");
  const std::string first = engine_.create_checkpoint("daily").value();
  const std::string second = engine_.create_checkpoint("daily").value();
  const std::string third = engine_.create_checkpoint("other").value();
  EXPECT_TRUE(second.ends_with("_2.zip")) << second;
  EXPECT_TRUE(third.ends_with("_3.zip")) << third;
  EXPECT_EQ(names(), (std::vector<std::string>{third, second, first}));
}

TEST_F(EngineCheckpoint, RetentionKeepsTheNewestAndForeignFiles) {
  put("a", "1");
  machine_.write("checkpoints", "holiday.zip", "mine");
  std::string newest;
  for (int i = 0; i < 5; ++i) {
    machine_.clock.advance(std::chrono::seconds(10));
    newest = engine_.create_checkpoint("c" + std::to_string(i), 2).value();
  }
  EXPECT_EQ(names().size(), 2U);
  EXPECT_EQ(names().at(0), newest);
  EXPECT_EQ(machine_.file("checkpoints/holiday.zip"), "mine");
  for (const int retention : {0, -1}) {
    EXPECT_EQ(engine_.create_checkpoint("x", retention).code(), ErrorCode::invalid_argument);
  }
  EXPECT_EQ(engine_.create_checkpoint("x", 1, "\xFF").code(), ErrorCode::invalid_argument);
  EXPECT_EQ(names().size(), 2U);
}

// Kills: a checkpoint of what was saved before, told as a success.
TEST_F(EngineCheckpoint, FailsWhenTheSyncFails) {
  put("a", "1");
  const Failing failing(machine_.files, "create", "chunks/a.749b0e0d.tmp", ENOSPC);
  EXPECT_EQ(engine_.create_checkpoint().code(), ErrorCode::no_space);
  EXPECT_EQ(files_in_checkpoints(), 0U);
}

// Kills: a restore whose safety checkpoint lacks what could not be saved: nothing could undo it.
TEST_F(EngineCheckpoint, ARestoreFailsWhenTheSyncFails) {
  put("a", "1");
  const std::string name = engine_.create_checkpoint().value();
  put("a", "2");
  put("b", "2");
  const Failing failing(machine_.files, "create", "chunks/b.aba4139c.tmp", ENOSPC);
  EXPECT_EQ(engine_.restore_checkpoint(name).code(), ErrorCode::no_space);
  EXPECT_EQ(files_in_checkpoints(), 1U);
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
  EXPECT_EQ(engine_.fetch_chunk("b").value(), "2\n");
}

TEST_F(EngineCheckpoint, NothingIsLeftWhenWritingFailsOrIsCancelled) {
  put("a", "1");
  for (const char* verb : {"write_at", "sync", "read_at", "rename"}) {
    const Failing failing(machine_.files, verb, ".zip", EIO);
    EXPECT_FALSE(engine_.create_checkpoint().ok()) << verb;
    EXPECT_GT(failing.hits(), 0) << verb;
    EXPECT_EQ(files_in_checkpoints(), 0U) << verb;
  }
  const auto cancel = [](std::uint64_t, std::uint64_t) { return false; };
  EXPECT_EQ(engine_.create_checkpoint("x", 1, "", cancel).code(), ErrorCode::cancelled);
  EXPECT_EQ(files_in_checkpoints(), 0U);
  const std::string name = engine_.create_checkpoint().value();
  put("a", "2");
  EXPECT_EQ(engine_.verify_checkpoint(name, cancel).code(), ErrorCode::cancelled);
  EXPECT_EQ(engine_.restore_checkpoint(name, cancel).code(), ErrorCode::cancelled);
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "2\n");
}

// G13. More chunks than are read ahead; all of them are saved again, healed or removed after the
// first one was written. Kills: reading a file that was replaced after the checkpoint began.
void expect_one_state(bool links_supported) {
  constexpr int kChunks = 200;
  const auto name_of = [](int i) { return "c" + std::to_string(1000 + i); };
  Machine machine(true, links_supported);
  auto engine = machine.engine();
  for (const char* text : {"1", "2"}) {
    for (int i = 0; i < kChunks; ++i) ASSERT_TRUE(engine.stage_update(text, name_of(i)).ok());
    ASSERT_TRUE(engine.force_sync().ok());
  }
  bool changed = false;
  const auto change_all = [&](std::uint64_t, std::uint64_t) {
    if (std::exchange(changed, true)) return true;
    for (int i = 0; i < kChunks; ++i) {
      if (i % 3 == 0) {
        EXPECT_TRUE(engine.remove_chunk(name_of(i)).ok());
      } else {
        EXPECT_TRUE(engine.stage_update("3", name_of(i)).ok());
      }
    }
    EXPECT_TRUE(engine.stage_update("3", "new").ok());
    EXPECT_TRUE(engine.force_sync().ok());
    EXPECT_TRUE(engine.stage_update("4", name_of(kChunks - 1)).ok());
    EXPECT_TRUE(engine.force_sync().ok());
    return true;
  };
  const auto name = engine.create_checkpoint("x", 1, "", change_all);
  ASSERT_TRUE(name.ok()) << name.status().to_text();
  EXPECT_TRUE(changed);
  archive::MemorySource source(machine.file("checkpoints/" + *name).value());
  const auto reader = archive::ZipReader::open(source);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->entries().size(), std::size_t{2 * kChunks + 1});
  for (std::size_t i = 0; i < reader->entries().size(); ++i) {
    const std::string& entry = reader->entries()[i].name;
    if (entry == "checkpoint_meta.json") continue;
    EXPECT_EQ(reader->read(i).value(), entry.starts_with("chunks/") ? "2\n" : "1\n") << entry;
  }
  for (const auto& [path, bytes] : machine.files.contents()) {
    EXPECT_EQ(path.find(".pin-"), std::string::npos) << path;
  }
}

TEST(EngineCheckpointMeanwhile, WhatIsSavedIsNotInTheArchive) {
  expect_one_state(true);
}
TEST(EngineCheckpointMeanwhile, WhatIsSavedIsNotInTheArchiveWithoutLinks) {
  expect_one_state(false);
}

// Saving goes before the checkpoint. Kills: archiving the new version when the old one was not
// kept.
TEST_F(EngineCheckpoint, FailsWhenAFileCannotBeKept) {
  for (int i = 100; i < 300; ++i) put("c" + std::to_string(i), "1");
  ASSERT_TRUE(engine_.force_sync().ok());
  int hits = 0;
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb != "link" || call.target.find(".pin-") == std::string::npos) return std::nullopt;
    ++hits;
    return ENOSPC;
  });
  const auto change_last = [&](std::uint64_t, std::uint64_t) {
    put("c299", "2");
    EXPECT_TRUE(engine_.force_sync().ok());
    return true;
  };
  EXPECT_EQ(engine_.create_checkpoint("x", 1, "", change_last).code(), ErrorCode::no_space);
  machine_.files.set_hook({});
  EXPECT_EQ(hits, 1);
  EXPECT_EQ(machine_.chunk("c299"), "2\n");
  EXPECT_EQ(files_in_checkpoints(), 0U);
}

TEST_F(EngineCheckpoint, RestoreIsWholeAndCanBeUndone) {
  put("a", "1");
  put("b", "1");
  const std::string name = engine_.create_checkpoint().value();
  put("a", "2");
  put("c", "2");
  ASSERT_TRUE(engine_.remove_chunk("b").ok());
  ASSERT_TRUE(engine_.restore_checkpoint(name).ok());
  EXPECT_EQ(all(), (Chunks{{"a", "1\n"}, {"b", "1\n"}}));
  const auto undo = engine_.list_checkpoints()->front();
  EXPECT_EQ(undo.label, "before_restore");
  ASSERT_TRUE(engine_.restore_checkpoint(undo.file_name).ok());
  EXPECT_EQ(all(), (Chunks{{"a", "2\n"}, {"c", "2\n"}}));
}

// G4 for restores. Kills: replacing chunk by chunk.
TEST_F(EngineCheckpoint, ARestoreThatFailsLandsNothing) {
  put("a", "1");
  put("b", "1");
  const std::string name = engine_.create_checkpoint().value();
  put("a", "2");
  put("b", "2");
  ASSERT_TRUE(engine_.force_sync().ok());
  {
    const Failing failing(machine_.files, "sync", "chunks/b.aba4139c.tmp", EIO);
    EXPECT_EQ(engine_.restore_checkpoint(name).code(), ErrorCode::io_error);
  }
  EXPECT_EQ(machine_.chunk("a"), "2\n");
  EXPECT_EQ(machine_.chunk("b"), "2\n");
  ASSERT_TRUE(engine_.force_sync().ok());  // it is staged, and retried as a whole
  EXPECT_EQ(machine_.chunk("a"), "1\n");
  EXPECT_EQ(machine_.chunk("b"), "1\n");
}

// G12, G13. Every 97th byte of a real archive flipped, and every 97th length: refused with nothing
// changed, or the very same content.
TEST_F(EngineCheckpoint, DamagedArchivesAreRefusedOrHarmless) {
  put("a", "{\"text\": \"" + std::string(500, 'x') + "\"}");
  put("b", "[1, 2, 3, \"four\"]");
  const std::string name = engine_.create_checkpoint("real", 1000).value();
  const Chunks archived = all();
  const std::string archive = machine_.file("checkpoints/" + name).value();
  put("a", "2");
  ASSERT_TRUE(engine_.force_sync().ok());
  const Chunks now = all();
  const auto attempt = [&](const std::string& bytes, const std::string& what) {
    machine_.write("checkpoints", name, bytes);
    const auto before = machine_.files.contents();
    const Status verified = engine_.verify_checkpoint(name);
    const Status restored = engine_.restore_checkpoint(name);
    EXPECT_EQ(verified.ok(), restored.ok()) << what;
    EXPECT_EQ(all(), restored.ok() ? archived : now) << what << ": " << restored.to_text();
    if (restored.ok()) {
      put("a", "2");
      ASSERT_TRUE(engine_.force_sync().ok());
    } else {
      EXPECT_EQ(machine_.files.contents(), before) << what;
    }
  };
  for (std::size_t at = 0; at < archive.size(); at += 97) {
    std::string bytes = archive;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x41);
    attempt(bytes, "flipped byte " + std::to_string(at));
    attempt(archive.substr(0, at), "cut at " + std::to_string(at));
  }
  attempt(archive, "untouched");
  EXPECT_EQ(engine_.restore_checkpoint("../x.zip").code(), ErrorCode::not_found) << "a path";
  EXPECT_EQ(engine_.delete_checkpoint("../x.zip").code(), ErrorCode::invalid_name);
  for (const char* bad : {"nobody.zip", "checkpoint_x.zip", ""}) {
    EXPECT_EQ(engine_.restore_checkpoint(bad).code(), ErrorCode::invalid_name) << bad;
    EXPECT_EQ(engine_.delete_checkpoint(bad).code(), ErrorCode::invalid_name) << bad;
  }
  EXPECT_EQ(engine_.delete_checkpoint("checkpoint_x_20200101_000000.zip").code(),
            ErrorCode::not_found);
}

// --- limits and archives of others

TEST_F(EngineCheckpoint, NotesThatAreTooLongAreRefused) {
  put("a", "1");
  EXPECT_EQ(engine_.create_checkpoint("x", 1, std::string(limits::kNotesBytes + 1, 'n')).code(),
            ErrorCode::invalid_argument);
  const std::string longest(limits::kNotesBytes, 'n');
  ASSERT_TRUE(engine_.create_checkpoint("x", 1, longest).ok());
  EXPECT_EQ(engine_.list_checkpoints()->at(0).notes, longest);
}

// Kills: a handler that waits for the checkpoint that waits for the handler.
TEST_F(EngineCheckpoint, ProgressHandlersMayNotTakeATurn) {
  put("a", "1");
  const std::string name = engine_.create_checkpoint().value();
  std::vector<ErrorCode> codes;
  const auto nested = [&](std::uint64_t, std::uint64_t) {
    codes = {engine_.create_checkpoint().code(), engine_.restore_checkpoint(name).code(),
             engine_.delete_checkpoint(name).code(), engine_.detach().code()};
    return true;
  };
  ASSERT_TRUE(engine_.create_checkpoint("x", 9, "", nested).ok());
  EXPECT_EQ(codes, std::vector<ErrorCode>(4, ErrorCode::invalid_argument));
}

// What cannot be healed is named in the archive that is made before a restore.
TEST_F(EngineCheckpoint, BeforeARestoreLostChunksAreLeftOutAndNamed) {
  put("a", "1");
  put("b", "1");
  const std::string name = engine_.create_checkpoint().value();
  // The newest good versions are in memory until then.
  ASSERT_TRUE(engine_.detach().ok());
  ASSERT_TRUE(engine_.attach().ok());
  for (const char* chunk : {"a", "b"}) {
    machine_.write("chunks", std::string(chunk) + ".json", "[gar");
    machine_.write("chunks_bak", std::string(chunk) + ".bak", "[bage");
  }
  ASSERT_TRUE(engine_.restore_checkpoint(name).ok());
  EXPECT_EQ(all(), (Chunks{{"a", "1\n"}, {"b", "1\n"}}));
  archive::MemorySource source(machine_.file("checkpoints/" + names().at(0)).value());
  const auto reader = archive::ZipReader::open(source);
  ASSERT_TRUE(reader.ok());
  const auto& entries = reader->entries();
  const auto meta = std::find_if(entries.begin(), entries.end(),
                                 [](const auto& e) { return e.name == "checkpoint_meta.json"; });
  ASSERT_NE(meta, entries.end());
  const auto text = reader->read(static_cast<std::size_t>(meta - entries.begin())).value();
  EXPECT_NE(text.find("\"left_out\": [\"a\", \"b\"]"), std::string::npos) << text;
}

// What is no description of ours gives no notes, and is no reason to hide the archive or to refuse
// it.
TEST_F(EngineCheckpoint, NotesAreEmptyWhenTheDescriptionIsUnusable) {
  put("a", "1");
  const std::string name = "checkpoint_other_20200101_000000.zip";
  const std::string too_long = "{\"notes\": \"" + std::string(2U << 20U, 'n') + "\"}";
  for (const auto& [description, notes] :
       std::vector<std::pair<std::string, std::string>>{{R"({"notes": "n"})", "n"},
                                                        {R"({"notes": 7})", ""},
                                                        {R"(["notes", "n"])", ""},
                                                        {R"({"notes": "n")", ""},
                                                        {too_long, ""}}) {
    std::vector<archive::EntryToWrite> entries(2);
    entries[0].name = "chunks/a.json";
    entries[0].read = [] { return Result<std::string>("2"); };
    entries[1].name = "checkpoint_meta.json";
    entries[1].read = [text = description] { return Result<std::string>(text); };
    archive::MemorySink sink;
    ASSERT_TRUE(archive::write_zip(sink, std::move(entries), {}).ok());
    machine_.write("checkpoints", name, sink.bytes);
    const auto list = engine_.list_checkpoints().value();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].notes, notes) << description.substr(0, 40);
  }
  EXPECT_TRUE(engine_.verify_checkpoint(name).ok());
}

// A restore with a smaller depth than the archive was made with. Kills: calling good bytes corrupt.
TEST_F(EngineCheckpoint, ARestoreOfAChunkThatIsTooDeepSaysSo) {
  put("a", "[[[1]]]");
  const std::string name = engine_.create_checkpoint().value();
  ASSERT_TRUE(engine_.detach().ok());
  EngineOptions options;
  options.depth_limit = 2;
  auto shallow = machine_.engine(options);
  const Status status = shallow.restore_checkpoint(name);
  EXPECT_EQ(status.code(), ErrorCode::too_deep) << status.to_text();
  EXPECT_EQ(status.error().chunk, "a");
}

// G12, G13: whatever a well-formed zip holds that no checkpoint has, nothing of it is restored.
TEST_F(EngineCheckpoint, ArchivesOfOthersAreRefusedWhole) {
  put("a", "1");
  ASSERT_TRUE(engine_.force_sync().ok());
  const std::string name = "checkpoint_other_20200101_000000.zip";
  const std::vector<std::pair<std::string, std::string>> extra = {{"readme.txt", "1"},
                                                                  {"chunks/b.txt", "1"},
                                                                  {"chunks_bak/b.json", "1"},
                                                                  {"chunks/b.json", "[1,"},
                                                                  {"chunks/nul.json", "1"}};
  for (const auto& [entry, bytes] : extra) {
    std::vector<archive::EntryToWrite> entries(2);
    entries[0].name = "chunks/a.json";
    entries[0].read = [] { return Result<std::string>("2"); };
    entries[1].name = entry;
    entries[1].read = [text = bytes] { return Result<std::string>(text); };
    archive::MemorySink sink;
    const Status written = archive::write_zip(sink, std::move(entries), {});
    ASSERT_TRUE(written.ok()) << entry << ": " << written.to_text();
    machine_.write("checkpoints", name, sink.bytes);
    EXPECT_EQ(engine_.verify_checkpoint(name).code(), ErrorCode::corrupt) << entry;
    EXPECT_EQ(engine_.restore_checkpoint(name).code(), ErrorCode::corrupt) << entry;
    EXPECT_EQ(all(), (Chunks{{"a", "1\n"}})) << entry;
  }
}

}  // namespace
}  // namespace safechunk::test
