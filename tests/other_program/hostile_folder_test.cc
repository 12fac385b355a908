// A folder as others may leave it: planted files, missing permissions, edits, bad names (G5, G6,
// G12, G14). Whatever is planted: an error or the right data, no hang, and nothing outside
// changed.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <safechunk/nlohmann.hpp>

#include "support/child_process.h"
#include "support/file_system_probe.h"
#include "support/folder_listing.h"
#include "support/place.h"
#include "support/small_project.h"

namespace safechunk {
namespace {

using test::Child;
using test::kFirst;
using test::kSecond;
using test::kThird;
using test::listing_of;
using test::make_project;
using test::options_in;
using test::read_file;
using test::require;
using test::require_code;
using test::require_ok;
using test::stamps_work;
using test::TemporaryFolder;
using test::Told;
using test::write_file;
namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;
constexpr const char* kSecret = "{\"secret\": 1}\n";

// --- planted files

enum class Plant { fifo, folder, dangling_symlink, symlink_to_file, symlink_to_folder };
constexpr std::array kPlants = {Plant::fifo, Plant::folder, Plant::dangling_symlink,
                                Plant::symlink_to_file, Plant::symlink_to_folder};

class Planted : public testing::TestWithParam<Plant> {
 protected:
  void SetUp() override {
    if (GetParam() == Plant::fifo && !test::can_make_fifos()) {
      GTEST_SKIP() << "this file system has no FIFOs";
    }
    if (GetParam() != Plant::fifo && GetParam() != Plant::folder && !test::can_symlink()) {
      GTEST_SKIP() << "this file system has no symbolic links";
    }
    ::alarm(60);  // a hang is a failure
    fs::create_directory(folder_ / "outside");
    write_file(folder_ / "outside/victim", kSecret);
    make_project(folder_);
    outside_ = listing_of(folder_ / "outside");
  }
  void TearDown() override {
    ::alarm(0);
    if (IsSkipped()) return;
    EXPECT_EQ(listing_of(folder_ / "outside"), outside_) << "something outside was changed";
    EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
  }

  // Puts the planted thing in the place of whatever is there.
  void plant(const std::string& place) {
    const fs::path path = folder_ / ("project/" + place);
    fs::remove_all(path);
    switch (GetParam()) {
      case Plant::fifo:
        ASSERT_EQ(::mkfifo(path.c_str(), 0666), 0);
        break;
      case Plant::folder:
        fs::create_directory(path);
        break;
      case Plant::dangling_symlink:
        fs::create_symlink(folder_ / "nowhere", path);
        break;
      case Plant::symlink_to_file:
        fs::create_symlink(folder_ / "outside/victim", path);
        break;
      case Plant::symlink_to_folder:
        fs::create_symlink(folder_ / "outside", path);
        break;
    }
  }
  [[nodiscard]] bool still_planted(const std::string& place) const {
    const auto status = fs::symlink_status(folder_ / ("project/" + place));
    switch (GetParam()) {
      case Plant::fifo:
        return fs::is_fifo(status);
      case Plant::folder:
        return fs::is_directory(status);
      default:
        return fs::is_symlink(status);
    }
  }
  [[nodiscard]] std::string chunk(const std::string& name) const {
    return read_file(folder_ / ("project/chunks/" + name + ".json"));
  }

