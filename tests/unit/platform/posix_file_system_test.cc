// The verbs of the seam on real files: what every promise about a disk stands on. G9 (the lock),
// G12 (no symlink is followed, no FIFO hangs), G14 (modes).

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "platform/platform.h"
#include "support/file_system_probe.h"
#include "support/temporary_folder.h"

namespace safechunk {
namespace {

using test::read_file;
using test::TemporaryFolder;
using test::write_file;
namespace fs = std::filesystem;

class PosixFiles : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::unique_ptr<Directory> directory_ =
      system_file_system().open_directory(folder_.string()).value();
};

TEST_F(PosixFiles, WriteReadTruncateStat) {
  auto file = directory_->open("a", OpenMode::create_exclusive, 0600).value();
  EXPECT_EQ(file->write_at(0, "hello").value(), 5U);
  EXPECT_EQ(file->write_at(7, "x").value(), 1U);
  EXPECT_TRUE(file->start_writeback().ok());
  EXPECT_TRUE(file->sync().ok());
  EXPECT_TRUE(file->sync_data().ok());
  std::string buffer(20, '?');
  EXPECT_EQ(file->read_at(3, buffer).value(), 5U);
  EXPECT_EQ(buffer.substr(0, 5), std::string("lo\0\0x", 5));
  EXPECT_EQ(file->read_at(100, buffer).value(), 0U);
  ASSERT_TRUE(file->truncate(2).ok());
  const FileInfo info = file->stat().value();
  EXPECT_EQ(info.size, 2U);
  EXPECT_EQ(info.type, FileType::regular);
  if (test::keeps_modes()) {
    EXPECT_EQ(info.permissions.mode, 0600U);
  }
  EXPECT_EQ(info.permissions.user, ::getuid());
  EXPECT_EQ(directory_->stat("a")->inode, info.inode);
  EXPECT_EQ(directory_->stat("a")->modified_ns, info.modified_ns);
  EXPECT_TRUE(file->close().ok());
  EXPECT_TRUE(file->close().ok());  // idempotent
  EXPECT_EQ(read_file(folder_ / "a"), "he");
}

TEST_F(PosixFiles, MissingThingsAreNotFoundWithErrnoAndPath) {
  const auto missing = directory_->open("nobody", OpenMode::read);
  EXPECT_EQ(missing.code(), ErrorCode::not_found);
  EXPECT_EQ(missing.error().os_errno, ENOENT);
  EXPECT_EQ(missing.error().path, folder_.string() + "/nobody");
  EXPECT_EQ(directory_->open("nobody", OpenMode::read_write).code(), ErrorCode::not_found);
  EXPECT_EQ(directory_->stat("nobody").code(), ErrorCode::not_found);
  EXPECT_EQ(directory_->unlink("nobody").code(), ErrorCode::not_found);
  EXPECT_EQ(directory_->open_directory("nobody").code(), ErrorCode::not_found);
  EXPECT_EQ(directory_->rename("nobody", "b").code(), ErrorCode::not_found);
}

// Kills: a temp file that is written through what somebody planted under its name.
TEST_F(PosixFiles, ExclusiveCreationRefusesWhateverIsThere) {
  if (!test::can_symlink()) GTEST_SKIP() << "this file system has no symbolic links";
  write_file(folder_ / "file", "1");
  fs::create_symlink("nowhere", folder_ / "dangling");
  fs::create_directory(folder_ / "folder");
  for (const char* name : {"file", "dangling", "folder"}) {
    EXPECT_EQ(directory_->open(name, OpenMode::create_exclusive).error().os_errno, EEXIST) << name;
  }
  EXPECT_EQ(directory_->make_directory("file").error().os_errno, EEXIST);
  EXPECT_EQ(read_file(folder_ / "file"), "1");
  EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
}

// G12, "temp files follow symlinks". Kills: a missing O_NOFOLLOW.
TEST_F(PosixFiles, SymlinksAreNotFollowed) {
  if (!test::can_symlink()) GTEST_SKIP() << "this file system has no symbolic links";
  write_file(folder_ / "target", "1");
  fs::create_directory(folder_ / "folder");
  fs::create_symlink("target", folder_ / "link");
  fs::create_symlink("folder", folder_ / "folder_link");
  for (const OpenMode mode : {OpenMode::read, OpenMode::read_write, OpenMode::create}) {
    EXPECT_EQ(directory_->open("link", mode).error().os_errno, ELOOP);
  }
  EXPECT_FALSE(directory_->open_directory("folder_link").ok());
  EXPECT_EQ(directory_->stat("link")->type, FileType::symlink);
  ASSERT_TRUE(directory_->unlink("link").ok());
  EXPECT_EQ(read_file(folder_ / "target"), "1");
}

// Kills: a missing O_NONBLOCK (this would hang) and a missing check for regular files.
TEST_F(PosixFiles, AFifoIsRefusedAtOnce) {
  if (!test::can_make_fifos()) GTEST_SKIP() << "this file system has no FIFOs";
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  fs::create_directory(folder_ / "folder");
  for (const OpenMode mode : {OpenMode::read, OpenMode::read_write, OpenMode::create}) {
    EXPECT_EQ(directory_->open("fifo", mode).code(), ErrorCode::io_error);
    EXPECT_EQ(directory_->open("folder", mode).code(), ErrorCode::io_error);
  }
  EXPECT_EQ(directory_->stat("fifo")->type, FileType::other);
}

TEST_F(PosixFiles, ListsNamesWithoutDots) {
  write_file(folder_ / "b", "");
  write_file(folder_ / ".a", "");
  ASSERT_TRUE(directory_->make_directory("c").ok());
  auto names = directory_->list().value();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{".a", "b", "c"}));
  // A second listing begins anew.
  EXPECT_EQ(directory_->list()->size(), 3U);
}

