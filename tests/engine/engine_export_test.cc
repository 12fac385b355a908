// An archive that somebody makes who does not own the project is one moment of what is committed
// (G13), while an owner publishes, dies or attaches, and nothing else is changed (G9).

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/engine_meddling.h"
#include "storage/checkpoints/archive_store.h"
#include "storage/checkpoints/catalog.h"

namespace safechunk::test {
namespace {

using Texts = std::map<std::string, std::string>;

// Who only reads, beside the owner of the machine.
SafeChunkEngine reader_of(Machine& machine) {
  return EngineAccess::construct("project", {.base_dir = "/", .mode = Mode::read},
                                 machine.platform());
}

void make_folder(SimFileSystem& files) {
  files.open_directory("/").value()->make_directory("out").throw_if_error();
}

// All chunks in an archive, which is checked.
Texts texts_in(SimFileSystem& files, const std::string& path) {
  Texts texts;
  const auto place = open_archive_folder(files, path);
  const Status read = place ? read_checkpoint(*place->folder, place->name, {}, {},
                                              [&](const std::string& chunk, const std::string& text,
                                                  std::uint32_t /*mode*/) {
                                                texts[chunk] = text;
                                                return Status();
                                              })
                            : place.status();
  EXPECT_TRUE(read.ok()) << read.to_text();
  return texts;
}

std::set<std::string> files_in(const SimFileSystem& files, const std::string& folder) {
  std::set<std::string> names;
  for (const auto& [path, bytes] : files.contents()) {
    if (path.starts_with(folder) && path != folder) names.insert(path.substr(folder.size()));
  }
  return names;
}

Texts project_of(const SimFileSystem& files) {
  Texts texts;
  for (auto& [path, bytes] : files.contents()) {
    if (path.starts_with("project/")) texts[path] = bytes;
  }
  return texts;
}

// The kinds of file systems: with and without stamps, with and without links and exchanges.
struct Kind {
  bool attributes;
  bool links;
};

class EngineExport : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    make_folder(machine_.files);
    for (const char* text : {"0", "1"}) {
      for (const char* chunk : {"a", "b", "c"}) put(engine_, chunk, text);
      save(engine_);
    }
  }

  // Commits what `stage` puts into a transaction, and exports when the owner is about to call
  // `verb` on `path`.
  Texts export_before(const std::string& verb, const std::string& path,
                      const std::function<void(Transaction&)>& stage) {
    Texts found;
    const Meddler meddler(machine_.files, verb, path, 1, [&] {
      SafeChunkEngine reader = reader_of(machine_);
      const Status status = reader.export_archive("/out/x.zip");
      ASSERT_TRUE(status.ok()) << status.to_text();
      found = texts_in(machine_.files, "/out/x.zip");
    });
    Transaction transaction = engine_.transaction();
    stage(transaction);
    const Status committed = transaction.commit();
    EXPECT_TRUE(committed.ok()) << committed.to_text();
    EXPECT_GE(meddler.calls(), 1) << verb << " " << path << " was never called";
    return found;
  }

  Machine machine_{GetParam().attributes, GetParam().links};
  SafeChunkEngine engine_ = machine_.engine();
};

void stage_both(Transaction& transaction) {
  ASSERT_TRUE(transaction.stage("2", "a").ok());
  ASSERT_TRUE(transaction.stage("2", "b").ok());
}

// G4. Kills: reading the files of a transaction that is half published, without the journal.
TEST_P(EngineExport, OfATransactionThatIsHalfPublishedHasAllOfIt) {
  EXPECT_EQ(export_before("rename", "chunks/b.aba4139c.tmp", stage_both),
            (Texts{{"a", "2\n"}, {"b", "2\n"}, {"c", "1\n"}}));
}

// Kills: taking what the journal has, and no file yet, for committed.
TEST_P(EngineExport, OfATransactionThatIsNotPublishedHasNothingOfIt) {
  EXPECT_EQ(export_before("rename", "chunks/a.749b0e0d.tmp", stage_both),
            (Texts{{"a", "1\n"}, {"b", "1\n"}, {"c", "1\n"}}));
}

// A removed chunk has no stamp that says so. Kills: looking for stamps only.
TEST_P(EngineExport, OfARemovalAndAPutThatAreHalfPublishedHasBoth) {
  const auto stage = [](Transaction& transaction) {
    ASSERT_TRUE(transaction.remove("a").ok());
    ASSERT_TRUE(transaction.stage("2", "b").ok());
  };
  EXPECT_EQ(export_before("rename", "chunks/b.aba4139c.tmp", stage),
            (Texts{{"b", "2\n"}, {"c", "1\n"}}));
}

