// Logs of an engine (G18): appending, reading, and what other programs do to their files.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine_bench.h"

namespace safechunk::test {
namespace {

using Texts = std::vector<std::string>;

Texts texts_of(const LogPage& page) {
  Texts texts;
  for (const LogRecord& record : page.records) texts.push_back(record.text);
  return texts;
}

std::ptrdiff_t times(const Texts& texts, const std::string& text) {
  return std::count(texts.begin(), texts.end(), text);
}

struct LogBench : Machine {
  explicit LogBench(bool attributes = true, bool links = true) : Machine(attributes, links) {}

  [[nodiscard]] std::string log_file(const std::string& name = "events") const {
    return file("chunks/" + name + ".jsonl").value_or("(missing)");
  }
  // As a program that appends.
  void append(const std::string& bytes) {
    auto chunks = files.open_directory("/project/chunks").value();
    auto opened = chunks->open("events.jsonl", OpenMode::create).value();
    (void)opened->write_at(opened->stat()->size, bytes).value();
  }
  [[nodiscard]] std::vector<std::string> quarantined() const {
    std::vector<std::string> found;
    for (const auto& [path, bytes] : files.contents()) {
      if (path.starts_with("project/quarantine/") && !path.ends_with('/')) found.push_back(bytes);
    }
    return found;
  }
};

TEST(EngineLog, RecordsAreAppendedAndRead) {
  LogBench bench;
  SafeChunkEngine engine = bench.engine();
  Log log = engine.log("events");
  EXPECT_TRUE(log.sync().ok());
  EXPECT_EQ(bench.log_file(), "(missing)");
  EXPECT_EQ(texts_of(log.read().value()), Texts{});
  EXPECT_EQ(log.append(R"({ "n": 1 })").value(), 0U);
  EXPECT_EQ(log.append("2").value(), 8U);
  const Texts more{"[3]", "\"4\""};
  EXPECT_EQ(log.append(more).value(), 10U);
  EXPECT_EQ(bench.log_file(), "{\"n\":1}\n2\n[3]\n\"4\"\n");
  const LogPage page = log.read().value();
  EXPECT_EQ(texts_of(page), (Texts{"{\"n\":1}", "2", "[3]", "\"4\""}));
  EXPECT_EQ(page.records[2].position, 10U);
  EXPECT_EQ(texts_of(log.read(8, 2).value()), (Texts{"2", "[3]"}));
  EXPECT_EQ(log.read(8, 2)->next, 14U);
  EXPECT_EQ(texts_of(log.read(page.next).value()), Texts{});
  EXPECT_EQ(texts_of(log.tail(3).value()), (Texts{"2", "[3]", "\"4\""}));
  EXPECT_EQ(log.read(11).code(), ErrorCode::conflict);
  EXPECT_EQ(log.read(1000).code(), ErrorCode::conflict);
  EXPECT_TRUE(log.sync().ok());
  ASSERT_EQ(engine.list_logs()->size(), 1U);
  EXPECT_EQ(engine.list_logs()->front().name, "events");
  EXPECT_EQ(engine.list_logs()->front().bytes, bench.log_file().size());
  // Logs are no chunks.
  EXPECT_TRUE(engine.list_chunks()->empty());
  EXPECT_TRUE(engine.stage_update("1", "events").ok());
  EXPECT_TRUE(engine.detach().ok());
  EXPECT_EQ(log.append("5").code(), ErrorCode::not_owner);
  EXPECT_EQ(texts_of(log.tail(1).value()), Texts{"\"4\""});
}

TEST(EngineLog, WhatIsRefusedChangesNothing) {
  LogBench bench;
  SafeChunkEngine engine = bench.engine();
  EXPECT_EQ(engine.log("a/b").append("1").code(), ErrorCode::invalid_name);
  EXPECT_EQ(engine.log("").read().code(), ErrorCode::invalid_name);
  EXPECT_EQ(engine.log("events").append("1 2").code(), ErrorCode::invalid_json);
  const Texts second_is_wrong{"1", "{"};
  EXPECT_EQ(engine.log("events").append(second_is_wrong).code(), ErrorCode::invalid_json);
  EXPECT_EQ(bench.log_file(), "(missing)");
  ASSERT_TRUE(engine.log("events").append("1").ok());
  EXPECT_EQ(engine.log("Events").append("1").code(), ErrorCode::invalid_name);
  const std::string longest(196, 'x');
  ASSERT_TRUE(engine.log(longest).append("1").ok());
  EXPECT_EQ(engine.log(longest).rotate().code(), ErrorCode::invalid_name);
  EXPECT_EQ(engine.log("missing").rotate().code(), ErrorCode::not_found);
  EXPECT_EQ(engine.log("missing").compact(1).code(), ErrorCode::not_found);
  EXPECT_EQ(engine.log("missing").remove().code(), ErrorCode::not_found);
  EXPECT_EQ(bench.log_file(), "1\n");
}

// Kills: a record that is joined with what another program has left without a line break.
TEST(EngineLog, LinesOfOtherProgramsAreCompleted) {
  for (const bool attached_before : {true, false}) {
    for (const std::string foreign : {"{\"b\":2}", "[1]\n\"x\"", "{}\n", "\n\n[]", "\"y\"  "}) {
      LogBench bench;
      SafeChunkEngine engine = bench.engine();
      if (attached_before) {
        ASSERT_TRUE(engine.log("events").append("1").ok());
      }
      bench.append(foreign);
      ASSERT_EQ(engine.log("events").append("2").status().to_text(), "ok") << foreign;
      const std::string before = attached_before ? "1\n" : "";
      const std::string ended = foreign.ends_with('\n') ? foreign : foreign + "\n";
      EXPECT_EQ(bench.log_file(), before + ended + "2\n");
      EXPECT_TRUE(bench.quarantined().empty());
      EXPECT_EQ(engine.log("events").read()->invalid, 0U);
    }
  }
}

// A number may be the beginning of a longer one, unless this process has seen it come. Kills: half
// a record of a dead process that becomes a whole one.
TEST(EngineLog, HalfARecordIsMovedToQuarantine) {
  for (const std::string half : {"12", "{\"a\":", "tru", "\"abc", "x"}) {
    LogBench bench;
    {
      SafeChunkEngine engine = bench.engine();
      ASSERT_TRUE(engine.log("events").append("1").ok());
      ASSERT_TRUE(engine.detach().ok());
    }
    bench.append(half);
    Faults faults;
    SafeChunkEngine engine = bench.engine();
    engine.on_fault([&](const Error& error) { faults.add(error); });
    // Half a line is not given to readers.
    EXPECT_EQ(texts_of(engine.log("events").read().value()), Texts{"1"});
    ASSERT_TRUE(engine.log("events").append("2").ok()) << half;
    EXPECT_EQ(bench.log_file(), "1\n2\n");
    EXPECT_EQ(bench.quarantined(), Texts{half});
    EXPECT_TRUE(faults.has(ErrorCode::corrupt, "events")) << half;
  }
}

TEST(EngineLog, LinesThatAreNoJsonAreMovedToQuarantine) {
  LogBench bench;
  {
    SafeChunkEngine engine = bench.engine();
    ASSERT_TRUE(engine.log("events").append("1").ok());
    ASSERT_TRUE(engine.log("events").append("2").ok());
    ASSERT_TRUE(engine.detach().ok());
  }
  bench.append(std::string("oops\n3\n\0\0\0\n4\n5", 15));
  SafeChunkEngine engine = bench.engine();
  const LogPage page = engine.log("events").read().value();
  EXPECT_EQ(texts_of(page), (Texts{"1", "2", "3", "4"}));
  EXPECT_EQ(page.invalid, 2U);
  EXPECT_EQ(page.first_invalid.code(), ErrorCode::invalid_json);
  ASSERT_TRUE(engine.log("events").append("6").ok());
  EXPECT_EQ(bench.log_file(), "1\n2\n3\n4\n6\n");
  EXPECT_EQ(bench.quarantined().size(), 2U);
}

// Kills: an append that empties a document whose name ends in .jsonl.
TEST(EngineLog, ADocumentOfSeveralLinesIsLeftAlone) {
  LogBench bench;
  SafeChunkEngine engine = bench.engine();
  const std::string large = "[\n" + std::string(1'500'000, ' ') + "\n  1,\n  2\n]\n";
  for (const std::string& next : {std::string("{\n    \"a\": 1\n}\n"),
                                  std::string("[\n  {\"a\":1},\n  {\"a\":2}\n]\n"), large}) {
    bench.write("chunks", "events.jsonl", next);
    EXPECT_EQ(engine.log("events").append("1").code(), ErrorCode::invalid_json);
    EXPECT_EQ(bench.log_file(), next);
    EXPECT_TRUE(bench.quarantined().empty());
  }
}

TEST(EngineLog, AFileThatIsCutRemovedOrReplacedIsTold) {
  for (const std::string what : {"cut", "removed", "replaced", "renamed"}) {
    LogBench bench;
    std::vector<std::string> statuses;
    Faults faults;
    SafeChunkEngine engine = bench.engine();
    engine.on_fault([&](const Error& error) { faults.add(error); });
    engine.on_status([&](std::string_view text) { statuses.emplace_back(text); });
    ASSERT_TRUE(engine.log("events").append("1").ok());
    ASSERT_TRUE(engine.log("events").append("2").ok());
    auto chunks = bench.files.open_directory("/project/chunks").value();
    if (what == "cut") {
      ASSERT_TRUE(chunks->open("events.jsonl", OpenMode::read_write).value()->truncate(2).ok());
    } else if (what == "removed") {
      ASSERT_TRUE(chunks->unlink("events.jsonl").ok());
    } else if (what == "renamed") {
      ASSERT_TRUE(chunks->rename("events.jsonl", "old.jsonl").ok());
    } else {
      auto other = chunks->open("other", OpenMode::create).value();
      (void)other->write_at(0, "9\n").value();
      ASSERT_TRUE(chunks->rename("other", "events.jsonl").ok());
    }
    ASSERT_TRUE(engine.log("events").append("3").ok()) << what;
    ASSERT_TRUE(engine.log("events").sync().ok());
    const std::string expected = what == "cut" ? "1\n3\n" : what == "replaced" ? "9\n3\n" : "3\n";
    EXPECT_EQ(bench.log_file(), expected) << what;
    if (what == "renamed") {
      EXPECT_EQ(bench.log_file("old"), "1\n2\n");
    }
    EXPECT_FALSE(statuses.empty() && faults.list().empty()) << what;
  }
}

// Kills: an append behind the half line that is left where another program has cut the file, or has
// written it over with as many bytes; also when records are not durable yet.
TEST(EngineLog, ARecordIsNeverJoinedWithWhatIsLeftOfOthers) {
  for (const bool synced : {true, false}) {
    for (const bool cut : {true, false}) {
      LogBench bench;
      SafeChunkEngine engine = bench.engine();
      Log log = engine.log("events");
      for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(log.append("{\"a\":" + std::to_string(i) + "}").ok());
      }
      if (synced) {
        ASSERT_TRUE(log.sync().ok());
      }
      auto chunks = bench.files.open_directory("/project/chunks").value();
      auto file = chunks->open("events.jsonl", OpenMode::read_write).value();
      if (cut) {
        ASSERT_TRUE(file->truncate(20).ok());
      } else {
        (void)file->write_at(16, "{\"a\":22}").value();
      }
      ASSERT_TRUE(file->close().ok());
      ASSERT_EQ(log.append("{\"a\":7}").status().to_text(), "ok");
      const std::string rest = cut ? "" : "{\"a\":22}\n";
      EXPECT_EQ(bench.log_file(), "{\"a\":0}\n{\"a\":1}\n" + rest + "{\"a\":7}\n");
      EXPECT_EQ(bench.quarantined(), cut ? Texts{"{\"a\""} : Texts{});
    }
  }
}

// ENOSPC in the middle of a record. Kills: half a record that stays, and is joined with the next.
TEST(EngineLog, ARecordThatDoesNotFitIsTakenBack) {
  LogBench bench;
  SafeChunkEngine engine = bench.engine();
  ASSERT_TRUE(engine.log("events").append("1").ok());
  int appends = 0;
  bench.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb != "append") return std::nullopt;
    return ++appends % 2 == 1 ? SimFileSystem::kShort : ENOSPC;
  });
  EXPECT_EQ(engine.log("events").append("\"0123456789\"").code(), ErrorCode::no_space);
  EXPECT_EQ(bench.log_file(), "1\n");
  // Short writes are continued.
  bench.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    return call.verb == "append" ? std::optional(SimFileSystem::kShort) : std::nullopt;
  });
  EXPECT_TRUE(engine.log("events").append("\"0123456789\"").ok());
  bench.files.set_hook({});
  EXPECT_TRUE(engine.log("events").append("2").ok());
  EXPECT_EQ(bench.log_file(), "1\n\"0123456789\"\n2\n");
}

