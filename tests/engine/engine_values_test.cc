// Edits of parts (G16, G3): set, remove, merge and patch of values, and their journal records.

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/limits.h"
#include "engine/engine_meddling.h"

namespace safechunk::test {
namespace {

constexpr const char* kSettings = R"({"theme":"light","window":{"width":1,"height":2},"n":[1,2]})";
// As another program lays it out: two blanks, CRLF, numbers that no parser keeps, a name twice.
constexpr const char* kByHand =
    "{\r\n  \"a\": 1.10,\r\n  \"twice\": 1, \"twice\": 2,\r\n  \"big\": 1e400\r\n}";

class EngineValues : public testing::Test {
 protected:
  void SetUp() override {
    put(engine_, "s", kSettings);
    save(engine_);
  }
  std::string value(const std::string& pointer) {
    const auto read = engine_.fetch_value("s", pointer);
    return read ? *read : std::string(to_string(read.code()));
  }
  // The project as the owner after a kill of this one finds it, and what it reports.
  void after_a_kill(const std::function<void(SafeChunkEngine&)>& look,
                    const std::function<void(SimFileSystem&)>& meanwhile = {}) {
    const auto left = machine_.files.crash_clone(0, CrashModel::process);
    if (meanwhile) meanwhile(*left);
    Successor next(*left);
    look(next.engine());
  }

  Machine machine_;
  SafeChunkEngine engine_ = machine_.engine();
};

TEST_F(EngineValues, AreReadAndSetAndRemoved) {
  EXPECT_EQ(value("/window/width"), "1");
  EXPECT_EQ(value("/n/1"), "2");
  ASSERT_TRUE(engine_.stage_value("s", "/window/width", "300").ok());
  ASSERT_TRUE(engine_.stage_value("s", "/new/deep", "[true]").ok());
  ASSERT_TRUE(engine_.remove_value("s", "/n/0").ok());
  ASSERT_TRUE(engine_.stage_merge("s", R"({"theme":null,"window":{"x":5}})").ok());
  ASSERT_TRUE(engine_
                  .stage_patch("s", R"([{"op":"test","path":"/n/0","value":2},
      {"op":"add","path":"/n/0","value":0}])")
                  .ok());
  const std::string expected =
      R"({"window":{"width":300,"height":2,"x":5},"n":[0,2],"new":{"deep":[true]}})";
  const auto compacted = [](std::string text) {
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
    return text;
  };
  EXPECT_EQ(compacted(engine_.fetch_chunk("s").value()), expected);
  const std::string staged = engine_.fetch_chunk("s").value();
  save(engine_);
  EXPECT_EQ(machine_.chunk("s"), staged);
  EXPECT_EQ(engine_.fetch_chunk("s").value(), staged);
  EXPECT_EQ(json_value_at(staged, "/n/0").value(), "0");
  EXPECT_EQ(json_value_at(staged, "/none").code(), ErrorCode::not_found);
  EXPECT_EQ(json_value_at(staged, "n").code(), ErrorCode::invalid_argument);
  // What another program would have saved as a whole has the same bytes.
  put(engine_, "whole", expected);
  save(engine_);
  EXPECT_EQ(machine_.chunk("whole"), staged);
}

// json_value_at() takes any text, and not only that of a chunk. Kills: to look for the value in
// text that was not checked, which threw std::out_of_range.
TEST(JsonValueAt, ChecksTheText) {
  const auto error = [](std::string_view text, std::string_view pointer) {
    const Status status = json_value_at(text, pointer).status();
    const auto position = status.ok() ? std::nullopt : status.error().position;
    return std::string(to_string(status.code())) +
           (position ? " at " + std::to_string(position->offset) : "");
  };
  EXPECT_EQ(error(R"({"a": [1, *"b": "x"}], "c": {}}[1)", "/a/1/new"), "invalid_json at 10");
  EXPECT_EQ(error(R"({"a": 1} x)", "/a"), "invalid_json at 9");
  EXPECT_EQ(error("", ""), "invalid_json at 0");
  EXPECT_EQ(error("[1", "no pointer"), "invalid_argument");
  // A chunk may hold what the original Python engine wrote, and as many levels as an engine allows.
  EXPECT_EQ(json_value_at("\xEF\xBB\xBF[NaN]", "/0").value(), "NaN");
  const std::size_t most = limits::kDepth;
  EXPECT_EQ(error(std::string(most, '[') + std::string(most, ']'), "/0/0"), "ok");
  EXPECT_EQ(error(std::string(most + 1, '[') + std::string(most + 1, ']'), "/0/0"),
            "too_deep at " + std::to_string(most));
}

TEST_F(EngineValues, AreReadWithTheRevisionOfTheirChunk) {
  const auto found = engine_.read_value("s", "/window/width");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->text, "1");
  EXPECT_EQ(found->revision, engine_.read_chunk("s")->revision);
  EXPECT_EQ(engine_.read_value("s", "/none/at/all")->text, std::nullopt);
  EXPECT_EQ(engine_.read_value("none", "/a")->text, std::nullopt);
  EXPECT_EQ(engine_.read_value("s", "a").code(), ErrorCode::invalid_argument);
}

