// An edit of another program's file, a power cut or an error before each of its calls, and programs
// that save the file in the same moment.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "platform/platform.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"
#include "storage/one_file/file_edit.h"
#include "support/fake_process.h"
#include "support/forwarding_file_system.h"
#include "support/manual_clock.h"
#include "support/sim_file_system.h"
#include "support/temporary_folder.h"

namespace safechunk::test {
namespace {

const std::string kOld = "{\n  \"a\": 1, // one\n}\n";
const std::string kNew = "{\n  \"a\": 2, // one\n}\n";
const std::string kBackup = "/.settings.json.safechunk/settings.json.bak";

// Makes the file, durably.
void make_file(SimFileSystem& disk, const std::string& text) {
  auto root = disk.open_directory("/");
  ASSERT_TRUE(root.ok());
  auto file = (*root)->open("settings.json", OpenMode::create);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(write_all(**file, 0, text).ok());
  ASSERT_TRUE((*file)->sync().ok());
  ASSERT_TRUE((*root)->sync().ok());
}

Result<FileEditOutcome> set_a(FileSystem& disk, const std::string& path, const std::string& value,
                              std::uint64_t token = 1) {
  ManualClock clock;
  FakeProcess process(4242, token);
  const json::Edit edit{json::Edit::Kind::set, "/a", value};
  FileEditSettings settings;
  settings.dialect = Dialect::jsonc;
  settings.lock_timeout = std::chrono::milliseconds(0);
  return edit_file(Platform{disk, clock, process}, path, std::span(&edit, 1), settings);
}

std::string text_of(const SimFileSystem& disk, const std::string& name) {
  const auto contents = disk.contents();
  const auto found = contents.find(name.substr(1));
  return found == contents.end() ? "(missing)" : found->second;
}

void cut_the_power(CrashModel model) {
  std::set<std::string> met;
  for (std::size_t cut = 0, calls = 1; cut <= calls; ++cut) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      SimFileSystem disk;
      make_file(disk, kOld);
      const std::size_t begin = disk.calls();
      std::unique_ptr<SimFileSystem> left;
      disk.set_hook([&](const SimCall& call) -> std::optional<int> {
        if (call.number == begin + cut) left = disk.crash_clone(seed, model);
        return std::nullopt;
      });
      const auto done = set_a(disk, "/settings.json", "2");
      ASSERT_TRUE(done.ok()) << done.status().to_text();
      calls = disk.calls() - begin;
      const bool acknowledged = left == nullptr;
      if (acknowledged) left = disk.crash_clone(seed, model);
      disk.set_hook({});

      const std::string found = text_of(*left, "/settings.json");
      EXPECT_TRUE(found == kNew || (found == kOld && !acknowledged)) << found << ", cut " << cut;
      EXPECT_TRUE(found == kOld || text_of(*left, kBackup) == kOld) << "cut " << cut;
      met.insert(found);
      // What is left does not stand in the way of the next edit, which removes it.
      const auto next = set_a(*left, "/settings.json", "3", 2);
      ASSERT_TRUE(next.ok()) << next.status().to_text() << ", cut " << cut;
      for (const auto& [name, text] : left->contents()) {
        EXPECT_FALSE(layout::is_own_temporary(name)) << name << ", cut " << cut;
        // Between the two renames of the new version, nobody can tell whose it is.
        const bool is_kept = name.find("quarantine/") != std::string::npos && !name.ends_with('/');
        EXPECT_TRUE(!is_kept || (text == kNew && found == kOld)) << name << ", cut " << cut;
      }
    }
  }
  EXPECT_EQ(met.size(), 2U) << "the cuts came all before or all after the edit";
}

// G1, G2: kills an fsync or rename of the edit, or of its backup, that is left out or comes at
// another place.
TEST(FileEditCrash, TheFileIsOldOrNewAndWhole) {
  cut_the_power(CrashModel::ordered);
}
TEST(FileEditCrash, AlsoWhereFolderOperationsSurviveInAnyOrder) {
  cut_the_power(CrashModel::strict);
}