// Another program appends between the look at the file and the write, without and with a line
// break, and behind half of our record.
TEST(EngineLog, AProgramThatAppendsAtTheSameMomentHarmsNoRecord) {
  for (const std::string foreign : {"{\"b\":2}\n", "{\"b\":2}"}) {
    for (const bool halves : {false, true}) {
      LogBench bench;
      SafeChunkEngine engine = bench.engine();
      ASSERT_TRUE(engine.log("events").append("\"first\"").ok());
      int appends = 0;
      bool busy = false;
      bench.files.set_hook([&](const SimCall& call) -> std::optional<int> {
        if (busy || call.verb != "append") return std::nullopt;
        ++appends;
        if (halves && appends == 1) return SimFileSystem::kShort;
        busy = true;
        if (appends == (halves ? 2 : 1)) bench.append(foreign);
        busy = false;
        return std::nullopt;
      });
      ASSERT_TRUE(engine.log("events").append("\"second\"").ok());
      ASSERT_TRUE(engine.log("events").append("\"third\"").ok());
      bench.files.set_hook({});
      const Texts texts = texts_of(engine.log("events").read().value());
      EXPECT_EQ(times(texts, "\"first\""), 1) << bench.log_file();
      EXPECT_EQ(times(texts, "\"second\""), 1) << bench.log_file();
      EXPECT_EQ(times(texts, "\"third\""), 1) << bench.log_file();
      if (!halves) {
        EXPECT_EQ(times(texts, "{\"b\":2}"), 1) << bench.log_file();
      }
    }
  }
}