  TemporaryFolder folder_;
  std::map<std::string, std::string> outside_;
};

// Issue: "A FIFO, folder or symlink where a chunk belongs: error, no hang, not followed."
TEST_P(Planted, WhereAChunkBelongs) {
  plant("chunks/a.json");
  std::vector<std::string> faults;
  SafeChunkEngine engine(test::project_id(), options_in(folder_));
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  EXPECT_EQ(engine.fetch_chunk("a").code(), ErrorCode::io_error);
  EXPECT_EQ(*engine.fetch_chunk("b"), kSecond);
  EXPECT_FALSE(engine.verify()->sound());
  EXPECT_EQ(engine.repair().code(), ErrorCode::io_error);
  // Rule 6: the trouble of one chunk stays with that chunk.
  engine.on_fault([&](const Error& error) { faults.push_back(error.chunk); });
  faults.clear();  // of what was read before
  EXPECT_TRUE(engine.create_checkpoint().ok());
  EXPECT_EQ(faults, std::vector<std::string>{"a"});
  engine.on_fault({});
  // Its neighbour is saved (G8); it stays staged, and is saved when the way is free.
  EXPECT_TRUE(engine.stage_update("[3]", "a").ok());
  EXPECT_TRUE(engine.stage_update("[3]", "b").ok());
  EXPECT_EQ(engine.force_sync().code(), ErrorCode::io_error);
  EXPECT_EQ(chunk("b"), kThird);
  EXPECT_TRUE(still_planted("chunks/a.json"));
  EXPECT_EQ(*engine.fetch_chunk("a"), kThird);
  fs::remove_all(folder_ / "project/chunks/a.json");
  EXPECT_TRUE(engine.force_sync().ok());
  EXPECT_EQ(chunk("a"), kThird);
}

TEST_P(Planted, WhereABackupBelongs) {
  plant("chunks_bak/a.bak");
  SafeChunkEngine engine(test::project_id(), options_in(folder_));
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  EXPECT_EQ(*engine.fetch_chunk("a"), kSecond);
  EXPECT_TRUE(engine.stage_update("[3]", "b").ok());
  EXPECT_TRUE(engine.stage_update("[3]", "a").ok());
  // Anything but a folder is replaced by the rename, without being followed.
  EXPECT_EQ(engine.force_sync().ok(), GetParam() != Plant::folder);
  EXPECT_EQ(chunk("b"), kThird);
  EXPECT_EQ(chunk("a"), GetParam() == Plant::folder ? kSecond : kThird);
  fs::remove_all(folder_ / "project/chunks_bak/a.bak");
  EXPECT_TRUE(engine.force_sync().ok());
  EXPECT_EQ(chunk("a"), kThird);
  // Not healed from there either, by an owner that has no newer version in memory.
  ASSERT_TRUE(engine.detach().ok());
  ASSERT_TRUE(engine.attach().ok());
  plant("chunks_bak/b.bak");
  test::write_long_ago(folder_ / "project/chunks/b.json", "[");
  EXPECT_FALSE(engine.fetch_chunk("b").ok());
  EXPECT_EQ(chunk("b"), "[");
}

TEST_P(Planted, WhereTheLockBelongs) {
  plant(".lock");
  SafeChunkEngine engine(test::project_id(), options_in(folder_));
  EXPECT_FALSE(engine.is_active());
  EXPECT_EQ(engine.status().code(), ErrorCode::io_error) << engine.status().to_text();
  EXPECT_EQ(*engine.fetch_chunk("a"), kSecond);
  EXPECT_TRUE(engine.health_report().ok());
  EXPECT_FALSE(unlock_project(test::project_id(), folder_.string(), false, test::place()).ok());
  EXPECT_TRUE(still_planted(".lock"));
}

TEST_P(Planted, WhereTheJournalBelongs) {
  plant(".journal");
  {
    SafeChunkEngine engine(test::project_id(), options_in(folder_));
    EXPECT_FALSE(engine.is_active());
    EXPECT_EQ(engine.status().code(), ErrorCode::io_error) << engine.status().to_text();
    EXPECT_EQ(*engine.fetch_chunk("a"), kSecond);
    EXPECT_FALSE(engine.verify()->sound());
    EXPECT_TRUE(still_planted(".journal"));
  }
  // Whoever could not open it does not keep it locked.
  EXPECT_FALSE(fs::exists(folder_ / "project/.lock"));
}

TEST_P(Planted, WhereAFolderBelongs) {
  if (const char* reason = test::no_own_folder()) GTEST_SKIP() << reason;
  if (GetParam() == Plant::folder) return;  // is what belongs there
  for (const std::string& place : std::vector<std::string>{"chunks", "chunks_bak", "checkpoints"}) {
    SCOPED_TRACE(place);
    const fs::path kept = folder_ / ("project/kept_" + place);
    fs::rename(folder_ / ("project/" + place), kept);
    plant(place);
    {
      SafeChunkEngine engine(test::project_id(), options_in(folder_));
      EXPECT_FALSE(engine.is_active());
      EXPECT_EQ(engine.status().code(), ErrorCode::io_error) << engine.status().to_text();
      if (place != "checkpoints") {
        EXPECT_FALSE(engine.fetch_chunk("a").ok());
      }
    }
    EXPECT_TRUE(still_planted(place));
    EXPECT_FALSE(fs::exists(folder_ / "project/.lock"));
    fs::remove(folder_ / ("project/" + place));
    fs::rename(kept, folder_ / ("project/" + place));
  }
  SafeChunkEngine engine(test::project_id(), options_in(folder_));
  EXPECT_EQ(*engine.fetch_chunk("a"), kSecond);
}

// Planted while the engine lives: the damaged chunk is not healed, but its backup is read.
TEST_P(Planted, WhereTheQuarantineBelongs) {
  SafeChunkEngine engine(test::project_id(), options_in(folder_));
  plant("quarantine");
  test::write_long_ago(folder_ / "project/chunks/a.json", "[");
  if (GetParam() == Plant::folder) {
    EXPECT_EQ(*engine.fetch_chunk("a"), kFirst);
    EXPECT_EQ(chunk("a"), kFirst);
    return;
  }
  Told told(engine);
  EXPECT_EQ(*engine.fetch_chunk("a"), kFirst);
  EXPECT_EQ(chunk("a"), "[");
  EXPECT_FALSE(told.faults.empty());  // G7
  // Nor is it saved over: its bytes would be lost.
  EXPECT_TRUE(engine.stage_update("[3]", "a").ok());
  EXPECT_FALSE(engine.force_sync().ok());
  EXPECT_EQ(chunk("a"), "[");
  fs::remove(folder_ / "project/quarantine");
  EXPECT_TRUE(engine.force_sync().ok());
  EXPECT_EQ(chunk("a"), kThird);
}

// field.md: "temp files follow symlinks", "stale temp files stay".
TEST_P(Planted, WhereTemporaryFilesBelong) {
  SafeChunkEngine engine(test::project_id(), options_in(folder_));
  for (const std::string& place :
       std::vector<std::string>{"chunks/a.749b0e0d.tmp", "chunks_bak/a.bak.013f16a4.tmp"}) {
    SCOPED_TRACE(place);
    plant(place);
    const std::string text = place == "chunks/a.749b0e0d.tmp" ? "[3]" : "[4]";
    EXPECT_TRUE(engine.stage_update(std::string_view(text), "a").ok());
    EXPECT_TRUE(engine.stage_update(std::string_view(text), "b").ok());
    EXPECT_EQ(engine.force_sync().ok(), GetParam() != Plant::folder);
    EXPECT_EQ(*engine.fetch_chunk("b"), chunk("b"));
    EXPECT_EQ(chunk("b")[6], text[1]);
    fs::remove_all(folder_ / ("project/" + place));
    EXPECT_TRUE(engine.force_sync().ok());
    EXPECT_EQ(chunk("a")[6], text[1]);
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(folder_ / "project/chunks/a.json")));
    EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(folder_ / "project/chunks_bak/a.bak")));
  }
}

