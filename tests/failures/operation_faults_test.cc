// G6 to G8, G13: every operation, on a project that has seen much, while the n-th call fails once
// or for good, for every n until the operation no longer makes it. What it returns with success is
// right, what it does not do it says, and once calls succeed again everything is as if nothing had
// happened.
//
// Kills: dropped return codes of attach, heal, checkpoints, restore, verify, repair, unlock.
//
// SAFECHUNK_FAULT_STRIDE   only one in so many calls fails, another one for each error (default 1);
//                          ten times as many in places other than a project

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "api/engine_access.h"
#include "archive/zip_reader.h"
#include "storage/files/inspection.h"
#include "storage/project/lock.h"
#include "support/fake_process.h"
#include "support/manual_clock.h"
#include "support/place.h"
#include "support/setting.h"
#include "support/sim_file_system.h"
#include "unit/archive/memory_stream.h"

namespace safechunk::test {
namespace {

using State = std::map<std::string, std::string>;  // chunk -> its text, or its error

// --- a project

void write_as_another_program(SimFileSystem& files, const std::string& folder,
                              const std::string& name, std::string_view bytes) {
  auto directory = files.open_directory(lies_at("/project" + folder)).value();
  auto file = directory->open(name, OpenMode::create).value();
  file->truncate(0).throw_if_error();
  (void)file->write_at(0, bytes).value();
}

EngineOptions options(bool read_only, const char* base) {
  EngineOptions options = in_this_place({});
  options.base_dir = base;
  options.indent = 0;
  if (read_only) options.mode = Mode::read;
  return options;
}

// An owner with a process of its own.
struct Owner {
  explicit Owner(SimFileSystem& files, std::uint64_t token = 1, bool read_only = false,
                 const char* base = "/")
      : process(4242 + static_cast<std::int64_t>(token), token),
        engine(EngineAccess::construct(project_id(), options(read_only, base),
                                       Platform{files, clock, process})) {}

  void put(const std::string& chunk, const std::string& text) {
    engine.stage_update(std::string_view(text), chunk).throw_if_error();
  }
  State state() {
    State state;
    for (const std::string& chunk : engine.list_chunks().value()) {
      auto text = engine.fetch_chunk(chunk);
      state[chunk] = text ? *text : std::string(to_string(text.code()));
    }
    return state;
  }

  ManualClock clock;
  FakeProcess process;
  SafeChunkEngine engine;
};

const State kThen = {{"a", "1\n"}, {"b", "1\n"}, {"c", "1\n"}, {"d", "1\n"}};
const State kNow = {{"a", "2\n"}, {"b", "1\n"}, {"c", "1\n"}, {"d", "2\n"}, {"e", "[5]\n"}};

// Chunks with and without backups, and a checkpoint of an older state; nobody owns it.
void build(SimFileSystem& files) {
  Owner owner(files);
  for (const char* chunk : {"a", "b", "c", "d"}) owner.put(chunk, "1");
  (void)owner.engine.create_checkpoint("then").value();
  owner.put("a", "2");
  owner.put("d", "2");
  owner.put("e", "[5]");
  owner.engine.detach().throw_if_error();
}

// Its owner died with staged edits, and another program changed one of the files since.
std::unique_ptr<SimFileSystem> with_a_dead_owner(SimFileSystem& files) {
  std::unique_ptr<SimFileSystem> left;
  {
    Owner owner(files, 2);
    owner.put("a", "3");
    owner.put("f", "3");
    owner.put("d", "3");
    owner.engine.remove_chunk("c").throw_if_error();
    left = files.crash_clone(0, CrashModel::process);
    files.kill();
  }
  write_as_another_program(*left, "/chunks", "d.json", "77");
  write_as_another_program(*left, "/chunks", "x.d8d69596.tmp", "unfinished");
  write_as_another_program(*left, "/chunks_bak", "x.bak.176c132f.tmp", "unfinished");
  write_as_another_program(*left, "/checkpoints", "x.zip.49ea4dec.tmp", "unfinished");
  write_as_another_program(*left, "", ".journal.5e890259.tmp", "unfinished");
  auto checkpoints = left->open_directory(lies_at("/project/checkpoints")).value();
  checkpoints->make_directory(".pin-0000000000001234.395cb6cf").throw_if_error();
  write_as_another_program(*left, "/checkpoints/.pin-0000000000001234.395cb6cf", "a.json",
                           "pinned");
  return left;
}

// --- faults

struct Fault {
  int error;
  bool for_good;
};
constexpr Fault kFaults[] = {{EIO, false},    {EIO, true},     {ENOSPC, true},
                             {EACCES, false}, {EMFILE, false}, {SimFileSystem::kShort, true}};

// Fails the n-th call between arm() and disarm(), and those behind it.
class Failing {
 public:
  Failing(SimFileSystem& files, std::size_t broken, Fault fault)
      : files_(files), error_(fault.error) {
    files_.set_hook([this, broken, fault](const SimCall& call) -> std::optional<int> {
      if (!armed_ || (fault.error < 0 && !call.moves_bytes())) return std::nullopt;
      const std::size_t number = calls_++;
      if (number < broken || (number > broken && !fault.for_good)) return std::nullopt;
      if (number == broken) where_ = call.verb + " " + call.path;
      return fault.error;
    });
    description_ = "call " + std::to_string(broken) + ", errno " + std::to_string(fault.error) +
                   (fault.for_good ? " for good" : " once");
  }
  Failing(const Failing&) = delete;
  Failing& operator=(const Failing&) = delete;
  ~Failing() { files_.set_hook({}); }

