// export, checkpoint, verify and restore beside a process that owns the project.

#include <gtest/gtest.h>

#include <string>

#include "cli_fixture.h"
#include "support/child_process.h"
#include "support/folder_listing.h"

namespace safechunk {
namespace {

using test::Cli;
using test::listing_of;
using test::Output;
using test::read_file;
using test::write_file;
using enum test::Code;
using Json = nlohmann::json;
namespace fs = std::filesystem;

class CliExport : public Cli {
 protected:
  void SetUp() override {
    make_project();
    owner_.emplace("project", test::patient_options_in(folder_));
    ASSERT_TRUE(owner_->is_active());
    ASSERT_TRUE(owner_->stage_update("[3]", "a").ok());  // not saved
  }

  std::optional<SafeChunkEngine> owner_;
};

// Kills: `locked`, or a lock that is waited for; a change to the project; a file that is
// overwritten.
TEST_F(CliExport, NeedsNoLock) {
  const auto before = listing_of(folder_ / "project");
  const Output output = run({"export", "project", "x.zip"});
  EXPECT_EQ(output.code, kOk) << output.err;
  EXPECT_EQ(output.out + output.err, "");
  EXPECT_EQ(listing_of(folder_ / "project"), before);
  const Json again = run_json(kFailed, {"export", "project", "x.zip"});
  EXPECT_EQ(again["error"]["code"], "conflict");
  const Json made = run_json(kOk, {"export", "project", "y.zip", "--label", "l", "--notes", "n"});
  EXPECT_EQ(made, (Json{{"exported", (folder_ / "y.zip").string()}, {"state", "good"}}));
  EXPECT_EQ(run({"export", "project", "nowhere/x.zip"}).code, kNotFound);
  EXPECT_EQ(run({"export", "project", "x/"}).code, kNotFound);
  EXPECT_EQ(run({"export", "nothing", "z.zip"}).code, kNotFound);
  EXPECT_EQ(run({"export", "project"}).code, kUsage);
  EXPECT_EQ(listing_of(folder_ / "project"), before);

  EXPECT_EQ(run({"verify", "project", "x.zip"}).out, (folder_ / "x.zip").string() + ": good\n");
  EXPECT_EQ(run_json(kOk, {"verify", "project", "./x.zip"})["state"], "good");
  EXPECT_EQ(run({"restore", "project", "x.zip"}).code, kLocked);
  ASSERT_EQ(run({"put", "other", "gone"}, "1").code, kOk);
  EXPECT_EQ(run({"restore", "other", "./x.zip"}).code, kOk);
  EXPECT_EQ(run({"list", "other"}).out, "a\nb\n");
  EXPECT_EQ(run({"get", "other", "a"}).out, "[\n    2\n]\n") << "what the owner has saved";
  fs::resize_file(folder_ / "x.zip", fs::file_size(folder_ / "x.zip") - 9);
  EXPECT_EQ(run({"verify", "project", "x.zip"}).code, kFailed);
}

// Kills: a checkpoint that fails while an application runs.
TEST_F(CliExport, ACheckpointIsMadeBesideAnOwner) {
  const Output output = run({"checkpoint", "project"});
  EXPECT_EQ(output.code, kOk) << output.err;
  EXPECT_NE(output.err.find("has what it has saved"), std::string::npos) << output.err;
  const Json made = run_json(kOk, {"checkpoint", "project", "--label", "mine"});
  EXPECT_EQ(made["state"], "good");
  EXPECT_EQ(made["beside_owner"], true);
  EXPECT_EQ(owner_->list_checkpoints()->size(), 2U);
  ASSERT_TRUE(owner_->detach().ok());
  EXPECT_EQ(run_json(kOk, {"checkpoint", "project"})["beside_owner"], false);
  // With its name, and with the path that shells complete.
  const std::string name = made["checkpoint"];
  EXPECT_EQ(run({"verify", "project", name}).out, name + ": good\n");
  EXPECT_EQ(run_json(kOk, {"restore", "project", "project/checkpoints/" + name})["restored"], name);
  EXPECT_EQ(run({"get", "project", "a"}).out, "[\n    2\n]\n");
}

// Kills: damage that is not told.
TEST_F(CliExport, NamesWhatIsDamaged) {
  ASSERT_TRUE(owner_->detach().ok());
  test::write_long_ago(file("chunks/b.json"), "[");
  const Json made = run_json(kFailed, {"export", "project", "x.zip"});
  EXPECT_EQ(made["state"], "damaged");
  EXPECT_EQ(run({"verify", "project", "x.zip"}).code, kOk);
}

}  // namespace
}  // namespace safechunk
