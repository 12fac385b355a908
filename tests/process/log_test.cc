// G18 with real files, processes and signals.

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <atomic>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "support/child_process.h"

namespace safechunk {
namespace {

using test::Child;
using test::Pipe;
using test::TemporaryFolder;
using Json = nlohmann::json;

std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Every line as a program reads it that knows nothing of the engine. Throws when one is no JSON.
std::vector<Json> lines_of(const std::string& path) {
  std::vector<Json> values;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) values.push_back(Json::parse(line));
  return values;
}

void append_bytes(const std::string& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  test::require(file >= 0, "open");
  test::require(::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
                "append");
  test::require(::close(file) == 0, "close");
}

std::string record_of(std::uint64_t number) {
  std::mt19937_64 random(number);
  const std::size_t size = random() % 20 == 0 ? random() % 200'000 : random() % 300;
  return Json{{"n", number}, {"text", std::string(size, static_cast<char>('a' + number % 26))}}
      .dump();
}

// A writer is killed again and again. Kills: an append that is acknowledged before write(2); half a
// record that stays, or is joined with the next one.
TEST(Log, KillsLoseTearAndFuseNothing) {
  constexpr int kKills = 20;
  std::mt19937_64 random(test::seed_of_this_run());
  const TemporaryFolder folder;
  const std::string path = folder / "project/chunks/events.jsonl";
  std::uint64_t acknowledged = 0;
  std::uint64_t next = 1;
  for (int kill = 0; kill < kKills * test::storm_factor(); ++kill) {
    Pipe pipe;
    const unsigned seed = static_cast<unsigned>(random());
    Child child([&] {
      pipe.close_reader();
      SafeChunkEngine engine("project", test::options_in(folder));
      test::require_ok(engine.status(), "attach");
      Log log = engine.log("events");
      std::mt19937 dice(seed);
      for (std::uint64_t number = next;; ++number) {
        test::require_ok(log.append(record_of(number)).status(), "append");
        pipe.write({reinterpret_cast<const char*>(&number), sizeof number});
        if (dice() % 50 == 0) test::require_ok(log.sync(), "sync");
      }
    });
    pipe.close_writer();
    std::this_thread::sleep_for(std::chrono::microseconds(20'000 + random() % 60'000));
    child.kill(SIGKILL);
    const std::string told = pipe.read_all();
    EXPECT_EQ(child.wait(), test::kKilled);
    for (std::size_t at = 0; at + sizeof acknowledged <= told.size(); at += sizeof acknowledged) {
      std::memcpy(&acknowledged, told.data() + at, sizeof acknowledged);
    }
    // What the next owner leaves is read line by line.
    SafeChunkEngine engine("project", test::options_in(folder));
    ASSERT_EQ(engine.log("events").append("{\"n\":0}").status().to_text(), "ok");
    std::uint64_t last = next - 1;
    for (const Json& value : lines_of(path)) {
      const auto number = value.at("n").get<std::uint64_t>();
      if (number == 0) continue;
      ASSERT_EQ(number, last + 1);
      ASSERT_EQ(value.dump(), Json::parse(record_of(number)).dump());
      last = number;
    }
    ASSERT_GE(last, acknowledged);
    next = last + 1;
    ASSERT_TRUE(engine.log("events").rotate().ok());
  }
  EXPECT_GT(acknowledged, 0U) << "no writer got so far";
  std::printf("%d kills, %llu records\n", kKills * test::storm_factor(),
              static_cast<unsigned long long>(next - 1));
}

// Kills: a record of one thread inside that of another; a sync that returns for records that it did
// not cover.
TEST(Log, ThreadsAndOtherProgramsAppendTogether) {
  constexpr int kThreads = 16;
  constexpr int kEach = 100;
  const TemporaryFolder folder;
  const std::string path = folder / "project/chunks/events.jsonl";
  SafeChunkEngine engine("project", test::options_in(folder));
  ASSERT_TRUE(engine.log("events").append("{\"who\":-1,\"n\":0}").ok());
  Child foreign([&] {
    for (int i = 0; i < kEach; ++i) {
      append_bytes(path, Json{{"who", kThreads}, {"n", i}}.dump() + "\n");
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int who = 0; who < kThreads; ++who) {
    threads.emplace_back([&, who] {
      Log log = engine.log("events");
      for (int i = 0; i < kEach; ++i) {
        const Status appended = log.append(Json{{"who", who}, {"n", i}}.dump()).status();
        if (!appended.ok() || !log.sync().ok()) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(foreign.wait(), 0);
  EXPECT_EQ(failed.load(), 0);
  std::map<int, int> counts;
  for (const Json& value : lines_of(path)) {
    EXPECT_EQ(counts[value.at("who")]++, value.at("n").get<int>());
  }
  for (int who = 0; who <= kThreads; ++who) EXPECT_EQ(counts[who], kEach) << who;
}

TEST(Log, SeveralProcessesAppendInTurns) {
  constexpr int kProcesses = 4;
  constexpr int kEach = 50;
  const TemporaryFolder folder;
  EngineOptions options = test::options_in(folder);
  options.mode = Mode::shared;
  options.lock_timeout = test::patience();
  {
    std::vector<std::unique_ptr<Child>> children;
    for (int who = 0; who < kProcesses; ++who) {
      children.push_back(std::make_unique<Child>([&, who] {
        SafeChunkEngine engine("project", options);
        test::require_ok(engine.status(), "attach");
        for (int i = 0; i < kEach; ++i) {
          test::require_ok(
              engine.log("events").append(Json{{"who", who}, {"n", i}}.dump()).status(), "append");
        }
      }));
    }
    for (const auto& child : children) EXPECT_EQ(child->wait(), 0);
  }
  std::map<int, int> counts;
  for (const Json& value : lines_of(folder / "project/chunks/events.jsonl")) {
    EXPECT_EQ(counts[value.at("who")]++, value.at("n").get<int>());
  }
  for (int who = 0; who < kProcesses; ++who) EXPECT_EQ(counts[who], kEach) << who;
}

// Another program has the log open and has written half a line: nothing is joined with it, and
// nothing of it is lost. It stays open, so that the lease says so.
TEST(Log, HalfALineOfALivingProgramIsWaitedFor) {
  const TemporaryFolder folder;
  const std::string path = folder / "project/chunks/events.jsonl";
  SafeChunkEngine engine("project", test::options_in(folder));
  ASSERT_TRUE(engine.log("events").append("1").ok());
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  ASSERT_GE(file, 0);
  ASSERT_EQ(::write(file, "{\"a\":", 5), 5);
  const Status meanwhile = engine.log("events").append("2").status();
  if (meanwhile.ok()) GTEST_SKIP() << "this file system has no leases";
  EXPECT_EQ(meanwhile.code(), ErrorCode::being_edited);
  EXPECT_EQ(engine.log("events").compact(1).code(), ErrorCode::being_edited);
  ASSERT_EQ(::write(file, "2}\n", 3), 3);
  EXPECT_TRUE(engine.log("events").append("3").ok());
  ASSERT_EQ(::write(file, "4\n", 2), 2);
  EXPECT_TRUE(engine.log("events").append("5").ok());
  ASSERT_EQ(::close(file), 0);
  EXPECT_EQ(contents_of(path), "1\n{\"a\":2}\n3\n4\n5\n");
}

// Kills: a follower that polls, or misses what was written while it was starting.
TEST(Log, AFollowerHearsOfAnotherProcess) {
  constexpr std::uint64_t kRecords = 300;
  const TemporaryFolder folder;
  SafeChunkEngine engine("project", test::options_in(folder));
  ASSERT_TRUE(engine.log("events").append("0").ok());
  EngineOptions reading = test::options_in(folder);
  reading.mode = Mode::read;
  SafeChunkEngine reader("project", reading);
  auto follower = reader.log("events").follow(0);
  ASSERT_TRUE(follower.ok()) << follower.status().to_text();
  std::thread writer([&] {
    for (std::uint64_t i = 1; i < kRecords; ++i) {
      (void)engine.log("events").append(std::to_string(i)).value();
      if (i % 70 == 0) (void)engine.log("events").rotate().value();
      if (i % 110 == 0) engine.log("events").compact(5).throw_if_error();
    }
  });
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    const auto record = follower->next(test::patience());
    ASSERT_TRUE(record.ok()) << record.status().to_text();
    ASSERT_TRUE(record->has_value()) << i;
    EXPECT_EQ((*record)->text, std::to_string(i));
  }
  writer.join();
  std::thread waker([&] { follower->wake(); });
  EXPECT_FALSE(follower->next(test::patience()).value().has_value());
  waker.join();
}

// 10^6 records, and a gigabyte: opened by its end only. Kills: an owner or a tail() that reads the
// whole log.
TEST(Log, ALongLogIsReadFromItsEnd) {
  const TemporaryFolder folder;
  const std::string path = folder / "project/chunks/events.jsonl";
  constexpr std::uint64_t kRecords = 1'000'000;
  {
    SafeChunkEngine engine("project", test::options_in(folder));
    std::vector<std::string> batch;
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      batch.push_back(std::to_string(i));
      if (batch.size() < 10'000) continue;
      ASSERT_TRUE(engine.log("events").append(batch).ok());
      batch.clear();
    }
    std::uint64_t read = 0;
    for (std::uint64_t from = 0; read < kRecords;) {
      const auto page = engine.log("events").read(from, 100'000).value();
      ASSERT_FALSE(page.records.empty());
      for (const LogRecord& record : page.records) EXPECT_EQ(record.text, std::to_string(read++));
      from = page.next;
    }
  }
  // What lies before is a hole, which is no JSON: who reads it, fails or takes it to quarantine.
  std::string end = contents_of(path);
  end.resize(end.find('\n', 1'100'000) + 1);
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(file, 0);
  constexpr off_t kGigabyte = 1'000'000'000;
  ASSERT_EQ(::ftruncate(file, 0), 0);
  ASSERT_EQ(::pwrite(file, "\n", 1, kGigabyte - 1), 1);
  ASSERT_EQ(::pwrite(file, end.data(), end.size(), kGigabyte), static_cast<ssize_t>(end.size()));
  ASSERT_EQ(::close(file), 0);
  SafeChunkEngine engine("project", test::options_in(folder));
  const std::uint64_t position = engine.log("events").append("\"last\"").value();
  EXPECT_EQ(position, static_cast<std::uint64_t>(kGigabyte) + end.size());
  const auto tail = engine.log("events").tail(3).value();
  ASSERT_EQ(tail.records.size(), 3U);
  EXPECT_EQ(tail.records.back().text, "\"last\"");
  EXPECT_EQ(tail.invalid, 0U);
}

}  // namespace
}  // namespace safechunk