TEST_F(EngineValues, OfAMissingChunkMakeIt) {
  ASSERT_TRUE(engine_.stage_value("new", "/a/b", "1").ok());
  EXPECT_EQ(engine_.fetch_chunk("new").value(), "{\n    \"a\": {\n        \"b\": 1\n    }\n}\n");
  ASSERT_TRUE(engine_.stage_merge("merged", R"({"a":1,"b":null})").ok());
  EXPECT_EQ(engine_.fetch_chunk("merged").value(), "{\n    \"a\": 1\n}\n");
  EXPECT_EQ(engine_.remove_value("none", "/a").code(), ErrorCode::not_found);
  EXPECT_EQ(engine_.stage_patch("none", "[]").code(), ErrorCode::not_found);
  EXPECT_EQ(engine_.fetch_value("none", "").code(), ErrorCode::not_found);
  save(engine_);
  EXPECT_EQ(engine_.list_chunks().value(), (std::vector<std::string>{"merged", "new", "s"}));
}

// Kills: an edit that is refused and leaves something behind.
TEST_F(EngineValues, ThatAreRefusedChangeNothing) {
  const std::string before = engine_.fetch_chunk("s").value();
  const auto bytes = engine_.health_report()->journal_bytes;
  const auto code = [](const Status& status) { return status.code(); };
  EXPECT_EQ(code(engine_.stage_value("s", "/theme/x", "1")), ErrorCode::not_found);
  EXPECT_EQ(code(engine_.stage_value("s", "/n/7", "1")), ErrorCode::not_found);
  EXPECT_EQ(code(engine_.stage_value("s", "/n/01", "1")), ErrorCode::invalid_argument);
  EXPECT_EQ(code(engine_.stage_value("s", "theme", "1")), ErrorCode::invalid_argument);
  EXPECT_EQ(code(engine_.stage_value("s", "/~2", "1")), ErrorCode::invalid_argument);
  EXPECT_EQ(code(engine_.stage_value("s", "/theme", "NaN")), ErrorCode::invalid_json);
  EXPECT_EQ(code(engine_.stage_value("a:b", "/theme", "1")), ErrorCode::invalid_name);
  EXPECT_EQ(code(engine_.remove_value("s", "/none")), ErrorCode::not_found);
  EXPECT_EQ(code(engine_.stage_merge("s", "{")), ErrorCode::invalid_json);
  const Status tested = engine_.stage_patch(
      "s", R"([{"op":"remove","path":"/n"},{"op":"test","path":"/theme","value":"dark"}])");
  EXPECT_EQ(tested.code(), ErrorCode::conflict);
  EXPECT_NE(tested.error().message.find("light"), std::string::npos) << tested.to_text();
  EXPECT_EQ(tested.error().chunk, "s");
  EXPECT_EQ(engine_.fetch_chunk("s").value(), before);
  EXPECT_FALSE(engine_.is_dirty());
  EXPECT_EQ(engine_.health_report()->journal_bytes, bytes);
}