  void arm() { armed_ = true; }
  void disarm() { armed_ = false; }
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] bool reached() const { return !where_.empty(); }
  [[nodiscard]] std::string text() const { return description_ + ": " + where_; }
  [[nodiscard]] bool failed_a_sync() const { return where_.starts_with("sync"); }
  [[nodiscard]] bool caused(const Error& error) const { return error.os_errno == error_; }
  // Whoever is told something else looks for the cause in the wrong place.
  void expect_cause(const Status& status) const {
    if (status.ok() || status.error().os_errno == error_) return;
    EXPECT_EQ(status.error().os_errno, 0) << status.to_text();
    EXPECT_NE(status.code(), ErrorCode::invalid_argument) << status.to_text();
  }

 private:
  SimFileSystem& files_;
  const int error_;
  bool armed_ = false;
  std::size_t calls_ = 0;
  std::string where_;
  std::string description_;
};

// Runs `run(files, failing)` on a copy of `prepared`, for every fault at every call.
template <typename Run>
void at_every_call(const SimFileSystem& prepared, Run run) {
  const auto stride =
      static_cast<std::size_t>(setting("SAFECHUNK_FAULT_STRIDE", 1) * (is_project() ? 1 : 10));
  std::size_t runs = 0;
  std::size_t first = 0;
  for (const Fault& fault : kFaults) {
    for (std::size_t broken = first++ % stride;; broken += stride) {
      auto files = prepared.crash_clone(0, CrashModel::process);
      Failing failing(*files, broken, fault);
      run(*files, failing);
      if (testing::Test::HasFailure()) FAIL() << failing.text();
      if (!failing.reached()) break;
      ++runs;
    }
  }
  EXPECT_GT(runs, 0U);
  std::printf("%zu runs with a fault\n", runs);
}

Status status_of(const Status& status) {
  return status;
}
Status status_of(bool) {
  return {};
}
template <typename Value>
Status status_of(const Result<Value>& result) {
  return result.status();
}

// An attached owner does `operation` while a call fails; then `judge(owner, result)`.
template <typename Operation, typename JudgeResult>
void while_attached(const SimFileSystem& prepared, Operation operation, JudgeResult judge) {
  at_every_call(prepared, [&](SimFileSystem& files, Failing& failing) {
    Owner owner(files, 3);
    ASSERT_TRUE(owner.engine.is_active()) << owner.engine.status().to_text();
    failing.arm();
    auto result = operation(owner.engine);
    failing.disarm();
    failing.expect_cause(status_of(result));
    judge(owner, result);
  });
}

std::size_t count_of(const SimFileSystem& files, std::string_view folder, std::string_view part) {
  std::size_t count = 0;
  for (const auto& [path, bytes] : files.contents()) {
    if (path.starts_with(folder) && path.find(part) != std::string::npos) ++count;
  }
  return count;
}

std::vector<std::string> checkpoints_of(SafeChunkEngine& engine) {
  std::vector<std::string> names;
  for (const auto& info : engine.list_checkpoints().value()) names.push_back(info.file_name);
  return names;
}

std::set<std::string> entries_of(const SimFileSystem& files, const std::string& checkpoint) {
  archive::MemorySource source(files.contents().at("project/checkpoints/" + checkpoint));
  const auto reader = archive::ZipReader::open(source);
  std::set<std::string> names;
  for (const auto& entry : reader.value().entries()) names.insert(entry.name);
  return names;
}

std::string owner_lock(const std::string& base) {
  return base.substr(1) + (base == "/" ? "" : "/") + "project/.lock";
}

class OperationFaults : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (const char* reason = no_several_chunks()) GTEST_SKIP() << reason;
    build(files_);
  }

  SimFileSystem files_{GetParam(), GetParam()};  // with stamps and links, or without both
};

