// edit_file() on real files, with real processes beside it.

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <safechunk/safechunk.hpp>

#include "support/child_process.h"
#include "support/temporary_folder.h"

namespace safechunk::test {
namespace {

namespace fs = std::filesystem;

class FileEdits : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name = "settings.json") const {
    return (folder_ / name).string();
  }
  void write(const std::string& text) const { write_file(path(), text); }
  [[nodiscard]] std::string text() const { return read_file(path()); }
  [[nodiscard]] std::string backup() const {
    return read_file(folder_ / ".settings.json.safechunk/settings.json.bak");
  }
  [[nodiscard]] std::size_t names() const {
    const fs::directory_iterator all(folder_.path());
    return static_cast<std::size_t>(std::distance(fs::begin(all), fs::end(all)));
  }
  [[nodiscard]] Result<FileEditResult> edit(const std::vector<FileEdit>& edits,
                                            const FileEditOptions& options = {}) const {
    return edit_file(path(), edits, options);
  }
  [[nodiscard]] std::string refused(const std::vector<FileEdit>& edits,
                                    const FileEditOptions& options = {}) const {
    const auto done = edit(edits, options);
    return done ? "it was made" : std::string(to_string(done.code())) + ": " + done.error().message;
  }
  TemporaryFolder folder_;
};

FileEditOptions with(Dialect dialect) {
  FileEditOptions options;
  options.dialect = dialect;
  return options;
}
FileEditOptions in(std::chrono::milliseconds timeout) {
  FileEditOptions options;
  options.lock_timeout = timeout;
  return options;
}

// Kills a file that is written anew instead of edited: byte-order mark, line ends, indentation and
// the missing last line end stay.
TEST_F(FileEdits, OnlyTheValueChanges) {
  write("\xEF\xBB\xBF{\r\n\t\"a\" : 1.50,\r\n\t\"b\" : [1 , 2]\r\n}");
  const auto done = edit({FileEdit::set("/b/1", "{\"c\":1e400}")});
  ASSERT_TRUE(done.ok()) << done.status().to_text();
  EXPECT_TRUE(done->changed);
  EXPECT_EQ(text(), "\xEF\xBB\xBF{\r\n\t\"a\" : 1.50,\r\n\t\"b\" : [1 , {\"c\" : 1e400}]\r\n}");
  EXPECT_EQ(backup(), "\xEF\xBB\xBF{\r\n\t\"a\" : 1.50,\r\n\t\"b\" : [1 , 2]\r\n}");
  EXPECT_EQ(read_json_file(path())->revision, done->revision);
}

// Kills an edit that is made although a later one is refused, and a message that does not say
// which.
TEST_F(FileEdits, AllOrNone) {
  write("{\"a\":1}");
  EXPECT_EQ(refused({FileEdit::set("/a", "2"), FileEdit::unset("/b")}),
            "not_found: edit 1: '/b': the document has no member 'b'");
  EXPECT_EQ(text(), "{\"a\":1}");
  EXPECT_EQ(names(), 1U);
  ASSERT_TRUE(edit({FileEdit::set("/b", "2"), FileEdit::unset("/a"), FileEdit::merge("{\"c\":3}"),
                    FileEdit::patch(R"([{"op":"test","path":"/b","value":2}])")})
                  .ok());
  EXPECT_EQ(text(), "{\"b\":2,\"c\":3}");
}