// Outside of the value every byte stays. Kills: a commit that lays the text out anew.
TEST_F(EngineValues, OfAFileByHandKeepItsBytes) {
  machine_.write("chunks", "hand.json", kByHand);
  ASSERT_TRUE(engine_.stage_value("hand", "/a", "2").ok());
  std::string expected(kByHand);
  expected.replace(expected.find("1.10"), 4, "2");
  EXPECT_EQ(engine_.fetch_chunk("hand").value(), expected);
  save(engine_);
  EXPECT_EQ(machine_.chunk("hand"), expected);
  EXPECT_EQ(machine_.file("chunks_bak/hand.bak"), kByHand);
  EXPECT_EQ(engine_.stage_value("hand", "/twice", "3").code(), ErrorCode::invalid_argument);
}

// The journal takes the edit. Kills: a record with the whole text.
TEST_F(EngineValues, CostTheJournalFewBytes) {
  put(engine_, "large", "{\"a\":1,\"text\":\"" + std::string(1'000'000, 'x') + "\"}");
  save(engine_);
  const auto before = engine_.health_report()->journal_bytes;
  ASSERT_TRUE(engine_.stage_value("large", "/a", "2").ok());
  EXPECT_LE(engine_.health_report()->journal_bytes, before + 300);
}

// G3. Kills: a replay that applies an edit to another version than that it was staged upon.
TEST_F(EngineValues, SurviveAKill) {
  ASSERT_TRUE(engine_.stage_value("s", "/theme", R"("dark")").ok());
  ASSERT_TRUE(engine_.stage_patch("s", R"([{"op":"add","path":"/n/-","value":3}])").ok());
  ASSERT_TRUE(engine_.stage_value("new", "/a", "1").ok());
  put(engine_, "both", R"({"x":1})");
  ASSERT_TRUE(engine_.stage_merge("both", R"({"y":2})").ok());
  const std::string expected = engine_.fetch_chunk("s").value();
  after_a_kill([&](SafeChunkEngine& next) {
    EXPECT_EQ(next.fetch_chunk("s").value(), expected) << recovery_of(next);
    EXPECT_EQ(next.fetch_value("new", "/a").value(), "1");
    EXPECT_EQ(next.fetch_chunk("both").value(), engine_.fetch_chunk("both").value());
  });
  // The commit of the first edits, and one more behind it.
  save(engine_);
  ASSERT_TRUE(engine_.stage_value("s", "/theme", R"("blue")").ok());
  after_a_kill([&](SafeChunkEngine& next) {
    EXPECT_EQ(next.fetch_value("s", "/theme").value(), "\"blue\"") << recovery_of(next);
    EXPECT_EQ(next.fetch_value("s", "/n/2").value(), "3");
  });
}

// G6. Any byte of the journal is damaged: what comes back is what was saved, or the first edits of
// those that followed. Kills: a checksum that leaves out the edits of parts.
TEST_F(EngineValues, AreNeverAppliedFromADamagedJournal) {
  std::set<std::string> versions = {engine_.fetch_chunk("s").value()};
  for (const char* value : {"7", "8"}) {
    ASSERT_TRUE(engine_.stage_value("s", "/window/width", value).ok());
    versions.insert(engine_.fetch_chunk("s").value());
  }
  const std::size_t size = engine_.health_report()->journal_bytes;
  ASSERT_GT(size, 200U);
  for (std::size_t at = 0; at < size; ++at) {
    const auto left = machine_.files.crash_clone(0, CrashModel::process);
    const auto root = left->open_directory("/project").value();
    const auto journal = root->open(".journal", OpenMode::read_write).value();
    char byte = 0;
    ASSERT_EQ(journal->read_at(at, {&byte, 1}).value(), 1U);
    byte = static_cast<char>(byte ^ 1);
    (void)journal->write_at(at, {&byte, 1}).value();
    Successor next(*left);
    if (!next->is_active()) {
      EXPECT_EQ(next->status().code(), ErrorCode::unsupported_format) << at;  // its version
      continue;
    }
    EXPECT_TRUE(versions.contains(next->fetch_chunk("s").value())) << "byte " << at;
    // It is damage, and not an edit that does not fit.
    const std::string recovery = recovery_of(next.engine());
    EXPECT_EQ(recovery.find("conflict"), std::string::npos) << "byte " << at << "; " << recovery;
  }
}

