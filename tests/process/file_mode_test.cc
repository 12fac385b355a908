// EngineOptions::file_mode: stores with secrets (G14). Kills: a file that is open to others for a
// moment, because its mode is set after it was made; a temporary file, a backup, an archive or a
// copy in quarantine that is forgotten.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "api/engine_access.h"
#include "platform/platform.h"
#include "support/child_process.h"
#include "support/file_system_probe.h"
#include "support/forwarding_file_system.h"

namespace safechunk {
namespace {

using test::Child;
using test::leave;
using test::require;
using test::require_ok;
using test::TemporaryFolder;
using test::write_long_ago;
namespace fs = std::filesystem;

constexpr std::uint32_t kSecret = 0600;

// Notes every mode with which a file or folder is made, or which it gets later.
class WatchedModes final : public test::ForwardingFileSystem {
 public:
  using ForwardingFileSystem::ForwardingFileSystem;
  void require_secret() const {
    for (const std::string& found : open_to_others) require(false, found);
    require(files > 0, "no file was made");
  }
  std::vector<std::string> open_to_others;
  int files = 0;

 private:
  void mode_of_file(const std::string& name, std::uint32_t mode) override {
    ++files;
    if ((mode & ~0600U) != 0) note("file", name, mode);
  }
  void mode_of_folder(const std::string& name, std::uint32_t mode) override {
    if ((mode & ~0700U) != 0) note("folder", name, mode);
  }
  void note(const std::string& what, const std::string& name, std::uint32_t mode) {
    open_to_others.push_back(what + " " + name + " with mode " + std::to_string(mode));
  }
};

class FileMode : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
    umask_ = ::umask(0);
  }
  void TearDown() override { ::umask(umask_); }

  [[nodiscard]] EngineOptions options(std::uint32_t mode) const {
    EngineOptions options = test::patient_options_in(folder_);
    options.base_dir += "/new/base";
    options.file_mode = mode;
    return options;
  }
  void save(std::uint32_t mode, const std::string& text, const std::string& chunk = "a") const {
    SafeChunkEngine engine("project", options(mode));
    require_ok(engine.stage_update(text, chunk), "stage_update");
    require_ok(engine.force_sync(), "force_sync");
    require_ok(engine.detach(), "detach");
  }
  [[nodiscard]] mode_t mode_of(const std::string& name) const {
    struct stat info {};
    EXPECT_EQ(::lstat((project_ / name).c_str(), &info), 0) << name;
    return info.st_mode & 07777U;
  }
  void expect_secret() const {
    for (const auto& entry : fs::recursive_directory_iterator(project_)) {
      const std::string name = fs::relative(entry.path(), project_);
      EXPECT_EQ(mode_of(name), entry.is_directory() ? 0700U : 0600U) << name;
    }
  }

  const TemporaryFolder folder_;
  const fs::path project_ = folder_ / "new/base/project";

 private:
  mode_t umask_ = 0;
};

TEST_F(FileMode, NoFileIsEverOpenToOthers) {
  Child first([&] {
    WatchedModes watched(system_file_system());
    Platform platform{watched, system_clock(), system_process()};
    auto engine = EngineAccess::construct("project", options(kSecret), platform);
    require_ok(engine.status(), "attach");
    for (const char* text : {"[1]", "[2]"}) {
      for (const char* chunk : {"a", "b"}) {
        require_ok(engine.stage_update(text, chunk), "stage_update");
      }
      require_ok(engine.force_sync(), "force_sync");
    }
    require_ok(engine.create_checkpoint().status(), "create_checkpoint");
    write_long_ago(project_ / "chunks/a.json", "[");
    require_ok(engine.fetch_chunk("a").status(), "fetch_chunk");
    require(fs::exists(project_ / "quarantine"), "nothing is in quarantine");
    require_ok(engine.stage_update("[3]", "c"), "stage_update");
    watched.require_secret();
    leave(0);  // without a detach: lock and journal stay
  });
  ASSERT_EQ(first.wait(), 0);
  expect_secret();
  Child second([&] {
    WatchedModes watched(system_file_system());
    Platform platform{watched, system_clock(), system_process()};
    auto engine = EngineAccess::construct("project", options(kSecret), platform);
    require_ok(engine.status(), "attach");
    require(engine.fetch_chunk("c").value() == "[\n    3\n]\n", "the journal is lost");
    const auto checkpoints = engine.list_checkpoints();
    require_ok(checkpoints.status(), "list_checkpoints");
    require_ok(engine.restore_checkpoint(checkpoints->front().file_name), "restore_checkpoint");
    require_ok(engine.detach(), "detach");
    watched.require_secret();
  });
  ASSERT_EQ(second.wait(), 0);
  expect_secret();
}

TEST_F(FileMode, AChunkThatAllowsMoreIsTightenedByItsNextSave) {
  save(0, "[1]");
  EXPECT_EQ(mode_of("chunks/a.json"), 0666U);
  save(kSecret, "[1]");
  EXPECT_EQ(mode_of("chunks/a.json"), kSecret) << "the text is the same";
  save(0, "[2]");
  EXPECT_EQ(mode_of("chunks/a.json"), kSecret) << "a mode survives saves";
}