// Kills a file that is taken for JSON, or refused without its place and the way out.
TEST_F(FileEdits, WhatIsNotJsonIsRefused) {
  write("{\n  // x\n  \"a\": 1\n}\n");
  const auto done = edit({FileEdit::set("/a", "2")});
  ASSERT_EQ(done.code(), ErrorCode::invalid_json);
  EXPECT_EQ(done.error().position->line, 2U);
  EXPECT_EQ(done.error().position->column, 3U);
  EXPECT_EQ(done.error().path, path());
  EXPECT_NE(done.error().message.find("dialect jsonc"), std::string::npos);
  ASSERT_TRUE(edit({FileEdit::set("/a", "2")}, with(Dialect::jsonc)).ok());
  EXPECT_EQ(text(), "{\n  // x\n  \"a\": 2\n}\n");

  write("{\"a\": }");
  EXPECT_EQ(refused({FileEdit::set("/a", "2")}), "invalid_json: expected a value, found '}'");
  write("");
  EXPECT_EQ(edit({FileEdit::set("/a", "2")}).code(), ErrorCode::invalid_json);
  write(std::string("{\0\"\0a\0", 6));
  EXPECT_EQ(refused({FileEdit::set("/a", "2")}),
            "invalid_json: the text is UTF-16; JSON must be UTF-8");
  write("{}");
  EXPECT_EQ(edit({FileEdit::set("/a", "x")}).code(), ErrorCode::invalid_json);
  EXPECT_EQ(edit({FileEdit::set("a", "1")}).code(), ErrorCode::invalid_argument);
  EXPECT_EQ(text(), "{}");
}

// Kills a write that changes nothing: watchers would run, and the backup would be lost.
TEST_F(FileEdits, WhatIsThereAlreadyIsNotWritten) {
  const std::string original = "{ \"a\" : [1,  2,3] }";
  write(original);
  const auto before = fs::last_write_time(path());
  const auto done = edit({FileEdit::set("/a", "[1, 2, 3]")});
  ASSERT_TRUE(done.ok());
  EXPECT_FALSE(done->changed);
  EXPECT_EQ(text(), original);
  EXPECT_EQ(fs::last_write_time(path()), before);
  EXPECT_EQ(names(), 1U);
}

TEST_F(FileEdits, Revisions) {
  write("{\"a\":1}");
  FileEditOptions options;
  options.if_revision = read_json_file(path())->revision;
  const auto done = edit({FileEdit::set("/a", "2")}, options);
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(edit({FileEdit::set("/a", "3")}, options).code(), ErrorCode::conflict);
  options.if_revision = done->revision;
  EXPECT_TRUE(edit({FileEdit::set("/a", "3")}, options).ok());
  EXPECT_EQ(text(), "{\"a\":3}");
}

// Kills a mode, or a mode of the side folder, that lets others read a secret.
TEST_F(FileEdits, ModesAndTheBackup) {
  write("{\"a\":1}");
  ASSERT_EQ(::chmod(path().c_str(), 0640), 0);
  ASSERT_TRUE(edit({FileEdit::set("/a", "2")}).ok());
  const auto mode = [&](const std::string& name) {
    struct stat found {};
    EXPECT_EQ(::stat(path(name).c_str(), &found), 0) << name;
    return found.st_mode & 07777U;
  };
  EXPECT_EQ(mode("settings.json"), 0640U);
  EXPECT_EQ(mode(".settings.json.safechunk"), 0700U);
  EXPECT_EQ(mode(".settings.json.safechunk/settings.json.bak"), 0640U);
  FileEditOptions options;
  options.backup = false;
  ASSERT_TRUE(edit({FileEdit::set("/a", "3")}, options).ok());
  EXPECT_EQ(backup(), "{\"a\":1}");
  fs::remove_all(path(".settings.json.safechunk"));
  ASSERT_TRUE(edit({FileEdit::set("/a", "4")}, options).ok());
  EXPECT_EQ(text(), "{\"a\":4}");
  EXPECT_EQ(names(), 1U);
  // What stands in the way of the backup keeps the file as it is.
  write_file(path(".settings.json.safechunk"), "mine");
  EXPECT_FALSE(edit({FileEdit::set("/a", "5")}).ok());
  EXPECT_EQ(text(), "{\"a\":4}");
  EXPECT_EQ(read_file(path(".settings.json.safechunk")), "mine");
}