// --- attach

// G8. A fault that nobody waited for is told to the first handler.
void expect_to_be_told(Owner& owner, const Failing& failing) {
  bool told = false;
  owner.engine.on_fault([&](const Error& error) { told = told || failing.caused(error); });
  owner.engine.on_fault(nullptr);
  EXPECT_TRUE(told || !owner.engine.is_active() || !failing.failed_a_sync());
}

// Kills also: an attach that is content although an fsync has failed.
TEST_P(OperationFaults, Attach) {
  const auto stale = with_a_dead_owner(files_);
  at_every_call(*stale, [&](SimFileSystem& files, Failing& failing) {
    failing.arm();
    Owner owner(files, 3);
    failing.disarm();
    expect_to_be_told(owner, failing);
    if (!owner.engine.is_active()) {
      EXPECT_FALSE(owner.engine.status().ok());
      failing.expect_cause(owner.engine.status());
      const Status again = owner.engine.attach();
      ASSERT_TRUE(again.ok()) << again.to_text();
    }
    // What could not be removed stays until the next attach, and is reported.
    const bool left =
        count_of(files, "project/", ".tmp") > 0 || count_of(files, "project/", ".pin-") > 0;
    if (left) {
      EXPECT_TRUE(failing.reached());
      EXPECT_FALSE(owner.engine.recovery_report().clean);
    }
    EXPECT_EQ(count_of(files, "project/", ".journal.5e890259.tmp"), 0U);
    const Status saved = owner.engine.force_sync();
    EXPECT_TRUE(saved.ok()) << saved.to_text();
    State state = owner.state();
    // The staged edit of d or what the other program wrote: one is there, the other is kept.
    const std::string d = state["d"];
    if (d == "77") {
      EXPECT_EQ(count_of(files, "project/quarantine/", "d.conflict"), 1U);
    } else {
      EXPECT_EQ(d, "3\n");
      EXPECT_EQ(files.contents().at("project/chunks_bak/d.bak"), "77");
    }
    state.erase("d");
    // A file that may not be read keeps its update in quarantine; the project opens all the same.
    for (const char* chunk : {"a", "f"}) {
      if (state[chunk] == "3\n" || failing.error() != EACCES) continue;
      EXPECT_EQ(count_of(files, "project/quarantine/", std::string(chunk) + ".conflict"), 1U);
      state[chunk] = "3\n";
    }
    if (failing.error() == EACCES && state.contains("c")) {  // not removed
      EXPECT_EQ(state["c"], "1\n");
      state.erase("c");
    }
    EXPECT_EQ(state, (State{{"a", "3\n"}, {"b", "1\n"}, {"e", "[5]\n"}, {"f", "3\n"}}));
    ASSERT_TRUE(owner.engine.detach().ok());
    Owner next(files, 4);
    EXPECT_TRUE(next.engine.recovery_report().clean || left);
    EXPECT_EQ(next.state()["d"], d);
    EXPECT_EQ(count_of(files, "project/", "tmp"), 0U);
    EXPECT_EQ(count_of(files, "project/", ".pin-"), 0U);
  });
}

// G1, G5: what a dead owner published, but could not sync any more, is durable when attach has said
// yes. Kills: going on although the fsync of one of its folders failed.
TEST_P(OperationFaults, AttachBehindAnUnfinishedCommit) {
  std::unique_ptr<SimFileSystem> stale;
  {
    Owner owner(files_, 2);
    owner.put("a", "3");
    files_.set_hook([&](const SimCall& call) -> std::optional<int> {
      if (call.verb == "sync_directory" && stale == nullptr) {
        stale = files_.crash_clone(0, CrashModel::process);
      }
      return std::nullopt;
    });
    owner.engine.force_sync().throw_if_error();
    files_.set_hook({});
    files_.kill();
  }
  ASSERT_EQ(stale->contents().at("project/chunks/a.json"), "3\n");
  at_every_call(*stale, [&](SimFileSystem& files, Failing& failing) {
    failing.arm();
    Owner owner(files, 3);
    failing.disarm();
    if (!owner.engine.is_active()) owner.engine.attach().throw_if_error();
    owner.engine.force_sync().throw_if_error();
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      const auto cut = files.crash_clone(seed, CrashModel::strict);
      EXPECT_EQ(Owner(*cut, 5).state().at("a"), "3\n") << "after a power cut, seed " << seed;
      EXPECT_EQ(cut->contents().at("project/chunks_bak/a.bak"), "2\n") << "seed " << seed;
    }
  });
}

