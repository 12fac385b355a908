// The command runs other programs and meets other owners: update, edit and --wait.

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>

#include "cli_fixture.h"

namespace safechunk {
namespace {

using test::Child;
using test::Cli;
using test::eventually;
using test::Output;
using test::Pipe;
using test::read_file;
using test::write_file;
using enum test::Code;
using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t kLarge = 10'000'000;

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

class Programs : public Cli {
 protected:
  void SetUp() override {
    put("s", R"({"theme":"light"})");
    fs::create_directory(folder_ / "tmp");
  }

  [[nodiscard]] Output update(std::vector<std::string> program) const {
    program.insert(program.begin(), {"update", "project", "s", "--"});
    return run(program);
  }
  // A refused update, and what the error says.
  [[nodiscard]] std::string refusal(std::vector<std::string> program) const {
    const std::string before = read_file(file("chunks/s.json"));
    program.insert(program.begin(), {"--json", "update", "project", "s", "--"});
    const Output output = run(program);
    EXPECT_EQ(output.code, kFailed) << output.out << output.err;
    EXPECT_EQ(output.out, "");
    EXPECT_EQ(read_file(file("chunks/s.json")), before);
    EXPECT_FALSE(fs::exists(file(".lock")));
    const std::string last = output.err.substr(output.err.find("{\"error\""));
    const Json error = Json::parse(last)["error"];
    EXPECT_EQ(error["chunk"], "s");
    return std::string(error["code"]) + ": " + std::string(error["message"]);
  }

  // An editor that is a script; "$1" is the file.
  [[nodiscard]] std::vector<std::string> editor(const std::string& script) const {
    write_file(folder_ / "editor", "#!/bin/sh\n" + script + "\n");
    fs::permissions(folder_ / "editor", fs::perms::owner_all);
    return {"VISUAL=", "EDITOR=" + (folder_ / "editor").string(),
            "TMPDIR=" + (folder_ / "tmp").string()};
  }
  [[nodiscard]] Output edit(const std::string& script,
                            std::vector<std::string> arguments = {}) const {
    arguments.insert(arguments.begin(), {"edit", "project", "s"});
    return run_in("", editor(script), arguments);
  }
  [[nodiscard]] std::vector<fs::path> kept() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_ / "tmp")) files.push_back(entry.path());
    return files;
  }
  // The one file that is kept, which the message names.
  [[nodiscard]] std::string kept_text(const std::string& message) const {
    if (kept().size() != 1) return "kept files: " + std::to_string(kept().size());
    EXPECT_TRUE(says(message, kept()[0].string())) << message;
    EXPECT_EQ(fs::status(kept()[0]).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    std::string text = read_file(kept()[0]);
    fs::remove(kept()[0]);
    return text;
  }

  // The command in a process that this test goes on beside.
  [[nodiscard]] Child start(const std::vector<std::string>& arguments) const {
    return Child([&, this] {
      fs::current_path(folder_.path());
      write_file("null", "");
      const int null = ::open("null", O_RDWR);
      for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, stream);
      std::vector<std::string> copies = arguments;
      copies.insert(copies.begin(), "safechunk");
      std::vector<char*> argv;
      for (std::string& argument : copies) argv.push_back(argument.data());
      argv.push_back(nullptr);
      ::execv(SAFECHUNK_COMMAND, argv.data());
    });
  }
};

// --- update

TEST_F(Programs, FilterAChunk) {
  const Output output = update({"sed", "s/light/dark/"});
  EXPECT_EQ(output.code, kOk);
  EXPECT_EQ(output.out + output.err, "");
  EXPECT_EQ(run({"get", "project", "s", "/theme"}).out, "\"dark\"\n");
}

// Words that look like options or lists are the program's.
TEST_F(Programs, GetTheirWordsAsTheyAre) {
  EXPECT_EQ(update({"printf", "[\"%s\",\"%s\",\"%s\",\"%s\"]", "--json", "[x]", "-C", ""}).code,
            kOk);
  EXPECT_EQ(Json::parse(run({"get", "project", "s"}).out),
            Json::parse(R"(["--json","[x]","-C",""])"));
  const Output json = run({"-C", ".", "--json", "update", "project", "s", "--", "echo", "[1]"});
  EXPECT_EQ(json.code, kOk);
  EXPECT_EQ(Json::parse(json.out)["saved"], true);
  EXPECT_EQ(Json::parse(json.out)["revision"], run_json(kOk, {"get", "project", "s"})["revision"]);
  // A project may be called like the command.
  EXPECT_EQ(run({"put", "update", "update", "--", "-"}, "1").code, kOk);
  EXPECT_EQ(run({"update", "update", "update", "--", "sed", "s/1/2/"}).code, kOk);
  EXPECT_EQ(run({"get", "update", "update"}).out, "2\n");
}

