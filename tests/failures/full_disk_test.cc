// Full disks: a tmpfs that is sized page by page, one without inodes, and an ext4 that is filled
// page by page (G2, G7, G8).
//
// The file systems are mounted in a mount namespace of this process, which nobody else sees and
// which is gone with it. That needs root (or CAP_SYS_ADMIN); the tests are skipped without.

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>

#include "support/child_process.h"
#include "support/place.h"
#include "support/private_mounts.h"
#include "support/small_disk.h"

namespace safechunk {
namespace {

using test::LoopImage;
using test::MemoryPages;
using test::private_mounts;
using test::read_file;
using test::SmallDisk;
namespace fs = std::filesystem;

// Three chunks: a small one, a big one, and a small one, in two versions.
const std::string kBig(20'000, 'x');
const std::map<std::string, std::string> kOld = {
    {"big", "\"" + kBig + "\"\n"}, {"first", "1\n"}, {"third", "3\n"}};
const std::map<std::string, std::string> kNew = {
    {"big", "\"new " + kBig + "\"\n"}, {"first", "10\n"}, {"third", "30\n"}};

class FilledDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (!private_mounts().empty()) {
      GTEST_SKIP() << "cannot mount here, root is needed: " << private_mounts();
    }
    restart();
  }
  // An empty disk with room.
  virtual void restart() = 0;

  void make_project() {
    SafeChunkEngine engine(test::project_id(), disk_->options());
    ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
    for (const auto& [chunk, text] : kOld) {
      ASSERT_TRUE(engine.stage_update(std::string_view(text), chunk).ok());
    }
    ASSERT_TRUE(engine.force_sync().ok());
    ASSERT_TRUE(engine.detach().ok());
  }

  // G2: each file is a complete old or a complete new version. Returns how many are new.
  std::size_t expect_whole_versions() {
    std::size_t saved = 0;
    for (const auto& [chunk, text] : kOld) {
      const std::string bytes = disk_->file("chunks/" + chunk + ".json");
      if (bytes == kNew.at(chunk)) ++saved;
      EXPECT_TRUE(bytes == text || bytes == kNew.at(chunk)) << chunk << ": " << bytes.substr(0, 40);
    }
    return saved;
  }

  // Opens, stages and saves on a disk as it is now, then makes room. Returns whether the disk was
  // large enough for everything.
  bool save_and_make_room() {
    bool opened_at_once = true;
    auto engine = SafeChunkEngine::open(test::project_id(), disk_->options());
    if (!engine) {
      EXPECT_EQ(engine.code(), ErrorCode::no_space) << engine.status().to_text();
      EXPECT_EQ(expect_whole_versions(), 0U);
      expect_readable();
      opened_at_once = false;
      disk_->make_room();
      engine = SafeChunkEngine::open(test::project_id(), disk_->options());
      if (!engine) {
        ADD_FAILURE() << "with room: " << engine.status().to_text();
        return false;
      }
    }
    faults_ = 0;
    engine->on_fault([this](const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::no_space) << error.to_text();
      ++faults_;
    });
    bool journaled = true;
    for (const auto& [chunk, text] : kNew) {
      const Status staged = engine->stage_update(std::string_view(text), chunk);
      EXPECT_TRUE(staged.ok() || staged.code() == ErrorCode::no_space) << staged.to_text();
      journaled = journaled && staged.ok();
    }
    const Status synced = engine->force_sync();
    const std::size_t saved = expect_whole_versions();
    EXPECT_EQ(synced.ok(), saved == kNew.size()) << synced.to_text();
    if (!synced.ok()) {
      EXPECT_EQ(synced.code(), ErrorCode::no_space) << synced.to_text();
      EXPECT_GT(faults_, 0);  // G7
      EXPECT_TRUE(engine->health_report()->dirty_buffer);
    }
    most_saved_ = std::max(most_saved_, synced.ok() ? 0 : saved);
    // G8: what was staged is there, whether it is in the journal and on the disk or not.
    for (const auto& [chunk, text] : kNew) EXPECT_EQ(*engine->fetch_chunk(chunk), text);
    disk_->make_room();
    const Status again = engine->force_sync();
    EXPECT_TRUE(again.ok()) << again.to_text();
    EXPECT_EQ(expect_whole_versions(), kNew.size());
    EXPECT_FALSE(engine->health_report()->dirty_buffer);
    const Status detached = engine->detach();
    EXPECT_TRUE(detached.ok()) << detached.to_text();
    EXPECT_EQ(disk_->file(".journal"), "");
    return opened_at_once && journaled && synced.ok();
  }