// A journal that cannot be read is evidence.
TEST_P(OperationFaults, AttachToADamagedJournal) {
  auto stale = with_a_dead_owner(files_);
  write_as_another_program(*stale, "", ".journal", "this was a journal");
  at_every_call(*stale, [&](SimFileSystem& files, Failing& failing) {
    failing.arm();
    Owner owner(files, 3);
    failing.disarm();
    failing.expect_cause(owner.engine.status());
    if (!owner.engine.is_active()) owner.engine.attach().throw_if_error();
    EXPECT_EQ(owner.state(),
              (State{{"a", "2\n"}, {"b", "1\n"}, {"c", "1\n"}, {"d", "77"}, {"e", "[5]\n"}}));
    bool kept = false;
    for (const auto& [path, bytes] : files.contents()) {
      kept =
          kept || (path.starts_with("project/quarantine/journal") && bytes == "this was a journal");
    }
    EXPECT_TRUE(kept);
  });
}

// Kills: folders that are there but not durable, or whose making failed unsaid.
TEST_P(OperationFaults, AttachToANewProject) {
  const SimFileSystem empty;
  for (const char* base : {"/", "/deep/down"}) {
    if (base != std::string("/") && no_own_folder() != nullptr) continue;
    at_every_call(empty, [&](SimFileSystem& files, Failing& failing) {
      failing.arm();
      Owner owner(files, 3, false, base);
      failing.disarm();
      failing.expect_cause(owner.engine.status());
      if (!owner.engine.is_active()) owner.engine.attach().throw_if_error();
      // An original engine respects nothing but this text.
      EXPECT_TRUE(files.contents().at(owner_lock(base)).starts_with("PID: "));
      owner.put("a", "1");
      EXPECT_TRUE(owner.engine.force_sync().ok());
      EXPECT_EQ(owner.state(), (State{{"a", "1\n"}}));
      // A base folder that could be neither synced nor removed again looks like an old one.
      const bool left_behind = failing.text().find("for good: sync_directory") != std::string::npos;
      for (std::uint64_t seed = 0; seed < 4 && !left_behind; ++seed) {
        const auto cut = files.crash_clone(seed, CrashModel::strict);
        EXPECT_EQ(Owner(*cut, 5, false, base).state(), (State{{"a", "1\n"}}))
            << "after a power cut";
      }
    });
  }
}

TEST_P(OperationFaults, DetachWithAStagedUpdate) {
  while_attached(
      files_,
      [](SafeChunkEngine& engine) {
        const Status a = engine.stage_update("9", "a");
        const Status z = engine.stage_update("9", "z");
        const Status detached = engine.detach();
        return detached.ok() || (a.ok() && z.ok());
      },
      [](Owner& owner, bool kept) {
        EXPECT_FALSE(owner.engine.is_active());
        owner.engine.attach().throw_if_error();
        State state = owner.state();
        if (kept) {
          EXPECT_EQ(state["a"] + state["z"], "9\n9\n");
        }
        state.erase("z");
        EXPECT_TRUE(state == kNow || state["a"] == "9\n");
      });
}

// --- reading and healing

TEST_P(OperationFaults, FetchOfADamagedChunk) {
  write_as_another_program(files_, "/chunks", "a.json", "[gar");
  while_attached(
      files_, [](SafeChunkEngine& engine) { return engine.fetch_chunk("a"); },
      [](Owner& owner, const Result<std::string>& text) {
        if (text) {
          EXPECT_EQ(*text, "1\n");
        }
        EXPECT_EQ(owner.engine.fetch_chunk("a").value(), "1\n");
        EXPECT_EQ(owner.engine.health_report()->quarantine_files, 1U);
      });
}

TEST_P(OperationFaults, FetchOfALostChunk) {
  write_as_another_program(files_, "/chunks", "a.json", "[gar");
  write_as_another_program(files_, "/chunks_bak", "a.bak", "[bage");
  while_attached(
      files_, [](SafeChunkEngine& engine) { return engine.fetch_chunk("a"); },
      [](Owner& owner, const Result<std::string>& text) {
        EXPECT_FALSE(text.ok());
        EXPECT_EQ(owner.engine.fetch_chunk("a").code(), ErrorCode::lost);
        EXPECT_EQ(owner.engine.health_report()->quarantine_files, 2U);
      });
}

TEST_P(OperationFaults, SaveOverADamagedChunk) {
  write_as_another_program(files_, "/chunks", "a.json", "[gar");
  while_attached(
      files_,
      [](SafeChunkEngine& engine) {
        const Status staged = engine.stage_update("9", "a");
        const Status saved = engine.force_sync();
        return staged.ok() ? saved : staged;
      },
      [](Owner& owner, const Status&) {
        // Also what the journal refused was staged, and is saved now.
        EXPECT_TRUE(owner.engine.force_sync().ok());
        EXPECT_EQ(owner.state()["a"], "9\n");
        EXPECT_EQ(owner.engine.health_report()->quarantine_files, 1U);
      });
}

