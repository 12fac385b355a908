// What the next owner makes of the journal of one that was killed, and of what others did to the
// folder in between (G3, G4, G6).

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine_bench.h"

namespace safechunk::test {
namespace {

class EngineReplay : public testing::Test {
 protected:
  // What the disk holds when the process is killed now.
  void kill() { left_ = machine_.files.crash_clone(0, CrashModel::process); }
  // Kills it, from inside the next call that does `verb` to a path which contains `part`.
  void kill_at(const std::string& verb, const std::string& part) {
    machine_.files.set_hook([=, this](const SimCall& call) -> std::optional<int> {
      const bool now = call.verb == verb && call.path.find(part) != std::string::npos;
      if (now && !left_) kill();
      return std::nullopt;
    });
  }

  [[nodiscard]] SafeChunkEngine next(EngineOptions options = {}) {
    options.base_dir = "/";
    return EngineAccess::construct("project", options, {*left_, machine_.clock, successor_});
  }
  // Replaces the bytes of a file that the dead owner left, or changes some of them.
  void overwrite(const std::string& path, const std::string& bytes, std::uint64_t offset = 0) {
    const std::string full = "/project/" + path;
    const auto slash = full.rfind('/');
    auto folder = left_->open_directory(full.substr(0, slash)).value();
    auto file = folder->open(full.substr(slash + 1), OpenMode::read_write).value();
    if (offset == 0) file->truncate(0).throw_if_error();
    (void)file->write_at(offset, bytes).value();
  }
  [[nodiscard]] std::string chunk_left(const std::string& name) const {
    return left_->contents().at("project/chunks/" + name + ".json");
  }
  // The bytes of everything in quarantine whose name starts so.
  [[nodiscard]] std::vector<std::string> kept(const std::string& start) const {
    std::vector<std::string> found;
    for (const auto& [path, bytes] : left_->contents()) {
      if (path.ends_with('/')) continue;  // the folder itself
      if (path.starts_with("project/quarantine/" + start)) found.push_back(bytes);
    }
    return found;
  }
  static std::size_t count(const SafeChunkEngine& engine, Event::Kind kind) {
    std::size_t count = 0;
    for (const Event& event : engine.recovery_report().events) count += event.kind == kind ? 1 : 0;
    return count;
  }