// The other order: the removal comes last, and begins with the backup. Kills: keeping a chunk whose
// removal is only in the journal.
TEST_P(EngineExport, OfAPutAndARemovalThatAreHalfPublishedHasBoth) {
  const auto stage = [](Transaction& transaction) {
    ASSERT_TRUE(transaction.stage("2", "a").ok());
    ASSERT_TRUE(transaction.remove("b").ok());
  };
  EXPECT_EQ(export_before("unlink", "chunks_bak/b.bak", stage),
            (Texts{{"a", "2\n"}, {"c", "1\n"}}));
}

// A journal that is written anew has one record for all that lands together, with the number of the
// newest edit in it: the stamp of an older one is behind that. Kills: comparing numbers only.
TEST_P(EngineExport, OfATransactionWhoseJournalWasWrittenAnewHasAllOfIt) {
  {
    const FailingOnce fault(machine_.files, "rename", "chunks/a.749b0e0d.tmp", EIO);
    Transaction transaction = engine_.transaction();
    stage_both(transaction);
    EXPECT_EQ(transaction.commit().code(), ErrorCode::io_error);
  }
  put(engine_, "b", "3");  // joins it
  Texts found;
  bool acting = false;
  int failed = 0;
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (acting) return std::nullopt;
    if (call.verb == "sync_data" && call.path == "project/.journal" && failed++ == 0) return EIO;
    if (call.verb == "rename" && call.path == "project/chunks/b.aba4139c.tmp" && found.empty()) {
      acting = true;
      SafeChunkEngine reader = reader_of(machine_);
      EXPECT_TRUE(reader.export_archive("/out/x.zip").ok());
      found = texts_in(machine_.files, "/out/x.zip");
      acting = false;
    }
    return std::nullopt;
  });
  save(engine_);
  machine_.files.set_hook({});
  EXPECT_GE(failed, 1);
  EXPECT_EQ(found, (Texts{{"a", "2\n"}, {"b", "3\n"}, {"c", "1\n"}}));
}

// Somebody edits the first file before the second one is published. Kills: knowing what is
// published by its text only.
TEST_P(EngineExport, AHandEditMeanwhileDoesNotHideWhatIsPublished) {
  if (!GetParam().attributes) GTEST_SKIP() << "without stamps nothing says where the edit began";
  Texts found;
  const Meddler meddler(machine_.files, "rename", "chunks/b.aba4139c.tmp", 1, [&] {
    machine_.write("chunks", "a.json", "[7]");
    SafeChunkEngine reader = reader_of(machine_);
    ASSERT_TRUE(reader.export_archive("/out/x.zip").ok());
    found = texts_in(machine_.files, "/out/x.zip");
  });
  Transaction transaction = engine_.transaction();
  stage_both(transaction);
  (void)transaction.commit();
  EXPECT_EQ(found, (Texts{{"a", "[7]"}, {"b", "2\n"}, {"c", "1\n"}}));
}

// Kills: an archive of what is only staged.
TEST_P(EngineExport, BesideALiveOwnerHasWhatIsSaved) {
  put(engine_, "a", "3");
  SafeChunkEngine reader = reader_of(machine_);
  ASSERT_TRUE(reader.export_archive("/out/x.zip").ok());
  EXPECT_EQ(texts_in(machine_.files, "/out/x.zip").at("a"), "1\n");
  ASSERT_TRUE(engine_.export_archive("/out/own.zip").ok());
  EXPECT_EQ(texts_in(machine_.files, "/out/own.zip").at("a"), "3\n") << "an owner commits first";
}

// G3. Kills: an archive without what the next owner would save.
TEST_P(EngineExport, OfADeadOwnerHasItsJournal) {
  Transaction transaction = engine_.transaction();
  put(engine_, "a", "4");
  put(engine_, "new", "[5]");
  ASSERT_TRUE(engine_.remove_chunk("b").ok());
  const auto after = machine_.files.crash_clone(0, CrashModel::process);
  ManualClock clock;
  FakeProcess process(6000, 77);
  SafeChunkEngine reader = EngineAccess::construct("project", {.base_dir = "/", .mode = Mode::read},
                                                   Platform{*after, clock, process});
  const Texts before = project_of(*after);
  ASSERT_TRUE(reader.export_archive("/out/x.zip").ok());
  EXPECT_EQ(texts_in(*after, "/out/x.zip"),
            (Texts{{"a", "4\n"}, {"c", "1\n"}, {"new", "[\n    5\n]\n"}}));
  EXPECT_EQ(project_of(*after), before);
}