TEST_F(Programs, GetAnEmptyObjectWhenThereIsNoChunk) {
  EXPECT_EQ(run({"update", "project", "new", "--", "cat"}).code, kOk);
  EXPECT_EQ(run({"get", "project", "new"}).out, "{}\n");
}

TEST_F(Programs, ThatFailChangeNothing) {
  EXPECT_TRUE(says(refusal({"false"}), "'false' ended with exit status 1"));
  EXPECT_TRUE(says(refusal({"sh", "-c", "echo '[]'; exit 7"}), "exit status 7"));
  EXPECT_TRUE(says(refusal({"sh", "-c", "echo '[]'; kill -9 $$"}), "ended by signal 9"));
  EXPECT_TRUE(says(refusal({"echo", "[x]"}), "invalid_json: the output of 'echo'"));
  EXPECT_TRUE(says(refusal({"true"}), "invalid_json: the output of 'true'"));
  EXPECT_TRUE(says(refusal({"./no such program"}), "cannot run"));
  const Output output = update({"sh", "-c", "echo 'a word' >&2; exit 1"});
  EXPECT_TRUE(says(output.err, "a word\n")) << output.err;
  EXPECT_TRUE(says(output.err, "nothing is changed")) << output.err;
  EXPECT_EQ(run({"update", "nowhere", "s", "--", "cat"}).code, kNotFound);
  EXPECT_EQ(run({"update", "project", "a/b", "--", "cat"}).code, kUsage);
}

// Kills: a command that waits for a program which waits for it; a program that dies of SIGPIPE.
TEST_F(Programs, OfManyBytesDoNotBlock) {
  const std::string large = "[\"" + std::string(kLarge, 'x') + "\"]";
  ASSERT_EQ(run({"put", "project", "s"}, large).code, kOk);
  EXPECT_EQ(update({"cat"}).code, kOk);
  EXPECT_EQ(update({"sed", "s/x/y/g"}).code, kOk);
  EXPECT_EQ(run({"get", "project", "s", "/0"}).out, "\"" + std::string(kLarge, 'y') + "\"\n");
  // Reads nothing and prints much; prints much before it reads.
  const std::string print = "printf '[\"'; head -c 10000000 /dev/zero | tr '\\0' z; printf '\"]'";
  EXPECT_EQ(update({"sh", "-c", print}).code, kOk);
  EXPECT_EQ(run({"get", "project", "s", "/0"}).out.size(), kLarge + 3);
  EXPECT_EQ(update({"sh", "-c", print + "; cat > /dev/null"}).code, kOk);
  // Never reads, and closes what it does not want.
  EXPECT_EQ(update({"echo", "[1]"}).code, kOk);
  ASSERT_EQ(run({"put", "project", "s"}, large).code, kOk);
  EXPECT_EQ(update({"sh", "-c", "exec <&-; echo '[2]'"}).code, kOk);
  EXPECT_EQ(run({"get", "project", "s", "/0"}).out, "2\n");
  // A program has the usual action for a closed pipe.
  EXPECT_EQ(update({"sh", "-c", "yes | head -n 1 > /dev/null; echo '[3]'"}).code, kOk);
}

TEST_F(Programs, ReadTheProjectAndCannotSaveToIt) {
  const std::string command = SAFECHUNK_COMMAND;
  EXPECT_EQ(update({"sh", "-c", command + " get project s"}).code, kOk);
  EXPECT_EQ(update({"sh", "-c", "echo 1 | " + command + " put project s; test $? = 3 && cat"}).code,
            kOk);
  EXPECT_EQ(run({"get", "project", "s", "/theme"}).out, "\"light\"\n");
}

// No increment is lost, in whatever order the processes get the project. Kills: a text that is read
// before the project is owned.
TEST_F(Programs, CountTogether) {
  put("n", "0");
  std::vector<Child> children;
  for (int i = 0; i < 10; ++i) {
    children.push_back(start(
        {"--wait", "60", "update", "project", "n", "--", "sh", "-c", "read n; echo $((n + 1))"}));
  }
  for (Child& child : children) EXPECT_EQ(child.wait(), kOk);
  EXPECT_EQ(run({"get", "project", "n"}).out, "10\n");
}