// The same, found by attach. A folder is not a left-over of ours: it stays, and harms nobody else.
TEST_P(Planted, WhereTemporaryFilesAreCleanedUp) {
  for (const char* place : {"chunks/a.749b0e0d.tmp", "chunks_bak/a.bak.013f16a4.tmp"}) plant(place);
  SafeChunkEngine engine(test::project_id(), options_in(folder_));
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  EXPECT_EQ(fs::exists(fs::symlink_status(folder_ / "project/chunks/a.749b0e0d.tmp")),
            GetParam() == Plant::folder);
  EXPECT_EQ(*engine.fetch_chunk("a"), kSecond);
  EXPECT_TRUE(engine.stage_update("[3]", "b").ok());
  EXPECT_TRUE(engine.force_sync().ok());
}

// What is planted under the names of left-overs keeps nobody out. Kills: an attach that fails for
// good; one that removes what is in a folder of somebody else.
TEST_P(Planted, WhereOtherLeftOversAreCleanedUp) {
  const std::vector<std::string> places = {"checkpoints/x.d8d69596.tmp",
                                           "checkpoints/.pin-0000000000001234.395cb6cf",
                                           ".journal.5e890259.tmp"};
  for (const std::string& place : places) {
    plant(place);
    if (GetParam() != Plant::folder) continue;
    fs::create_directory(folder_ / ("project/" + place + "/sub"));
    write_file(folder_ / ("project/" + place + "/sub/theirs"), kSecret);
  }
  write_file(folder_ / "project/checkpoints/.pin-z", kSecret);
  {
    // Its journal must be written anew, under the temporary name.
    Child killed([&] {
      SafeChunkEngine engine(test::project_id(), options_in(folder_));
      require_ok(engine.stage_update("[3]", "a"), "stage_update");
      ::_exit(0);
    });
    ASSERT_EQ(killed.wait(), 0);
  }
  plant(".journal.5e890259.tmp");
  SafeChunkEngine engine(test::project_id(), options_in(folder_));
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  EXPECT_EQ(*engine.fetch_chunk("a"), kThird);
  EXPECT_TRUE(engine.stage_update("[4]", "b").ok());
  EXPECT_TRUE(engine.create_checkpoint().ok());
  EXPECT_TRUE(engine.detach().ok());
  EXPECT_EQ(read_file(folder_ / "project/checkpoints/.pin-z"), kSecret);
  std::size_t theirs = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "project")) {
    if (entry.path().filename() == "theirs") ++theirs;
  }
  EXPECT_EQ(theirs, GetParam() == Plant::folder ? places.size() : 0);
}

// What Emacs (a link to nowhere) and macOS (a binary file) put beside a file while it is edited or
// when it is copied. Kills: taking them for chunks, that cannot be read or are lost: no checkpoint
// could be made, nothing restored, and the project was unsound.
TEST(Companions, OfChunksAreNoChunks) {
  const TemporaryFolder folder;
  make_project(folder);
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  Told told(engine);
  const auto before = engine.create_checkpoint();
  ASSERT_TRUE(before.ok()) << before.status().to_text();
  const fs::path chunks = folder / "project/chunks";
  if (test::can_symlink()) fs::create_symlink("somebody@host.1234:1800000000", chunks / ".#a.json");
  write_file(chunks / "._a.json", std::string("\0\5\26\7", 4));
  write_file(folder / "project/chunks_bak/._a.bak", std::string("\0\5\26\7", 4));
  EXPECT_EQ(engine.list_chunks().value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(engine.verify()->sound());
  EXPECT_TRUE(engine.repair().ok());
  EXPECT_TRUE(engine.stage_update("[3]", "a").ok());
  const auto checkpoint = engine.create_checkpoint();
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status().to_text();
  EXPECT_TRUE(engine.restore_checkpoint(*before).ok());
  EXPECT_EQ(*engine.fetch_chunk("a"), kSecond);
  EXPECT_TRUE(fs::exists(chunks / "._a.json")) << "they are not ours to remove";
  EXPECT_TRUE(told.faults.empty());
  // So that no chunk is hidden by it:
  EXPECT_EQ(engine.stage_update("1", ".#a").code(), ErrorCode::invalid_name);
  EXPECT_EQ(engine.stage_update("1", "._a").code(), ErrorCode::invalid_name);
}

std::string plant_name(const testing::TestParamInfo<Plant>& info) {
  constexpr std::array kNames = {"Fifo", "Folder", "DanglingSymlink", "SymlinkToFile",
                                 "SymlinkToFolder"};
  return kNames[static_cast<std::size_t>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(Everything, Planted, testing::ValuesIn(kPlants), plant_name);

// --- permissions

// Runs `body` as somebody whom permissions bind. The folder belongs to them.
void as_nobody(const TemporaryFolder& folder, const std::function<void()>& body) {
  ::alarm(60);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(folder.path().c_str(), kNobody, kNobody), 0);
    for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
      ASSERT_EQ(::lchown(entry.path().c_str(), kNobody, kNobody), 0);
    }
  }
  Child child([&] {
    if (::geteuid() == 0) {
      require(::setgid(kNobody) == 0 && ::setuid(kNobody) == 0, "cannot become nobody");
    }
    body();
  });
  EXPECT_EQ(child.wait(), 0);
  ::alarm(0);
}

