// set, unset, merge, patch and get with a JSON file of another program.

#include <sys/stat.h>

#include "cli/cli_fixture.h"

namespace safechunk::test {
namespace {

class FileCommand : public Cli {
 protected:
  void write(const std::string& name, const std::string& text) const {
    write_file(folder_ / name, text);
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    return read_file(folder_ / name);
  }
};

// Kills a form of a command that is taken for the one with a project.
TEST_F(FileCommand, EditsAFileInsteadOfAProject) {
  write("settings.json", "{\n  \"a\": 1\n}\n");
  const Output set = run({"set", "settings.json", "/b/c", "[2]"});
  EXPECT_EQ(set.code, kOk) << set.err;
  EXPECT_EQ(set.out + set.err, "");
  EXPECT_EQ(text("settings.json"),
            "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [\n      2\n    ]\n  }\n}\n");
  EXPECT_EQ(text(".settings.json.safechunk/settings.json.bak"), "{\n  \"a\": 1\n}\n");
  EXPECT_EQ(run({"set", "settings.json", "/a", "dark", "--string"}).code, kOk);
  EXPECT_EQ(run({"set", "settings.json", "/d"}, "4\n").code, kOk);
  EXPECT_EQ(run({"unset", "settings.json", "/b"}).code, kOk);
  EXPECT_EQ(text("settings.json"), "{\n  \"a\": \"dark\",\n  \"d\": 4\n}\n");
  EXPECT_EQ(run({"merge", "settings.json"}, R"({"a": null, "e": 5})").code, kOk);
  write("patch", R"([{"op": "replace", "path": "/d", "value": 6}])");
  EXPECT_EQ(run({"patch", "settings.json", "patch", "--no-backup"}).code, kOk);
  EXPECT_EQ(text("settings.json"), "{\n  \"d\": 6,\n  \"e\": 5\n}\n");
  EXPECT_EQ(run({"get", "settings.json", "/e"}).out, "5\n");
  EXPECT_EQ(run({"get", "settings.json"}).out, "{\n  \"d\": 6,\n  \"e\": 5\n}\n");
  EXPECT_FALSE(fs::exists(folder_ / "settings.json/chunks"));
}

// Kills the dialect, its default by the name, and the message that names it.
TEST_F(FileCommand, CommentsStay) {
  const std::string commented = "{\n  // why\n  \"a\": 1, // one\n}\n";
  write("settings.json", commented);
  write("settings.jsonc", commented);
  const Output refused = run({"set", "settings.json", "/a", "2"});
  EXPECT_EQ(refused.code, kFailed);
  EXPECT_NE(refused.err.find("line 2, column 3"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("use --dialect jsonc"), std::string::npos) << refused.err;
  EXPECT_EQ(text("settings.json"), commented);
  EXPECT_FALSE(fs::exists(folder_ / ".settings.json.safechunk"));
  EXPECT_EQ(run({"set", "--dialect", "jsonc", "settings.json", "/b", "2"}).code, kOk);
  EXPECT_EQ(run({"set", "settings.jsonc", "/b", "2"}).code, kOk);
  EXPECT_EQ(text("settings.json"), "{\n  // why\n  \"a\": 1, // one\n  \"b\": 2,\n}\n");
  EXPECT_EQ(text("settings.jsonc"), text("settings.json"));
  EXPECT_EQ(run_json(kOk, {"get", "settings.jsonc"}).at("value"),
            nlohmann::json::parse(R"({"a": 1, "b": 2})"));
  EXPECT_EQ(run({"set", "settings.json", "/a", "1", "--dialect", "json5"}).code, kUsage);
}

// Kills a missing file that is made, or taken for a project, and a message without a way out.
TEST_F(FileCommand, AMissingFileIsNotMade) {
  for (const char* name : {"no.json", "./no.json"}) {
    const Output missing = run({"set", name, "/a", "1"});
    EXPECT_EQ(missing.code, kNotFound) << missing.err;
    EXPECT_NE(missing.err.find("--create"), std::string::npos) << missing.err;
    EXPECT_EQ(run({"unset", name, "/a"}).code, kNotFound);
  }
  EXPECT_EQ(run({"merge", "./no.json"}, "{}").code, kNotFound);
  EXPECT_FALSE(fs::exists(folder_ / "no.json"));
  EXPECT_EQ(run({"set", "no.json", "/a", "1", "--create"}).code, kOk);
  EXPECT_EQ(text("no.json"), "{\n    \"a\": 1\n}\n");
}

// A project of any name is one still.
TEST_F(FileCommand, AProjectIsNotAFile) {
  EXPECT_EQ(run({"set", "project.json", "chunk", "/a", "1"}).code, kOk);
  EXPECT_TRUE(fs::exists(folder_ / "project.json/chunks/chunk.json"));
  EXPECT_EQ(run({"get", "project.json", "chunk", "/a"}).out, "1\n");
}

TEST_F(FileCommand, Errors) {
  write("settings.json", "{\"a\": 1}");
  EXPECT_EQ(run({"set", "settings.json", "/a", "True"}).err.find("did you mean 'true'?") !=
                std::string::npos,
            true);
  EXPECT_EQ(run({"set", "settings.json", "a", "1"}).code, kUsage);
  EXPECT_EQ(run({"unset", "settings.json", "/b"}).code, kNotFound);
  EXPECT_EQ(run({"patch", "settings.json"}, "[{\"op\":\"test\",\"path\":\"/a\",\"value\":2}]").code,
            kFailed);
  EXPECT_EQ(run({"patch", "settings.json", "no such file"}).code, kFailed);
  EXPECT_EQ(run({"set", "settings.json"}).code, kUsage);
  EXPECT_EQ(text("settings.json"), "{\"a\": 1}");
}

// Kills the result for programs, and the condition.
TEST_F(FileCommand, Json) {
  write("settings.json", "{\"a\": 1}");
  const auto read = run_json(kOk, {"get", "settings.json", "/a"});
  EXPECT_EQ(read.at("value"), 1);
  const std::string revision = read.at("revision");
  const auto set = run_json(kOk, {"set", "settings.json", "/a", "2", "--if-revision", revision});
  EXPECT_EQ(set.at("changed"), true);
  EXPECT_EQ(set.at("file"), (fs::canonical(folder_.path()) / "settings.json").string());
  const auto refused =
      run_json(kFailed, {"set", "settings.json", "/a", "3", "--if-revision", revision});
  EXPECT_EQ(refused.at("error").at("code"), "conflict");
  EXPECT_EQ(run_json(kOk, {"set", "settings.json", "/a", "2"}).at("changed"), false);
  EXPECT_EQ(text("settings.json"), "{\"a\": 2}");
}

// Kills help that knows one form only.
TEST_F(FileCommand, HelpSaysBothForms) {
  write("settings.json", "{}");
  for (const char* command : {"set", "unset", "merge", "patch", "get"}) {
    const std::string help = run({command, "--help"}).out;
    EXPECT_NE(help.find(std::string("safechunk ") + command + " FILE"), std::string::npos) << help;
    const std::string of_file = run({command, "settings.json", "--help"}).out;
    EXPECT_NE(of_file.find("--dialect"), std::string::npos) << of_file;
  }
}

// Kills a lock that two commands may have at once.
TEST_F(FileCommand, TwentyCommandsLoseNothing) {
  constexpr int kCommands = 20;
  write("settings.json", "{}");
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < kCommands; ++i) {
    children.push_back(std::make_unique<Child>([&, i] {
      fs::current_path(folder_.path());
      const std::string pointer = "/n_" + std::to_string(i);
      const std::string value = std::to_string(i);
      ::execl(SAFECHUNK_COMMAND, "safechunk", "--wait", "60", "set", "settings.json",
              pointer.c_str(), value.c_str(), nullptr);
      require(false, "cannot run " SAFECHUNK_COMMAND);
    }));
  }
  for (const auto& child : children) EXPECT_EQ(child->wait(), kOk);
  const auto found = nlohmann::json::parse(text("settings.json"));
  EXPECT_EQ(found.size(), static_cast<std::size_t>(kCommands));
  for (int i = 0; i < kCommands; ++i) EXPECT_EQ(found.at("n_" + std::to_string(i)), i);
  const fs::directory_iterator names(folder_.path());
  EXPECT_EQ(std::distance(fs::begin(names), fs::end(names)), 2);
}

}  // namespace
}  // namespace safechunk::test