// Another program changes the file between: the filter sees the new text.
TEST_F(Programs, RunAgainWhenTheFileWasChanged) {
  const std::string script =
      "if [ ! -e again ]; then touch again; cat >/dev/null; sleep 0.01; "
      "echo '{\"theme\": \"edited by hand\"}' > x; mv x project/chunks/s.json; echo '[]'; "
      "else sed s/hand/me/; fi";
  EXPECT_EQ(update({"sh", "-c", script}).code, kOk);
  EXPECT_EQ(run({"get", "project", "s", "/theme"}).out, "\"edited by me\"\n");
}

TEST_F(Programs, EndWithTheCommand) {
  const std::string before = read_file(file("chunks/s.json"));
  for (const auto& [number, script] : std::vector<std::pair<int, std::string>>{
           {SIGTERM, "echo $$ > pid; exec sleep 1000"},
           {SIGINT, "echo $$ > pid; exec sleep 1000"},
           // Closes its streams first, so that only its end is waited for.
           {SIGTERM, "echo $$ > pid; exec sleep 1000 >&- <&-"},
           // Does not listen.
           {SIGTERM, "trap '' TERM; echo $$ > pid; exec sleep 1000"}}) {
    SCOPED_TRACE(script);
    fs::remove(folder_ / "pid");
    Child command = start({"update", "project", "s", "--", "sh", "-c", script});
    ASSERT_TRUE(eventually(
        [&] { return fs::exists(folder_ / "pid") && read_file(folder_ / "pid").ends_with('\n'); }));
    const pid_t program = std::stoi(read_file(folder_ / "pid"));
    command.kill(number);
    EXPECT_EQ(command.wait(), 128 + number);
    EXPECT_NE(::kill(program, 0), 0) << "the program lives";
    EXPECT_EQ(read_file(file("chunks/s.json")), before);
    EXPECT_FALSE(fs::exists(file(".lock")));
    EXPECT_FALSE(fs::exists(file(".journal")));
  }
}

// --- edit