  Machine machine_;
  FakeProcess successor_{77, 99};
  std::unique_ptr<SimFileSystem> left_;
};

// G6: an edit by hand that still is JSON is accepted, also when the owner died before it emptied
// the journal. Kills: rolling the file forward to what it had before the edit; and a conflict about
// an update that had been committed.
TEST_F(EngineReplay, KeepsAHandEditOfWhatWasCommitted) {
  for (const char* by_hand : {"\"before\"\n", "\"by hand\"\n"}) {
    left_.reset();
    auto engine = machine_.engine();
    put(engine, "a", "\"before\"");
    save(engine);
    put(engine, "a", "\"after\"");
    kill_at("write_at", "project/.journal");  // which is emptied when all is committed
    save(engine);
    machine_.files.set_hook({});
    ASSERT_TRUE(left_);
    ASSERT_EQ(chunk_left("a"), "\"after\"\n");
    overwrite("chunks/a.json", by_hand);
    auto successor = next();
    EXPECT_EQ(successor.fetch_chunk("a").value(), by_hand);
    EXPECT_EQ(count(successor, Event::Kind::conflict), 0U);
    EXPECT_EQ(count(successor, Event::Kind::replayed), 0U);
  }
}

// --- a damaged journal

// G6: damage is reported as lost with the bytes kept in quarantine, also damage of the journal.
// Kills: rewriting the journal without what stood behind the damage.
TEST_F(EngineReplay, KeepsWhatStandsBehindADamagedRecord) {
  EngineOptions options;
  options.durability = Durability::journal;
  auto engine = machine_.engine(options);
  for (const char* chunk : {"a", "b", "c"}) {
    put(engine, chunk, "\"precious " + std::string(chunk) + "\"");
    save(engine);
  }
  kill();
  const std::string journal = left_->contents().at("project/.journal");
  const std::size_t of_b = journal.find("precious b");
  overwrite(".journal", "P", of_b);
  {
    auto successor = next();
    EXPECT_EQ(successor.fetch_chunk("a").value(), "\"precious a\"\n");
    EXPECT_EQ(successor.fetch_chunk("b").value(), "{}");
    EXPECT_EQ(count(successor, Event::Kind::journal_damaged), 1U);
  }
  ASSERT_EQ(kept("").size(), 1U);
  const std::string evidence = kept("journal.").front();
  EXPECT_EQ(evidence.find("precious a"), std::string::npos) << "that was replayed";
  EXPECT_NE(evidence.find("Precious b"), std::string::npos);
  EXPECT_NE(evidence.find("precious c"), std::string::npos);
  EXPECT_NE(evidence.back(), '\0');
}

// Kills: going on, and rewriting the journal, when there was no room for what stood behind the
// damage.
TEST_F(EngineReplay, IsRefusedWhenTheEvidenceCannotBeKept) {
  auto engine = machine_.engine();
  for (const char* chunk : {"a", "b"}) {
    put(engine, chunk, "\"precious " + std::string(chunk) + "\"");
  }
  kill();
  overwrite(".journal", "P", left_->contents().at("project/.journal").find("precious b"));
  {
    const Failing failing(*left_, "create", "project/quarantine/", ENOSPC);
    EXPECT_EQ(next().status().code(), ErrorCode::no_space);
  }
  auto successor = next();
  EXPECT_EQ(successor.fetch_chunk("a").value(), "\"precious a\"\n");
  EXPECT_EQ(kept("journal.").size(), 1U);
}

// Nothing is evidence when nothing is damaged, nor are zeros. Kills: a quarantine that grows with
// every crash.
TEST_F(EngineReplay, KeepsNothingOfAJournalThatEndsCleanly) {
  auto engine = machine_.engine();
  put(engine, "a", "1");
  kill();
  { auto successor = next(); }
  EXPECT_TRUE(kept("").empty());
  // The zeros behind the last record, cut short.
  kill();
  const std::string journal = left_->contents().at("project/.journal");
  const std::size_t end = journal.find_last_not_of('\0') + 1;
  overwrite(".journal", journal.substr(0, end + 3));
  auto successor = next();
  EXPECT_EQ(successor.fetch_chunk("a").value(), "1\n");
  EXPECT_TRUE(kept("").empty());
}

// --- transactions and edits by hand

class EngineReplayTransaction : public EngineReplay {
 protected:
  // Dies when it begins to write the files of a transaction of a, b and the removal of c.
  void kill_in_a_transaction() {
    auto engine = machine_.engine();
    for (const char* chunk : {"a", "b", "c"}) put(engine, chunk, "\"old\"");
    save(engine);
    kill_at("create", "project/chunks/a.749b0e0d.tmp");
    auto transaction = engine.transaction();
    transaction.stage("\"new a\"", "a").throw_if_error();
    transaction.stage("\"new b\"", "b").throw_if_error();
    transaction.remove("c").throw_if_error();
    transaction.commit().throw_if_error();
    machine_.files.set_hook({});
    ASSERT_TRUE(left_);
  }
};

// G4: a transaction lands whole or not at all, also where a file was changed meanwhile; G6, G7:
// what does not land is kept, and told. Kills: landing the members that are in no conflict.
TEST_F(EngineReplayTransaction, OfWhichOneFileWasChangedLandsNothing) {
  kill_in_a_transaction();
  overwrite("chunks/b.json", "\"by hand\"");
  auto successor = next();
  EXPECT_EQ(successor.fetch_chunk("a").value(), "\"old\"\n");
  EXPECT_EQ(successor.fetch_chunk("b").value(), "\"by hand\"");
  EXPECT_EQ(successor.fetch_chunk("c").value(), "\"old\"\n");
  EXPECT_FALSE(successor.is_dirty());
  EXPECT_EQ(count(successor, Event::Kind::conflict), 3U);
  EXPECT_EQ(kept("a.conflict."), std::vector<std::string>{"\"new a\""});
  EXPECT_EQ(kept("b.conflict."), std::vector<std::string>{"\"new b\""});
}

// Kills: dropping what has nothing to do with the conflict.
TEST_F(EngineReplayTransaction, IsNoReasonToDropOtherEdits) {
  auto engine = machine_.engine();
  for (const char* chunk : {"a", "b", "c"}) put(engine, chunk, "\"old\"");
  save(engine);
  std::optional<Failing> full(std::in_place, machine_.files, "create", "project/chunks/", ENOSPC);
  auto transaction = engine.transaction();
  transaction.stage("\"new a\"", "a").throw_if_error();
  transaction.stage("\"new b\"", "b").throw_if_error();
  EXPECT_FALSE(transaction.commit().ok());
  put(engine, "b", "\"newer b\"");
  put(engine, "c", "\"new c\"");
  kill();
  overwrite("chunks/a.json", "\"by hand\"");
  auto successor = next();
  EXPECT_EQ(successor.fetch_chunk("a").value(), "\"by hand\"");
  EXPECT_EQ(successor.fetch_chunk("b").value(), "\"newer b\"\n");  // staged for itself
  EXPECT_EQ(successor.fetch_chunk("c").value(), "\"new c\"\n");
  EXPECT_EQ(count(successor, Event::Kind::conflict), 1U);
}

// --- limits of the next owner

std::string deep(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

class EngineReplayLimits : public testing::TestWithParam<bool> {};

// G3: the next attach commits what was staged, whatever its own limits are. Kills: dropping texts
// that are deeper or larger than what the next owner would accept, and with them every other edit
// of their chunks.
TEST_P(EngineReplayLimits, OfTheNextOwnerDropNothing) {
  const std::string large = '"' + std::string(5000, 'x') + '"';
  Machine machine(GetParam());
  EngineOptions generous;
  generous.depth_limit = 5000;
  auto engine = machine.engine(generous);
  put(engine, "deep", deep(2000));
  put(engine, "large", large);
  put(engine, "later", deep(2000));
  put(engine, "later", "\"shallow\"");
  put(engine, "earlier", "\"shallow\"");
  put(engine, "earlier", deep(2000));
  const auto left = machine.files.crash_clone(0, CrashModel::process);
  FakeProcess process(77, 99);
  EngineOptions narrow;
  narrow.base_dir = "/";
  narrow.depth_limit = 100;
  narrow.chunk_size_limit = 1000;
  {
    auto next = EngineAccess::construct("project", narrow, {*left, machine.clock, process});
    ASSERT_TRUE(next.is_active()) << next.status().to_text();
    EXPECT_FALSE(next.is_dirty());
    EXPECT_EQ(next.fetch_chunk("later").value(), "\"shallow\"\n");
    EXPECT_EQ(next.fetch_chunk("large").code(), ErrorCode::too_large);  // as of any such file
    put(next, "small", "1");
    save(next);
    EXPECT_TRUE(next.detach().ok());
  }
  generous.base_dir = "/";
  auto last = EngineAccess::construct("project", generous, {*left, machine.clock, process});
  EXPECT_TRUE(last.recovery_report().clean);
  EXPECT_TRUE(last.fetch_chunk("large").value().starts_with(large));  // the newline is one too many
  for (const char* chunk : {"deep", "earlier"}) {
    const std::string text = last.fetch_chunk(chunk).value();
    EXPECT_EQ(std::count(text.begin(), text.end(), '['), 2000) << chunk;
  }
}
// Kills: taking what an earlier recovery has committed for something that cannot be judged, and
// trying for ever to save it again.
TEST_P(EngineReplayLimits, KnowWhatWasCommittedBeforeAnotherCrash) {
  Machine machine(GetParam());
  EngineOptions generous;
  generous.depth_limit = 5000;
  auto engine = machine.engine(generous);
  put(engine, "a", deep(2000));
  std::unique_ptr<SimFileSystem> left;
  machine.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    const bool emptied = call.verb == "write_at" && call.path == "project/.journal";
    if (emptied && !left) left = machine.files.crash_clone(0, CrashModel::process);
    return std::nullopt;
  });
  save(engine);
  machine.files.set_hook({});
  ASSERT_TRUE(left);
  EngineOptions narrow;
  narrow.base_dir = "/";
  FakeProcess process(77, 99);
  auto next = EngineAccess::construct("project", narrow, {*left, machine.clock, process});
  EXPECT_FALSE(next.is_dirty());
  EXPECT_TRUE(next.detach().ok());
}
INSTANTIATE_TEST_SUITE_P(All, EngineReplayLimits, testing::Bool(),
                         [](const auto& test) { return test.param ? "Stamped" : "WithoutStamps"; });

}  // namespace
}  // namespace safechunk::test