// Kills attributes that stay with the old file. An ACL is one of them.
TEST_F(FileEdits, AttributesAndAclsStay) {
  write("{\"a\":1}");
  const std::string value(3000, 'x');
  if (::setxattr(path().c_str(), "user.mine", value.data(), value.size(), 0) != 0) {
    GTEST_SKIP() << "no extended attributes here";
  }
  // Version 2; the owner rw-, the user 1234 r--, the group r--, the mask r--, others nothing.
  constexpr std::array<unsigned char, 44> kAcl = {
      2, 0,    0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
      0, 0xD2, 4,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
      4, 0,    255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
  const bool has_acl =
      ::setxattr(path().c_str(), "system.posix_acl_access", kAcl.data(), kAcl.size(), 0) == 0;
  ASSERT_TRUE(edit({FileEdit::set("/a", "2")}).ok());
  EXPECT_EQ(text(), "{\"a\":2}");
  std::string found(4000, '\0');
  EXPECT_EQ(::getxattr(path().c_str(), "user.mine", found.data(), found.size()), 3000);
  if (!has_acl) return;
  EXPECT_EQ(::getxattr(path().c_str(), "system.posix_acl_access", found.data(), found.size()), 44);
  EXPECT_EQ(found.substr(0, 44), std::string(kAcl.begin(), kAcl.end()));
}

// Kills a link that is replaced by a file.
TEST_F(FileEdits, LinksAreFollowed) {
  fs::create_directory(folder_ / "dotfiles");
  write_file(folder_ / "dotfiles/real.json", "{\"a\":1}");
  fs::create_symlink("dotfiles/real.json", path());
  ASSERT_TRUE(edit({FileEdit::set("/a", "2")}).ok());
  EXPECT_TRUE(fs::is_symlink(path()));
  EXPECT_EQ(read_file(folder_ / "dotfiles/real.json"), "{\"a\":2}");
  EXPECT_EQ(read_file(folder_ / "dotfiles/.real.json.safechunk/real.json.bak"), "{\"a\":1}");
}

// Kills a file that is made, a wait for a FIFO, and a message without a reason.
TEST_F(FileEdits, WhatIsNoFileIsRefused) {
  const std::vector<FileEdit> set = {FileEdit::set("/a", "1")};
  EXPECT_EQ(refused(set), "not_found: there is no such file");
  fs::create_symlink("nothing.json", path());
  EXPECT_EQ(refused(set), "not_found: the link leads to nothing");
  fs::remove(path());
  fs::create_symlink("settings.json", path());
  EXPECT_NE(refused(set), "it was made");
  fs::remove(path());
  fs::create_directory(path());
  EXPECT_EQ(refused(set), "io_error: this is a folder, and not a file");
  fs::remove(path());
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_EQ(refused(set), "io_error: not a regular file");
  EXPECT_EQ(edit_file("/dev/null", set).error().message, "not a regular file");
  EXPECT_EQ(edit_file("/", set).code(), ErrorCode::io_error);
  EXPECT_EQ(edit_file("", set).code(), ErrorCode::invalid_argument);
  EXPECT_EQ(edit_file(path("no/such/x.json"), set).code(), ErrorCode::not_found);
  EXPECT_EQ(names(), 1U);
}

TEST_F(FileEdits, AFileOverTheLimitIsRefused) {
  write("{}");
  fs::resize_file(path(), (512ULL << 20U) + 1);
  EXPECT_EQ(edit({FileEdit::set("/a", "1")}).code(), ErrorCode::too_large);
}

// Kills an edit that changes something where it may not.
TEST_F(FileEdits, WithoutTheRight) {
  write("{\"a\":1}");
  fs::create_directory(folder_ / "closed");
  write_file(folder_ / "closed/x.json", "{\"a\":1}");
  ASSERT_EQ(::chmod(path().c_str(), 0), 0);
  ASSERT_EQ(::chmod(path("closed").c_str(), 0555), 0);
  ASSERT_EQ(::chmod(folder_.string().c_str(), 0755), 0);
  Child child([&] {
    if (::geteuid() == 0) require(::setuid(65534) == 0, "setuid");
    const std::vector<FileEdit> set = {FileEdit::set("/a", "2")};
    require_code(ErrorCode::permission_denied, edit_file(path(), set).status(), "unreadable");
    require_code(ErrorCode::permission_denied, edit_file(path("closed/x.json"), set).status(),
                 "closed");
  });
  EXPECT_EQ(child.wait(), 0);
  ASSERT_EQ(::chmod(path().c_str(), 0600), 0);
  ASSERT_EQ(::chmod(path("closed").c_str(), 0755), 0);
  EXPECT_EQ(text(), "{\"a\":1}");
  EXPECT_EQ(read_file(folder_ / "closed/x.json"), "{\"a\":1}");
}

TEST_F(FileEdits, MakesAFileOnlyWhenAskedTo) {
  FileEditOptions options;
  options.create = true;
  EXPECT_EQ(edit({FileEdit::unset("/a")}, options).code(), ErrorCode::not_found);
  const auto done = edit({FileEdit::set("/a", "1")}, options);
  ASSERT_TRUE(done.ok()) << done.status().to_text();
  EXPECT_EQ(text(), "{\n    \"a\": 1\n}\n");
  EXPECT_EQ(names(), 1U);
}

// Kills a lock that is not taken, and one that is not waited for.
TEST_F(FileEdits, WaitsForALockAndForAWriter) {
  using std::chrono::milliseconds;
  write("{\"a\":1}");
  const int file = ::open(path().c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(file, 0);
  ASSERT_EQ(::flock(file, LOCK_EX), 0);
  EXPECT_EQ(edit({FileEdit::set("/a", "2")}, in(milliseconds(20))).code(), ErrorCode::locked);
  ::close(file);
  const int writer = ::open(path().c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  const auto beside = edit({FileEdit::set("/a", "2")}, in(milliseconds(20)));
#ifdef __linux__
  EXPECT_EQ(beside.code(), ErrorCode::being_edited);
  EXPECT_EQ(text(), "{\"a\":1}");
#endif
  ::close(writer);
  EXPECT_TRUE(edit({FileEdit::set("/a", "3")}, in(milliseconds(0))).ok());
  EXPECT_TRUE(edit({FileEdit::set("/a", "3")}, in(milliseconds::max())).ok());
  EXPECT_EQ(text(), "{\"a\":3}");
}

// Kills a lock on a file that has lost its name: one of twenty edits would be lost.
TEST_F(FileEdits, TwentyProcessesLoseNothing) {
  constexpr int kProcesses = 20;
  constexpr int kEdits = 5;
  write("{\n  // all\n}\n");
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(std::make_unique<Child>([&, i] {
      FileEditOptions options = with(Dialect::jsonc);
      options.lock_timeout = patience();
      for (int n = 0; n < kEdits; ++n) {
        const std::string name = "/n" + std::to_string(i) + "_" + std::to_string(n);
        const FileEdit set = FileEdit::set(name, std::to_string(n));
        require_ok(edit_file(path(), std::span(&set, 1), options).status(), "edit");
      }
    }));
  }
  for (const auto& child : children) EXPECT_EQ(child->wait(), 0);
  const auto found = read_json_file(path(), Dialect::jsonc);
  ASSERT_TRUE(found.ok()) << found.status().to_text();
  for (int i = 0; i < kProcesses; ++i) {
    for (int n = 0; n < kEdits; ++n) {
      const std::string name = "/n" + std::to_string(i) + "_" + std::to_string(n);
      EXPECT_TRUE(json_value_at(found->json, name).ok()) << name;
    }
  }
  EXPECT_EQ(names(), 2U);
}

// The same while the file is not there: kills a temporary name that two makers share.
TEST_F(FileEdits, SeveralProcessesMakeOneFile) {
  constexpr int kProcesses = 8;
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(std::make_unique<Child>([&, i] {
      FileEditOptions options;
      options.create = true;
      options.lock_timeout = patience();
      const FileEdit set = FileEdit::set("/n" + std::to_string(i), "1");
      require_ok(edit_file(path(), std::span(&set, 1), options).status(), "edit");
    }));
  }
  for (const auto& child : children) EXPECT_EQ(child->wait(), 0);
  for (int i = 0; i < kProcesses; ++i) {
    EXPECT_TRUE(json_value_at(text(), "/n" + std::to_string(i)).ok()) << i;
  }
}

}  // namespace
}  // namespace safechunk::test