TEST_F(Programs, EditAChunk) {
  const Output output = edit(
      "case $1 in *.json) sed -i s/light/dark/ \"$1\" ;; esac; "
      "cp -p \"$1\" seen");
  EXPECT_EQ(output.code, kOk) << output.err;
  EXPECT_EQ(run({"get", "project", "s", "/theme"}).out, "\"dark\"\n");
  EXPECT_EQ(fs::status(folder_ / "seen").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_TRUE(kept().empty());
  EXPECT_EQ(edit("echo '[7]' > \"$1\"", {"/theme"}).code, kOk);
  EXPECT_EQ(run({"get", "project", "s", "/theme/0"}).out, "7\n");
  const Json saved = Json::parse(edit("echo '{\"a\":1}' > \"$1\"", {"--json"}).out);
  EXPECT_EQ(saved["saved"], true);
  EXPECT_EQ(saved["revision"], run_json(kOk, {"get", "project", "s"})["revision"]);
  // Truncates and writes slowly; the project is free meanwhile.
  const std::string slow = ": > \"$1\"; printf '{' >> \"$1\"; " + std::string(SAFECHUNK_COMMAND) +
                           " set project other /x 1 || exit 9; sleep 0.05; echo '}' >> \"$1\"";
  EXPECT_EQ(edit(slow).code, kOk);
  EXPECT_EQ(run({"get", "project", "s"}).out, "{}\n");
  EXPECT_EQ(run_in("", editor("echo '{\"new\":1}' > \"$1\""), {"edit", "project", "new"}).code,
            kOk);
  EXPECT_EQ(run({"get", "project", "new", "/new"}).out, "1\n");
  EXPECT_TRUE(kept().empty());
}

TEST_F(Programs, EditOneValueAndKeepTheRest) {
  write_file(file("chunks/s.json"), "{\r\n  \"a\": 1.10,\r\n  \"theme\":  \"light\"  }");
  EXPECT_EQ(edit("sed -i s/light/dark/ \"$1\"", {"/theme"}).code, kOk);
  EXPECT_EQ(read_file(file("chunks/s.json")), "{\r\n  \"a\": 1.10,\r\n  \"theme\":  \"dark\"  }");
}

TEST_F(Programs, EditNothing) {
  const auto inode = [&] {
    struct stat about {};
    EXPECT_EQ(::stat(file("chunks/s.json").c_str(), &about), 0);
    return about.st_ino;
  };
  const auto before = inode();
  const Output output = edit("true");
  EXPECT_EQ(output.code, kOk);
  EXPECT_TRUE(says(output.err, "'s' is not changed")) << output.err;
  EXPECT_EQ(Json::parse(edit("true", {"--json"}).out)["saved"], false);
  EXPECT_EQ(inode(), before);
  const Output failed = edit("exit 3");
  EXPECT_EQ(failed.code, kFailed);
  EXPECT_TRUE(says(failed.err, "ended with exit status 3")) << failed.err;
  EXPECT_EQ(edit("true", {"/none"}).code, kNotFound);
  EXPECT_EQ(edit("true", {"theme"}).code, kUsage);
  EXPECT_EQ(run_in("", editor("true"), {"edit", "nowhere", "s"}).code, kNotFound);
  EXPECT_TRUE(kept().empty());
}

// $VISUAL comes first; both may have arguments.
TEST_F(Programs, EditWithTheEditorOfTheEnvironment) {
  auto environment = editor("exit 1");
  environment[0] = "VISUAL=sed -i s/light/dark/";
  EXPECT_EQ(run_in("", environment, {"edit", "project", "s"}).code, kOk);
  EXPECT_EQ(run({"get", "project", "s", "/theme"}).out, "\"dark\"\n");
}

// Ctrl-C is a key of the editor. Kills: a command that ends while its editor is open.
TEST_F(Programs, LeaveCtrlCToTheEditor) {
  const auto environment =
      editor("trap 'echo caught > caught' INT; kill -INT 0; echo '[5]' > \"$1\"");
  Child child([&] {
    ::setsid();  // the signal is for all processes of the group
    fs::current_path(folder_.path());
    for (const std::string& setting : environment) {
      const auto equals = setting.find('=');
      ::setenv(setting.substr(0, equals).c_str(), setting.substr(equals + 1).c_str(), 1);
    }
    ::execl(SAFECHUNK_COMMAND, "safechunk", "edit", "project", "s", nullptr);
  });
  EXPECT_EQ(child.wait(), kOk);
  EXPECT_EQ(run({"get", "project", "s", "/0"}).out, "5\n");
  EXPECT_TRUE(fs::exists(folder_ / "caught"));
}

// Kills: an edit that is gone because it had a slip in it.
TEST_F(Programs, ThatFailKeepTheText) {
  const std::string before = read_file(file("chunks/s.json"));
  Output output = edit("printf '{\\n\"theme\": dark}' > \"$1\"");
  EXPECT_EQ(output.code, kFailed);
  EXPECT_TRUE(says(output.err, "line 2, column 10")) << output.err;
  EXPECT_EQ(kept_text(output.err), "{\n\"theme\": dark}");
  output = edit("echo '[1]' > \"$1\"; exit 3");
  EXPECT_EQ(output.code, kFailed);
  EXPECT_EQ(kept_text(output.err), "[1]\n");
  output = edit("echo '[1]' > \"$1\"; kill -9 $$", {"--json"});
  EXPECT_EQ(output.code, kFailed);
  EXPECT_TRUE(says(output.err, R"({"error":{"code":"cancelled")")) << output.err;
  EXPECT_EQ(kept_text(output.err), "[1]\n");
  EXPECT_EQ(read_file(file("chunks/s.json")), before);
  output = edit("rm \"$1\"");
  EXPECT_EQ(output.code, kNotFound);
  output = edit("ln -sf /etc/passwd \"$1\"");
  EXPECT_EQ(output.code, kFailed);
  EXPECT_EQ(read_file(file("chunks/s.json")), before);
}

// Kills: an edit that overwrites what somebody saved while the editor was open.
TEST_F(Programs, ThatSomebodyWasFasterThanKeepTheText) {
  const std::string command = SAFECHUNK_COMMAND;
  Output output = edit("echo '[1]' > \"$1\"; " + command + " set project s /theme '\"theirs\"'");
  EXPECT_EQ(output.code, kFailed);
  EXPECT_TRUE(says(output.err, "conflict")) << output.err;
  EXPECT_EQ(kept_text(output.err), "[1]\n");
  EXPECT_EQ(run({"get", "project", "s", "/theme"}).out, "\"theirs\"\n");
  // By hand; of one value; of a chunk that was not there; removed.
  output = edit("echo 1 > \"$1\"; echo '{\"theme\":3}' > x; mv x project/chunks/s.json",
                {"/theme", "--json"});
  EXPECT_EQ(Json::parse(output.err)["error"]["code"], "conflict");
  EXPECT_EQ(kept_text(output.err), "1\n");
  EXPECT_EQ(run({"get", "project", "s", "/theme"}).out, "3\n");
  output = run_in("", editor("echo 1 > \"$1\"; " + command + " set project new /a 1"),
                  {"edit", "project", "new"});
  EXPECT_EQ(output.code, kFailed);
  EXPECT_EQ(kept_text(output.err), "1\n");
  output = edit("echo 1 > \"$1\"; " + command + " remove project s");
  EXPECT_EQ(output.code, kFailed);
  EXPECT_EQ(kept_text(output.err), "1\n");
}

// At a terminal the user may mend the text.
TEST_F(Programs, EditAgain) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(::grantpt(terminal), 0);
  ASSERT_EQ(::unlockpt(terminal), 0);
  const std::string name = ::ptsname(terminal);
  const auto environment = editor(
      "echo x >> runs; echo '[' >> \"$1\"; "
      "if [ $(wc -l < runs) = 2 ]; then echo '[2]' > \"$1\"; fi");
  const auto run_there = [&] {
    Child child([&] {
      fs::current_path(folder_.path());
      for (const std::string& setting : environment) {
        const auto equals = setting.find('=');
        ::setenv(setting.substr(0, equals).c_str(), setting.substr(equals + 1).c_str(), 1);
      }
      const int end = ::open(name.c_str(), O_RDWR | O_NOCTTY);
      const int err = ::open("err", O_WRONLY | O_CREAT | O_TRUNC, 0666);
      test::require(end >= 0 && err >= 0, "open");
      ::dup2(end, STDIN_FILENO);
      ::dup2(err, STDERR_FILENO);
      ::execl(SAFECHUNK_COMMAND, "safechunk", "edit", "project", "s", nullptr);
    });
    return child.wait();
  };
  ASSERT_EQ(::write(terminal, "y\n", 2), 2);
  EXPECT_EQ(run_there(), kOk) << read_file(folder_ / "err");
  EXPECT_TRUE(says(read_file(folder_ / "err"), "Edit again?"));
  EXPECT_TRUE(says(read_file(folder_ / "err"), "line "));
  EXPECT_EQ(run({"get", "project", "s", "/0"}).out, "2\n");
  EXPECT_TRUE(kept().empty());
  ASSERT_EQ(::write(terminal, "n\n", 2), 2);
  EXPECT_EQ(run_there(), kFailed);
  EXPECT_TRUE(says(kept_text(read_file(folder_ / "err")), "["));
  ::close(terminal);
}