// Kills a return code that is not looked at: each call fails once.
TEST(FileEditCrash, AnErrorLeavesTheFileWhole) {
  constexpr int kIoError = 5;
  std::size_t failed = 0;
  for (std::size_t at = 0, calls = 1; at <= calls; ++at) {
    SimFileSystem disk;
    make_file(disk, kOld);
    const std::size_t begin = disk.calls();
    std::string verb;
    disk.set_hook([&](const SimCall& call) -> std::optional<int> {
      if (call.number != begin + at) return std::nullopt;
      verb = call.verb;
      return kIoError;
    });
    const auto done = set_a(disk, "/settings.json", "2");
    if (!verb.empty()) calls = at + 1;  // there may be a next one
    if (!done) ++failed;
    disk.set_hook({});
    const std::string found = text_of(disk, "/settings.json");
    EXPECT_TRUE(found == kOld || found == kNew) << found << " after " << verb;
    EXPECT_TRUE(!done || found == kNew) << verb;
  }
  EXPECT_GT(failed, 20U);
}

// Kills a final check that is left out: where names cannot be exchanged, it is the only look.
TEST(FileEditCrash, WhatCameBeforeTheRenameStaysWithoutExchange) {
  SimFileSystem disk(/*attributes_supported=*/true, /*links_supported=*/false);
  make_file(disk, kOld);
  bool saved = false;
  disk.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (saved || call.verb != "try_read_lease") return std::nullopt;
    saved = true;
    auto root = disk.open_directory("/");
    auto file = (*root)->open("new", OpenMode::create);
    EXPECT_TRUE(write_all(**file, 0, "{\"a\": 1, \"theirs\": 1}").ok());
    EXPECT_TRUE((*root)->rename("new", "settings.json").ok());
    return std::nullopt;
  });
  EXPECT_EQ(set_a(disk, "/settings.json", "2").code(), ErrorCode::locked);  // no time to try again
  EXPECT_TRUE(saved);
  EXPECT_EQ(text_of(disk, "/settings.json"), "{\"a\": 1, \"theirs\": 1}");
  ASSERT_TRUE(set_a(disk, "/settings.json", "2", 2).ok());
  EXPECT_EQ(text_of(disk, "/settings.json"), "{\"a\": 2, \"theirs\": 1}");
}

class FileEditBesideOthers : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return (folder_ / "settings.json").string(); }
  // As editors save: another file gets the name.
  void save_as_editor(const std::string& text) const {
    write_file(folder_ / "new", text);
    std::filesystem::rename(folder_ / "new", folder_ / "settings.json");
  }
  static Result<FileEditOutcome> edit(FileSystem& disk, const std::string& path) {
    const json::Edit set{json::Edit::Kind::set, "/a", "2"};
    return edit_file(Platform{disk, system_clock(), system_process()}, path, std::span(&set, 1),
                     {});
  }
  // All names in the folder.
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }
  TemporaryFolder folder_;
};

// Kills a look at the old file that is left out: at whichever call another program saves the file,
// its version is there in the end, with the edit in it or in its place.
TEST_F(FileEditBesideOthers, AVersionThatComesMeanwhileIsNotLost) {
  std::size_t edited_theirs = 0;
  for (std::size_t at = 0;; ++at) {
    save_as_editor("{\"a\": 1}\n");
    std::size_t call = 0;
    HookedFileSystem disk(system_file_system(), [&](const char* /*verb*/) {
      if (call++ == at) save_as_editor("{\"a\": 1, \"theirs\": true}\n");
    });
    const auto done = edit(disk, path());
    ASSERT_TRUE(done.ok()) << done.status().to_text() << " at " << at;
    if (call <= at) break;  // the edit has no such call
    const std::string found = read_file(path());
    const bool both = found == "{\"a\": 2, \"theirs\": true}\n";
    EXPECT_TRUE(both || found == "{\"a\": 1, \"theirs\": true}\n") << found << " at " << at;
    if (both) ++edited_theirs;
    EXPECT_EQ(names(), (std::set<std::string>{".settings.json.safechunk", "settings.json"})) << at;
  }
  EXPECT_GT(edited_theirs, 10U);
}