// Of a chunk with and of one without a backup. Kills: taking a file that could not be looked at for
// one that is not there.
TEST_P(OperationFaults, Remove) {
  for (const std::string chunk : {"a", "b"}) {
    while_attached(
        files_,
        [&](SafeChunkEngine& engine) {
          const Status staged = engine.remove_chunk(chunk);
          const Status saved = engine.force_sync();
          return staged.ok() ? saved : staged;
        },
        [&](Owner& owner, const Status& removed) {
          if (removed.ok()) {
            EXPECT_FALSE(owner.state().contains(chunk));
            // Nor does it come back from its backup.
            EXPECT_EQ(owner.engine.find_chunk(chunk).value(), std::nullopt);
          }
          EXPECT_TRUE(owner.engine.force_sync().ok());
          State expected = kNow;
          if (!owner.state().contains(chunk)) expected.erase(chunk);
          EXPECT_EQ(owner.state(), expected);
        });
  }
}

// Kills: a version that is replaced without being kept, permissions and stamps that are lost,
// success before the folders are durable.
TEST_P(OperationFaults, Save) {
  const auto before = files_.open_directory(lies_at("/project/chunks")).value();
  const auto file = before->open("a.json", OpenMode::read_write).value();
  file->set_permissions({0664, 0, 0}).throw_if_error();
  const auto expect_saved = [](SimFileSystem& files, const Failing& failing) {
    EXPECT_EQ(files.contents().at("project/chunks/a.json"), "9\n");
    EXPECT_EQ(files.contents().at("project/chunks_bak/a.bak"), "2\n");
    const auto chunks = files.open_directory(lies_at("/project/chunks")).value();
    EXPECT_EQ(chunks->stat("a.json").value().permissions.mode, 0664U);
    const auto saved_file = chunks->open("a.json", OpenMode::read).value();
    // Where stamps are refused it goes without, but not because of an error.
    const bool refused =
        !GetParam() || failing.text().find("errno 13 once: set_attribute") != std::string::npos;
    EXPECT_NE(read_stamp(*saved_file, "a").value().has_value(), refused);
  };
  at_every_call(files_, [&](SimFileSystem& files, Failing& failing) {
    Owner owner(files, 3);
    write_as_another_program(files, "/chunks", "a.749b0e0d.tmp", "in the way");
    write_as_another_program(files, "/chunks_bak", "a.bak.013f16a4.tmp", "in the way");
    failing.arm();
    const Status staged = owner.engine.stage_update("9", "a");
    const Status saved = owner.engine.force_sync();
    failing.disarm();
    failing.expect_cause(staged);
    failing.expect_cause(saved);
    EXPECT_TRUE(saved.ok() || saved.error().os_errno != 0) << saved.to_text();
    if (saved.ok()) expect_saved(files, failing);
    for (std::uint64_t seed = 0; saved.ok() && seed < 4; ++seed) {
      const auto cut = files.crash_clone(seed, CrashModel::strict);
      EXPECT_EQ(Owner(*cut, 5).state().at("a"), "9\n") << "after a power cut";
    }
    EXPECT_TRUE(owner.engine.force_sync().ok());
    expect_saved(files, failing);
  });
}

TEST_P(OperationFaults, ReadingWithoutOwning) {
  write_as_another_program(files_, "/chunks", "a.json", "[gar");
  at_every_call(files_, [&](SimFileSystem& files, Failing& failing) {
    Owner reader(files, 3, true);
    const auto before = files.contents();
    failing.arm();
    const auto names = reader.engine.list_chunks();
    State seen;
    for (const auto& [chunk, text] : kNow) {
      auto found = reader.engine.find_chunk(chunk);
      if (found) seen[chunk] = found->value_or("(missing)");
    }
    const auto health = reader.engine.health_report();
    failing.disarm();
    if (names) {
      EXPECT_EQ(names->size(), kNow.size());
    }
    for (const auto& [chunk, text] : seen) {
      EXPECT_EQ(text, chunk == "a" ? "1\n" : kNow.at(chunk)) << chunk;
    }
    if (health) {
      EXPECT_EQ(health->shards, kNow.size());
    }
    EXPECT_EQ(files.contents(), before);
  });
}