// Readers after a kill see them, too (rule 8).
TEST_F(EngineValues, AreSeenByReadersAfterAKill) {
  machine_.write("chunks", "hand.json", kByHand);
  ASSERT_TRUE(engine_.stage_value("hand", "/a", "2").ok());
  const std::string expected = engine_.fetch_chunk("hand").value();
  const auto left = machine_.files.crash_clone(0, CrashModel::process);
  EngineOptions options;
  options.base_dir = "/";
  options.mode = Mode::read;
  FakeProcess process(5000);
  auto reader =
      EngineAccess::construct("project", options, Platform{*left, machine_.clock, process});
  EXPECT_EQ(reader.fetch_chunk("hand").value(), expected);
}

// The file was changed by another program after the edit was staged and before the next attach: the
// file stays, and the edit is kept as it was given. Kills: applying it to the other version.
TEST_F(EngineValues, WithoutTheirBaseAreAConflict) {
  ASSERT_TRUE(engine_.stage_value("s", "/theme", R"("dark")").ok());
  after_a_kill(
      [&](SafeChunkEngine& next) {
        EXPECT_EQ(next.fetch_chunk("s").value(), "[\"other\"]");
        EXPECT_NE(recovery_of(next).find("conflict"), std::string::npos) << recovery_of(next);
      },
      [](SimFileSystem& files) {
        const auto chunks = files.open_directory("/project/chunks").value();
        const auto file = chunks->open("s.json", OpenMode::read_write).value();
        file->truncate(0).throw_if_error();
        (void)file->write_at(0, "[\"other\"]").value();
      });
}

// All edits since the last whole text are kept, in their order. Kills: a conflict that keeps the
// last one only; an unreadable file that leaves nothing in quarantine.
TEST_F(EngineValues, OfAConflictAreAllKept) {
  for (const bool unreadable : {false, true}) {
    const auto left = [&] {
      Machine machine;
      auto engine = machine.engine();
      put(engine, "s", R"({"a":0,"b":0})");
      save(engine);
      for (const char* member : {"/a", "/b"}) {
        EXPECT_TRUE(engine.stage_value("s", member, "1").ok());
      }
      return machine.files.crash_clone(0, CrashModel::process);
    }();
    const auto chunks = left->open_directory("/project/chunks").value();
    chunks->unlink("s.json").throw_if_error();
    if (unreadable) {
      chunks->make_directory("s.json", 0700).throw_if_error();
    } else {
      (void)chunks->open("s.json", OpenMode::create).value()->write_at(0, "[1]").value();
    }
    Successor next(*left);
    std::string kept;
    for (const auto& [path, bytes] : left->contents()) {
      if (path.starts_with("project/quarantine/s.conflict.")) kept = bytes;
    }
    EXPECT_EQ(kept,
              "[\n{\"edit\": \"set\", \"pointer\": \"/a\", \"value\": 1},\n"
              "{\"edit\": \"set\", \"pointer\": \"/b\", \"value\": 1}\n]\n")
        << "unreadable " << unreadable << "; " << recovery_of(next.engine());
  }
}

