// Archives of a project that another process owns and writes to all the time, on real files.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "platform/platform.h"
#include "storage/checkpoints/archive_store.h"
#include "support/child_process.h"
#include "support/file_system_probe.h"
#include "support/folder_listing.h"
#include "support/small_project.h"

namespace safechunk::test {
namespace {

EngineOptions reading_in(const TemporaryFolder& folder) {
  EngineOptions options = options_in(folder);
  options.mode = Mode::read;
  return options;
}

std::map<std::string, std::string> texts_in(const std::string& path) {
  std::map<std::string, std::string> texts;
  const auto place = open_archive_folder(system_file_system(), path);
  const Status read = read_checkpoint(
      *place.value().folder, place.value().name, {}, {},
      [&](const std::string& chunk, const std::string& text, std::uint32_t /*mode*/) {
        texts[chunk] = text;
        return Status();
      });
  EXPECT_TRUE(read.ok()) << read.to_text();
  return texts;
}

std::set<std::string> files_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

// Commits a counter to three chunks, in one transaction each time, and every now and then removes
// one of them in the same way, until it is killed.
void count_for_ever(const EngineOptions& options, const Pipe& ready) {
  SafeChunkEngine engine("project", options);
  require_ok(engine.status(), "attach");
  for (int i = 0;; ++i) {
    Transaction transaction = engine.transaction();
    const std::string text = std::to_string(i);
    require_ok(transaction.stage(text, "a"), "stage");
    require_ok(transaction.stage(text, "b"), "stage");
    if (i % 3 == 0) {
      require_ok(transaction.stage("true", "third"), "stage");
    } else if (i % 3 == 1) {
      require_ok(transaction.remove("third"), "remove");
    }
    require_ok(transaction.stage(text, "z"), "stage");
    require_ok(transaction.commit(), "commit");
    if (i == 0) ready.signal();
  }
}

// G4, G13. Kills: an archive of two moments, and half a transaction.
TEST(Export, BesideAProcessThatCommitsAllTheTimeIsOneMoment) {
  for (const Mode mode : {Mode::owner, Mode::shared}) {
    const TemporaryFolder folder;
    const TemporaryFolder out;
    const Pipe ready;
    EngineOptions options = patient_options_in(folder);
    options.mode = mode;
    const Child writer([&] { count_for_ever(options, ready); });
    ready.await_signal();
    SafeChunkEngine reader("project", reading_in(folder));
    std::set<std::string> moments;
    const auto deadline = std::chrono::steady_clock::now() + patience();
    for (int i = 0; i < 50;) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "after " << i << " archives";
      const std::string path = out / ("x" + std::to_string(i) + ".zip");
      const Status status = reader.export_archive(path);
      if (status.code() == ErrorCode::locked) continue;  // it commits too fast just now
      ASSERT_TRUE(status.ok()) << status.to_text();
      auto texts = texts_in(path);
      EXPECT_EQ(texts["a"], texts["z"]);
      EXPECT_EQ(texts["b"], texts["z"]);
      const bool has_third = std::stoi(texts["z"]) % 3 != 1 && std::stoi(texts["z"]) % 3 != 2;
      EXPECT_EQ(texts.contains("third"), has_third) << texts["z"];
      moments.insert(texts["z"]);
      ++i;
    }
    EXPECT_EQ(files_in(out.path()).size(), 50U);
    EXPECT_GT(moments.size(), 5U) << "the writer did nothing meanwhile";
  }
}

// G9. Kills: a lock, an access time, a folder, a file of the reader's in the project.
TEST(Export, ChangesNothingInTheProject) {
  const TemporaryFolder folder;
  const TemporaryFolder out;
  make_project(folder);
  const auto before = listing_of(folder.path());
  SafeChunkEngine reader("project", reading_in(folder));
  ASSERT_TRUE(reader.export_archive(out / "x.zip").ok());
  EXPECT_EQ(listing_of(folder.path()), before);
  EXPECT_EQ(texts_in(out / "x.zip").at("a"), kSecond);
  EXPECT_EQ(files_in(out.path()), std::set<std::string>{"x.zip"});
  // Of an engine that could not get the project, and of one that has given it back.
  SafeChunkEngine owner("project", options_in(folder));
  const auto owned = listing_of(folder.path());
  SafeChunkEngine second("project", options_in(folder));
  ASSERT_FALSE(second.is_active());
  ASSERT_TRUE(second.export_archive(out / "second.zip").ok());
  EXPECT_EQ(listing_of(folder.path()), owned);
  ASSERT_TRUE(owner.detach().ok());
  const auto detached = listing_of(folder.path());
  ASSERT_TRUE(owner.export_archive(out / "third.zip").ok());
  EXPECT_EQ(listing_of(folder.path()), detached);
}

// Kills: waiting for a FIFO for ever; writing into what somebody else has; a name that is a path.
TEST(Export, HostilePlacesAreRefusedAndOddNamesAreNot) {
  const TemporaryFolder folder;
  const TemporaryFolder out;
  make_project(folder);
  SafeChunkEngine reader("project", reading_in(folder));
  std::filesystem::create_directory(out / "folder.zip");
  if (can_make_fifos()) {
    ASSERT_EQ(::mkfifo((out / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(reader.export_archive(out / "fifo").code(), ErrorCode::conflict);
    EXPECT_FALSE(reader.verify_checkpoint((out / "fifo").string()).ok());
  }
  if (can_symlink()) {
    ASSERT_EQ(::symlink("elsewhere", (out / "link").c_str()), 0);
    EXPECT_EQ(reader.export_archive(out / "link").code(), ErrorCode::conflict);
    EXPECT_FALSE(std::filesystem::exists(out / "elsewhere"));
  }
  EXPECT_EQ(reader.export_archive(out / "folder.zip").code(), ErrorCode::conflict);
  EXPECT_FALSE(reader.verify_checkpoint((out / "folder.zip").string()).ok());
  EXPECT_EQ(reader.export_archive(out / "none/x.zip").code(), ErrorCode::not_found);
  EXPECT_FALSE(reader.export_archive(out / "fifo/x.zip").ok());
  EXPECT_EQ(reader.export_archive("/proc/self/x.zip").code() == ErrorCode::ok, false);
  for (const std::string& name :
       std::vector<std::string>{"a b", "-", "\n", "\xFF\xFE", "x\\y:z*?", "checkpoint_x.zip", ".x",
                                std::string(255, 'n')}) {
    const Status status = reader.export_archive(out / name);
    EXPECT_TRUE(status.ok()) << name << ": " << status.to_text();
    EXPECT_TRUE(reader.verify_checkpoint((out / name).string()).ok()) << name;
  }
  EXPECT_FALSE(reader.export_archive(out / std::string(256, 'n')).ok());
  for (const std::string& name : files_in(out.path())) {
    EXPECT_FALSE(name.ends_with(".tmp")) << name;
  }
}

// Kills: an archive in a folder that may not be written to, and remains there.
TEST(Export, AFolderWithoutRightsIsRefused) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TemporaryFolder folder;
  const TemporaryFolder out;
  make_project(folder);
  SafeChunkEngine reader("project", reading_in(folder));
  ASSERT_EQ(::chmod(out.path().c_str(), 0500), 0);
  EXPECT_EQ(reader.export_archive(out / "x.zip").code(), ErrorCode::permission_denied);
  ASSERT_EQ(::chmod(out.path().c_str(), 0700), 0);
  EXPECT_EQ(files_in(out.path()), std::set<std::string>());
}

// G14. Kills: an archive of secrets that others may read.
TEST(Export, FileModeHoldsForArchives) {
  if (!keeps_modes()) GTEST_SKIP() << "no modes here";
  const TemporaryFolder folder;
  const TemporaryFolder out;
  make_project(folder);
  for (const Mode mode : {Mode::read, Mode::owner}) {
    EngineOptions options = options_in(folder);
    options.mode = mode;
    options.file_mode = 0600;
    SafeChunkEngine engine("project", options);
    const std::string path = out / (mode == Mode::read ? "read.zip" : "own.zip");
    ASSERT_TRUE(engine.export_archive(path).ok());
    const std::string name = engine.create_checkpoint("x").value();
    for (const std::string& file : {path, (folder / ("project/checkpoints/" + name)).string()}) {
      struct stat info {};
      ASSERT_EQ(::stat(file.c_str(), &info), 0);
      EXPECT_EQ(info.st_mode & 07777U, 0600U) << file;
    }
  }
}

// The file of the copies has no name. Kills: remains of a process that was killed, but one file.
TEST(Export, AKilledProcessLeavesOneFileAtMost) {
  const TemporaryFolder folder;
  const TemporaryFolder out;
  make_project(folder);
  for (int round = 0; round < 10; ++round) {
    const Pipe ready;
    Child child([&] {
      SafeChunkEngine reader("project", reading_in(folder));
      ready.signal();
      for (int i = 0;; ++i) {
        const std::string path = out / ("x" + std::to_string(i) + ".zip");
        require_ok(reader.export_archive(path), "export");
        std::filesystem::remove(path);
      }
    });
    ready.await_signal();
    ::usleep(static_cast<useconds_t>(1000 * round));
    child.kill();
    EXPECT_EQ(child.wait(), kKilled);
    EXPECT_LE(files_in(out.path()).size(), 1U);
    for (const std::string& name : files_in(out.path())) std::filesystem::remove(out / name);
  }
}

}  // namespace
}  // namespace safechunk::test