// The owner dies between the two renames. Kills: taking the files of a dead owner as they are.
TEST_P(EngineExport, OfAnOwnerThatDiedInTheMiddleHasAllOfTheTransaction) {
  std::unique_ptr<SimFileSystem> after;
  {
    const Meddler meddler(machine_.files, "rename", "chunks/b.aba4139c.tmp", 1,
                          [&] { after = machine_.files.crash_clone(0, CrashModel::process); });
    Transaction transaction = engine_.transaction();
    stage_both(transaction);
    ASSERT_TRUE(transaction.commit().ok());
  }
  ASSERT_NE(after, nullptr);
  ManualClock clock;
  FakeProcess process(6000, 77);
  SafeChunkEngine reader = EngineAccess::construct("project", {.base_dir = "/", .mode = Mode::read},
                                                   Platform{*after, clock, process});
  ASSERT_TRUE(reader.export_archive("/out/x.zip").ok());
  EXPECT_EQ(texts_in(*after, "/out/x.zip"), (Texts{{"a", "2\n"}, {"b", "2\n"}, {"c", "1\n"}}));
}

INSTANTIATE_TEST_SUITE_P(All, EngineExport,
                         testing::Values(Kind{true, true}, Kind{false, true}, Kind{true, false}),
                         [](const auto& test) {
                           return std::string(test.param.attributes ? "stamps" : "no_stamps") +
                                  (test.param.links ? "" : "_no_links");
                         });

class EngineExportOnce : public testing::Test {
 protected:
  void SetUp() override {
    make_folder(machine_.files);
    for (const char* text : {"[11111111]", "[22222222]"}) {
      for (const char* chunk : {"a", "b"}) put(engine_, chunk, text);
      save(engine_);
    }
    put(engine_, "c", "[33333333]");
    save(engine_);
  }

  Machine machine_;
  Told told_;  // outlives the engines
  SafeChunkEngine engine_ = machine_.engine();
};

constexpr const char* kOlder = "[\n    11111111\n]\n";

// Kills: damage that is archived as it is, or keeps the rest from being archived, or is not told.
TEST_F(EngineExportOnce, DamagedChunksAreReplacedOrLeftOutAndNamed) {
  rot(machine_.files, "b", 8, '9');  // has a backup
  rot(machine_.files, "c", 8, '9');  // has none
  const Texts before = project_of(machine_.files);
  SafeChunkEngine reader = reader_of(machine_);
  told_.listen(reader);
  ASSERT_TRUE(reader.export_archive("/out/x.zip").ok());
  const Texts found = texts_in(machine_.files, "/out/x.zip");
  EXPECT_EQ(found, (Texts{{"a", "[\n    22222222\n]\n"}, {"b", kOlder}}));
  EXPECT_TRUE(told_.mentions("the archive has that version of this chunk")) << told_.all();
  EXPECT_TRUE(told_.mentions("the archive lacks this chunk, and names it")) << told_.all();
  const auto folder = machine_.files.open_directory("/out").value();
  EXPECT_EQ(left_out_of(*folder, "x.zip", {}).value(), std::set<std::string>{"c"});
  EXPECT_EQ(project_of(machine_.files), before) << "healing is the owner's business";
}

// Kills: two spellings of one name in an archive, which no reader takes.
TEST_F(EngineExportOnce, OfTwoSpellingsOfANameHasThatOfTheEngine) {
  machine_.write("chunks", "A.json", "[1]");
  SafeChunkEngine reader = reader_of(machine_);
  told_.listen(reader);
  ASSERT_TRUE(reader.export_archive("/out/x.zip").ok());
  EXPECT_EQ(texts_in(machine_.files, "/out/x.zip").count("A"), 0U);
  EXPECT_EQ(texts_in(machine_.files, "/out/x.zip").count("a"), 1U);
  EXPECT_TRUE(told_.mentions("differs only by case from 'a'")) << told_.all();
}