// Another program changes the file between two edits of parts: the second one is based on the
// first, and nobody here has seen the file. Kills: a commit that replaces it without keeping it; a
// replay that takes it for the base.
TEST_F(EngineValues, KeepAHandEditThatCameBetween) {
  const std::string hand = R"({"by":"hand"})";
  ASSERT_TRUE(engine_.stage_value("s", "/a", "1").ok());
  machine_.write("chunks", "s.json", hand);  // the clock stands still: the worker does not save
  ASSERT_TRUE(engine_.stage_value("s", "/b", "2").ok());
  after_a_kill([&](SafeChunkEngine& next) {
    EXPECT_EQ(next.fetch_chunk("s").value(), hand) << recovery_of(next);
    EXPECT_NE(recovery_of(next).find("conflict"), std::string::npos) << recovery_of(next);
  });
  save(engine_);
  EXPECT_EQ(machine_.file("chunks_bak/s.bak"), hand);
  EXPECT_EQ(value("/b"), "2");
}

// Upon a text that the journal refused, an edit must not need it. Kills: a record that no replay
// can apply.
TEST_F(EngineValues, UponATextInMemoryOnlyAreJournaledWhole) {
  {
    const Failing failing(machine_.files, "write_at", ".journal", ENOSPC);
    EXPECT_EQ(engine_.stage_update(R"({"a":1})", "s").code(), ErrorCode::no_space);
  }
  ASSERT_TRUE(engine_.stage_value("s", "/b", "2").ok());
  const std::string expected = engine_.fetch_chunk("s").value();
  after_a_kill([&](SafeChunkEngine& next) {
    EXPECT_EQ(next.fetch_chunk("s").value(), expected) << recovery_of(next);
  });
}

// A commit that cannot write rewrites the journal. Kills: edits of parts in it without their base.
TEST_F(EngineValues, SurviveTheJournalsReplacement) {
  ASSERT_TRUE(engine_.stage_value("s", "/theme", R"("dark")").ok());
  ASSERT_TRUE(engine_.stage_value("s", "/n/0", "9").ok());
  const std::string expected = engine_.fetch_chunk("s").value();
  {
    const Failing failing(machine_.files, "rename", "chunks", EIO);
    EXPECT_FALSE(engine_.detach().ok());
  }
  after_a_kill([&](SafeChunkEngine& next) {
    EXPECT_EQ(next.fetch_chunk("s").value(), expected) << recovery_of(next);
  });
}

TEST_F(EngineValues, OfATransactionFollowEachOther) {
  auto transaction = engine_.transaction();
  ASSERT_TRUE(transaction.stage_value("s", "/a", "{}").ok());
  ASSERT_TRUE(transaction.stage_value("s", "/a/b", "1").ok());
  ASSERT_TRUE(transaction.stage(R"({"c":1})", "t").ok());
  ASSERT_TRUE(transaction.stage_merge("t", R"({"d":2})").ok());
  ASSERT_TRUE(transaction.commit().ok());
  EXPECT_EQ(value("/a/b"), "1");
  EXPECT_EQ(engine_.fetch_value("t", "/d").value(), "2");
  // One that fails takes all with it.
  ASSERT_TRUE(transaction.stage_value("t", "/e", "3").ok());
  ASSERT_TRUE(transaction.remove_value("s", "/none").ok());
  EXPECT_EQ(transaction.commit().code(), ErrorCode::not_found);
  EXPECT_EQ(engine_.fetch_value("t", "/e").code(), ErrorCode::not_found);
}

// A damaged chunk is healed by an older version: the caller hears of it before that is edited.
// Kills: an edit of a part that makes an older version the newest without a word.
TEST_F(EngineValues, OfADamagedChunkAreRefusedUntilItIsHealed) {
  machine_.write("chunks", "s.json", "[gar");
  EXPECT_EQ(engine_.stage_value("s", "/theme", R"("dark")").code(), ErrorCode::healed);
  EXPECT_FALSE(engine_.is_dirty());
  ASSERT_TRUE(engine_.stage_value("s", "/theme", R"("dark")").ok());
  EXPECT_EQ(value("/window/width"), "1");
  EXPECT_EQ(value("/theme"), "\"dark\"");
}