void change_mode(const fs::path& path, mode_t mode) {
  require(::chmod(path.c_str(), mode) == 0, "chmod");
}

// field.md: "unreadable (EACCES) is treated as corrupt". Unreadable is not corrupt.
TEST(Permissions, UnreadableChunkIsNotCorrupt) {
  if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
  const TemporaryFolder folder;
  make_project(folder);
  as_nobody(folder, [&] {
    const fs::path file = folder / "project/chunks/a.json";
    change_mode(file, 0);
    const auto before = listing_of(folder / "project/chunks_bak");
    SafeChunkEngine engine(test::project_id(), options_in(folder));
    require_ok(engine.status(), "attach");
    require_code(ErrorCode::permission_denied, engine.fetch_chunk("a").status(), "fetch_chunk");
    require_code(ErrorCode::permission_denied, engine.repair(), "repair");
    require_ok(engine.create_checkpoint().status(), "a checkpoint without it");
    require(engine.fetch_chunk("b").value() == kSecond, "its neighbour");
    // Nor is it saved over: what is there could not become the backup.
    require_ok(engine.stage_update("[3]", "a"), "stage_update");
    require_ok(engine.stage_update("[3]", "b"), "stage_update");
    require_code(ErrorCode::permission_denied, engine.force_sync(), "force_sync");
    require(read_file(folder / "project/chunks/b.json") == kThird, "its neighbour is saved");
    require(!fs::exists(folder / "project/quarantine"), "something went to quarantine");
    require(read_file(folder / "project/chunks_bak/a.bak") == kFirst, "its backup is untouched");
    change_mode(file, 0644);
    require(read_file(file) == kSecond, "it was changed");
    require_ok(engine.force_sync(), "force_sync once it can be read");
    require(read_file(file) == kThird, "saved");
    require(read_file(folder / "project/chunks_bak/a.bak") == kSecond, "rotated");
  });
}

TEST(Permissions, UnreadableBackupIsNotLost) {
  if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
  const TemporaryFolder folder;
  make_project(folder);
  as_nobody(folder, [&] {
    change_mode(folder / "project/chunks_bak/a.bak", 0);
    test::write_long_ago(folder / "project/chunks/a.json", "[");
    SafeChunkEngine engine(test::project_id(), options_in(folder));
    require_code(ErrorCode::permission_denied, engine.fetch_chunk("a").status(), "fetch_chunk");
    require(read_file(folder / "project/chunks/a.json") == "[", "it was changed");
    change_mode(folder / "project/chunks_bak/a.bak", 0644);
    require(engine.fetch_chunk("a").value() == kFirst, "healed once its backup can be read");
  });
}

TEST(Permissions, UnreadableJournalLockOrFolder) {
  if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
  const TemporaryFolder folder;
  {
    Child owner([&] {
      SafeChunkEngine engine(test::project_id(), options_in(folder));
      require_ok(engine.stage_update("[1]", "a"), "stage_update");
      test::leave(0);
    });
    ASSERT_EQ(owner.wait(), 0);
  }
  as_nobody(folder, [&] {
    for (const char* place : {".lock", ".journal", "chunks", "chunks_bak", ""}) {
      const fs::path path = folder / ("project/" + std::string(place));
      change_mode(path, 0);
      require_code(ErrorCode::permission_denied,
                   SafeChunkEngine::open(test::project_id(), options_in(folder)).status(), place);
      change_mode(path, fs::is_directory(path) ? 0755 : 0644);
    }
    SafeChunkEngine engine(test::project_id(), options_in(folder));
    require(engine.fetch_chunk("a").value() == kFirst, "the staged update is still there");
  });
}

// A folder in which nothing may be created: refused, and still readable.
TEST(Permissions, ReadOnlyFolder) {
  if (const char* reason = test::no_own_folder()) GTEST_SKIP() << reason;
  if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
  const TemporaryFolder folder;
  make_project(folder);
  as_nobody(folder, [&] {
    const fs::path project = folder / "project";
    change_mode(project, 0555);
    SafeChunkEngine engine(test::project_id(), options_in(folder));
    require_code(ErrorCode::permission_denied, engine.status(), "attach");
    require(engine.fetch_chunk("a").value() == kSecond, "reads");
    require(engine.verify()->sound(), "verifies");
    require_ok(SafeChunkEngine::open("new", options_in(folder)).status(), "its neighbour");
    change_mode(project, 0755);
    require_ok(engine.attach(), "attach once it is allowed");
  });
}