TEST_F(PosixFiles, RenameLinkUnlinkRemove) {
  if (!test::can_link()) GTEST_SKIP() << "this file system has no hard links";
  write_file(folder_ / "a", "1");
  write_file(folder_ / "b", "2");
  ASSERT_TRUE(directory_->make_directory("sub").ok());
  auto sub = directory_->open_directory("sub").value();
  ASSERT_TRUE(directory_->link("a", *sub, "a").ok());
  EXPECT_EQ(directory_->link("b", *sub, "a").error().os_errno, EEXIST);
  EXPECT_EQ(sub->stat("a")->inode, directory_->stat("a")->inode);
  ASSERT_TRUE(directory_->rename("b", "a").ok());
  EXPECT_EQ(read_file(folder_ / "sub/a"), "1");
  EXPECT_EQ(read_file(folder_ / "a"), "2");
  EXPECT_EQ(directory_->remove_directory("sub").error().os_errno, ENOTEMPTY);
  ASSERT_TRUE(sub->unlink("a").ok());
  EXPECT_TRUE(sub->sync().ok());
  EXPECT_TRUE(directory_->remove_directory("sub").ok());
  EXPECT_FALSE(directory_->unlink(".").ok());
}

TEST_F(PosixFiles, RenameKeepsOrExchangesWhenAsked) {
  if (!test::can_exchange()) GTEST_SKIP() << "this file system cannot exchange two names";
  write_file(folder_ / "a", "1");
  write_file(folder_ / "b", "2");
  EXPECT_TRUE(already_exists(directory_->rename("a", "b", RenameMode::keep)));
  ASSERT_TRUE(directory_->rename("a", "b", RenameMode::exchange).ok());
  EXPECT_EQ(read_file(folder_ / "a"), "2");
  EXPECT_EQ(read_file(folder_ / "b"), "1");
  ASSERT_TRUE(directory_->rename("a", "c", RenameMode::keep).ok());
  EXPECT_EQ(directory_->rename("c", "a", RenameMode::exchange).code(), ErrorCode::not_found);
  EXPECT_EQ(read_file(folder_ / "c"), "2");
}

