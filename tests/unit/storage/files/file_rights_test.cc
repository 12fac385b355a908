// Whose the files of a project are, and with which mode. Kills: a lock or a journal that only the
// one user can open who made it last; a file that is open to a group to which the folder is closed.

#include "storage/files/file_rights.h"

#include <gtest/gtest.h>

namespace safechunk {
namespace {

constexpr std::uint32_t kUser = 1000;
constexpr std::uint32_t kTeam = 2000;
constexpr std::uint32_t kOther = 3000;

FileRights in_folder(std::uint32_t mode) {
  return FileRights(Permissions{mode, kUser, kTeam});
}

TEST(FileRights, ThoseWhoMayWriteToTheFolderMayUseItsFiles) {
  EXPECT_EQ(in_folder(02775).shared_mode_of_file({0600, kOther, kTeam}), 0660U);
  EXPECT_EQ(in_folder(02775).shared_mode_of_file({0644, kOther, kTeam}), 0664U);
  EXPECT_EQ(in_folder(0777).shared_mode_of_file({0600, kUser, kTeam}), 0666U);
}

TEST(FileRights, AFileAllowsNoMoreThanItsFolder) {
  EXPECT_EQ(in_folder(0700).shared_mode_of_file({0644, kUser, kTeam}), 0600U);
  EXPECT_EQ(in_folder(0750).shared_mode_of_file({0644, kUser, kTeam}), 0640U);
  EXPECT_EQ(in_folder(0755).shared_mode_of_file({0666, kUser, kTeam}), 0644U);
}

TEST(FileRights, TheUmaskStaysWhereNobodyIsShutOut) {
  EXPECT_EQ(in_folder(0755).shared_mode_of_file({0600, kUser, kTeam}), 0600U);
  EXPECT_EQ(in_folder(0755).shared_mode_of_file({0644, kUser, kTeam}), 0644U);
}

TEST(FileRights, AnotherGroupThanTheFoldersGetsWhatTheFolderGivesToAll) {
  EXPECT_EQ(in_folder(0775).shared_mode_of_file({0664, kOther, kOther}), 0644U);
  EXPECT_EQ(in_folder(0770).shared_mode_of_file({0664, kOther, kOther}), 0600U);
  EXPECT_EQ(in_folder(02775).shared_mode_of_folder({0755, kOther, kOther}), 0755U);
}

TEST(FileRights, NobodyWritesToTheFilesOfOthersInAStickyFolder) {
  EXPECT_EQ(in_folder(01777).shared_mode_of_file({0600, kUser, kTeam}), 0600U);
}

TEST(FileRights, FoldersGetTheModeOfTheFolder) {
  EXPECT_EQ(in_folder(02775).shared_mode_of_folder({0700, kOther, kTeam}), 02775U);
  EXPECT_EQ(in_folder(0700).shared_mode_of_folder({0755, kUser, kTeam}), 0700U);
}

TEST(FileRights, EvidenceIsForItsOwnerAlone) {
  EXPECT_EQ(in_folder(02775).for_evidence().shared_mode_of_file({0600, kUser, kTeam}), 0600U);
}

// So that nobody can open a file in the moment between its making and share().
TEST(FileRights, AFileIsMadeWithNoMoreThanItsFolderAllows) {
  EXPECT_EQ(in_folder(0750).mode_of_new_file(0666), 0640U);
  EXPECT_EQ(in_folder(0750).mode_of_new_folder(), 0750U);
  EXPECT_EQ(in_folder(0555).mode_of_new_file(0666), 0644U) << "root writes to it all the same";
  EXPECT_EQ(FileRights().mode_of_new_file(0666), 0666U);
  EXPECT_EQ(FileRights().mode_of_new_folder(), 0777U);
}

}  // namespace
}  // namespace safechunk
