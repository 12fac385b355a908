// The commands about projects as a whole: projects and delete-project.

#include <stdlib.h>
#include <unistd.h>

#include <set>

#include <safechunk/safechunk.hpp>

#include "cli_fixture.h"
#include "support/folder_listing.h"

namespace safechunk {
namespace {

using test::Child;
using test::Cli;
using test::listing_of;
using test::Output;
using test::Pipe;
using test::read_file;
using test::write_file;
using enum test::Code;
using Json = nlohmann::json;
namespace fs = std::filesystem;

class Projects : public Cli {
 protected:
  void make(const std::string& name) const { ASSERT_EQ(run({"put", name, "a"}, "[1]").code, kOk); }

  // Runs the command with a terminal as its standard input, at which somebody types `answer`.
  [[nodiscard]] Output run_at_terminal(const std::vector<std::string>& arguments,
                                       const std::string& answer) const {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
    EXPECT_TRUE(terminal >= 0 && ::grantpt(terminal) == 0 && ::unlockpt(terminal) == 0);
    const std::string name = ::ptsname(terminal);
    EXPECT_EQ(::write(terminal, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
    Child child([&] {
      fs::current_path(folder_.path());
      const int end = ::open(name.c_str(), O_RDWR | O_NOCTTY);
      const int out = ::open((streams_ / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
      const int err = ::open((streams_ / "err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
      test::require(end >= 0 && out >= 0 && err >= 0, "open");
      ::dup2(end, STDIN_FILENO);
      ::dup2(out, STDOUT_FILENO);
      ::dup2(err, STDERR_FILENO);
      std::vector<std::string> copies = arguments;
      copies.insert(copies.begin(), "safechunk");
      std::vector<char*> argv;
      for (std::string& argument : copies) argv.push_back(argument.data());
      argv.push_back(nullptr);
      ::execv(SAFECHUNK_COMMAND, argv.data());
    });
    const int code = child.wait();
    ::close(terminal);
    return {code, read_file(streams_ / "out"), read_file(streams_ / "err")};
  }
};

// Kills: folders that are no projects in the list, an order that changes, and --base-dir ignored.
TEST_F(Projects, AreListed) {
  EXPECT_EQ(run({"projects"}).out, "");
  make("zebra");
  make("my app");
  fs::create_directory(folder_ / "other");
  write_file(folder_ / "file", "x");
  const auto before = listing_of(folder_.path());
  EXPECT_EQ(run({"projects"}).out, "my app\nzebra\n");
  EXPECT_EQ(run_in("other", {}, {"-C", "..", "projects"}).out, "my app\nzebra\n");
  EXPECT_EQ(run_in("other", {"HOME=" + folder_.string()}, {"projects", "--base-dir=~"}).out,
            "my app\nzebra\n");
  EXPECT_EQ(run_json(kOk, {"projects"}),
            Json::parse(R"([{"name":"my app","owner":null,"state":"closed"},)"
                        R"({"name":"zebra","owner":null,"state":"closed"}])"));
  EXPECT_EQ(listing_of(folder_.path()), before) << "the command only reads";
  EXPECT_EQ(run_json(kOk, {"-C", "other", "projects"}), Json::array());
  EXPECT_EQ(run_json(kNotFound, {"-C", "nowhere", "projects"})["error"]["code"], "not_found");
  EXPECT_EQ(run({"projects", "zebra"}).code, kUsage);
}

// Kills: a dead owner that is taken for a live one, and a live one that is not seen.
TEST_F(Projects, TellWhoHasThemOpen) {
  make("a");
  make("b");
  Pipe ready;
  Child owner([&] {
    EngineOptions options;
    options.base_dir = folder_.string();
    SafeChunkEngine engine("a", options);
    test::require_ok(engine.status(), "attach");
    ready.signal();
    for (;;) ::pause();
  });
  ready.await_signal();
  const Output listed = run({"projects"});
  EXPECT_TRUE(listed.out.starts_with("a  open by process " + std::to_string(owner.pid()) + " on "))
      << listed.out;
  EXPECT_TRUE(listed.out.ends_with("\nb\n")) << listed.out;
  const Json open = run_json(kOk, {"projects"});
  EXPECT_EQ(open[0]["state"], "open");
  EXPECT_EQ(open[0]["owner"]["pid"], owner.pid());
  EXPECT_EQ(open[1]["state"], "closed");
  EXPECT_EQ(run({"delete-project", "a", "--yes"}).code, kLocked);
  owner.kill();
  (void)owner.wait();
  EXPECT_EQ(run({"projects"}).out, "a\nb\n") << "its lock file is still there";
  EXPECT_EQ(run({"delete-project", "a", "--yes"}).code, kOk);
}

// Kills: a script that deletes because nobody could be asked.
TEST_F(Projects, AreDeletedOnlyWhenItIsMeant) {
  make("a");
  make("b");
  const auto before = listing_of(folder_.path());
  const Output refused = run({"delete-project", "a"}, "y\n");
  EXPECT_EQ(refused.code, kUsage);
  EXPECT_NE(refused.err.find("--yes"), std::string::npos) << refused.err;
  EXPECT_EQ(run_json(kUsage, {"delete-project", "a"}, "y\n")["error"]["code"], "invalid_argument");
  EXPECT_EQ(run_at_terminal({"delete-project", "a", "--json"}, "y\n").code, kUsage);
  for (const char* answer : {"\n", "n\n", "x\n", "\x04"}) {
    const Output declined = run_at_terminal({"delete-project", "a"}, answer);
    EXPECT_EQ(declined.code, kFailed) << answer;
    EXPECT_NE(declined.err.find("1 chunk,"), std::string::npos) << declined.err;
    EXPECT_NE(declined.err.find("nothing was deleted"), std::string::npos) << declined.err;
  }
  EXPECT_EQ(listing_of(folder_.path()), before);
  EXPECT_EQ(run_at_terminal({"delete-project", "a"}, "y\n").code, kOk);
  EXPECT_EQ(run({"projects"}).out, "b\n");
  EXPECT_FALSE(fs::exists(folder_ / "a"));
  EXPECT_EQ(run_json(kOk, {"delete-project", "./b/", "--yes"})["deleted"], "b");
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

// Kills: deleting files that are not the engine's; leaving the folder of the project there.
TEST_F(Projects, ThatHoldOtherFilesStay) {
  make("a");
  write_file(folder_ / "a/chunks/readme.txt", "mine");
  const auto before = listing_of(folder_.path());
  const Json error = run_json(kFailed, {"delete-project", "a", "--yes"})["error"];
  EXPECT_EQ(error["code"], "unsupported_format");
  EXPECT_EQ(error["path"], (folder_ / "a/chunks/readme.txt").string());
  EXPECT_EQ(listing_of(folder_.path()), before);
  EXPECT_EQ(run({"delete-project", "nowhere", "--yes"}).code, kNotFound);
  EXPECT_EQ(run_at_terminal({"delete-project", "nowhere"}, "").code, kNotFound) << "nothing to ask";
  EXPECT_EQ(run({"delete-project", "..a?", "--yes"}).code, kUsage);
  fs::create_directory(folder_ / "other");
  EXPECT_EQ(run({"delete-project", "other", "--yes"}).code, kNotFound);
  EXPECT_TRUE(fs::exists(folder_ / "other"));
}

}  // namespace
}  // namespace safechunk
