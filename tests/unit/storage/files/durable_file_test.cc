// Files that change, shrink or store nothing while they are worked on.

#include "storage/files/durable_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include "support/sim_file_system.h"

namespace safechunk::test {
namespace {

// Stores what it is told to store, and no more.
class FullFile final : public File {
 public:
  explicit FullFile(std::size_t room) : room_(room) {}

  Result<std::size_t> read_at(std::uint64_t, std::span<char>) override { return std::size_t{0}; }
  Result<std::size_t> write_at(std::uint64_t, std::string_view bytes) override {
    const std::size_t count = std::min(room_, bytes.size());
    room_ -= count;
    return count;
  }
  Result<Appended> append(std::string_view bytes) override {
    auto count = write_at(0, bytes);
    if (!count) return count.status();
    return Appended{*count, *count};
  }
  Status truncate(std::uint64_t) override {
    ++truncated;
    return {};
  }
  Status start_writeback() override { return {}; }
  Status sync() override { return {}; }
  Status sync_data() override { return {}; }
  Result<FileInfo> stat() override {
    FileInfo info;
    info.size = 10;
    return info;
  }
  Status set_permissions(const Permissions&) override { return {}; }
  Result<std::string> attribute(const char*) override { return std::string(); }
  Status set_attribute(const char*, std::string_view) override { return {}; }
  Result<bool> try_lock() override { return true; }
  Result<bool> try_read_lease() override { return true; }
  Result<bool> lease_is_contested() override { return false; }
  Status close() override { return {}; }

  int truncated = 0;

 private:
  std::size_t room_;
};

// Kills: a loop without end.
TEST(WriteAll, AWriteThatStoresNothingIsAnError) {
  FullFile file(2);
  EXPECT_EQ(write_all(file, 0, "abc").code(), ErrorCode::no_space);
  FullFile enough(3);
  EXPECT_TRUE(write_all(enough, 0, "abc").ok());
}

// Kills: returning zeros for what is not there.
TEST(ReadAll, AFileThatShrinksGivesWhatItHas) {
  FullFile file(0);
  EXPECT_EQ(read_all(file, 100).value(), "");
  EXPECT_EQ(read_all(file, 9).code(), ErrorCode::too_large);
}

TEST(FileWriter, TheFirstErrorStays) {
  FullFile file(0);
  std::string buffer;
  FileWriter writer(file, buffer);
  writer.append(std::string(2U << 20U, 'x'));
  writer.clear();
  EXPECT_EQ(file.truncated, 0) << "there is nothing to begin again with";
  writer.append("1");
  EXPECT_EQ(writer.finish().code(), ErrorCode::no_space);
}

// The text was too deep after a megabyte of it had been written. Kills: a file that keeps the tail
// of what was begun before.
TEST(FileWriter, BeginsAgainWithAnEmptyFile) {
  SimFileSystem files;
  auto root = files.open_directory("/").value();
  auto file = root->open("f", OpenMode::create_exclusive).value();
  std::string buffer;
  FileWriter writer(*file, buffer);
  writer.append(std::string(2U << 20U, 'x'));
  writer.append("y");
  writer.clear();
  writer.append("1");
  ASSERT_TRUE(writer.finish().ok());
  EXPECT_EQ(writer.size(), 1U);
  EXPECT_EQ(files.contents().at("f"), "1");
}

class Temporary : public testing::Test {
 protected:
  [[nodiscard]] TemporaryFile write(const FileAttributes& attributes = {}) {
    return TemporaryFile::write(*root_, "f.tmp", "abc", attributes).value();
  }

  SimFileSystem files_;
  std::unique_ptr<Directory> root_ = files_.open_directory("/").value();
};

// Kills: a name for a file that may be empty after a power cut.
TEST_F(Temporary, IsNotPublishedBeforeItIsDurable) {
  {
    TemporaryFile file = write();
    EXPECT_EQ(file.publish("f").code(), ErrorCode::invalid_argument);
  }
  EXPECT_TRUE(files_.contents().empty());
  TemporaryFile file = write();
  EXPECT_EQ(file.make_durable([](File&) { return Status(ErrorCode::corrupt, "checked"); }).code(),
            ErrorCode::corrupt);
  EXPECT_EQ(file.publish("f").code(), ErrorCode::invalid_argument);
}

// Kills: dropped return codes.
TEST_F(Temporary, IsNotPublishedAfterACallThatFailed) {
  bool reached = true;
  for (std::size_t broken = 0; reached; ++broken) {
    TemporaryFile file = write();
    std::size_t calls = 0;
    reached = false;
    files_.set_hook([&](const SimCall&) -> std::optional<int> {
      reached = reached || calls == broken;
      return calls++ == broken ? std::optional(EIO) : std::nullopt;
    });
    const Status durable = file.make_durable();
    files_.set_hook({});
    EXPECT_EQ(durable.ok(), !reached) << "call " << broken;
    EXPECT_EQ(file.publish("f").ok(), !reached) << "call " << broken;
  }
}

// G5. Kills: comparing only as far as there is something to read.
TEST_F(Temporary, IsNotDurableWhenItShrankMeanwhile) {
  TemporaryFile file = TemporaryFile::write(*root_, "f.tmp", std::string(100'000, 'x'), {}).value();
  bool shrunk = false;
  files_.set_hook([&](const SimCall& call) -> std::optional<int> {
    if (call.verb == "read_at" && !std::exchange(shrunk, true)) {
      root_->open("f.tmp", OpenMode::read_write).value()->truncate(1).throw_if_error();
    }
    return std::nullopt;
  });
  EXPECT_EQ(file.make_durable().code(), ErrorCode::io_error);
  EXPECT_TRUE(shrunk);
  EXPECT_EQ(file.publish("f").code(), ErrorCode::invalid_argument);
}

// G14. Kills: looking only at the mode.
TEST_F(Temporary, TakesOverModeUserAndGroup) {
  const FileInfo plain = root_->open("plain", OpenMode::create, 0666).value()->stat().value();
  const Permissions was = plain.permissions;
  for (const Permissions& wanted :
       {Permissions{was.mode, 5, was.group}, Permissions{was.mode, was.user, 6},
        Permissions{0600, was.user, was.group}}) {
    FileAttributes attributes;
    attributes.like = plain;
    attributes.like->permissions = wanted;
    TemporaryFile file = write(attributes);
    EXPECT_EQ(file.file().stat().value().permissions, wanted);
  }
}

}  // namespace
}  // namespace safechunk::test