TEST_P(OperationFaults, Verify) {
  write_as_another_program(files_, "/chunks", "a.json", "[gar");
  std::map<std::string, FileVerdict::State> expected;
  while_attached(
      files_, [](SafeChunkEngine& engine) { return engine.verify(); },
      [&](Owner& owner, const Result<VerifyReport>& report) {
        if (expected.empty()) {
          const VerifyReport truth = owner.engine.verify().value();
          for (const FileVerdict& file : truth.files) expected[file.path] = file.state;
          EXPECT_FALSE(truth.sound());
        }
        if (!report) return;
        EXPECT_FALSE(report->sound());
        std::set<std::string> told;
        for (const FileVerdict& file : report->files) {
          told.insert(file.path);
          // Whether there is a backup cannot be known when the folder cannot be read; and a stamp
          // that cannot be read does not make a file unreadable.
          if (file.state == FileVerdict::State::unreadable) continue;
          const FileVerdict::State truth = expected.at(file.path);
          const bool without_its_backup =
              truth == FileVerdict::State::healable && file.state == FileVerdict::State::lost;
          EXPECT_TRUE(file.state == truth || file.state == FileVerdict::State::unstamped ||
                      without_its_backup)
              << file.path << " " << to_string(file.state);
        }
        for (const auto& [path, state] : expected) EXPECT_TRUE(told.contains(path)) << path;
      });
}

// Kills: going on when the progress handler says stop.
TEST_P(OperationFaults, VerifyStopsWhenItIsTold) {
  Owner owner(files_, 3);
  std::uint64_t steps = 0;
  const auto count = [&](std::uint64_t, std::uint64_t) { return ++steps > 0; };
  ASSERT_TRUE(owner.engine.verify(count).ok());
  for (std::uint64_t last = 1; last <= steps; ++last) {
    const auto stop = [&](std::uint64_t done, std::uint64_t) { return done != last; };
    EXPECT_EQ(owner.engine.verify(stop).code(), ErrorCode::cancelled) << last;
  }
}

// Kills: a repair that is content with having read the backup.
TEST_P(OperationFaults, Repair) {
  write_as_another_program(files_, "/chunks", "a.json", "[gar");
  at_every_call(files_, [&](SimFileSystem& files, Failing& failing) {
    Owner owner(files, 3);
    failing.arm();
    const Status repaired = owner.engine.repair();
    failing.disarm();
    for (std::uint64_t seed = 0; repaired.ok() && seed < 4; ++seed) {
      const auto cut = files.crash_clone(seed, CrashModel::strict);
      EXPECT_EQ(cut->contents().at("project/chunks/a.json"), "1\n") << "after a power cut";
    }
    EXPECT_TRUE(owner.engine.repair().ok());
    State expected = kNow;
    expected["a"] = "1\n";
    EXPECT_EQ(owner.state(), expected);
  });
}

// --- checkpoints

TEST_P(OperationFaults, CreateCheckpoint) {
  at_every_call(files_, [&](SimFileSystem& files, Failing& failing) {
    Owner owner(files, 3);
    failing.arm();
    const auto name = owner.engine.create_checkpoint("now");
    failing.disarm();
    failing.expect_cause(name.status());
    const auto listed = checkpoints_of(owner.engine);
    EXPECT_LE(listed.size(), 2U);
    // After an error there is no new one, or the error says that it is there.
    const bool there = std::any_of(listed.begin(), listed.end(), [](const std::string& file) {
      return file.starts_with("checkpoint_now_");
    });
    const bool said_so = name.status().error().message.find("checkpoint_now_") != std::string::npos;
    EXPECT_EQ(there, name.ok() || said_so) << name.status().to_text();
    for (std::uint64_t seed = 0; name && seed < 4; ++seed) {
      const auto cut = files.crash_clone(seed, CrashModel::strict);
      EXPECT_TRUE(cut->contents().contains("project/checkpoints/" + *name)) << "after a power cut";
    }
    const std::string made = name ? *name : owner.engine.create_checkpoint("now").value();
    EXPECT_TRUE(owner.engine.verify_checkpoint(made).ok());
    EXPECT_EQ(entries_of(files, made),
              (std::set<std::string>{"checkpoint_meta.json", "chunks/a.json", "chunks/b.json",
                                     "chunks/c.json", "chunks/d.json", "chunks/e.json",
                                     "chunks_bak/a.bak", "chunks_bak/d.bak"}));
    owner.put("a", "99");
    owner.put("new", "99");
    owner.engine.restore_checkpoint(made).throw_if_error();
    EXPECT_EQ(owner.state(), kNow);
  });
}

TEST_P(OperationFaults, CreateCheckpointHealsFirst) {
  write_as_another_program(files_, "/chunks", "a.json", "[gar");
  while_attached(
      files_, [](SafeChunkEngine& engine) { return engine.create_checkpoint("now"); },
      [](Owner& owner, const Result<std::string>& name) {
        const std::string made = name ? *name : owner.engine.create_checkpoint("now").value();
        owner.put("a", "99");
        owner.engine.restore_checkpoint(made).throw_if_error();
        State expected = kNow;
        expected["a"] = "1\n";
        EXPECT_EQ(owner.state(), expected);
      });
}

