// G13: what a checkpoint reads while chunks change.

#include <gtest/gtest.h>

#include <cerrno>
#include <new>

#include "storage/checkpoints/archive_store.h"
#include "storage/checkpoints/snapshot.h"
#include "support/sim_file_system.h"

namespace safechunk::test {
namespace {

void write(Directory& folder, const std::string& file, std::string_view bytes) {
  auto opened = folder.open(file, OpenMode::create).value();
  opened->truncate(0).throw_if_error();
  (void)opened->write_at(0, bytes).value();
}

class Pinned : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    folders_.root = files_.open_directory("/").value();
    Directory* const root = folders_.root.get();
    for (const char* name : {"chunks", "chunks_bak", "checkpoints"}) {
      root->make_directory(name).throw_if_error();
    }
    folders_.chunks = root->open_directory("chunks").value();
    folders_.backups = std::make_unique<FolderOnDemand>(*root, "chunks_bak", std::nullopt);
    folders_.checkpoints = std::make_unique<FolderOnDemand>(*root, "checkpoints", std::nullopt);
    write_both();
  }
  void write_both() {
    write(*folders_.chunks, "a.json", "\"new\"");
    write(*folders_.backups, "a.bak", "\"old\"");
  }
  // As a commit changes them: by other files under their names.
  void replace() {
    Directory* const backups = folders_.backups.get();
    for (const auto& [folder, name] :
         {std::pair(folders_.chunks.get(), "a.json"), std::pair(backups, "a.bak")}) {
      write(*folder, "other", "\"other\"");
      folder->rename("other", name).throw_if_error();
    }
  }

  SimFileSystem files_{true, GetParam()};
  ProjectFolders folders_;
  const TextSettings settings_{};
};

TEST_P(Pinned, ReadsWhatWasThereAtTheBeginning) {
  const auto pinned = Snapshot::take(folders_, 1, settings_).value();
  EXPECT_EQ(pinned->read_chunk("a").bytes, "\"new\"");
  pinned->preserve("a");
  replace();
  pinned->preserve("a");
  EXPECT_EQ(pinned->read_chunk("a").bytes, "\"new\"");
  EXPECT_EQ(pinned->read_backup("a").value(), "\"old\"");
}

// Kills: dropped return codes of what keeps a file; reading the new version instead.
TEST_P(Pinned, WhatCouldNotBeKeptIsAnErrorAndNeverTheNewVersion) {
  bool reached = true;
  for (std::size_t broken = 0; reached; ++broken) {
    const auto pinned = Snapshot::take(folders_, 1, settings_).value();
    reached = false;
    bool link = false;
    std::size_t calls = 0;
    files_.set_hook([&](const SimCall& call) -> std::optional<int> {
      if (calls++ != broken) return std::nullopt;
      reached = true;
      link = call.verb == "link" || call.path == "chunks_bak";  // which is opened for it
      return EIO;
    });
    pinned->preserve("a");
    files_.set_hook({});
    replace();
    const Inspection chunk = pinned->read_chunk("a");
    const auto backup = pinned->read_backup("a");
    if (chunk.usable()) {
      EXPECT_EQ(chunk.bytes, "\"new\"") << "call " << broken;
    } else {
      EXPECT_EQ(chunk.reason.code(), ErrorCode::io_error) << "call " << broken;
    }
    if (backup) {
      EXPECT_EQ(*backup, "\"old\"") << "call " << broken;
    }
    // A link that fails is made up for by a copy; nothing else is.
    if (reached && !link) {
      EXPECT_FALSE(chunk.usable() && backup.ok()) << "call " << broken;
    }
    write_both();
  }
}

// Memory fails at every call; the commit behind it is tried again, and then a second fault hits it.
// Kills: taking what an earlier attempt left behind for a failure, or a failure for what it left.
TEST_P(Pinned, IsKeptAgainAfterMemoryFailed) {
  bool reached = true;
  for (std::size_t thrown = 0; reached; ++thrown) {
    for (const bool unlink_fails : {false, true}) {
      const auto pinned = Snapshot::take(folders_, 1, settings_).value();
      std::size_t calls = 0;
      reached = false;
      files_.set_hook([&](const SimCall&) -> std::optional<int> {
        reached = reached || calls == thrown;
        if (calls++ == thrown) throw std::bad_alloc();
        return std::nullopt;
      });
      try {
        pinned->preserve("a");
        EXPECT_FALSE(reached);
      } catch (const std::bad_alloc&) {
        EXPECT_TRUE(reached);
      }
      bool failed = false;
      files_.set_hook([&](const SimCall& call) -> std::optional<int> {
        if (!unlink_fails || call.verb != "unlink") return std::nullopt;
        failed = true;
        return EIO;
      });
      pinned->preserve("a");
      files_.set_hook({});
      replace();
      const Inspection chunk = pinned->read_chunk("a");
      if (failed) {
        EXPECT_EQ(chunk.reason.code(), ErrorCode::io_error) << "call " << thrown;
      } else {
        EXPECT_EQ(chunk.bytes, "\"new\"") << "call " << thrown;
        EXPECT_EQ(pinned->read_backup("a").value(), "\"old\"") << "call " << thrown;
      }
      write_both();
    }
  }
}

// Kills: a restore that goes on with what could not be taken in.
TEST_P(Pinned, AnArchiveIsReadUntilItsHandlerFails) {
  const auto pinned = Snapshot::take(folders_, 1, settings_).value();
  ArchiveRequest request;
  request.project_id = "p";
  request.label = "x";
  const std::string name =
      write_checkpoint(*folders_.checkpoints, *pinned, request, settings_, {}).value();
  const auto refuse = [](const std::string&, const std::string&, std::uint32_t) {
    return Status(ErrorCode::too_large, "enough");
  };
  EXPECT_EQ(read_checkpoint(*folders_.checkpoints, name, settings_, {}, refuse).code(),
            ErrorCode::too_large);
  EXPECT_TRUE(read_checkpoint(*folders_.checkpoints, name, settings_, {}, {}).ok());
}

INSTANTIATE_TEST_SUITE_P(All, Pinned, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "with" : "without") + "_links";
});

}  // namespace
}  // namespace safechunk::test