// It became read-only while the engine lived: G8.
TEST(Permissions, ChunksFolderBecomesReadOnly) {
  if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
  const TemporaryFolder folder;
  make_project(folder);
  as_nobody(folder, [&] {
    {
      SafeChunkEngine engine(test::project_id(), options_in(folder));
      require_ok(engine.stage_update("[3]", "a"), "stage_update");
      change_mode(folder / "project/chunks", 0555);
      require_code(ErrorCode::permission_denied, engine.force_sync(), "force_sync");
      require(engine.fetch_chunk("a").value() == kThird, "still staged");
      require_code(ErrorCode::permission_denied, engine.detach(), "detach says so");
      require(fs::exists(folder / "project/.journal"), "and keeps the journal");
    }
    change_mode(folder / "project/chunks", 0755);
    SafeChunkEngine engine(test::project_id(), options_in(folder));
    require(read_file(folder / "project/chunks/a.json") == kThird, "committed by the next attach");
  });
}

mode_t mode_of(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 07777U;
}

// G14; field.md: "file mode lost".
TEST(Permissions, FileModeSurvivesSaves) {
  if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
  for (const mode_t mode : {0600U, 0640U, 0644U, 0660U, 0444U, 0755U}) {
    const TemporaryFolder folder;
    make_project(folder);
    const fs::path file = folder / "project/chunks/a.json";
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    as_nobody(folder, [&] {
      SafeChunkEngine engine(test::project_id(), options_in(folder));
      for (const char* text : {"[3]", "[4]"}) {
        require_ok(engine.stage_update(text, "a"), "stage_update");
        require_ok(engine.force_sync(), "force_sync");
        require(mode_of(file) == mode, "the mode is lost");
      }
      require(mode_of(folder / "project/chunks_bak/a.bak") == mode, "the backup's mode");
      // A heal keeps it, too.
      change_mode(file, 0600);
      test::write_long_ago(file, "[");
      change_mode(file, mode);
      require(engine.fetch_chunk("a").value() == "[\n    4\n]\n", "healed");
      require(mode_of(file) == mode, "the mode is lost by a heal");
    });
  }
}

// G6, G14. Kills: a stamp that is set after the mode, which then forbids it: the file would be
// taken for another program's, and rot that still is JSON for an edit.
TEST(Permissions, AReadOnlyChunkHasItsStamp) {
  if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
  const TemporaryFolder folder;
  make_project(folder);
  if (!stamps_work(folder)) GTEST_SKIP() << "this file system has no extended attributes";
  const fs::path file = folder / "project/chunks/a.json";
  ASSERT_EQ(::chmod(file.c_str(), 0444), 0);
  as_nobody(folder, [&] {
    SafeChunkEngine engine(test::project_id(), options_in(folder));
    for (const char* text : {"[3]", "[4]"}) {
      require_ok(engine.stage_update(text, "a"), "stage_update");
      require_ok(engine.force_sync(), "force_sync");
      require(mode_of(file) == 0444, "the mode is lost");
      require(::getxattr(file.c_str(), "user.safechunk", nullptr, 0) > 0, "no stamp");
    }
    require(engine.health_report()->stamps_supported, "health says that there are no stamps");
    require_ok(engine.detach(), "detach");
    const auto report = SafeChunkEngine(test::project_id(), options_in(folder)).verify();
    for (const FileVerdict& verdict : report->files) {
      require(verdict.state == FileVerdict::State::good, verdict.path + " is not good");
    }
  });
}

TEST(Permissions, NewFilesHonourTheUmask) {
  if (const char* reason = test::no_own_folder()) GTEST_SKIP() << reason;
  if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
  for (const mode_t mask : {0022U, 0077U, 0002U}) {
    const TemporaryFolder folder;
    const mode_t before = ::umask(mask);
    make_project(folder);
    ::umask(before);
    EXPECT_EQ(mode_of(folder / "project/chunks/a.json"), 0666U & ~mask);
    EXPECT_EQ(mode_of(folder / "project/chunks"), 0777U & ~mask);
  }
}

TEST(Permissions, OwnerSurvivesSavesWherePermitted) {
  if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  const TemporaryFolder folder;
  make_project(folder);
  const fs::path file = folder / "project/chunks/a.json";
  ASSERT_EQ(::chown(file.c_str(), 1234, 5678), 0);
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  ASSERT_TRUE(engine.stage_update("[3]", "a").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 1234U);
  EXPECT_EQ(info.st_gid, 5678U);
}

// Where it is not permitted, saving goes on.
TEST(Permissions, FileOfSomebodyElseIsSavedAllTheSame) {
  if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  const TemporaryFolder folder;
  make_project(folder);
  const fs::path file = folder / "project/chunks/a.json";
  as_nobody(folder, [] {});
  ASSERT_EQ(::chown(file.c_str(), 1234, 5678), 0);
  Child child([&] {
    require(::setgid(kNobody) == 0 && ::setuid(kNobody) == 0, "cannot become nobody");
    SafeChunkEngine engine(test::project_id(), options_in(folder));
    require_ok(engine.stage_update("[3]", "a"), "stage_update");
    require_ok(engine.force_sync(), "force_sync");
    require(read_file(file) == kThird, "saved");
  });
  EXPECT_EQ(child.wait(), 0);
}

// --- edits by others

