#include "storage/files/folder_on_demand.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>

#include "platform/platform.h"
#include "support/temporary_folder.h"

namespace safechunk {
namespace {

namespace fs = std::filesystem;

class OnDemand : public testing::Test {
 protected:
  static std::ptrdiff_t descriptors() {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  }

  const test::TemporaryFolder folder_;
  const std::unique_ptr<Directory> root_ =
      system_platform().file_system.open_directory(folder_.string()).value();
};

// P18. Kills: a folder that stays open when nobody uses it; one that is opened for each call while
// somebody holds it.
TEST_F(OnDemand, IsOpenOnlyWhileItIsUsed) {
  root_->make_directory("sub").throw_if_error();
  FolderOnDemand sub(*root_, "sub", root_->stat("sub").value());
  const auto before = descriptors();
  sub.make_directory("a").throw_if_error();
  EXPECT_EQ(descriptors(), before);
  {
    const auto held = sub.hold();
    ASSERT_TRUE(held.ok());
    EXPECT_EQ(descriptors(), before + 1);
    EXPECT_EQ(sub.hold().value(), *held);
    EXPECT_EQ(sub.list().value(), std::vector<std::string>{"a"});
    EXPECT_EQ(descriptors(), before + 1);
  }
  EXPECT_EQ(descriptors(), before);
}

// Kills: files that are written into a folder which another program has put in the place of ours.
TEST_F(OnDemand, IsTheFolderThatItWasOrNone) {
  root_->make_directory("sub").throw_if_error();
  FolderOnDemand sub(*root_, "sub", root_->stat("sub").value());
  root_->rename("sub", "moved").throw_if_error();
  EXPECT_EQ(sub.make_directory("a").code(), ErrorCode::conflict);
  root_->make_directory("sub").throw_if_error();
  const Status other = sub.make_directory("a");
  EXPECT_EQ(other.code(), ErrorCode::conflict);
  EXPECT_EQ(other.error().path, folder_.string() + "/sub");
  EXPECT_TRUE(fs::is_empty(folder_.path() / "sub"));
  root_->remove_directory("sub").throw_if_error();
  root_->rename("moved", "sub").throw_if_error();
  EXPECT_TRUE(sub.make_directory("a").ok());
}

TEST_F(OnDemand, WithoutAPlaceItIsWhateverHasTheName) {
  FolderOnDemand sub(*root_, "sub", std::nullopt);
  EXPECT_EQ(sub.list().code(), ErrorCode::not_found);
  root_->make_directory("sub").throw_if_error();
  EXPECT_TRUE(sub.list().ok());
}

}  // namespace
}  // namespace safechunk