// Kills: overwriting what somebody has, by the owner or by others.
TEST_F(EngineExportOnce, NothingIsOverwritten) {
  SafeChunkEngine reader = reader_of(machine_);
  machine_.files.open_directory("/out").value()->make_directory("folder").throw_if_error();
  ASSERT_TRUE(reader.export_archive("/out/x.zip").ok());
  const auto before = machine_.files.contents();
  for (SafeChunkEngine* engine : {&reader, &engine_}) {
    for (const char* path : {"/out/x.zip", "/out/folder"}) {
      const Status refused = engine->export_archive(path);
      EXPECT_EQ(refused.code(), ErrorCode::conflict) << refused.to_text();
      EXPECT_NE(refused.to_text().find(path + 1), std::string::npos) << refused.to_text();
    }
    EXPECT_EQ(engine->export_archive("/out/").code(), ErrorCode::invalid_name);
    EXPECT_EQ(engine->export_archive("").code(), ErrorCode::invalid_name);
    EXPECT_EQ(engine->export_archive("/out/..").code(), ErrorCode::invalid_name);
    EXPECT_EQ(engine->export_archive(std::string("/out/a\0b", 8)).code(), ErrorCode::invalid_name);
    EXPECT_EQ(engine->export_archive("/nowhere/x.zip").code(), ErrorCode::not_found);
    EXPECT_EQ(engine->export_archive("/out/y.zip", {.label = "\xFF", .notes = ""}).code(),
              ErrorCode::invalid_name);
    EXPECT_EQ(engine->export_archive("/out/y.zip", {.label = "", .notes = "\xFF"}).code(),
              ErrorCode::invalid_argument);
  }
  EXPECT_EQ(machine_.files.contents(), before);
  // Another one comes while the archive is written.
  bool came = false;
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (came || call.verb != "rename" || !call.path.starts_with("out/")) return std::nullopt;
    came = true;
    auto folder = machine_.files.open_directory("/out").value();
    (void)folder->open("y.zip", OpenMode::create).value()->write_at(0, "theirs").value();
    return std::nullopt;
  });
  EXPECT_EQ(reader.export_archive("/out/y.zip").code(), ErrorCode::conflict);
  machine_.files.set_hook({});
  EXPECT_TRUE(came);
  EXPECT_EQ(machine_.files.contents().at("out/y.zip"), "theirs");
  EXPECT_EQ(files_in(machine_.files, "out/"), (std::set<std::string>{"folder/", "x.zip", "y.zip"}));
}

// A full disk and a failing one, at each call. Kills: remains; half an archive; an error that is
// not told.
TEST_F(EngineExportOnce, AFailureAtEveryCallLeavesNothingBehind) {
  SafeChunkEngine reader = reader_of(machine_);
  const Texts project = project_of(machine_.files);
  for (const int error : {ENOSPC, EIO}) {
    std::size_t failures = 0;
    for (std::size_t nth = 0;; ++nth) {
      std::atomic<std::size_t> calls{0};  // threads read the archive
      std::atomic<bool> reached{false};
      machine_.files.set_hook([&](const SimCall&) -> std::optional<int> {
        if (calls++ != nth) return std::nullopt;
        reached = true;
        return error;
      });
      const Status status = reader.export_archive("/out/x.zip");
      machine_.files.set_hook({});
      const auto left = files_in(machine_.files, "out/");
      if (status.ok()) {
        EXPECT_EQ(left, std::set<std::string>{"x.zip"}) << "call " << nth;
        EXPECT_LE(texts_in(machine_.files, "/out/x.zip").size(), 3U);
        machine_.files.open_directory("/out").value()->unlink("x.zip").throw_if_error();
      } else {
        ++failures;
        EXPECT_EQ(left, std::set<std::string>()) << "call " << nth << ": " << status.to_text();
      }
      EXPECT_EQ(project_of(machine_.files), project) << "call " << nth;
      if (!reached) break;
      ASSERT_LT(nth, 1000U);
    }
    EXPECT_GT(failures, 20U);
  }
}

// Kills: a cancelled archive that stays, and a call that cannot be cancelled while it reads.
TEST_F(EngineExportOnce, CancelledAtEveryStepItLeavesNothing) {
  SafeChunkEngine reader = reader_of(machine_);
  for (SafeChunkEngine* engine : {&reader, &engine_}) {
    int steps = 0;
    for (int stop = 0;; ++stop) {
      int step = 0;
      const Status status = engine->export_archive(
          "/out/x.zip", {}, [&](std::uint64_t, std::uint64_t) { return step++ != stop; });
      if (status.ok()) break;
      ++steps;
      EXPECT_EQ(status.code(), ErrorCode::cancelled) << status.to_text();
      EXPECT_EQ(files_in(machine_.files, "out/"), std::set<std::string>());
    }
    EXPECT_GE(steps, 4);
    machine_.files.open_directory("/out").value()->unlink("x.zip").throw_if_error();
  }
}