// --- conditions

TEST_F(EngineValues, UnderAConditionAreRefusedWhenItDoesNotHold) {
  const std::string revision = engine_.read_chunk("s")->revision;
  EXPECT_EQ(revision.size(), 32U);
  const EditCondition as_read{.if_revision = revision};
  ASSERT_TRUE(engine_.stage_value("s", "/theme", R"("dark")", as_read).ok());
  const std::string later = engine_.read_chunk("s")->revision;
  EXPECT_NE(later, revision);
  const Status refused = engine_.stage_update("[]", "s", as_read);
  EXPECT_EQ(refused.code(), ErrorCode::conflict);
  EXPECT_NE(refused.error().message.find(later), std::string::npos) << refused.to_text();
  EXPECT_EQ(engine_.remove_chunk("s", as_read).code(), ErrorCode::conflict);
  EXPECT_EQ(engine_.stage_update("[]", "s", {.if_absent = true}).code(), ErrorCode::conflict);
  EXPECT_TRUE(engine_.stage_update("[]", "t", {.if_absent = true}).ok());
  save(engine_);
  EXPECT_EQ(engine_.read_chunk("s")->revision, later) << "the content decides, not where it is";
  EXPECT_EQ(engine_.stage_update("[]", "u", {.if_revision = later}).code(), ErrorCode::conflict);
  EXPECT_EQ(engine_.stage_update("[]", "u", {.if_revision = "x"}).code(),
            ErrorCode::invalid_argument);
  // An edit by another program changes the revision, and the white space of a file does not.
  machine_.write("chunks", "s.json", "[1]");
  EXPECT_EQ(engine_.stage_update("[]", "s", {.if_revision = later}).code(), ErrorCode::conflict);
  const std::string by_hand = engine_.read_chunk("s")->revision;
  machine_.clock.advance(std::chrono::seconds(3));
  machine_.write("chunks", "s.json", "[ 1 ]");
  EXPECT_EQ(engine_.read_chunk("s")->revision, by_hand);
  EXPECT_TRUE(engine_.stage_update("[2]", "s", {.if_revision = by_hand}).ok());
}

TEST_F(EngineValues, OfATransactionThatReadSomethingElseAreRefused) {
  put(engine_, "t", "1");
  auto transaction = engine_.transaction();
  EXPECT_EQ(transaction.read("t")->text, "1\n");
  EXPECT_EQ(transaction.read("u")->text, std::nullopt);
  ASSERT_TRUE(transaction.stage("[1]", "s").ok());
  put(engine_, "t", "2");
  put(engine_, "u", "2");
  const Status refused = transaction.commit();
  EXPECT_EQ(refused.code(), ErrorCode::conflict);
  EXPECT_EQ(refused.error().chunk, "t");
  EXPECT_NE(refused.error().message.find("'u'"), std::string::npos) << "names both";
  EXPECT_EQ(value("/theme"), "\"light\"");
}

// --- update()

TEST_F(EngineValues, AreCountedByManyThreads) {
  put(engine_, "counter", "0");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) {
        const Status status =
            engine_.update("counter", [](const ChunkRead& now) -> Result<std::string> {
              return std::to_string(std::stoi(*now.text) + 1);
            });
        EXPECT_TRUE(status.ok()) << status.to_text();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(engine_.fetch_chunk("counter").value(), "800\n");
}

TEST_F(EngineValues, AreNotUpdatedByAFunctionThatFails) {
  const auto failing = [](const ChunkRead&) -> Result<std::string> {
    return Status(ErrorCode::cancelled, "no");
  };
  EXPECT_EQ(engine_.update("s", failing).code(), ErrorCode::cancelled);
  const auto throwing = [](const ChunkRead&) -> Result<std::string> {
    throw std::runtime_error("no");
  };
  EXPECT_THROW((void)engine_.update("s", throwing), std::runtime_error);
  EXPECT_FALSE(engine_.is_dirty());
  // The turn was given back; another chunk may be updated inside; the same one may not.
  int calls = 0;
  const auto nested = [&](const ChunkRead&) -> Result<std::string> {
    ++calls;
    const auto one = [](const ChunkRead&) -> Result<std::string> { return std::string("1"); };
    EXPECT_EQ(engine_.update("s", one).code(), ErrorCode::conflict);
    EXPECT_TRUE(engine_.update("t", one).ok());
    return std::string("2");
  };
  EXPECT_TRUE(engine_.update("s", nested).ok());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(engine_.fetch_chunk("s").value(), "2\n");
}

