// What tools ask about a project's folder without opening the project.

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <safechunk/safechunk.hpp>

#include "support/temporary_folder.h"

namespace safechunk {
namespace {

namespace fs = std::filesystem;

class Maintenance : public testing::Test {
 protected:
  FolderContent content() const {
    auto found = inspect_folder("project", folder_.string());
    EXPECT_TRUE(found.ok()) << found.status().to_text();
    return *found;
  }

  test::TemporaryFolder folder_;
};

TEST_F(Maintenance, TellsAProjectFromOtherFolders) {
  EXPECT_EQ(content(), FolderContent::missing);
  test::write_file(folder_ / "project", "");
  EXPECT_EQ(content(), FolderContent::foreign);
  fs::remove(folder_ / "project");
  fs::create_directory(folder_ / "project");
  EXPECT_EQ(content(), FolderContent::empty);
  test::write_file(folder_ / "project/x", "");
  EXPECT_EQ(content(), FolderContent::foreign);
  for (const char* part :
       {"chunks", "chunks_bak", "checkpoints", "quarantine", ".journal", ".lock", ".lock.next"}) {
    fs::create_directory(folder_ / "project" / part);
    EXPECT_EQ(content(), FolderContent::project) << part;
    fs::remove(folder_ / "project" / part);
  }
  EXPECT_EQ(inspect_folder("a/b", folder_.string()).code(), ErrorCode::invalid_name);
}

TEST_F(Maintenance, Quarantine) {
  const std::string base = folder_.string();
  EXPECT_EQ(list_quarantine("project", base).code(), ErrorCode::not_found);
  fs::create_directories(folder_ / "project/chunks");
  EXPECT_TRUE(list_quarantine("project", base)->empty());
  EXPECT_EQ(read_quarantined("project", base, "x").code(), ErrorCode::not_found);
  EXPECT_EQ(remove_quarantined("project", base, "x").code(), ErrorCode::not_found);
  fs::create_directory(folder_ / "project/quarantine");
  for (const char* name : {"x", "y"}) {
    test::write_file(folder_ / "project/quarantine" / name, std::string(name) + "!");
  }
  fs::last_write_time(folder_ / "project/quarantine/x",
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  const auto files = list_quarantine("project", base);
  ASSERT_TRUE(files.ok() && files->size() == 2);
  EXPECT_EQ(files->at(0).name, "y");
  EXPECT_EQ(files->at(1).name, "x");
  EXPECT_EQ(files->at(1).size, 2U);
  EXPECT_NEAR(files->at(0).modified - files->at(1).modified, 3600, 600);
  EXPECT_EQ(*read_quarantined("project", base, "x"), "x!");
  for (const std::string_view name : {std::string_view("../chunks"), std::string_view(".."),
                                      std::string_view(""), std::string_view("a\0b", 3)}) {
    EXPECT_EQ(read_quarantined("project", base, name).code(), ErrorCode::invalid_name);
    EXPECT_EQ(remove_quarantined("project", base, name).code(), ErrorCode::invalid_name);
  }
  EXPECT_TRUE(remove_quarantined("project", base, "x").ok());
  EXPECT_EQ(list_quarantine("project", base)->size(), 1U);
}

// Kills: removing a file of somebody else, anything of a project that somebody owns, and a folder
// that is none.
TEST_F(Maintenance, DeletesAProjectWholeOrNotAtAll) {
  const std::string base = folder_.string();
  EngineOptions options;
  options.base_dir = base;
  {
    SafeChunkEngine engine("project", options);
    for (const char* text : {"1", "2"}) {
      ASSERT_TRUE(engine.stage_update(std::string_view(text), "a").ok());
      ASSERT_TRUE(engine.force_sync().ok());
    }
    ASSERT_TRUE(engine.watch().ok());  // makes .changes
    test::write_long_ago(folder_ / "project/chunks/a.json", "[");
    ASSERT_TRUE(engine.fetch_chunk("a").ok());  // makes quarantine/
    ASSERT_TRUE(engine.create_checkpoint().ok());
    EXPECT_EQ(delete_project("project", base).code(), ErrorCode::locked);
  }
  fs::create_directories(folder_ / "other/checkpoints");
  fs::create_directories(folder_ / "con/chunks");  // no name for a project
  fs::create_directory_symlink(folder_ / "project", folder_ / "link");
  EXPECT_EQ(*list_projects(base), std::vector<std::string>{"project"});
  EXPECT_EQ(delete_project("other", base).code(), ErrorCode::not_found);
  EXPECT_EQ(delete_project("link", base).code(), ErrorCode::not_found);
  std::set<fs::path> before;
  const auto files = [&] {
    std::set<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "project")) {
      found.insert(entry.path());
    }
    return found;
  };
  for (const char* theirs : {"x", "chunks/x", "chunks_bak/a.json", "checkpoints/x.zip",
                             "quarantine/x", "chunks/folder.json"}) {
    const fs::path path = folder_ / "project" / theirs;
    if (std::string(theirs) == "chunks/folder.json") {
      fs::create_directory(path);
    } else {
      test::write_file(path, "mine");
    }
    before = files();
    const Status refused = delete_project("project", base);
    EXPECT_EQ(refused.code(), ErrorCode::unsupported_format) << theirs;
    EXPECT_EQ(refused.error().path, path.string());
    EXPECT_EQ(files(), before) << theirs;
    fs::remove(path);
  }
  EXPECT_TRUE(delete_project("project", base).ok());
  EXPECT_FALSE(fs::exists(folder_ / "project"));
  EXPECT_TRUE(list_projects(base)->empty());
  EXPECT_EQ(delete_project("a/b", base).code(), ErrorCode::invalid_name);
}

// Kills: a dead owner that counts as a live one, an owner on another machine that counts as dead,
// and a look that leaves something behind.
TEST_F(Maintenance, TellsWhoHasAProjectOpen) {
  const std::string base = folder_.string();
  EXPECT_EQ(find_owner("project", base).code(), ErrorCode::not_found);
  EXPECT_EQ(find_owner("a/b", base).code(), ErrorCode::invalid_name);
  EngineOptions options;
  options.base_dir = base;
  SafeChunkEngine engine("project", options);
  const auto found = find_owner("project", base);
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->pid, engine.owner()->pid);
  EXPECT_NEAR((*found)->since, engine.owner()->since, 0.01);
  ASSERT_TRUE(engine.detach().ok());
  EXPECT_FALSE(find_owner("project", base)->has_value());
  test::write_file(folder_ / "project/.lock", "PID: 999999999");
  EXPECT_FALSE(find_owner("project", base)->has_value());
  test::write_file(folder_ / "project/.lock", "no lock text");
  EXPECT_FALSE(find_owner("project", base)->has_value());
  test::write_file(folder_ / "project/.lock",
                   "PID: 999999999 :host=elsewhere boot=b start=1.0 token=t\nCREATED: 1.0");
  const auto elsewhere = find_owner("project", base);
  ASSERT_TRUE(elsewhere.ok() && elsewhere->has_value());
  EXPECT_EQ((*elsewhere)->host, "elsewhere");
  EXPECT_EQ(test::read_file(folder_ / "project/.lock").substr(0, 4), "PID:");
}

}  // namespace
}  // namespace safechunk
