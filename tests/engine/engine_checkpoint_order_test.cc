// G13: the order of checkpoints, what retention removes, and labels. "Clocks at 1970 or 2099, the
// repeated hour in autumn and a flight west neither reorder nor delete."

#include <gtest/gtest.h>

#include <algorithm>

#include "archive/zip_writer.h"
#include "base/limits.h"
#include "engine/engine_bench.h"
#include "engine/engine_meddling.h"
#include "unit/archive/memory_stream.h"

namespace safechunk::test {
namespace {

using Names = std::vector<std::string>;

constexpr std::int64_t kYear1970 = 100;
constexpr std::int64_t kYear2026 = 1'790'000'000;
constexpr std::int64_t kYear2099 = 4'080'000'000;

class EngineCheckpointOrder : public testing::Test {
 protected:
  void SetUp() override { put(engine_, "a", "1"); }
  std::string make(const std::string& label, int retention = 1000, bool keep = false) {
    return engine_.create_checkpoint({label, retention, "", keep}).value();
  }
  Names labels() {
    Names result;
    for (const auto& info : engine_.list_checkpoints().value()) result.push_back(info.label);
    return result;
  }
  // An archive by somebody else, under the name of a checkpoint.
  void write_archive(const std::string& name, const std::string& description,
                     bool description_last = true) {
    std::vector<archive::EntryToWrite> entries(2);
    entries[0].name = "chunks/a.json";
    entries[0].read = [] { return Result<std::string>("2"); };
    entries[1].name = "checkpoint_meta.json";
    entries[1].read = [description] { return Result<std::string>(description); };
    if (!description_last) std::swap(entries[0], entries[1]);
    archive::MemorySink sink;
    ASSERT_TRUE(archive::write_zip(sink, std::move(entries), {}).ok());
    machine_.write("checkpoints", name, sink.bytes);
  }