// Issue: "a hand edit while detached is accepted and reported".
TEST(HandEdit, ThatIsJsonIsAcceptedAndReported) {
  const TemporaryFolder folder;
  make_project(folder);
  if (!stamps_work(folder)) GTEST_SKIP() << "this file system has no extended attributes";
  write_file(folder / "project/chunks/a.json", "{\"by\": \"hand\"}");
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  Told told(engine);
  EXPECT_EQ(*engine.fetch_chunk("a"), "{\"by\": \"hand\"}");
  EXPECT_TRUE(told.of("external_edit 'a'"));
  EXPECT_TRUE(told.faults.empty());
  const auto verdict = engine.verify();
  for (const FileVerdict& file : verdict->files) {
    if (file.path == "chunks/a.json") {
      EXPECT_EQ(file.state, FileVerdict::State::edited);
    }
  }
  // It is the version that the next save keeps as the backup.
  EXPECT_TRUE(engine.stage_update("[3]", "a").ok());
  EXPECT_TRUE(engine.force_sync().ok());
  EXPECT_EQ(read_file(folder / "project/chunks_bak/a.bak"), "{\"by\": \"hand\"}");
}

// Saved over without having been read: told, and kept as the backup.
TEST(HandEdit, ThatIsSavedOverIsReportedAndKept) {
  const TemporaryFolder folder;
  make_project(folder);
  if (!stamps_work(folder)) GTEST_SKIP() << "this file system has no extended attributes";
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  Told told(engine);
  write_file(folder / "project/chunks/a.json", "[7]");
  EXPECT_TRUE(engine.stage_update("[3]", "a").ok());
  EXPECT_TRUE(engine.force_sync().ok());
  EXPECT_TRUE(told.of("external_edit 'a'"));
  EXPECT_EQ(read_file(folder / "project/chunks_bak/a.bak"), "[7]");
}

// field.md: "heal or save over a corrupt primary rotates the corrupt bytes over the good backup".
TEST(HandEdit, ThatIsNotJsonIsQuarantinedAndHealed) {
  for (const bool save : {false, true}) {
    const TemporaryFolder folder;
    make_project(folder);
    test::write_long_ago(folder / "project/chunks/a.json", "{\"by\": hand}");
    SafeChunkEngine engine(test::project_id(), options_in(folder));
    Told told(engine);
    if (save) {
      EXPECT_TRUE(engine.stage_update("[3]", "a").ok());
      EXPECT_TRUE(engine.force_sync().ok());
      EXPECT_EQ(read_file(folder / "project/chunks/a.json"), kThird);
    } else {
      EXPECT_EQ(*engine.fetch_chunk("a"), kFirst);
      EXPECT_EQ(read_file(folder / "project/chunks/a.json"), kFirst);
    }
    EXPECT_EQ(read_file(folder / "project/chunks_bak/a.bak"), kFirst);  // G5
    EXPECT_FALSE(told.faults.empty());                                  // G7
    ASSERT_EQ(engine.health_report()->quarantine_files, 1U);
    const fs::path kept = *fs::directory_iterator(folder / "project/quarantine");
    EXPECT_EQ(read_file(kept), "{\"by\": hand}");
    EXPECT_TRUE(engine.verify()->sound());
  }
}

// --- names (G12; field.md: "path traversal in chunk names, project ids, labels")

std::vector<std::string> bad_names() {
  std::vector<std::string> names = {
      "",   ".",  "..",  "../a", "a/b",   "/a",   "a\\b",     "..\\a",        "C:a",  "a:b",
      "a.", "a ", "a\n", "\x7F", "\x01",  "con",  "NUL",      "com1",         "Lpt9", "aux.txt",
      "a*", "a?", "a|b", "<a>",  "\"a\"", "\xFF", "\xC0\xAF", "\xED\xA0\x80", "a\xC3"};
  names.emplace_back("a\0b", 3);
  names.emplace_back(1, '\0');
  names.emplace_back(201, 'x');
  return names;
}