  void expect_readable() {
    EngineOptions options = disk_->options();
    options.mode = Mode::read;
    auto reader = SafeChunkEngine::open(test::project_id(), options);
    ASSERT_TRUE(reader.ok()) << reader.status().to_text();
    for (const auto& [chunk, text] : kOld) {
      const std::string found = *reader->fetch_chunk(chunk);
      // The new text is in the journal of an owner that is gone.
      EXPECT_TRUE(found == text || found == kNew.at(chunk)) << chunk << ": " << found.substr(0, 40);
    }
  }

  // An old project, its disk nearly full, with a page more each time until all fits.
  void fill_page_by_page() {
    bool enough = false;
    std::uint64_t pages = 0;
    for (; !enough; ++pages) {
      SCOPED_TRACE(std::to_string(pages) + " free pages");
      ASSERT_LT(pages, 100U);
      restart();
      make_project();
      disk_->leave_pages(pages);
      enough = save_and_make_room();
      if (HasFailure()) return;
    }
    std::printf("everything fits into %d free pages\n", static_cast<int>(pages - 1));
    EXPECT_GT(pages, 10U);
    EXPECT_EQ(most_saved_, 2U);  // both neighbours of the big one
  }

  SmallDisk* disk_ = nullptr;
  int faults_ = 0;
  std::size_t most_saved_ = 0;  // in a commit that failed for others
};

class FullDisk : public FilledDisk {
 protected:
  void restart() override {
    memory_.reset();
    memory_ = std::make_unique<MemoryPages>();
    disk_ = memory_.get();
  }
  std::unique_ptr<MemoryPages> memory_;
};

class FullExt4 : public FilledDisk {
 protected:
  void SetUp() override {
    if (::access("/dev/loop-control", R_OK | W_OK) != 0) GTEST_SKIP() << "no loop devices here";
    FilledDisk::SetUp();
  }
  void restart() override {
    if (!image_) image_ = std::make_unique<LoopImage>();
    disk_ = image_.get();
    image_->remove_project();
  }
  std::unique_ptr<LoopImage> image_;
};

TEST_F(FullDisk, GrowingPageByPage) {
  fill_page_by_page();
}

TEST_F(FullExt4, GrowingPageByPage) {
  fill_page_by_page();
}

// Issue: "and no inodes".
TEST_F(FullDisk, GrowingInodeByInode) {
  bool enough = false;
  std::uint64_t inodes = 0;
  for (; !enough; ++inodes) {
    SCOPED_TRACE(std::to_string(inodes) + " free inodes");
    ASSERT_LT(inodes, 100U);
    restart();
    make_project();
    memory_->leave_inodes(inodes);
    enough = save_and_make_room();
    if (HasFailure()) return;
  }
  std::printf("everything fits into %d free inodes\n", static_cast<int>(inodes - 1));
  EXPECT_GT(inodes, 3U);
}

// A project that is created on a disk without room, and opened again when there is more.
TEST_F(FullDisk, CreatedOnAFullDisk) {
  for (const bool by_inodes : {false, true}) {
    bool created = false;
    for (std::uint64_t room = 0; !created; ++room) {
      SCOPED_TRACE(std::to_string(room) + (by_inodes ? " inodes" : " pages"));
      ASSERT_LT(room, 50U);
      restart();
      if (by_inodes) {
        memory_->leave_inodes(room);
      } else {
        disk_->leave_pages(room);
      }
      auto engine = SafeChunkEngine::open(test::project_id(), disk_->options());
      created = engine.ok();
      if (!created) {
        EXPECT_EQ(engine.code(), ErrorCode::no_space) << engine.status().to_text();
      }
      disk_->make_room();
      if (!created) engine = SafeChunkEngine::open(test::project_id(), disk_->options());
      ASSERT_TRUE(engine.ok()) << engine.status().to_text();
      ASSERT_TRUE(engine->stage_update("1", "a").ok());
      ASSERT_TRUE(engine->force_sync().ok());
      ASSERT_TRUE(engine->detach().ok());
      ASSERT_EQ(disk_->file("chunks/a.json"), "1\n");
    }
  }
}