  Machine machine_;
  Told told_;  // outlives the engine
  SafeChunkEngine engine_ = machine_.engine();
};

// Kills: an order by the clock, in the list or in retention.
TEST_F(EngineCheckpointOrder, NoClockReordersOrDeletes) {
  for (const std::int64_t time : {kYear2026, kYear2099, kYear1970, kYear2026 - 3600}) {
    machine_.clock.set_unix_time(time);
    make(std::to_string(time), 3);
  }
  EXPECT_EQ(labels(), (Names{std::to_string(kYear2026 - 3600), std::to_string(kYear1970),
                             std::to_string(kYear2099)}));
  const auto list = engine_.list_checkpoints().value();
  EXPECT_EQ(list[0].number, 4U);
  EXPECT_EQ(list[2].number, 2U);
  EXPECT_TRUE(list[1].date.starts_with("1970-01-01 00:01:40")) << list[1].date;
}

TEST_F(EngineCheckpointOrder, ANumberIsNotUsedAgainWhileALargerOneExists) {
  make("1");
  const std::string second = make("2");
  make("3");
  ASSERT_TRUE(engine_.delete_checkpoint(second).ok());
  make("4");
  EXPECT_EQ(engine_.list_checkpoints()->front().number, 4U);
  EXPECT_EQ(labels(), (Names{"4", "3", "1"}));
}

TEST_F(EngineCheckpointOrder, ArchivesWithoutANumberAreOlderInTheOrderOfTheirTimes) {
  write_archive("checkpoint_younger_20990102_000000.zip", "{}");
  write_archive("checkpoint_older_20990101_000000.zip", R"({"label": "older one"})");
  write_archive("cp_original_20990103_000000.zip", R"({"label": ""})");
  make("numbered");
  EXPECT_EQ(labels(), (Names{"numbered", "original", "younger", "older one"}));
  EXPECT_EQ(engine_.list_checkpoints()->at(1).number, 0U);
  make("another", 3);
  EXPECT_EQ(labels(), (Names{"another", "numbered", "original", "younger"}))
      << "the original engine's archives are not counted";
}

// Somebody has packed it anew.
TEST_F(EngineCheckpointOrder, TheDescriptionMayBeAnywhere) {
  write_archive("checkpoint_x_20200101_000000.zip", R"({"number": 41, "label": "moved"})", false);
  make("next");
  EXPECT_EQ(engine_.list_checkpoints()->front().number, 42U);
  EXPECT_EQ(labels(), (Names{"next", "moved"}));
}

// Kills: numbers that overflow, labels that are no labels, one archive that hides all others.
TEST_F(EngineCheckpointOrder, HostileDescriptionsBreakNothing) {
  const std::string too_long(limits::kLabelBytes + 1, 'x');
  const std::string descriptions[] = {R"({"number": 18446744073709551615})",
                                      R"({"number": 9007199254740991})",
                                      R"({"number": 9007199254740992})",
                                      R"({"number": -1, "keep": 1})",
                                      R"({"number": "7", "label": 7})",
                                      R"({"label": ")" + too_long + R"("})",
                                      R"({"label": "a\u0000b"})",
                                      std::string(20U << 20U, ' '),
                                      "[[[[",
                                      "",
                                      "null",
                                      R"({"number")"};
  int day = 10;
  for (const std::string& description : descriptions) {
    write_archive("checkpoint_hostile_202001" + std::to_string(day++) + "_000000.zip", description);
  }
  machine_.write("checkpoints", "checkpoint_none_20200102_000000.zip", "no archive");
  machine_.write("checkpoints", "checkpoint_empty_20200102_000000.zip", "");
  const std::string name = make("good");
  const std::string later = make("later");
  const auto list = engine_.list_checkpoints().value();
  EXPECT_EQ(list.size(), std::size(descriptions) + 4);
  for (const auto& info : list) {
    EXPECT_LE(info.number, 9007199254740991U);
    EXPECT_FALSE(info.keep);
    if (info.file_name != name && info.file_name != later) {
      EXPECT_TRUE(info.label == "hostile" || info.label == "none" || info.label == "empty");
    }
  }
  make("last", 1);
  const auto left = engine_.list_checkpoints().value();
  EXPECT_TRUE(
      std::any_of(left.begin(), left.end(), [](const auto& i) { return i.label == "last"; }));
}

// Kills: taking a lack of descriptors for archives that have no number.
TEST_F(EngineCheckpointOrder, WithoutDescriptorsThereIsNoCheckpoint) {
  const std::string first = make("first");
  {
    const Failing failing(machine_.files, "open", first, EMFILE);
    EXPECT_EQ(engine_.create_checkpoint().code(), ErrorCode::io_error);
  }
  EXPECT_EQ(labels(), Names{"first"});
}

TEST_F(EngineCheckpointOrder, AnArchiveThatCannotBeReadIsNotRemoved) {
  const std::string first = make("first");
  make("second");
  {
    const Failing failing(machine_.files, "open", first, EACCES);
    make("third", 1);
  }
  EXPECT_EQ(labels(), (Names{"third", "first"}));
}

TEST_F(EngineCheckpointOrder, ANameIsFreeHoweverManyTheSecondHas) {
  machine_.clock.set_unix_time(0);
  write_archive("checkpoint_x_19700101_000000_999999.zip", "{}");
  EXPECT_EQ(make("a"), "checkpoint_a_19700101_000000.zip");
  EXPECT_EQ(make("b"), "checkpoint_b_19700101_000000_2.zip");
  EXPECT_EQ(labels(), (Names{"b", "a", "x"}));
}

// --- labels

TEST_F(EngineCheckpointOrder, AnyTextIsALabel) {
  const std::string longest = "\xC3\xA9" + std::string(limits::kLabelBytes - 2, 'x');
  const Names texts = {"",    "a/b",  "..",          "two\nlines", "\x1B[2J", "con",
                       " x ", "100%", "what is it?", "C:\\",       "\x7F",    longest};
  for (const std::string& label : texts) {
    const std::string name = make(label);
    const auto info = engine_.list_checkpoints()->front();
    EXPECT_EQ(info.label, label);
    EXPECT_EQ(info.file_name, name);
    EXPECT_TRUE(engine_.verify_checkpoint(name).ok()) << name;
    EXPECT_TRUE(engine_.restore_checkpoint(name).ok()) << name;
  }
  for (const std::string& label :
       {longest + "x", std::string("a\0b", 3), std::string("\xFF"), std::string("\xED\xA0\x80")}) {
    EXPECT_EQ(engine_.create_checkpoint(label).code(), ErrorCode::invalid_name);
  }
}

// --- retention

TEST_F(EngineCheckpointOrder, PinnedOnesStayAndDoNotCount) {
  make("pinned", 1, true);
  make("one", 1);
  make("pinned too", 1, true);
  EXPECT_EQ(labels(), (Names{"pinned too", "one", "pinned"}));
  EXPECT_TRUE(engine_.list_checkpoints()->front().keep);
  make("two", 1);
  EXPECT_EQ(labels(), (Names{"two", "pinned too", "pinned"}));
  ASSERT_TRUE(engine_.delete_checkpoint(engine_.list_checkpoints()->back().file_name).ok());
  EXPECT_EQ(labels(), (Names{"two", "pinned too"}));
}

// Kills: restores that push the user's checkpoints out, and undo archives that pile up.
TEST_F(EngineCheckpointOrder, RestoresCountOnlyAmongThemselves) {
  const std::string mine = make("mine", 1);
  for (int i = 0; i < 12; ++i) {
    put(engine_, "a", std::to_string(i));
    ASSERT_TRUE(engine_.restore_checkpoint(mine).ok());
  }
  Names all = labels();
  EXPECT_EQ(std::count(all.begin(), all.end(), "before_restore"), 10);
  EXPECT_EQ(all.back(), "mine");
  make("newer", 1);
  all = labels();
  EXPECT_EQ(std::count(all.begin(), all.end(), "before_restore"), 10);
  EXPECT_EQ(std::count(all.begin(), all.end(), "mine"), 0);
}

// Kills: removing the archive that is being restored.
TEST_F(EngineCheckpointOrder, TheOldestUndoCanBeRestored) {
  const std::string mine = make("mine");
  for (int i = 0; i < 10; ++i) {
    put(engine_, "a", std::to_string(100 + i));
    ASSERT_TRUE(engine_.restore_checkpoint(mine).ok());
  }
  const auto list = engine_.list_checkpoints().value();
  const std::string oldest = list.at(9).file_name;
  ASSERT_EQ(list.at(9).label, "before_restore");
  ASSERT_TRUE(engine_.restore_checkpoint(oldest).ok());
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "100\n");
}

TEST_F(EngineCheckpointOrder, EveryRemovalIsReported) {
  const std::string first = make("first");
  const std::string second = make("second");
  told_.listen(engine_);
  make("third", 1);
  for (const std::string& name : {first, second}) {
    EXPECT_EQ(told_.count("checkpoint " + name + " removed by retention"), 1U) << told_.all();
  }
}

// --- failures

// The archive is there and durable: what cannot be removed is not the call's failure.
TEST_F(EngineCheckpointOrder, ARemovalThatFailsIsAFaultAndTheOthersGoOn) {
  const std::string first = make("first");
  make("second");
  told_.listen(engine_);
  {
    const Failing failing(machine_.files, "unlink", first, EACCES);
    make("third", 1);
    EXPECT_EQ(failing.hits(), 1);
  }
  EXPECT_EQ(labels(), (Names{"third", "first"}));
  EXPECT_TRUE(told_.mentions(first)) << told_.all();
}

// Kills: an archive that counts although its maker was told that there is none.
TEST_F(EngineCheckpointOrder, AfterAFailedSyncOfTheFolderThereIsNone) {
  make("first");
  {
    const Failing failing(machine_.files, "sync_directory", "checkpoints", EIO);
    EXPECT_EQ(engine_.create_checkpoint("failed", 1).code(), ErrorCode::io_error);
    EXPECT_EQ(failing.hits(), 1);
  }
  EXPECT_EQ(labels(), Names{"first"});
}

TEST_F(EngineCheckpointOrder, WhatCannotBeTakenBackIsNamed) {
  machine_.files.set_hook([](const SimCall& call) -> std::optional<int> {
    const bool fails = call.path.find("/checkpoints") != std::string::npos &&
                       (call.verb == "sync_directory" || call.verb == "unlink");
    return fails ? std::optional(EIO) : std::nullopt;
  });
  const auto name = engine_.create_checkpoint("failed", 1);
  machine_.files.set_hook({});
  EXPECT_EQ(name.code(), ErrorCode::io_error);
  const auto list = engine_.list_checkpoints().value();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_NE(name.error().message.find(list[0].file_name), std::string::npos)
      << name.status().to_text();
}

}  // namespace
}  // namespace safechunk::test
