// The engine through its public face, on real files.

#include <gtest/gtest.h>

#include <safechunk/safechunk.hpp>

#include "support/temporary_folder.h"

namespace safechunk {
namespace {

using test::read_file;
using test::TemporaryFolder;
using test::write_file;
namespace fs = std::filesystem;

EngineOptions in(const TemporaryFolder& folder) {
  EngineOptions options;
  options.base_dir = folder.string();
  return options;
}

TEST(Engine, SavesAndFetches) {
  const TemporaryFolder folder;
  SafeChunkEngine engine("project", in(folder));
  ASSERT_TRUE(engine.is_active()) << engine.status().to_text();
  ASSERT_TRUE(engine.stage_update(R"({"name":"Alice","n":1.10})", "users").ok());
  EXPECT_EQ(*engine.fetch_chunk("users"), "{\n    \"name\": \"Alice\",\n    \"n\": 1.10\n}\n");
  EXPECT_FALSE(fs::exists(folder / "project/chunks/users.json"));
  const Status synced = engine.force_sync();
  ASSERT_TRUE(synced.ok()) << synced.to_text();
  EXPECT_EQ(read_file(folder / "project/chunks/users.json"),
            "{\n    \"name\": \"Alice\",\n    \"n\": 1.10\n}\n");
  EXPECT_EQ(*engine.fetch_chunk("users"), read_file(folder / "project/chunks/users.json"));
  EXPECT_EQ(*engine.fetch_chunk("nobody"), "{}");
  EXPECT_FALSE(engine.find_chunk("nobody")->has_value());
  const Status detached = engine.detach();
  ASSERT_TRUE(detached.ok()) << detached.to_text();
  EXPECT_FALSE(fs::exists(folder / "project/.lock"));
  EXPECT_FALSE(fs::exists(folder / "project/.journal"));
}

TEST(Engine, KeepsThePreviousVersionAsBackup) {
  const TemporaryFolder folder;
  SafeChunkEngine engine("project", in(folder));
  for (const char* text : {"1", "2", "2", "3"}) {
    ASSERT_TRUE(engine.stage_update(text, "n").ok());
    ASSERT_TRUE(engine.force_sync().ok());
  }
  EXPECT_EQ(read_file(folder / "project/chunks/n.json"), "3\n");
  EXPECT_EQ(read_file(folder / "project/chunks_bak/n.bak"), "2\n");
}

TEST(Engine, HealsADamagedChunk) {
  const TemporaryFolder folder;
  SafeChunkEngine engine("project", in(folder));
  for (const char* text : {"[1]", "[2]"}) {
    ASSERT_TRUE(engine.stage_update(text, "n").ok());
    ASSERT_TRUE(engine.force_sync().ok());
  }
  test::write_long_ago(folder / "project/chunks/n.json", "[");
  std::vector<Error> faults;
  engine.on_fault([&](const Error& error) { faults.push_back(error); });
  EXPECT_EQ(*engine.fetch_chunk("n"), "[\n    2\n]\n");
  EXPECT_EQ(read_file(folder / "project/chunks/n.json"), "[\n    2\n]\n");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].code, ErrorCode::invalid_edit);
  EXPECT_NE(faults[0].message.find("replaced by"), std::string::npos) << faults[0].message;
  EXPECT_EQ(faults[0].path, (folder / "project/chunks/n.json").string());
  EXPECT_EQ(engine.health_report()->quarantine_files, 1U);
  EXPECT_EQ(engine.health_report()->heals, 1U);
}

TEST(Engine, RemovesAChunk) {
  const TemporaryFolder folder;
  SafeChunkEngine engine("project", in(folder));
  for (const char* text : {"1", "2"}) {
    ASSERT_TRUE(engine.stage_update(text, "n").ok());
    ASSERT_TRUE(engine.force_sync().ok());
  }
  EXPECT_EQ(engine.remove_chunk("m").code(), ErrorCode::not_found);
  ASSERT_TRUE(engine.remove_chunk("n").ok());
  EXPECT_FALSE(engine.find_chunk("n")->has_value());
  ASSERT_TRUE(engine.force_sync().ok());
  EXPECT_FALSE(fs::exists(folder / "project/chunks/n.json"));
  EXPECT_FALSE(fs::exists(folder / "project/chunks_bak/n.bak"));
}

TEST(Engine, ChecksCheckpointAndRestores) {
  const TemporaryFolder folder;
  SafeChunkEngine engine("project", in(folder));
  ASSERT_TRUE(engine.stage_update("1", "a").ok());
  ASSERT_TRUE(engine.stage_update("2", "b").ok());
  auto name = engine.create_checkpoint("before", 10, "first \"notes\"");
  ASSERT_TRUE(name.ok()) << name.status().to_text();
  ASSERT_TRUE(engine.stage_update("10", "a").ok());
  ASSERT_TRUE(engine.stage_update("30", "c").ok());
  ASSERT_TRUE(engine.remove_chunk("b").ok());
  ASSERT_TRUE(engine.force_sync().ok());
  const Status restored = engine.restore_checkpoint(*name);
  ASSERT_TRUE(restored.ok()) << restored.to_text();
  EXPECT_EQ(*engine.list_chunks(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*engine.fetch_chunk("a"), "1\n");
  const auto list = engine.list_checkpoints();
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ(list->back().notes, "first \"notes\"");
  EXPECT_EQ(list->front().label, "before_restore");
}

TEST(Engine, TransactionsAndSecondOwner) {
  const TemporaryFolder folder;
  SafeChunkEngine engine("project", in(folder));
  SafeChunkEngine second("project", in(folder));
  EXPECT_FALSE(second.is_active());
  EXPECT_EQ(second.status().code(), ErrorCode::locked);
  ASSERT_TRUE(second.owner().has_value());
  auto transaction = engine.transaction();
  ASSERT_TRUE(transaction.stage("1", "a").ok());
  ASSERT_TRUE(transaction.stage("2", "b").ok());
  ASSERT_TRUE(transaction.commit().ok());
  EXPECT_EQ(*second.fetch_chunk("a"), "1\n");
  EXPECT_EQ(second.stage_update("3", "a").code(), ErrorCode::not_owner);
}

}  // namespace
}  // namespace safechunk