// Where the file system only replaces, it says so and changes nothing: the caller can then replace.
TEST_F(PosixFiles, RenameSaysWhereItCannotKeepOrExchange) {
  if (test::can_exchange()) GTEST_SKIP() << "this file system can exchange two names";
  write_file(folder_ / "a", "1");
  write_file(folder_ / "b", "2");
  const Status exchanged = directory_->rename("a", "b", RenameMode::exchange);
  EXPECT_TRUE(is_unknown_call(exchanged)) << exchanged.to_text();
  // The kernel may find out by itself that the name is taken, before it asks the file system.
  const Status kept = directory_->rename("a", "b", RenameMode::keep);
  EXPECT_TRUE(already_exists(kept) || is_unknown_call(kept)) << kept.to_text();
  const Status free = directory_->rename("a", "c", RenameMode::keep);
  EXPECT_TRUE(free.ok() || is_unknown_call(free)) << free.to_text();
  EXPECT_EQ(read_file(folder_ / (free.ok() ? "c" : "a")), "1");
  EXPECT_EQ(read_file(folder_ / "b"), "2");
}

// A Directory stays what it was, whatever happens to its path ("relative base_dir + chdir").
TEST_F(PosixFiles, AFolderIsHeldByWhatItIsAndNotByItsPath) {
  ASSERT_TRUE(directory_->make_directory("old").ok());
  auto held = directory_->open_directory("old").value();
  ASSERT_TRUE(directory_->rename("old", "new").ok());
  ASSERT_TRUE(held->open("file", OpenMode::create).ok());
  EXPECT_TRUE(fs::exists(folder_ / "new/file"));
}

// G9. Kills: a lock of the process (fcntl) instead of one of the open file: it would not conflict
// within a process, and be lost when any descriptor of the file is closed.
TEST_F(PosixFiles, TheLockIsOfTheOpenFile) {
  auto first = directory_->open("lock", OpenMode::create).value();
  auto second = directory_->open("lock", OpenMode::create).value();
  EXPECT_TRUE(first->try_lock().value());
  EXPECT_TRUE(first->try_lock().value());
  EXPECT_FALSE(second->try_lock().value());
  ASSERT_TRUE(directory_->open("lock", OpenMode::read).value()->close().ok());
  EXPECT_FALSE(second->try_lock().value());
  ASSERT_TRUE(first->close().ok());
  EXPECT_TRUE(second->try_lock().value());
}

// G14. Kills: relying on the mode given to open(2), which the umask cuts.
TEST_F(PosixFiles, ModesAreSetExactly) {
  if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
  auto file = directory_->open("a", OpenMode::create, 0600).value();
  ASSERT_TRUE(file->set_permissions({0666, ::getuid(), ::getgid()}).ok());
  EXPECT_EQ(file->stat()->permissions.mode, 0666U);
  ASSERT_TRUE(file->set_permissions({0400, ::getuid(), ::getgid()}).ok());
  EXPECT_EQ(directory_->stat("a")->permissions.mode, 0400U);
}

TEST_F(PosixFiles, AttributesOrAClearAnswer) {
  auto file = directory_->open("a", OpenMode::create).value();
  const auto none = file->attribute("user.safechunk");
  EXPECT_TRUE(none.code() == ErrorCode::not_found || none.code() == ErrorCode::unsupported_format);
  const Status set = file->set_attribute("user.safechunk", std::string_view("a\0b", 3));
  if (set.code() == ErrorCode::unsupported_format) GTEST_SKIP() << "no attributes here";
  ASSERT_TRUE(set.ok()) << set.to_text();
  EXPECT_EQ(file->attribute("user.safechunk").value(), std::string("a\0b", 3));
  ASSERT_TRUE(directory_->rename("a", "b").ok());
  EXPECT_EQ(directory_->open("b", OpenMode::read).value()->attribute("user.safechunk").value(),
            std::string("a\0b", 3));
}

TEST_F(PosixFiles, SpaceAndPaths) {
  const SpaceInfo space = directory_->space().value();
  EXPECT_GT(space.used_bytes + space.available_bytes, 0U);
  EXPECT_EQ(system_file_system().absolute_path("/x/../y").value(), "/x/../y");
  const std::string current = fs::current_path().string();
  EXPECT_EQ(system_file_system().absolute_path("").value(), current);
  EXPECT_EQ(system_file_system().absolute_path("sub").value(), current + "/sub");
}

TEST_F(PosixFiles, UnreadableIsPermissionDenied) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  write_file(folder_ / "a", "1");
  ASSERT_EQ(::chmod((folder_ / "a").c_str(), 0), 0);
  EXPECT_EQ(directory_->open("a", OpenMode::read).code(), ErrorCode::permission_denied);
}

}  // namespace
}  // namespace safechunk