TEST(BadName, IsRefusedAtEveryCallThatTakesAChunk) {
  const TemporaryFolder folder;
  make_project(folder);
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  const auto before = listing_of(folder.path());
  const nlohmann::json value = 1;
  auto transaction = engine.transaction();
  for (const std::string& name : bad_names()) {
    SCOPED_TRACE(
        nlohmann::json(name).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
    const auto bad = ErrorCode::invalid_name;
    EXPECT_EQ(engine.stage_update("1", name).code(), bad);
    EXPECT_EQ(engine.stage_update(value, name).code(), bad);
    EXPECT_EQ(engine.fetch_chunk(name).code(), bad);
    EXPECT_EQ(engine.fetch_chunk<nlohmann::json>(name).code(), bad);
    EXPECT_EQ(engine.find_chunk(name).code(), bad);
    EXPECT_EQ(engine.find_chunk<nlohmann::json>(name).code(), bad);
    EXPECT_EQ(engine.remove_chunk(name).code(), bad);
    EXPECT_EQ(transaction.stage("1", name).code(), bad);
    EXPECT_EQ(transaction.stage(value, name).code(), bad);
    EXPECT_EQ(transaction.remove(name).code(), bad);
  }
  EXPECT_TRUE(transaction.commit().ok());  // empty
  EXPECT_EQ(listing_of(folder.path()), before);
}

TEST(BadName, IsRefusedAsProjectIdAndCheckpoint) {
  if (const char* reason = test::no_own_folder()) GTEST_SKIP() << reason;
  const TemporaryFolder folder;
  make_project(folder);
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  ASSERT_TRUE(engine.create_checkpoint().ok());
  const auto before = listing_of(folder.path());
  for (const std::string& name : bad_names()) {
    SCOPED_TRACE(
        nlohmann::json(name).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
    const auto bad = ErrorCode::invalid_name;
    EXPECT_EQ(SafeChunkEngine::open(name, options_in(folder)).code(), bad);
    EXPECT_EQ(SafeChunkEngine(name, options_in(folder)).status().code(), bad);
    EngineOptions reading = options_in(folder);
    reading.mode = Mode::read;
    EXPECT_EQ(SafeChunkEngine::open(name, reading).code(), bad);
    EXPECT_EQ(unlock_project(name, folder.string()).code(), bad);
    for (const std::string& file : {name, "checkpoint_" + name + "_20260101_000000.zip"}) {
      EXPECT_FALSE(engine.verify_checkpoint(file).ok()) << file;
      EXPECT_FALSE(engine.restore_checkpoint(file).ok()) << file;
      EXPECT_FALSE(engine.delete_checkpoint(file).ok()) << file;
    }
  }
  for (const std::string& file :
       std::vector<std::string>{"../chunks/a.json", "x.zip", "", "checkpoint_.zip"}) {
    // With a slash it is the path of an archive.
    const bool path = file.find('/') != std::string::npos;
    const ErrorCode bad = path ? ErrorCode::not_found : ErrorCode::invalid_name;
    EXPECT_EQ(engine.delete_checkpoint(file).code(), ErrorCode::invalid_name) << file;
    EXPECT_EQ(engine.restore_checkpoint(file).code(), bad) << file;
    EXPECT_EQ(engine.verify_checkpoint(file).code(), bad) << file;
  }
  EXPECT_EQ(listing_of(folder.path()), before);
}

// A label is text for people. The file gets what fits of it, and no file is made elsewhere.
TEST(BadName, IsOnlyTextInALabel) {
  const TemporaryFolder folder;
  make_project(folder);
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  const auto paths = [&] {
    std::set<std::string> found;
    for (const auto& [path, description] : listing_of(folder.path())) found.insert(path);
    return found;
  };
  for (const std::string& label : bad_names()) {
    SCOPED_TRACE(
        nlohmann::json(label).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
    const auto before = paths();
    const auto name = engine.create_checkpoint(label);
    const bool is_text = label.find('\xFF') == std::string::npos &&
                         label.find('\0') == std::string::npos &&
                         label.find('\xC0') == std::string::npos &&
                         label.find('\xED') == std::string::npos && label != "a\xC3";
    EXPECT_EQ(name.code(), is_text ? ErrorCode::ok : ErrorCode::invalid_name);
    if (!name) {
      EXPECT_EQ(paths(), before);
      continue;
    }
    ASSERT_EQ(engine.list_checkpoints()->size(), 1U);
    EXPECT_EQ(engine.list_checkpoints()->front().label, label);
    EXPECT_TRUE(fs::exists(folder / "project/checkpoints" / *name));
    ASSERT_TRUE(engine.restore_checkpoint(*name).ok());
    const auto made = engine.list_checkpoints().value();
    for (const auto& info : made) {
      ASSERT_TRUE(engine.delete_checkpoint(info.file_name).ok());
    }
    EXPECT_EQ(paths(), before);
  }
}

// Issue: "names equal but for case: invalid_name, at the call".
TEST(BadName, EqualButForCase) {
  const TemporaryFolder folder;
  make_project(folder);
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  EXPECT_EQ(engine.stage_update("1", "A").code(), ErrorCode::invalid_name);
  EXPECT_TRUE(engine.stage_update("1", "new").ok());
  EXPECT_EQ(engine.stage_update("1", "NEW").code(), ErrorCode::invalid_name);
  auto transaction = engine.transaction();
  EXPECT_TRUE(transaction.stage("1", "x").ok());
  EXPECT_TRUE(transaction.stage("1", "X").ok());
  EXPECT_EQ(transaction.commit().code(), ErrorCode::invalid_name);
  EXPECT_FALSE(engine.find_chunk("x")->has_value());
  EXPECT_TRUE(engine.remove_chunk("a").ok());
  EXPECT_TRUE(engine.force_sync().ok());
  EXPECT_TRUE(engine.stage_update("1", "A").ok());
}

// Files that no allowed name belongs to are none of ours.
TEST(BadName, OnDiskIsLeftAlone) {
  if (const char* reason = test::no_own_folder()) GTEST_SKIP() << reason;
  if (!test::takes_device_names()) GTEST_SKIP() << "this file system refuses such names";
  const TemporaryFolder folder;
  make_project(folder);
  const std::vector<std::string> foreign = {"con.json", "a .json", "notes.txt", ".json",
                                            std::string(201, 'x') + ".json"};
  for (const std::string& file : foreign) write_file(folder / ("project/chunks/" + file), "[0]");
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  EXPECT_EQ(*engine.list_chunks(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(engine.repair().ok());
  EXPECT_TRUE(engine.create_checkpoint().ok());
  // verify() names those that somebody may take for chunks.
  std::vector<std::string> ignored;
  const auto report = engine.verify();
  ASSERT_TRUE(report.ok());
  for (const FileVerdict& file : report->files) {
    if (file.state == FileVerdict::State::ignored) ignored.push_back(file.path);
  }
  EXPECT_EQ(ignored, (std::vector<std::string>{"chunks/.json", "chunks/a .json", "chunks/con.json",
                                               "chunks/" + foreign.back()}));
  EXPECT_TRUE(report->sound());
  EXPECT_TRUE(engine.detach().ok());
  for (const std::string& file : foreign) {
    EXPECT_EQ(read_file(folder / ("project/chunks/" + file)), "[0]") << file;
  }
}

// --- where the project lies

// field.md: "relative base_dir + chdir".
TEST(Base, RelativeFolderAndChangeOfTheWorkingFolder) {
  if (const char* reason = test::no_own_folder()) GTEST_SKIP() << reason;
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  {
    EngineOptions options;
    options.base_dir = "new/base";
    SafeChunkEngine engine(test::project_id(), options);
    SafeChunkEngine here("here");
    fs::current_path("/");
    ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
    EXPECT_EQ(fs::weakly_canonical(engine.project_path()),
              fs::canonical(folder / "new/base/project"));
    EXPECT_TRUE(engine.stage_update("[1]", "a").ok());
    EXPECT_TRUE(engine.force_sync().ok());
    EXPECT_TRUE(engine.detach().ok());
    EXPECT_TRUE(engine.attach().ok());
    EXPECT_EQ(*engine.fetch_chunk("a"), kFirst);
    EXPECT_TRUE(here.stage_update("[1]", "a").ok());
    EXPECT_TRUE(here.detach().ok());
  }
  fs::current_path(before);
  EXPECT_EQ(read_file(folder / "new/base/project/chunks/a.json"), kFirst);
  EXPECT_EQ(read_file(folder / "here/chunks/a.json"), kFirst);
}

TEST(Base, ThatIsAFileIsAnError) {
  const TemporaryFolder folder;
  write_file(folder / "file", "x");
  EngineOptions options;
  options.base_dir = (folder / "file").string();
  EXPECT_EQ(SafeChunkEngine::open(test::project_id(), options).code(), ErrorCode::io_error);
  EXPECT_EQ(read_file(folder / "file"), "x");
  EXPECT_EQ(SafeChunkEngine::open("file", options_in(folder)).code(), ErrorCode::io_error);
}

// --- a folder of the original engine

TEST(Legacy, FolderOfTheOriginalEngine) {
  const TemporaryFolder folder;
  pid_t dead = 0;
  {
    Child child([] {});
    dead = child.pid();
    ASSERT_EQ(child.wait(), 0);
  }
  fs::create_directories(folder / "project/chunks");
  fs::create_directories(folder / "project/chunks_bak");
  fs::create_directories(folder / "project/checkpoints");
  write_file(folder / "project/.lock", "PID: " + std::to_string(dead));
  write_file(folder / "project/chunks/users.json", "{\n    \"name\": \"Alice\"\n}");
  write_file(folder / "project/chunks/floats.json", "[NaN, Infinity, -Infinity, 1.10]");
  write_file(folder / "project/chunks/mark.json", "\xEF\xBB\xBF[1]");
  test::write_long_ago(folder / "project/chunks/broken.json", "{\"half");
  write_file(folder / "project/chunks_bak/broken.bak", "{\n    \"whole\": 1\n}");
  write_file(folder / "project/chunks/users.tmp", "{\"half");
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  // Nothing proves that it is not somebody else's.
  EXPECT_TRUE(fs::exists(folder / "project/chunks/users.tmp"));
  EXPECT_EQ(*engine.fetch_chunk("users"), "{\n    \"name\": \"Alice\"\n}");
  EXPECT_EQ(*engine.fetch_chunk("floats"), "[NaN, Infinity, -Infinity, 1.10]");
  const auto floats = engine.fetch_chunk<nlohmann::json>("floats");
  ASSERT_TRUE(floats.ok()) << floats.status().to_text();
  EXPECT_EQ(floats->dump(), "[null,null,null,1.1]");
  EXPECT_EQ(*engine.fetch_chunk("mark"), "[1]");
  EXPECT_EQ(*engine.fetch_chunk("broken"), "{\n    \"whole\": 1\n}");
  // Reading changed nothing that needed no healing.
  EXPECT_EQ(read_file(folder / "project/chunks/users.json"), "{\n    \"name\": \"Alice\"\n}");
  // But what it writes is JSON.
  EXPECT_EQ(engine.stage_update("[NaN]", "floats").code(), ErrorCode::invalid_json);
  EXPECT_TRUE(engine.stage_update("[1]", "users").ok());
  EXPECT_TRUE(engine.force_sync().ok());
  EXPECT_EQ(read_file(folder / "project/chunks_bak/users.bak"), "{\n    \"name\": \"Alice\"\n}");
  EXPECT_TRUE(engine.create_checkpoint().ok());
  EXPECT_TRUE(engine.verify()->sound());
  EXPECT_TRUE(engine.detach().ok());
}

// Design §2: journal, stamps and quarantine are disposable after a clean detach.
TEST(Legacy, WithoutStampsNothingIsLost) {
  const TemporaryFolder folder;
  make_project(folder);
  for (const char* file : {"chunks/a.json", "chunks_bak/a.bak", "chunks/b.json"}) {
    (void)::removexattr((folder / ("project/" + std::string(file))).c_str(), "user.safechunk");
  }
  SafeChunkEngine engine(test::project_id(), options_in(folder));
  EXPECT_EQ(*engine.fetch_chunk("a"), kSecond);
  EXPECT_TRUE(engine.verify()->sound());
  EXPECT_TRUE(engine.stage_update("[3]", "a").ok());
  EXPECT_TRUE(engine.force_sync().ok());
  EXPECT_EQ(read_file(folder / "project/chunks_bak/a.bak"), kSecond);
}

}  // namespace
}  // namespace safechunk