// Kills: an update that stages what it was to leave, and one that removes only a part.
TEST_F(EngineValues, AreLeftOrRemovedByAFunction) {
  using Action = ChunkUpdate::Action;
  const auto wanting = [](const ChunkUpdate& wanted) {
    return [wanted](const ChunkRead&) -> Result<ChunkUpdate> { return wanted; };
  };
  put(engine_, "s", "1");
  ASSERT_TRUE(engine_.force_sync().ok());
  ASSERT_TRUE(engine_.update_or_remove("s", wanting({Action::leave, "2"})).ok());
  ASSERT_TRUE(engine_.update_or_remove("absent", wanting({Action::leave})).ok());
  ASSERT_TRUE(engine_.update_or_remove("absent", wanting({Action::remove})).ok());
  EXPECT_FALSE(engine_.is_dirty());
  ASSERT_TRUE(engine_.update_or_remove("s", wanting({Action::put, "2"})).ok());
  EXPECT_EQ(engine_.fetch_chunk("s").value(), "2\n");
  const Status refused = engine_.update_or_remove("s", wanting({Action::put, "["}));
  EXPECT_EQ(refused.code(), ErrorCode::invalid_json);
  EXPECT_EQ(refused.error().chunk, "s");
  ASSERT_TRUE(engine_.force_sync().ok());
  ASSERT_TRUE(engine_.update_or_remove("s", wanting({Action::remove})).ok());
  EXPECT_FALSE(engine_.find_chunk("s").value());
  ASSERT_TRUE(engine_.force_sync().ok());
  EXPECT_FALSE(engine_.find_chunk("s").value()) << "the backup is gone, too";
}

// Kills: an update that lays the text out anew.
TEST_F(EngineValues, AreUpdatedByAPatchThatKeepsTheBytesAround) {
  machine_.write("chunks", "hand.json", kByHand);
  const auto returning = [](std::string patch) {
    return [patch](const ChunkRead&) -> Result<std::string> { return patch; };
  };
  ASSERT_TRUE(engine_.update_by_patch("hand", returning("[]")).ok());
  EXPECT_FALSE(engine_.is_dirty());
  ASSERT_TRUE(
      engine_.update_by_patch("hand", returning(R"([{"op":"add","path":"/a","value":2}])")).ok());
  std::string expected(kByHand);
  expected.replace(expected.find("1.10"), 4, "2");
  EXPECT_EQ(engine_.fetch_chunk("hand").value(), expected);
  ASSERT_TRUE(
      engine_.update_by_patch("new", returning(R"([{"op":"add","path":"/a","value":2}])")).ok());
  EXPECT_EQ(engine_.fetch_value("new", "/a").value(), "2");
  EXPECT_EQ(
      engine_.update_by_patch("new", returning(R"([{"op":"test","path":"/a","value":3}])")).code(),
      ErrorCode::conflict);
}

// Another edit comes between. Kills: an update that overwrites it.
TEST_F(EngineValues, AreUpdatedAnewWhenAnotherEditCameBetween) {
  put(engine_, "counter", "0");
  int calls = 0;
  const Status status = engine_.update("counter", [&](const ChunkRead& now) -> Result<std::string> {
    if (++calls == 1) put(engine_, "counter", "10");
    return std::to_string(std::stoi(*now.text) + 1);
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(engine_.fetch_chunk("counter").value(), "11\n");
}

}  // namespace
}  // namespace safechunk::test