// Kills: half a moment when the owner is faster than the reader; no end.
TEST_F(EngineExportOnce, OfAProjectThatNeverRestsIsRefused) {
  std::atomic<bool> acting{false};
  std::atomic<int> saves{0};
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (acting || call.verb != "stat" || call.path != "project/chunks/a.json") return std::nullopt;
    acting = true;
    put(engine_, "a", std::to_string(++saves));
    save(engine_);
    acting = false;
    return std::nullopt;
  });
  SafeChunkEngine reader = reader_of(machine_);
  const Status status = reader.export_archive("/out/x.zip");
  machine_.files.set_hook({});
  EXPECT_EQ(status.code(), ErrorCode::locked) << status.to_text();
  EXPECT_NE(status.to_text().find("let the owner itself"), std::string::npos);
  EXPECT_EQ(files_in(machine_.files, "out/"), std::set<std::string>());
  EXPECT_GE(saves, 100);
}

// A few changes meanwhile are read again. Kills: texts of two moments.
TEST_F(EngineExportOnce, ChangesMeanwhileAreReadAgain) {
  int saves = 0;
  bool acting = false;
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    const bool reads = call.verb == "open" && call.path.starts_with("project/chunks/");
    if (acting || !reads || saves == 3) return std::nullopt;
    acting = true;
    auto transaction = engine_.transaction();
    const std::string text = std::to_string(++saves);
    for (const char* chunk : {"a", "b", "c"}) EXPECT_TRUE(transaction.stage(text, chunk).ok());
    EXPECT_TRUE(transaction.commit().ok());
    acting = false;
    return std::nullopt;
  });
  SafeChunkEngine reader = reader_of(machine_);
  const Status status = reader.export_archive("/out/x.zip");
  machine_.files.set_hook({});
  ASSERT_TRUE(status.ok()) << status.to_text();
  EXPECT_EQ(texts_in(machine_.files, "/out/x.zip"),
            (Texts{{"a", "3\n"}, {"b", "3\n"}, {"c", "3\n"}}));
}

// Kills: an archive that only its own project takes; a path where a name is meant.
TEST_F(EngineExportOnce, IsVerifiedAndRestoredByItsPath) {
  SafeChunkEngine reader = reader_of(machine_);
  ASSERT_TRUE(reader.export_archive("/out/x.zip", {.label = "l", .notes = "n"}).ok());
  ManualClock clock;
  FakeProcess process(6000, 77);
  auto other =
      EngineAccess::construct("other", {.base_dir = "/"}, Platform{machine_.files, clock, process});
  put(other, "gone", "1");
  EXPECT_TRUE(other.verify_checkpoint("/out/x.zip").ok());
  ASSERT_TRUE(other.restore_checkpoint("/out/x.zip").ok());
  EXPECT_EQ(other.list_chunks().value(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(other.fetch_chunk("c").value(), "[\n    33333333\n]\n");
  EXPECT_TRUE(other.restore_checkpoint(other.list_checkpoints().value()[0].file_name).ok());
  EXPECT_EQ(other.list_chunks().value(), std::vector<std::string>{"gone"}) << "undone";
  EXPECT_EQ(other.delete_checkpoint("/out/x.zip").code(), ErrorCode::invalid_name);
  EXPECT_EQ(other.verify_checkpoint("x.zip").code(), ErrorCode::invalid_name);
  EXPECT_EQ(other.restore_checkpoint("/out/nothing.zip").code(), ErrorCode::not_found);
  EXPECT_EQ(other.restore_checkpoint("/out/").code(), ErrorCode::not_found);
  EXPECT_EQ(files_in(machine_.files, "out/"), std::set<std::string>{"x.zip"});
}

// --- checkpoints by who only reads

// Kills: retention by somebody who does not own the project, a number that is used twice, remains.
TEST_F(EngineExportOnce, AReadersCheckpointCountsWithTheOwners) {
  const std::string first = engine_.create_checkpoint("x", 5).value();
  SafeChunkEngine reader = reader_of(machine_);
  const std::string second = reader.create_checkpoint("x", 1).value();
  EXPECT_EQ(files_in(machine_.files, "project/checkpoints/"),
            (std::set<std::string>{first, second}));
  const auto list = engine_.list_checkpoints().value();
  EXPECT_EQ(list[0].file_name, second);
  EXPECT_EQ(list[0].number, 2U);
  ASSERT_TRUE(engine_.restore_checkpoint(second).ok());
  const std::string third = engine_.create_checkpoint("x", 1).value();
  EXPECT_FALSE(files_in(machine_.files, "project/checkpoints/").contains(second)) << "pruned";
  EXPECT_TRUE(files_in(machine_.files, "project/checkpoints/").contains(third));
}

// Kills: one of two archives of the same second that replaces the other, and a file that is given
// its name while another process writes to it.
TEST_F(EngineExportOnce, TwoCheckpointsAtOnceAreTwo) {
  std::string theirs;
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    const bool publishes = call.verb == "rename" && call.path.starts_with("project/checkpoints/");
    if (!theirs.empty() || !publishes) return std::nullopt;
    theirs = "in between";
    SafeChunkEngine reader = reader_of(machine_);
    theirs = reader.create_checkpoint("x", 5).value();
    return std::nullopt;
  });
  const auto ours = engine_.create_checkpoint("x", 5);
  machine_.files.set_hook({});
  ASSERT_TRUE(ours.ok()) << ours.status().to_text();
  EXPECT_NE(*ours, theirs);
  EXPECT_EQ(files_in(machine_.files, "project/checkpoints/"),
            (std::set<std::string>{*ours, theirs}));
  EXPECT_TRUE(engine_.verify_checkpoint(theirs).ok());
  EXPECT_TRUE(engine_.verify_checkpoint(*ours).ok());
}

