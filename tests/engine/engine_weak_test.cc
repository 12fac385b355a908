// File systems that lack something: locks, or an fsync for folders. Kills: an error that does not
// say what is missing; going on without it unasked; two owners where the text of the lock shows the
// other one; an option that weakens something where nothing is missing.

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine_bench.h"
#include "platform/platform.h"
#include "platform/posix_error.h"
#include "support/forwarding_file_system.h"
#include "support/temporary_folder.h"

namespace safechunk::test {
namespace {

using Names = std::vector<std::string>;

EngineOptions weak(bool locks, bool folders) {
  EngineOptions options;
  options.weak_locks = locks;
  options.weak_folders = folders;
  return options;
}

// What FUSE and network file systems may answer.
class EngineWithoutLocks : public testing::TestWithParam<int> {
 protected:
  EngineWithoutLocks() {
    machine_.files.set_hook([](const SimCall& call) -> std::optional<int> {
      return call.verb == "try_lock" ? std::optional(GetParam()) : std::nullopt;
    });
  }
  // The engine of another process.
  SafeChunkEngine engine_of(FakeProcess& process, EngineOptions options = weak(true, false)) {
    options.base_dir = "/";
    return EngineAccess::construct("project", options, {machine_.files, machine_.clock, process});
  }
  static void expect_locked(const SafeChunkEngine& engine) {
    EXPECT_EQ(engine.status().code(), ErrorCode::locked) << engine.status().to_text();
  }