// G8: the worker retries by itself, and succeeds once there is room.
TEST_F(FullDisk, TheRetrySucceedsOnceThereIsRoom) {
  make_project();
  std::atomic<int> syncs = 0;
  SafeChunkEngine engine(test::project_id(), disk_->options());
  engine.on_sync([&] { ++syncs; });
  disk_->leave_pages(0);
  for (const auto& [chunk, text] : kNew) {
    (void)engine.stage_update(std::string_view(text), chunk);  // perhaps not journaled
  }
  EXPECT_EQ(engine.force_sync().code(), ErrorCode::no_space);
  EXPECT_EQ(syncs, 0);
  disk_->make_room();
  EXPECT_TRUE(test::eventually([&] { return syncs > 0; }));
  EXPECT_EQ(expect_whole_versions(), kNew.size());
  EXPECT_GE(engine.health_report()->retries, 1U);
  engine.on_sync(nullptr);
}

// G8: detach says what it could not save, keeps the journal, and the next attach commits it.
TEST_F(FullDisk, DetachKeepsTheJournalAndTheNextAttachCommitsIt) {
  make_project();
  {
    SafeChunkEngine engine(test::project_id(), disk_->options());
    for (const auto& [chunk, text] : kNew) {
      ASSERT_TRUE(engine.stage_update(std::string_view(text), chunk).ok());
    }
    disk_->leave_pages(0);
    EXPECT_EQ(engine.detach().code(), ErrorCode::no_space);
    EXPECT_EQ(expect_whole_versions(), 0U);
  }
  // And attach on a full disk loses nothing either.
  {
    SafeChunkEngine engine(test::project_id(), disk_->options());
    EXPECT_EQ(expect_whole_versions(), 0U);
    if (engine.is_active()) {
      for (const auto& [chunk, text] : kNew) EXPECT_EQ(*engine.fetch_chunk(chunk), text);
    } else {
      EXPECT_EQ(engine.status().code(), ErrorCode::no_space) << engine.status().to_text();
      expect_readable();
    }
  }
  disk_->make_room();
  SafeChunkEngine engine(test::project_id(), disk_->options());
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  EXPECT_EQ(expect_whole_versions(), kNew.size());
  EXPECT_TRUE(engine.verify()->sound());
}