TEST_F(FileMode, TheBackupOfAChunkThatAllowedMoreIsTightenedToo) {
  save(0, "[1]");
  save(kSecret, "[2]");
  EXPECT_EQ(mode_of("chunks/a.json"), kSecret);
  EXPECT_EQ(mode_of("chunks_bak/a.bak"), kSecret);
  EXPECT_EQ(test::read_file(project_ / "chunks_bak/a.bak"), "[\n    1\n]\n");
}

TEST_F(FileMode, ADamagedChunkThatAllowedMoreIsTightenedInQuarantine) {
  save(0, "[1]");
  save(0, "[2]");
  write_long_ago(project_ / "chunks/a.json", "[");
  save(kSecret, "[3]");
  EXPECT_EQ(mode_of("chunks/a.json"), kSecret);
  EXPECT_EQ(mode_of("chunks_bak/a.bak"), kSecret);
  for (const auto& entry : fs::directory_iterator(project_ / "quarantine")) {
    EXPECT_EQ(mode_of("quarantine/" + entry.path().filename().string()), kSecret);
  }
}

TEST_F(FileMode, AHealTightensToo) {
  save(0, "[1]");
  save(0, "[2]");
  write_long_ago(project_ / "chunks/a.json", "[");
  SafeChunkEngine engine("project", options(kSecret));
  EXPECT_EQ(engine.fetch_chunk("a").value(), "[\n    1\n]\n");
  EXPECT_EQ(mode_of("chunks/a.json"), kSecret);
}

TEST_F(FileMode, ARestoreGivesEachChunkItsModeBack) {
  for (const char* chunk : {"a", "b", "c"}) save(0, "[1]", chunk);
  ASSERT_EQ(::chmod((project_ / "chunks/a.json").c_str(), 0640), 0);
  ASSERT_EQ(::chmod((project_ / "chunks/b.json").c_str(), 0600), 0);
  SafeChunkEngine engine("project", options(0));
  const auto name = engine.create_checkpoint();
  ASSERT_TRUE(name.ok());
  ASSERT_EQ(::chmod((project_ / "chunks/a.json").c_str(), 0604), 0);
  ASSERT_TRUE(engine.remove_chunk("b").ok());
  ASSERT_TRUE(engine.stage_update("[2]", "c").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  ASSERT_TRUE(engine.restore_checkpoint(*name).ok());
  EXPECT_EQ(mode_of("chunks/a.json"), 0640U) << "the text is the same";
  EXPECT_EQ(mode_of("chunks/b.json"), 0600U) << "it was not there";
  EXPECT_EQ(mode_of("chunks/c.json"), 0666U);
  ASSERT_TRUE(engine.detach().ok());

  SafeChunkEngine secret("project", options(kSecret));
  ASSERT_TRUE(secret.restore_checkpoint(*name).ok());
  EXPECT_EQ(mode_of("chunks/a.json"), kSecret) << "the option is the most that is given";
}

// What a killed restore has left in the journal gives the modes, too.
TEST_F(FileMode, TheJournalOfARestoreKeepsTheModes) {
  save(0, "[1]");
  ASSERT_EQ(::chmod((project_ / "chunks/a.json").c_str(), 0640), 0);
  Child child([&] {
    class LeaveAtTheRename final : public test::ForwardingFileSystem {
     public:
      using ForwardingFileSystem::ForwardingFileSystem;
      bool armed = false;

     private:
      void before(const char* verb, const std::string& name, std::size_t /*bytes*/) override {
        const bool chunk = name.starts_with("a.") && name.ends_with(".tmp");
        if (armed && chunk && std::string_view(verb) == "rename") leave(0);
      }
      void after(const char* /*verb*/, const std::string& /*name*/) override {}
    } files(system_file_system());
    Platform platform{files, system_clock(), system_process()};
    auto engine = EngineAccess::construct("project", options(0), platform);
    const auto name = engine.create_checkpoint();
    require_ok(name.status(), "create_checkpoint");
    require(::chmod((project_ / "chunks/a.json").c_str(), 0600) == 0, "chmod");
    files.armed = true;
    (void)engine.restore_checkpoint(*name);
    require(false, "nothing was renamed");
  });
  ASSERT_EQ(child.wait(), 0);
  EXPECT_EQ(mode_of("chunks/a.json"), 0600U);
  SafeChunkEngine engine("project", options(0));
  ASSERT_TRUE(engine.is_active());
  EXPECT_EQ(mode_of("chunks/a.json"), 0640U);
}

TEST_F(FileMode, OnlyModesThatMakeSenseAreAccepted) {
  for (const std::uint32_t mode : {0400U, 0700U, 01600U, 0066U}) {
    EXPECT_EQ(SafeChunkEngine("project", options(mode)).status().code(),
              ErrorCode::invalid_argument)
        << mode;
  }
  EXPECT_FALSE(fs::exists(project_));
}

}  // namespace
}  // namespace safechunk