TEST_P(OperationFaults, RestoreCheckpoint) {
  while_attached(
      files_,
      [](SafeChunkEngine& engine) {
        const auto list = engine.list_checkpoints();
        if (!list) return list.status();
        return engine.restore_checkpoint(list->at(0).file_name);
      },
      [](Owner& owner, const Status& restored) {
        const State state = owner.state();
        EXPECT_TRUE(state == kThen || (!restored.ok() && state == kNow));
        EXPECT_TRUE(owner.engine.force_sync().ok());
        EXPECT_EQ(owner.state(), state);
      });
}

TEST_P(OperationFaults, ListAndVerifyCheckpoints) {
  while_attached(
      files_,
      [](SafeChunkEngine& engine) -> Status {
        const auto list = engine.list_checkpoints();
        if (!list) return list.status();
        EXPECT_EQ(list->size(), 1U);
        return engine.verify_checkpoint(list->at(0).file_name);
      },
      [](Owner& owner, const Status&) {
        EXPECT_TRUE(owner.engine.verify_checkpoint(checkpoints_of(owner.engine).at(0)).ok());
      });
}

TEST_P(OperationFaults, DeleteCheckpoint) {
  const std::string name = Owner(files_, 9).engine.list_checkpoints()->at(0).file_name;
  while_attached(
      files_, [&](SafeChunkEngine& engine) { return engine.delete_checkpoint(name); },
      [](Owner& owner, const Status& deleted) {
        if (deleted.ok()) {
          EXPECT_TRUE(checkpoints_of(owner.engine).empty());
        }
        EXPECT_EQ(owner.state(), kNow);
      });
}

TEST_P(OperationFaults, Unlock) {
  write_as_another_program(files_, "", ".lock", "PID: 99\n");
  at_every_call(files_, [&](SimFileSystem& files, Failing& failing) {
    ManualClock clock;
    FakeProcess process;
    auto root = files.open_directory(lies_at("/project")).value();
    failing.arm();
    const Status unlocked = ProjectLock::remove_stale(*root, {files, clock, process}, false);
    failing.disarm();
    failing.expect_cause(unlocked);
    if (unlocked.ok()) {
      EXPECT_FALSE(files.contents().contains("project/.lock"));
    }
    EXPECT_EQ(Owner(files, 3).state(), kNow);
  });
}

// --- turns of several processes

// A process that writes in turn with others. It never waits, because nobody may hold the lock
// between turns.
struct Sharer {
  Sharer(SimFileSystem& files, std::uint64_t token)
      : process(4242 + static_cast<std::int64_t>(token), token),
        engine(EngineAccess::construct(project_id(), shared_options(),
                                       Platform{files, clock, process})) {}

  static EngineOptions shared_options() {
    EngineOptions result = options(false, "/");
    result.mode = Mode::shared;
    result.lock_timeout = std::chrono::milliseconds(0);
    return result;
  }

  ManualClock clock;
  FakeProcess process;
  SafeChunkEngine engine;
};

// What a turn is to leave, and what it said.
struct Turn {
  std::map<std::string, std::optional<std::string>> wanted;
  Status status;

  // Whole or not at all; whole when it was acknowledged or is said to be in the journal.
  void judge(const SimFileSystem& files, const State& before) const {
    const auto contents = files.contents();
    bool all = true;
    bool none = true;
    for (const auto& [chunk, text] : wanted) {
      const auto file = contents.find("project/chunks/" + chunk + ".json");
      std::optional<std::string> now;
      if (file != contents.end()) now = file->second;
      std::optional<std::string> then;
      if (const auto old = before.find(chunk); old != before.end()) then = old->second;
      all = all && now == text;
      none = none && now == then;
    }
    const bool kept = status.to_text().find("kept in the journal") != std::string::npos;
    EXPECT_TRUE(all || (none && !status.ok() && !kept))
        << wanted.begin()->first << ": " << status.to_text();
  }
};

std::vector<Turn> take_turns(SafeChunkEngine& engine) {
  std::vector<Turn> turns;
  turns.push_back({{{"a", "9\n"}}, engine.stage_update("9", "a")});
  turns.push_back({{{"b", "9\n"}}, engine.update("b", [](const ChunkRead&) -> Result<std::string> {
                     return std::string("9");
                   })});
  auto transaction = engine.transaction();
  transaction.stage("9", "c").throw_if_error();
  transaction.remove("d").throw_if_error();
  turns.push_back({{{"c", "9\n"}, {"d", std::nullopt}}, transaction.commit()});
  turns.push_back({{{"e", std::nullopt}}, engine.remove_chunk("e")});
  return turns;
}