// G8. The journal has room for the first update only. Kills: a detach that drops what the journal
// could not take without naming it; half a record that keeps the space which a small one needs.
TEST_F(FullDisk, DetachNamesWhatItLost) {
  make_project();
  const std::string text(100'000, '1');
  {
    SafeChunkEngine engine(test::project_id(), disk_->options());
    disk_->leave_pages(40);
    EXPECT_TRUE(engine.stage_update(std::string_view(text), "kept").ok());
    const Status refused = engine.stage_update(std::string_view(text), "lost");
    EXPECT_EQ(refused.code(), ErrorCode::no_space);
    EXPECT_EQ(refused.error().chunk, "lost");
    EXPECT_NE(refused.error().message.find("in memory only"), std::string::npos);
    EXPECT_TRUE(engine.stage_update("10", "first").ok()) << "the small one has room";
    disk_->leave_pages(0);
    const Status status = engine.detach();
    EXPECT_EQ(status.code(), ErrorCode::no_space);
    const std::string& message = status.error().message;
    EXPECT_NE(message.find("kept in the journal: 'first', 'kept'"), std::string::npos) << message;
    EXPECT_NE(message.find("lost, because the journal could not take them either: 'lost'"),
              std::string::npos)
        << message;
  }
  disk_->make_room();
  SafeChunkEngine engine(test::project_id(), disk_->options());
  EXPECT_EQ(*engine.fetch_chunk("kept"), text + "\n");
  EXPECT_EQ(*engine.fetch_chunk("first"), "10\n");
}

// G4: a transaction that does not fit lands not at all, and whole when there is room.
TEST_F(FullDisk, TransactionLandsWholeOrNotAtAll) {
  for (std::uint64_t pages = 0; pages < 24; ++pages) {
    SCOPED_TRACE(std::to_string(pages) + " free pages");
    restart();
    make_project();
    SafeChunkEngine engine(test::project_id(), disk_->options());
    disk_->leave_pages(pages);
    auto transaction = engine.transaction();
    for (const auto& [chunk, text] : kNew) {
      ASSERT_TRUE(transaction.stage(std::string_view(text), chunk).ok());
    }
    const Status committed = transaction.commit();
    EXPECT_TRUE(committed.ok() || committed.code() == ErrorCode::no_space) << committed.to_text();
    EXPECT_EQ(expect_whole_versions(), committed.ok() ? kNew.size() : 0U);
    disk_->make_room();
    EXPECT_TRUE(engine.force_sync().ok());
    EXPECT_EQ(expect_whole_versions(), kNew.size());
  }
}

// G13: a checkpoint that does not fit leaves nothing behind.
TEST_F(FullDisk, CheckpointThatDoesNotFitLeavesNothingBehind) {
  make_project();
  SafeChunkEngine engine(test::project_id(), disk_->options());
  bool fits = false;
  for (std::uint64_t pages = 0; !fits; ++pages) {
    SCOPED_TRACE(std::to_string(pages) + " free pages");
    ASSERT_LT(pages, 100U);
    disk_->leave_pages(pages);
    auto name = engine.create_checkpoint();
    fits = name.ok();
    disk_->make_room();
    const auto list = engine.list_checkpoints();
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list->size(), fits ? 1U : 0U);
    if (fits) {
      EXPECT_GT(pages, 0U);
      EXPECT_TRUE(engine.verify_checkpoint(*name).ok());
      break;
    }
    EXPECT_EQ(name.code(), ErrorCode::no_space) << name.status().to_text();
    EXPECT_TRUE(fs::is_empty(fs::path(disk_->path()) / test::lies_at("project/checkpoints")));
  }
}

// The good version of a damaged chunk is read though it cannot be healed on a full disk (G6, G7).
TEST_F(FullDisk, DamagedChunkIsReadThoughItCannotBeHealed) {
  make_project();
  SafeChunkEngine engine(test::project_id(), disk_->options());
  ASSERT_TRUE(engine.stage_update("10", "first").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  const fs::path file = fs::path(disk_->path()) / test::lies_at("project/chunks/first.json");
  test::write_long_ago(file, "{");
  memory_->leave(0, 0);
  EXPECT_EQ(*engine.fetch_chunk("first"), "10\n");
  EXPECT_EQ(read_file(file), "{");
  EXPECT_NE(engine.health_report()->last_error, "");
  disk_->make_room();
  EXPECT_EQ(*engine.fetch_chunk("first"), "10\n");
  EXPECT_EQ(read_file(file), "10\n");
}

// A read-only file system: refused as such, and readable.
TEST_F(FullDisk, ReadOnlyFileSystem) {
  if (const char* reason = test::no_own_folder()) GTEST_SKIP() << reason;
  make_project();
  memory_->make_read_only();
  SafeChunkEngine engine(test::project_id(), disk_->options());
  EXPECT_EQ(engine.status().code(), ErrorCode::read_only) << engine.status().to_text();
  for (const auto& [chunk, text] : kOld) EXPECT_EQ(*engine.fetch_chunk(chunk), text);
  EXPECT_TRUE(engine.verify()->sound());
  EXPECT_EQ(SafeChunkEngine::open("new", disk_->options()).code(), ErrorCode::read_only);
  disk_->make_room();
  EXPECT_TRUE(engine.attach().ok());
}

}  // namespace
}  // namespace safechunk