// After an fsync that failed nobody knows what the device has. Kills: a second fsync of that file.
TEST(EngineLog, AFailedSyncWritesTheRecordsAnew) {
  LogBench bench;
  Faults faults;
  SafeChunkEngine engine = bench.engine();
  engine.on_fault([&](const Error& error) { faults.add(error); });
  Log log = engine.log("events");
  ASSERT_TRUE(log.append("1").ok());
  ASSERT_TRUE(log.sync().ok());
  ASSERT_TRUE(log.append("2").ok());
  bool failed = false;
  bench.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb != "sync_data" || std::exchange(failed, true)) return std::nullopt;
    return EIO;
  });
  ASSERT_TRUE(log.append("3").ok());
  EXPECT_TRUE(log.sync().ok());
  EXPECT_TRUE(failed);
  EXPECT_TRUE(faults.has(ErrorCode::io_error, "events"));
  bench.files.set_hook({});
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto left = bench.files.crash_clone(seed, CrashModel::strict);
    EXPECT_EQ(left->contents().at("project/chunks/events.jsonl"), "1\n2\n3\n");
  }
}

TEST(EngineLog, CompactRotateRemove) {
  for (const bool links : {true, false}) {
    LogBench bench(true, links);
    SafeChunkEngine engine = bench.engine();
    Log log = engine.log("events");
    for (int i = 1; i <= 9; ++i) ASSERT_TRUE(log.append(std::to_string(i)).ok());
    ASSERT_TRUE(log.compact(3).ok());
    EXPECT_EQ(bench.log_file(), "7\n8\n9\n");
    ASSERT_TRUE(log.compact([](const LogRecord& record) { return record.text != "8"; }).ok());
    EXPECT_EQ(bench.log_file(), "7\n9\n");
    ASSERT_TRUE(log.append("10").ok());
    EXPECT_EQ(log.rotate().value(), "events.000001");
    ASSERT_TRUE(log.append("11").ok());
    EXPECT_EQ(log.rotate().value(), "events.000002");
    EXPECT_EQ(bench.log_file("events.000001"), "7\n9\n10\n");
    EXPECT_EQ(bench.log_file("events.000002"), "11\n");
    EXPECT_EQ(log.rotate().code(), ErrorCode::not_found);
    EXPECT_EQ(texts_of(engine.log("events.000001").read().value()), (Texts{"7", "9", "10"}));
    ASSERT_TRUE(engine.log("events.000001").remove().ok());
    EXPECT_EQ(engine.list_logs()->size(), 1U);
    ASSERT_TRUE(log.append("12").ok());
    EXPECT_EQ(bench.log_file(), "12\n");
    EXPECT_TRUE(log.compact(0).ok());
    EXPECT_EQ(bench.log_file(), "");
    ASSERT_TRUE(log.append("13").ok());
    EXPECT_EQ(bench.log_file(), "13\n");
    for (const auto& [path, bytes] : bench.files.contents()) {
      EXPECT_FALSE(path.ends_with(".tmp")) << path;
    }
  }
}