// --- waiting

TEST_F(Programs, WaitForEachOther) {
  std::vector<Child> children;
  for (int i = 0; i < 20; ++i) {
    write_file(folder_ / ("in" + std::to_string(i)), std::to_string(i));
    // The first of them makes the project.
    children.push_back(start(
        {"--wait", "60", "put", "together", "c" + std::to_string(i), "in" + std::to_string(i)}));
  }
  for (Child& child : children) EXPECT_EQ(child.wait(), kOk);
  EXPECT_EQ(run_json(kOk, {"list", "together"}).size(), 20U);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(run({"get", "together", "c" + std::to_string(i)}).out, std::to_string(i) + "\n");
  }
}

TEST_F(Programs, WaitAsLongAsTheyAreTold) {
  Pipe ready;
  Pipe done;
  Child owner([&] {
    SafeChunkEngine engine("project", test::options_in(folder_));
    test::require_ok(engine.status(), "attach");
    ready.signal();
    done.await_signal();
    test::require_ok(engine.detach(), "detach");
  });
  ready.await_signal();
  EXPECT_EQ(run({"set", "project", "s", "/a", "1"}).code, kLocked);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run({"--wait", "0.2", "set", "project", "s", "/a", "1"}).code, kLocked);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200));
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"remove", "project", "s"},
        {"update", "project", "s", "--", "cat"},
        {"repair", "project"}}) {
    auto waiting = arguments;
    waiting.insert(waiting.begin(), {"--wait", "0.01"});
    EXPECT_EQ(run(waiting).code, kLocked) << Json(arguments);
  }
  const Output edited = edit("echo '[1]' > \"$1\"", {"--wait", "0.01"});
  EXPECT_EQ(edited.code, kLocked);
  EXPECT_EQ(kept_text(edited.err), "[1]\n");
  Child interrupted = start({"--wait", "1000", "set", "project", "s", "/a", "1"});
  ::usleep(200'000);
  interrupted.kill(SIGTERM);
  const int code = interrupted.wait();
  EXPECT_TRUE(code == 128 + SIGTERM || code == -SIGTERM) << code;
  Child waiting = start({"--wait", "60", "set", "project", "s", "/a", "1"});
  ::usleep(100'000);
  done.signal();
  EXPECT_EQ(owner.wait(), 0);
  EXPECT_EQ(waiting.wait(), kOk);
  EXPECT_EQ(run({"get", "project", "s", "/a"}).out, "1\n");
}

}  // namespace
}  // namespace safechunk