// What a turn could not save it reports, and neither it nor its lock is in the way of others.
// Kills: an update that is lost and acknowledged, a lock that stays held, an end of a turn that
// says nothing of what it has left behind.
TEST_P(OperationFaults, Turns) {
  at_every_call(files_, [&](SimFileSystem& files, Failing& failing) {
    Sharer one(files, 3);
    Sharer two(files, 5);
    ASSERT_TRUE(one.engine.is_active() && two.engine.is_active());
    two.engine.stage_update("1", "other").throw_if_error();  // so that a turn goes on lightly
    failing.arm();
    const std::vector<Turn> turns = take_turns(one.engine);
    failing.disarm();
    for (const Turn& turn : turns) failing.expect_cause(turn.status);
    const Status next = two.engine.stage_update("2", "other");
    ASSERT_TRUE(next.ok()) << next.to_text();
    for (const Turn& turn : turns) turn.judge(files, kNow);
    EXPECT_EQ(files.contents().at("project/chunks/other.json"), "2\n");
    const State state = Owner(*files.crash_clone(0, CrashModel::process), 7).state();
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      const auto cut = files.crash_clone(seed, CrashModel::strict);
      EXPECT_EQ(Owner(*cut, 7).state(), state) << "after a power cut";
    }
    EXPECT_TRUE(one.engine.stage_update("3", "other").ok());
  });
}

// The same for the first turn, which opening is.
TEST_P(OperationFaults, FirstTurnBehindADeadOwner) {
  const auto stale = with_a_dead_owner(files_);
  at_every_call(*stale, [&](SimFileSystem& files, Failing& failing) {
    failing.arm();
    Sharer one(files, 3);
    failing.disarm();
    failing.expect_cause(one.engine.status());
    Sharer two(files, 5);
    ASSERT_TRUE(two.engine.is_active()) << two.engine.status().to_text();
    const Status next = two.engine.stage_update("1", "other");
    ASSERT_TRUE(next.ok()) << next.to_text();
    const auto contents = files.contents();
    for (const char* chunk : {"a", "f"}) {
      // A file that may not be read keeps its update in quarantine.
      const auto file = contents.find("project/chunks/" + std::string(chunk) + ".json");
      const bool saved = file != contents.end() && file->second == "3\n";
      EXPECT_TRUE(saved || failing.error() == EACCES) << chunk;
      if (saved) continue;
      EXPECT_EQ(count_of(files, "project/quarantine/", std::string(chunk) + ".conflict"), 1U);
    }
  });
}

// Memory that fails at a call of a turn. Kills: a lock text of a process that has no turn any more.
TEST_P(OperationFaults, TurnsWithoutMemory) {
  static const std::set<std::string> kVerbs = {"create",    "write_at", "sync",
                                               "sync_data", "rename",   "sync_directory"};
  std::size_t runs = 0;
  for (std::size_t broken = 0;; ++broken, ++runs) {
    auto files = files_.crash_clone(0, CrashModel::process);
    Sharer one(*files, 3);
    Sharer two(*files, 5);
    std::size_t calls = 0;
    files->set_hook([&](const SimCall& call) -> std::optional<int> {
      // The clean-up behind an exception needs none.
      if (kVerbs.contains(call.verb) && !call.path.ends_with("/.lock") && calls++ == broken) {
        throw std::bad_alloc();
      }
      return std::nullopt;
    });
    Turn turn{{{"c", "9\n"}, {"d", std::nullopt}}, Status(ErrorCode::io_error, "no memory")};
    try {
      auto transaction = one.engine.transaction();
      transaction.stage("9", "c").throw_if_error();
      transaction.remove("d").throw_if_error();
      turn.status = transaction.commit();
    } catch (const std::bad_alloc&) {  // NOLINT: as the status says
    }
    files->set_hook({});
    // Readers must not take the process for one that has its turn: it lives.
    EXPECT_FALSE(files->contents().at("project/.lock").starts_with("PID: ")) << broken;
    const Status next = two.engine.stage_update("2", "other");
    ASSERT_TRUE(next.ok()) << next.to_text();
    turn.judge(*files, kNow);
    if (HasFailure()) FAIL() << "call " << broken;
    if (calls <= broken) break;
  }
  EXPECT_GT(runs, 5U);
  std::printf("%zu runs without memory\n", runs);
}

INSTANTIATE_TEST_SUITE_P(All, OperationFaults, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "with" : "without") + "_stamps_and_links";
});

}  // namespace
}  // namespace safechunk::test