// The same for a program that writes into the file itself, as open("w") does. Kills a lease that is
// not taken, or not held until the old file was looked at.
TEST_F(FileEditBesideOthers, WhatIsWrittenIntoTheFileIsNotLost) {
  const std::string theirs = "{\"a\": 1, \"theirs\": true}\n";
  std::size_t written = 0;
  std::size_t held_off = 0;
  for (std::size_t at = 0;; ++at) {
    save_as_editor("{\"a\": 1}\n");
    std::size_t call = 0;
    bool wrote = false;
    HookedFileSystem disk(system_file_system(), [&](const char* /*verb*/) {
      if (call++ != at) return;
      const int file = ::open(path().c_str(), O_WRONLY | O_TRUNC | O_NONBLOCK | O_CLOEXEC);
      if (file < 0) return;  // a lease is held; a program that waits would come later
      wrote = ::write(file, theirs.data(), theirs.size()) == static_cast<ssize_t>(theirs.size());
      ::close(file);
    });
    const auto done = edit(disk, path());
    ASSERT_TRUE(done.ok()) << done.status().to_text() << " at " << at;
    if (call <= at) break;
    const std::string found = read_file(path());
    if (wrote) {
      EXPECT_TRUE(found == theirs || found == "{\"a\": 2, \"theirs\": true}\n") << found << at;
    } else {
      EXPECT_EQ(found, "{\"a\": 2}\n") << at;
    }
    ++(wrote ? written : held_off);
    EXPECT_EQ(names(), (std::set<std::string>{".settings.json.safechunk", "settings.json"})) << at;
  }
  EXPECT_GT(written, 10U);
#ifdef __linux__
  EXPECT_GT(held_off, 2U);
#endif
}

// Kills a new file without a lock: another edit would begin before this one is done with the old
// file.
TEST_F(FileEditBesideOthers, TheNewFileIsLockedUntilTheOldOneIsGone) {
  save_as_editor("{\"a\": 1}\n");
  bool asked = false;
  HookedFileSystem disk(system_file_system(), [&](const char* verb) {
    if (std::string_view(verb) != "unlink" || read_file(path()) != "{\"a\": 2}\n") return;
    asked = true;
    auto folder = system_file_system().open_directory(folder_.string());
    auto file = (*folder)->open("settings.json", OpenMode::read);
    const auto held = (*file)->try_lock();
    EXPECT_TRUE(held.ok() && !*held);
  });
  ASSERT_TRUE(edit(disk, path()).ok());
  EXPECT_TRUE(asked);
}

// A crash between the two renames leaves a version of somebody else under our temporary name. Kills
// an edit that removes it, and one that takes what belongs to an edit at work.
TEST_F(FileEditBesideOthers, AVersionThatACrashLeftIsKept) {
  save_as_editor("{\"a\": 1}\n");
  const std::string left = layout::replaced_file("settings.json", 7);
  write_file(folder_ / left, "{\"unknown\": 1}\n");
  write_file(folder_ / layout::edited_file("settings.json", 8), "{\"unfini");
  write_file(folder_ / "settings.json.mine.tmp", "mine");
  const std::string live = layout::edited_file("settings.json", 9);
  write_file(folder_ / live, "{");
  auto folder = system_file_system().open_directory(folder_.string());
  ASSERT_TRUE(folder.ok());
  auto locked = (*folder)->open(live, OpenMode::read);
  ASSERT_TRUE(locked.ok() && (*locked)->try_lock().ok());
  const auto done = edit(system_file_system(), path());
  ASSERT_TRUE(done.ok()) << done.status().to_text();
  EXPECT_EQ(read_file(path()), "{\"a\": 2}\n");
  std::string kept;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder_ / ".settings.json.safechunk/quarantine")) {
    kept = read_file(entry.path());
  }
  EXPECT_EQ(kept, "{\"unknown\": 1}\n");
  EXPECT_EQ(names(), (std::set<std::string>{".settings.json.safechunk", "settings.json",
                                            "settings.json.mine.tmp", live}));
}

}  // namespace
}  // namespace safechunk::test
