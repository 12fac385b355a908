// Several users of one project: root in a user's project, and members of a group. What one of them
// makes, also when it is killed, shuts none of the others out.

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "support/child_process.h"
#include "support/file_system_probe.h"

namespace safechunk {
namespace {

using test::Child;
using test::leave;
using test::options_in;
using test::patient_options_in;
using test::require;
using test::require_ok;
using test::TemporaryFolder;
using test::write_long_ago;
namespace fs = std::filesystem;

constexpr uid_t kAlice = 4001;
constexpr uid_t kBob = 4002;
constexpr gid_t kTeam = 5001;

struct User {
  uid_t user;
  gid_t own_group;
  mode_t umask;
};
constexpr User kRoot{0, 0, 0077};
constexpr User kAliceHerself{kAlice, kAlice, 0022};
constexpr User kBobHimself{kBob, kBob, 0077};

void become(const User& who) {
  require(::setgroups(1, &kTeam) == 0, "setgroups");
  require(::setgid(who.own_group) == 0 && ::setuid(who.user) == 0, "cannot become another user");
  ::umask(who.umask);
}

class SharedFolder : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::keeps_modes()) GTEST_SKIP() << "this file system keeps no modes";
    if (::geteuid() != 0) GTEST_SKIP() << "only root may become another user";
    ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
  }

  // The project's folder, empty.
  void make_project_folder(uid_t owner, gid_t group, mode_t mode) const {
    fs::create_directory(project_);
    ASSERT_EQ(::chown(project_.c_str(), owner, group), 0);
    ASSERT_EQ(::chmod(project_.c_str(), mode), 0);
  }

  void as(const User& who, const std::function<void()>& body) const {
    Child child([&] {
      become(who);
      body();
    });
    EXPECT_EQ(child.wait(), 0);
  }

  // Opens the project, finds what the user before has saved and staged, saves, stages something
  // more, and is gone without a detach.
  void use_and_crash(const User& who, int number) const {
    as(who, [&] {
      SafeChunkEngine engine("project", patient_options_in(folder_));
      require_ok(engine.status(), "attach");
      for (const char* chunk : {"saved", "staged"}) {
        const auto text = engine.fetch_chunk(chunk);
        require_ok(text.status(), "fetch_chunk");
        const std::string expected = number == 1 ? "{}" : std::to_string(number - 1) + "\n";
        require(*text == expected, "what the user before has left is not there: " + *text);
      }
      require_ok(engine.stage_update(std::to_string(number), "saved"), "stage_update");
      require_ok(engine.force_sync(), "force_sync");
      require_ok(engine.create_checkpoint().status(), "create_checkpoint");
      require_ok(engine.stage_update(std::to_string(number), "staged"), "stage_update");
      leave(0);
    });
  }

  [[nodiscard]] struct stat info_of(const std::string& name) const {
    struct stat info {};
    EXPECT_EQ(::lstat((project_ / name).c_str(), &info), 0) << name;
    return info;
  }
  [[nodiscard]] mode_t mode_of(const std::string& name) const {
    return info_of(name).st_mode & 07777U;
  }

  const TemporaryFolder folder_;
  const fs::path project_ = folder_ / "project";
};

TEST_F(SharedFolder, RootInTheProjectOfAUserShutsTheUserNotOut) {
  make_project_folder(kAlice, kAlice, 0750);
  use_and_crash(kRoot, 1);
  for (const auto& entry : fs::recursive_directory_iterator(project_)) {
    const fs::path name = fs::relative(entry.path(), project_);
    EXPECT_EQ(info_of(name).st_uid, kAlice) << name;
    EXPECT_EQ(info_of(name).st_gid, kAlice) << name;
  }
  EXPECT_EQ(mode_of(".lock"), 0600U);
  EXPECT_EQ(mode_of(".journal"), 0600U);
  EXPECT_EQ(mode_of("chunks"), 0750U);
  use_and_crash(kAliceHerself, 2);
  use_and_crash(kRoot, 3);
  use_and_crash(kAliceHerself, 4);
}

TEST_F(SharedFolder, WhatRootHealedIsTheUsers) {
  make_project_folder(kAlice, kAlice, 0750);
  use_and_crash(kAliceHerself, 1);
  use_and_crash(kAliceHerself, 2);
  write_long_ago(project_ / "chunks/saved.json", "[");
  as(kRoot, [&] {
    SafeChunkEngine engine("project", options_in(folder_));
    require_ok(engine.repair(), "repair");
    require_ok(engine.detach(), "detach");
  });
  EXPECT_EQ(info_of("quarantine").st_uid, kAlice);
  EXPECT_EQ(mode_of("quarantine"), 0750U);
  as(kAliceHerself, [&] {
    for (const auto& entry : fs::directory_iterator(project_ / "quarantine")) {
      require(!test::read_file(entry.path()).empty(), "what is in quarantine cannot be read");
    }
  });
}

// The members have umasks that would give the others nothing.
TEST_F(SharedFolder, MembersOfAGroupShutEachOtherNotOut) {
  make_project_folder(kAlice, kTeam, 02770);
  use_and_crash(kBobHimself, 1);
  EXPECT_EQ(mode_of(".lock"), 0660U);
  EXPECT_EQ(mode_of(".journal"), 0660U);
  EXPECT_EQ(mode_of("chunks"), 02770U);
  EXPECT_EQ(mode_of("chunks/saved.json"), 0660U);
  EXPECT_EQ(info_of(".journal").st_gid, kTeam);
  use_and_crash(kAliceHerself, 2);
  use_and_crash(kBobHimself, 3);
  use_and_crash(kRoot, 4);
  use_and_crash(kBobHimself, 5);
  use_and_crash(kAliceHerself, 6);
}

// The folder has no set-group-id bit, so the system gives each new file the group of the user who
// makes it; the engine must give it the folder's group.
TEST_F(SharedFolder, TheGroupOfTheFolderIsGivenWhereTheSystemDoesNot) {
  make_project_folder(kAlice, kTeam, 0775);
  use_and_crash(kBobHimself, 1);
  EXPECT_EQ(info_of("chunks").st_gid, kTeam);
  EXPECT_EQ(info_of(".lock").st_gid, kTeam);
  use_and_crash(kAliceHerself, 2);
  use_and_crash(kBobHimself, 3);
}

}  // namespace
}  // namespace safechunk