// Kills: a function that says what to keep, and hangs for ever when it appends.
TEST(EngineLog, TheFunctionOfCompactMustNotUseTheLog) {
  LogBench bench;
  SafeChunkEngine engine = bench.engine();
  Log log = engine.log("events");
  ASSERT_TRUE(log.append("1").ok());
  ErrorCode inside = ErrorCode::ok;
  ASSERT_TRUE(log.compact([&](const LogRecord&) {
                   inside = log.append("2").code();
                   return true;
                 })
                  .ok());
  EXPECT_EQ(inside, ErrorCode::conflict);
  EXPECT_EQ(bench.log_file(), "1\n");
  ASSERT_TRUE(log.append("2").ok());
}

// Kills: more than a mebibyte that only the page cache has, which the next owner does not look at.
TEST(EngineLog, AMebibyteIsMadeDurable) {
  LogBench bench;
  SafeChunkEngine engine = bench.engine();
  const std::string record = "\"" + std::string(100'000, 'x') + "\"";
  std::size_t syncs = 0;
  bench.files.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb == "sync_data") ++syncs;
    return std::nullopt;
  });
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(engine.log("events").append(record).ok());
  bench.files.set_hook({});
  EXPECT_EQ(syncs, 2U);
}

TEST(EngineLog, VerifyJudgesLogs) {
  LogBench bench;
  SafeChunkEngine engine = bench.engine();
  ASSERT_TRUE(engine.log("events").append("1").ok());
  const auto state = [&] {
    const VerifyReport report = engine.verify().value();
    for (const FileVerdict& verdict : report.files) {
      if (verdict.path == "chunks/events.jsonl") return verdict.state;
    }
    return FileVerdict::State::ignored;
  };
  EXPECT_EQ(state(), FileVerdict::State::good);
  bench.append("{\"a\":");
  EXPECT_EQ(state(), FileVerdict::State::edited);
  bench.append("\n2\n");
  EXPECT_EQ(state(), FileVerdict::State::lost);
  ASSERT_TRUE(engine.repair().ok());
  EXPECT_EQ(state(), FileVerdict::State::good);
  EXPECT_EQ(bench.log_file(), "1\n2\n");
}