  Machine machine_;
  FakeProcess other_{600, 7};
};

INSTANTIATE_TEST_SUITE_P(All, EngineWithoutLocks, testing::Values(ENOLCK, ENOSYS, EOPNOTSUPP));

TEST_P(EngineWithoutLocks, TheErrorSaysWhatIsMissingAndWhatCanBeDone) {
  const auto engine = machine_.engine();
  const Error error = engine.status().error();
  EXPECT_FALSE(engine.is_active());
  EXPECT_EQ(error.os_errno, GetParam());
  for (const char* words : {"no locks", "G9", "weak_locks"}) {
    EXPECT_NE(error.message.find(words), std::string::npos) << error.message;
  }
  // At once, without waiting for the file that the attempt has made.
  EXPECT_TRUE(machine_.engine(weak(true, false)).is_active());
}

TEST_P(EngineWithoutLocks, TheOptionGoesOnAndHealthSaysSo) {
  auto engine = machine_.engine(weak(true, false));
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  put(engine, "a", "1");
  save(engine);
  EXPECT_EQ(engine.health_report()->weakened, Names{"locks"});
  ASSERT_TRUE(engine.detach().ok());
  EXPECT_FALSE(machine_.file(".lock"));
  EXPECT_EQ(engine.health_report()->weakened, Names{});
}

TEST_P(EngineWithoutLocks, TheTextKeepsASecondOwnerOut) {
  const auto engine = machine_.engine(weak(true, false));
  ASSERT_TRUE(engine.is_active());
  expect_locked(machine_.engine(weak(true, false)));  // of this process
  other_.others[machine_.process.pid()] = {machine_.process.pid(), 1000.0, "test"};
  expect_locked(engine_of(other_));
  EXPECT_TRUE(engine.is_active());
}

TEST_P(EngineWithoutLocks, TheLockOfADeadOwnerIsTakenOver) {
  auto dead = std::make_unique<SafeChunkEngine>(machine_.engine(weak(true, false)));
  ASSERT_TRUE(dead->is_active());
  auto next = engine_of(other_);  // for which no process 4242 lives
  ASSERT_TRUE(next.is_active()) << next.status().to_text();
  EXPECT_FALSE(next.recovery_report().clean);
  (void)dead->stage_update("1", "a");
  EXPECT_EQ(dead->force_sync().code(), ErrorCode::not_owner) << "its lock was taken";
  for (const auto& [path, bytes] : machine_.files.contents()) {
    EXPECT_FALSE(path.starts_with("project/.lock.")) << path << " was left behind";
  }
  EXPECT_FALSE(dead->detach().ok());
  EXPECT_TRUE(machine_.file(".lock")) << "it is the next one's";
}

// Its maker was killed. decide_weak_lock() leaves it to a maker that lives.
TEST_P(EngineWithoutLocks, AnOldLockWithoutATextIsTakenOver) {
  auto base = machine_.files.open_directory("/").value();
  base->make_directory("project").throw_if_error();
  auto project = base->open_directory("project").value();
  auto file = project->open(".lock", OpenMode::create_exclusive, 0644).value();  // from 1970
  EXPECT_TRUE(machine_.engine(weak(true, false)).is_active());
}

TEST(EngineWeak, TheOptionsChangeNothingWhereNothingIsMissing) {
  Machine machine;
  auto engine = machine.engine(weak(true, true));
  put(engine, "a", "1");
  save(engine);
  EXPECT_EQ(engine.health_report()->weakened, Names{});
  FakeProcess other(600, 7);
  EngineOptions options = weak(true, true);
  options.base_dir = "/";
  const auto second =
      EngineAccess::construct("project", options, {machine.files, machine.clock, other});
  EXPECT_EQ(second.status().code(), ErrorCode::locked) << "the kernel lock decides";
}

// --- folders

class EngineWithoutFolderSync : public testing::TestWithParam<int> {
 protected:
  EngineWithoutFolderSync() { refuse(); }
  void refuse() {
    machine_.files.set_hook([](const SimCall& call) -> std::optional<int> {
      return call.verb == "sync_directory" ? std::optional(GetParam()) : std::nullopt;
    });
  }
  Machine machine_;
};

INSTANTIATE_TEST_SUITE_P(All, EngineWithoutFolderSync, testing::Values(EINVAL, EOPNOTSUPP));

TEST_P(EngineWithoutFolderSync, TheErrorSaysWhatIsMissingAndWhatCanBeDone) {
  const auto engine = machine_.engine();
  const Error error = engine.status().error();
  EXPECT_FALSE(engine.is_active());
  EXPECT_EQ(error.os_errno, GetParam());
  for (const char* words : {"fsync of a folder", "G1", "weak_folders"}) {
    EXPECT_NE(error.message.find(words), std::string::npos) << error.message;
  }
}

TEST_P(EngineWithoutFolderSync, TheOptionGoesOnAndHealthSaysSo) {
  auto engine = machine_.engine(weak(false, true));
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  for (const char* text : {"1", "2"}) {
    put(engine, "a", text);
    save(engine);
  }
  const auto checkpoint = engine.create_checkpoint();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().to_text();
  put(engine, "a", "3");
  ASSERT_TRUE(engine.restore_checkpoint(*checkpoint).ok());
  EXPECT_EQ(engine.fetch_chunk("a").value(), "2\n");
  machine_.files.set_hook({});
  machine_.write("chunks", "a.json", "[");  // by another program, which syncs the folder
  refuse();
  EXPECT_EQ(engine.fetch_chunk("a").value(), "2\n");
  EXPECT_EQ(engine.health_report()->weakened, Names{"folders"});
  EXPECT_TRUE(engine.detach().ok());
}

// Other errors of an fsync are errors as ever.
TEST(EngineWeak, AFolderThatCannotBeSyncedForOtherReasonsIsNoWeakOne) {
  Machine machine;
  machine.files.set_hook([](const SimCall& call) -> std::optional<int> {
    return call.verb == "sync_directory" ? std::optional(EIO) : std::nullopt;
  });
  EXPECT_EQ(machine.engine(weak(true, true)).status().error().os_errno, EIO);
}

// --- the real file system, with the calls passed on

class RefusingFileSystem final : public ForwardingFileSystem {
 public:
  using ForwardingFileSystem::ForwardingFileSystem;

 private:
  std::optional<Status> instead(const char* verb, const std::string& name) override {
    const bool refused = std::string_view(verb) == "try_lock" ||
                         (std::string_view(verb) == "sync" && name == "folder");
    if (!refused) return std::nullopt;
    return status_from_errno(EOPNOTSUPP, verb, name);
  }
};

TEST(EngineWeak, BothAtOnceOnRealFiles) {
  const TemporaryFolder folder;
  RefusingFileSystem files(system_file_system());
  EngineOptions options = weak(true, true);
  options.base_dir = folder.string();
  const Platform platform{files, system_clock(), system_process()};
  auto engine = EngineAccess::construct("project", options, platform);
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  for (const char* text : {"1", "2"}) {
    put(engine, "a", text);
    save(engine);
  }
  EXPECT_EQ(engine.health_report()->weakened, (Names{"locks", "folders"}));
  EXPECT_EQ(read_file(folder / "project/chunks_bak/a.bak"), "1\n");
  EXPECT_EQ(EngineAccess::construct("project", options, platform).status().code(),
            ErrorCode::locked);
  ASSERT_TRUE(engine.detach().ok());
}

}  // namespace
}  // namespace safechunk::test