// An attach removes what is not complete. Kills: a checkpoint that fails because somebody attaches.
TEST_F(EngineExportOnce, AnAttachMeanwhileDoesNotMakeItFail) {
  ASSERT_TRUE(engine_.detach().ok());
  std::optional<Successor> owner;
  machine_.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    const bool publishes =
        call.verb == "rename" && call.path.starts_with("project/checkpoints/archive.");
    if (owner || !publishes) return std::nullopt;
    owner.emplace(machine_.files);
    EXPECT_TRUE(owner->engine().is_active());
    return std::nullopt;
  });
  SafeChunkEngine reader = reader_of(machine_);
  const auto name = reader.create_checkpoint("x");
  machine_.files.set_hook({});
  ASSERT_TRUE(owner.has_value());
  ASSERT_TRUE(name.ok()) << name.status().to_text();
  EXPECT_EQ(files_in(machine_.files, "project/checkpoints/"), std::set<std::string>{*name});
}

// The reader is killed at each call. Kills: remains that no owner removes.
TEST_F(EngineExportOnce, WhatAKilledReaderLeavesTheNextAttachRemoves) {
  ASSERT_TRUE(engine_.detach().ok());
  SafeChunkEngine reader = reader_of(machine_);
  std::set<std::string> names;
  std::atomic<bool> acting{false};
  machine_.files.set_hook([&](const SimCall&) -> std::optional<int> {
    if (acting.exchange(true)) return std::nullopt;
    const auto after = machine_.files.crash_clone(0, CrashModel::process);
    Successor next(*after, {}, 7);
    EXPECT_TRUE(next->is_active()) << next->status().to_text();
    for (const std::string& name : files_in(*after, "project/checkpoints/")) {
      names.insert(name);
      EXPECT_TRUE(next->verify_checkpoint(name).ok()) << name;
    }
    acting = false;
    return std::nullopt;
  });
  const auto name = reader.create_checkpoint("x");
  machine_.files.set_hook({});
  ASSERT_TRUE(name.ok()) << name.status().to_text();
  EXPECT_LE(names.size(), 1U);
}

// Kills: an archive that becomes a part of the project, or stands in the way of one.
TEST(EngineExportInside, IsRefused) {
  Machine machine;
  auto engine = machine.engine();
  put(engine, "a", "1");
  save(engine);
  auto reader = reader_of(machine);
  for (const char* path : {"/project/chunks/x.json", "/project/chunks_bak/x.bak",
                           "/project/checkpoints/x.zip", "/project/quarantine"}) {
    EXPECT_EQ(engine.export_archive(path).code(), ErrorCode::invalid_argument) << path;
    EXPECT_EQ(reader.export_archive(path).code(), ErrorCode::invalid_argument) << path;
  }
}

}  // namespace
}  // namespace safechunk::test
