// Hearing of changes: by this engine, by other processes, by real programs (design §4, "Events").

#include <gtest/gtest.h>

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/file_system_probe.h"

namespace safechunk {
namespace {

using namespace std::chrono_literals;
using test::Child;
using test::Pipe;
using test::require;
using test::require_ok;
using test::TemporaryFolder;
namespace fs = std::filesystem;

constexpr auto kQuiet = 700ms;  // longer than what the watch waits for

ChangeWatch watch_of(SafeChunkEngine& engine, const WatchOptions& options = {}) {
  auto watch = engine.watch(options);
  watch.status().throw_if_error();
  return *std::move(watch);
}

Change next_of(ChangeWatch& watch, const std::string& what = {}) {
  auto change = watch.next(test::patience());
  change.status().throw_if_error();
  if (!*change) throw std::runtime_error("no change came: " + what);
  return **change;
}

bool is_quiet(ChangeWatch& watch) {
  const auto change = watch.next(kQuiet);
  if (change && *change) ADD_FAILURE() << (*change)->chunk << " " << to_string((*change)->origin);
  return change.ok() && !*change;
}

EngineOptions options_of(const TemporaryFolder& folder, Mode mode) {
  EngineOptions options = test::patient_options_in(folder);
  options.mode = mode;
  return options;
}

// --- engines

TEST(Watch, TellsOwnCommitsOnce) {
  const TemporaryFolder folder;
  SafeChunkEngine engine("project", options_of(folder, Mode::owner));
  ChangeWatch watch = watch_of(engine);
  ASSERT_TRUE(engine.stage_update("[1]", "a").ok());
  EXPECT_FALSE(*watch.next(0ms)) << "it is not committed";
  ASSERT_TRUE(engine.force_sync().ok());
  const Change first = next_of(watch);
  EXPECT_EQ(first.chunk, "a");
  EXPECT_EQ(first.origin, ChangeOrigin::local);
  EXPECT_EQ(first.revision, engine.read_chunk("a")->revision);
  EXPECT_EQ(first.previous_revision, "");
  EXPECT_GT(first.number, 0U);
  ASSERT_TRUE(engine.stage_update("[2]", "a").ok());
  ASSERT_TRUE(engine.remove_chunk("a").ok());
  ASSERT_TRUE(engine.stage_update("[3]", "a").ok());
  ASSERT_TRUE(engine.stage_update("[3]", "b").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  const Change second = next_of(watch);
  const Change third = next_of(watch);
  EXPECT_EQ(second.chunk + third.chunk, "ab");
  EXPECT_EQ(second.previous_revision, first.revision);
  EXPECT_EQ(second.number, first.number + 1);
  EXPECT_EQ(third.number, first.number + 2);
  ASSERT_TRUE(engine.remove_chunk("a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  const Change gone = next_of(watch);
  EXPECT_EQ(gone.revision, "");
  EXPECT_EQ(gone.origin, ChangeOrigin::local);
  EXPECT_TRUE(is_quiet(watch));
}

TEST(Watch, TellsCommitsOfOthersInEveryMode) {
  const TemporaryFolder folder;
  Pipe go;  // forked before there are threads
  Child other([&] {
    go.await_signal();
    SafeChunkEngine engine("project", options_of(folder, Mode::shared));
    require_ok(engine.stage_update("2", "a"), "stage_update");
    require_ok(engine.stage_update("3", "a"), "stage_update");
  });
  SafeChunkEngine one("project", options_of(folder, Mode::shared));
  SafeChunkEngine reader("project", options_of(folder, Mode::read));
  ChangeWatch uncounted = watch_of(reader);
  ASSERT_TRUE(one.stage_update("1", "a").ok());
  const Change guess = next_of(uncounted);
  EXPECT_EQ(guess.origin, ChangeOrigin::process);
  EXPECT_EQ(guess.number, 0U);
  EXPECT_EQ(reader.watch({.delivery = WatchOptions::Delivery::every}).code(),
            ErrorCode::unavailable);

  ChangeWatch own = watch_of(one);
  ChangeWatch read = watch_of(reader, {.delivery = WatchOptions::Delivery::every});
  go.signal();
  ASSERT_EQ(other.wait(), 0);
  Change last = next_of(own);
  if (last.revision != one.read_chunk("a")->revision) last = next_of(own);
  EXPECT_EQ(last.origin, ChangeOrigin::process);
  EXPECT_EQ(last.revision, one.read_chunk("a")->revision);
  const Change second = next_of(read);
  const Change third = next_of(read);
  EXPECT_EQ(second.origin, ChangeOrigin::process);
  EXPECT_EQ(third.previous_revision, second.revision);
  EXPECT_EQ(third.number, second.number + 1);
  EXPECT_EQ(third.number, last.number);
  EXPECT_TRUE(is_quiet(own));
  EXPECT_TRUE(is_quiet(read));
}

// Kills: a ring whose end is reached without a gap being told; a commit without a line.
TEST(Watch, MissesNoCommitOfAnotherProcess) {
  const TemporaryFolder folder;
  const int commits = 10'000;
  Pipe go;  // forked before there are threads
  Child writer([&] {
    go.await_signal();
    EngineOptions options = options_of(folder, Mode::owner);
    options.lock_timeout = test::patience();
    SafeChunkEngine engine("project", options);
    for (int n = 0; n < commits;) {
      auto transaction = engine.transaction();  // many chunks in one commit: few fsyncs
      for (int i = 0; i < 100; ++i, ++n) {
        require_ok(transaction.stage(std::to_string(n), "c" + std::to_string(i)), "stage");
      }
      require_ok(transaction.commit(), "commit");
    }
  });
  SafeChunkEngine reader("project", options_of(folder, Mode::shared));
  ChangeWatch watch = watch_of(reader, {.delivery = WatchOptions::Delivery::every});
  go.signal();
  std::uint64_t number = 0;
  for (int n = 0; n < commits; ++n) {
    const Change change = next_of(watch);
    ASSERT_EQ(change.origin, ChangeOrigin::process) << n << " " << change.chunk;
    if (number != 0) {
      ASSERT_EQ(change.number, number + 1);
    }
    number = change.number;
  }
  EXPECT_EQ(writer.wait(), 0);
  EXPECT_TRUE(is_quiet(watch));
  // Of the log there is a part only.
  ChangeWatch late = watch_of(reader, {.delivery = WatchOptions::Delivery::every,
                                       .since = number - static_cast<std::uint64_t>(commits)});
  EXPECT_EQ(next_of(late).origin, ChangeOrigin::resync);
  ChangeWatch again =
      watch_of(reader, {.delivery = WatchOptions::Delivery::every, .since = number - 3});
  for (int n = 0; n < 3; ++n)
    EXPECT_EQ(next_of(again).number, number - 2 + static_cast<unsigned>(n));
  EXPECT_TRUE(is_quiet(again));
}

TEST(Watch, TellsHealsAndRestores) {
  const TemporaryFolder folder;
  SafeChunkEngine engine("project", options_of(folder, Mode::owner));
  for (const char* text : {"[1]", "[2]"}) {
    ASSERT_TRUE(engine.stage_update(text, "a").ok());
    ASSERT_TRUE(engine.force_sync().ok());
  }
  const auto name = engine.create_checkpoint("c");
  ASSERT_TRUE(name);
  ChangeWatch watch = watch_of(engine);
  ASSERT_TRUE(engine.stage_update("[3]", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  EXPECT_EQ(next_of(watch).origin, ChangeOrigin::local);
  ASSERT_TRUE(engine.restore_checkpoint(*name).ok());
  const Change restored = next_of(watch);
  EXPECT_EQ(restored.origin, ChangeOrigin::restore);
  EXPECT_EQ(restored.revision, engine.read_chunk("a")->revision);
  EXPECT_TRUE(is_quiet(watch));
}

// --- people and programs

// Each is one event, told when the file is whole.
TEST(Watch, TellsEachEditByAProgramOnce) {
  const TemporaryFolder folder;
  SafeChunkEngine owner("project", options_of(folder, Mode::owner));
  ASSERT_TRUE(owner.stage_update(R"({"n": 0})", "a").ok());
  ASSERT_TRUE(owner.force_sync().ok());
  SafeChunkEngine reader("project", options_of(folder, Mode::read));
  const std::string file = (folder / "project/chunks/a.json").string();
  const std::string other = (folder / "other.json").string();
  const std::vector<std::pair<const char*, std::string>> programs = {
      {"sed -i", "sed -i 's/: [0-9]*/: 1/' " + file},
      {"cp", "echo '{\"n\": 2}' > " + other + " && cp " + other + " " + file},
      {"mv", "echo '{\"n\": 3}' > " + other + " && mv " + other + " " + file},
      {"truncating editor", "(printf '{\"n\"'; sleep 0.2; printf ': 4}') > " + file},
      {"appending editor", "printf ' ' >> " + file + " && printf '{\"n\": 5}' > " + file},
      {"vim", "vim -es -u NONE -c '%s/: [0-9]*/: 6/' -c wq " + file + " < /dev/null"},
      {"vim with a backup",
       "vim -es -u NONE -c 'set backup writebackup backupcopy=no' -c '%s/: [0-9]*/: 7/' -c wq " +
           file + " < /dev/null"},
      {"ed", "printf ',s/: [0-9]*/: 8/\\nw\\nq\\n' | ed -s " + file},
      {"perl -i", "perl -pi -e 's/: [0-9]*/: 9/' " + file},
  };
  for (SafeChunkEngine* engine : {&owner, &reader}) {
    ChangeWatch watch = watch_of(*engine);
    std::string previous = reader.read_chunk("a")->revision;
    for (const auto& [what, command] : programs) {
      ASSERT_EQ(std::system(("( " + command + " ) 2>/dev/null").c_str()), 0) << what;
      const Change change = next_of(watch, what);
      EXPECT_EQ(change.chunk, "a") << what;
      EXPECT_EQ(change.origin, ChangeOrigin::edit) << what;
      EXPECT_EQ(change.revision, reader.read_chunk("a")->revision) << what;
      EXPECT_EQ(change.previous_revision, previous) << what;
      EXPECT_TRUE(is_quiet(watch)) << what;
      previous = change.revision;
    }
    // Nothing has changed.
    ASSERT_EQ(std::system(("touch " + file + "; chmod 600 " + file).c_str()), 0);
    EXPECT_TRUE(is_quiet(watch));
    // Not JSON: nothing is told until it is.
    ASSERT_EQ(std::system(("printf '{\"n\": ' > " + file).c_str()), 0);
    EXPECT_TRUE(is_quiet(watch));
    ASSERT_EQ(std::system(("printf '{\"n\": 10}' > " + file).c_str()), 0);
    EXPECT_EQ(next_of(watch).origin, ChangeOrigin::edit);
  }
}

TEST(Watch, TellsRemovalsAndFilesThatCome) {
  const TemporaryFolder folder;
  SafeChunkEngine reader("project", options_of(folder, Mode::read));
  fs::create_directories(folder / "project/chunks");
  ChangeWatch watch = watch_of(reader);
  test::write_file(folder / "project/chunks/new.json", "[]");
  EXPECT_EQ(next_of(watch).origin, ChangeOrigin::edit);
  test::write_file(folder / "project/chunks/not a chunk.txt", "[]");
  test::write_file(folder / "project/chunks/.#lock.json", "[]");
  fs::remove(folder / "project/chunks/new.json");
  const Change gone = next_of(watch);
  EXPECT_EQ(gone.chunk, "new");
  EXPECT_EQ(gone.origin, ChangeOrigin::removed_outside);
  EXPECT_EQ(gone.revision, "");
  EXPECT_TRUE(is_quiet(watch));
}

TEST(Watch, OfAFolderThatGoesEndsWithAnError) {
  for (const bool moved : {true, false}) {
    const TemporaryFolder folder;
    SafeChunkEngine reader("project", options_of(folder, Mode::read));
    EXPECT_EQ(reader.watch().code(), ErrorCode::not_found);
    fs::create_directories(folder / "project/chunks");
    ChangeWatch watch = watch_of(reader);
    if (moved) {
      fs::rename(folder / "project", folder / "elsewhere");
    } else {
      fs::remove_all(folder / "project");
    }
    EXPECT_EQ(watch.next(test::patience()).code(), ErrorCode::unavailable) << moved;
  }
}

// --- handlers

TEST(Watch, HandlersThatThrowOrAreSlowHarmNobody) {
  const TemporaryFolder folder;
  SafeChunkEngine engine("project", options_of(folder, Mode::owner));
  std::atomic<int> faults{0};
  engine.on_fault([&](const Error& error) {
    if (error.message.find("on_change threw: oops") != std::string::npos) ++faults;
  });
  std::atomic<int> calls{0};
  std::atomic<bool> go{false};
  ASSERT_TRUE(engine
                  .on_change([&](const Change& change) {
                    if (++calls == 1) throw std::runtime_error("oops");
                    EXPECT_TRUE(engine.fetch_chunk(change.chunk).ok());
                    while (!go) ::usleep(1000);
                  })
                  .ok());
  for (int n = 0; n < 3; ++n) {
    ASSERT_TRUE(engine.stage_update(std::to_string(n), "a").ok());
    ASSERT_TRUE(engine.force_sync().ok()) << "a slow handler keeps nobody waiting";
    ASSERT_TRUE(test::eventually([&] { return calls >= std::min(n + 1, 2); }));
  }
  EXPECT_TRUE(test::eventually([&] { return faults == 1; }));
  go = true;
  EXPECT_TRUE(test::eventually([&] { return calls == 3; }));
  ASSERT_TRUE(engine.on_change({}).ok());
  ASSERT_TRUE(engine.stage_update("9", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  EXPECT_EQ(calls, 3);
}

TEST(Watch, AHandlerMayDestroyItsEngineAndEndItself) {
  const TemporaryFolder folder;
  auto engine = std::make_unique<SafeChunkEngine>("project", options_of(folder, Mode::owner));
  std::atomic<bool> done{false};
  ASSERT_TRUE(engine
                  ->on_change([&](const Change&) {
                    EXPECT_TRUE(engine->on_change({}).ok());
                    engine.reset();
                    done = true;
                  })
                  .ok());
  // Nobody else uses the engine meanwhile.
  test::write_file(folder / "project/chunks/a.json", "1");
  EXPECT_TRUE(test::eventually([&] { return done.load(); }));
}

// For those who have a loop of their own.
TEST(Watch, DescriptorsCanBePolled) {
  const TemporaryFolder folder;
  SafeChunkEngine engine("project", options_of(folder, Mode::shared));
  ChangeWatch watch = watch_of(engine);
  const auto is_readable = [&](int timeout_ms) {
    pollfd entry{watch.descriptor(), POLLIN, 0};
    return ::poll(&entry, 1, timeout_ms) == 1;
  };
  while (*watch.next(0ms)) {
  }
  EXPECT_FALSE(is_readable(0));
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  std::optional<Change> change;
  while (!change) {
    ASSERT_TRUE(is_readable(static_cast<int>(test::patience().count()) * 1000));
    change = *watch.next(0ms);
  }
  EXPECT_EQ(change->origin, ChangeOrigin::local);
  // A removal is told after a while: the descriptor says when.
  fs::remove(folder / "project/chunks/a.json");
  change.reset();
  while (!change) {
    ASSERT_TRUE(is_readable(static_cast<int>(test::patience().count()) * 1000));
    change = *watch.next(0ms);
  }
  EXPECT_EQ(change->origin, ChangeOrigin::removed_outside);
  watch.wake();
  EXPECT_TRUE(is_readable(0));
  EXPECT_FALSE(*watch.next(test::patience()));
}

}  // namespace
}  // namespace safechunk