// Kills: an owner that looks at the whole log when it opens it (G18: in constant time).
TEST(EngineLog, OpeningReadsTheEndOnly) {
  const auto reads = [](std::size_t megabytes) {
    LogBench bench;
    const std::string record = "\"" + std::string(99'997, 'x') + "\"";
    {
      SafeChunkEngine engine = bench.engine();
      const Texts ten(10, record);
      for (std::size_t i = 0; i < megabytes; ++i) {
        EXPECT_TRUE(engine.log("events").append(ten).ok());
      }
    }
    SafeChunkEngine engine = bench.engine();
    std::size_t calls = 0;
    bench.files.set_hook([&](const SimCall& call) -> std::optional<int> {
      if (call.verb == "read_at") ++calls;
      return std::nullopt;
    });
    EXPECT_TRUE(engine.log("events").append("1").ok());
    EXPECT_EQ(engine.log("events").tail(1)->records.size(), 1U);
    bench.files.set_hook({});
    return calls;
  };
  const std::size_t few = reads(3);
  EXPECT_GT(few, 3U);
  EXPECT_EQ(reads(30), few);
}

TEST(EngineLog, SharedModeMakesEachRecordDurable) {
  LogBench bench;
  EngineOptions options;
  options.mode = Mode::shared;
  SafeChunkEngine one = bench.engine(options);
  SafeChunkEngine other = bench.engine(options);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE((i % 2 == 0 ? one : other).log("events").append(std::to_string(i)).ok());
  }
  const auto left = bench.files.crash_clone(1, CrashModel::strict);
  EXPECT_EQ(left->contents().at("project/chunks/events.jsonl"), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  EXPECT_EQ(texts_of(other.log("events").tail(2).value()), (Texts{"8", "9"}));
}

std::string next_of(LogFollower& follower) {
  const auto record = follower.next(std::chrono::milliseconds(0)).value();
  return record ? record->text : "(none)";
}

// It looks again only after several changes.
TEST(EngineLog, AFollowerThatIsLateGetsEveryRecordOnce) {
  LogBench bench;
  SafeChunkEngine engine = bench.engine();
  Log log = engine.log("events");
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(log.append(std::to_string(i)).ok());
  LogFollower follower = log.follow().value();
  ASSERT_TRUE(log.append("6").ok());
  ASSERT_TRUE(log.compact(4).ok());
  ASSERT_TRUE(log.append("7").ok());
  ASSERT_TRUE(log.compact(4).ok());
  ASSERT_TRUE(log.append("8").ok());
  for (const std::string text : {"6", "7", "8", "(none)"}) EXPECT_EQ(next_of(follower), text);
  // The file that it rests on is rotated and removed; the next one is not skipped.
  ASSERT_TRUE(log.rotate().ok());
  ASSERT_TRUE(log.append("9").ok());
  ASSERT_TRUE(log.rotate().ok());
  ASSERT_TRUE(engine.log("events.000001").remove().ok());
  ASSERT_TRUE(log.append("10").ok());
  for (const std::string text : {"9", "10", "(none)"}) EXPECT_EQ(next_of(follower), text);
}

// Kills: a follower that goes on in the middle of a line.
TEST(EngineLog, AFollowerBeginsAnewWhereTheFileWasWrittenOver) {
  LogBench bench;
  SafeChunkEngine engine = bench.engine();
  ASSERT_TRUE(engine.log("events").append("1").ok());
  LogFollower follower = engine.log("events").follow().value();
  bench.write("chunks", "events.jsonl", "777777777701\n2\n");
  EXPECT_EQ(next_of(follower), "777777777701");
  EXPECT_EQ(next_of(follower), "2");
  EXPECT_EQ(next_of(follower), "(none)");
}

TEST(EngineLog, AFollowerGetsEveryRecordOnce) {
  LogBench bench;
  SafeChunkEngine engine = bench.engine();
  Log log = engine.log("events");
  ASSERT_TRUE(log.append("0").ok());
  LogFollower all = log.follow(0).value();
  LogFollower later = log.follow().value();
  const auto next = [](LogFollower& follower) {
    const auto record = follower.next(std::chrono::milliseconds(0)).value();
    return record ? record->text : "(none)";
  };
  EXPECT_EQ(next(all), "0");
  EXPECT_EQ(next(all), "(none)");
  EXPECT_EQ(next(later), "(none)");
  ASSERT_TRUE(log.append("1").ok());
  EXPECT_EQ(next(all), "1");
  ASSERT_TRUE(log.append("2").ok());
  // Read on where it was: the records that were kept are not given again.
  ASSERT_TRUE(log.compact(1).ok());
  ASSERT_TRUE(log.append("3").ok());
  EXPECT_EQ(next(all), "2");
  EXPECT_EQ(next(all), "3");
  ASSERT_TRUE(log.append("4").ok());
  ASSERT_TRUE(log.rotate().ok());
  ASSERT_TRUE(log.append("5").ok());
  EXPECT_EQ(next(all), "4");
  EXPECT_EQ(next(all), "5");
  ASSERT_TRUE(log.remove().ok());
  EXPECT_EQ(next(all), "(none)");
  ASSERT_TRUE(log.append("6").ok());
  EXPECT_EQ(next(all), "6");
  for (const std::string text : {"1", "2", "3", "4"}) EXPECT_EQ(next(later), text);
}

}  // namespace
}  // namespace safechunk::test
