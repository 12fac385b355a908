// The command is never quiet: faults, older versions, slips of the user, projects by path,
// quarantine.

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

#include "cli_fixture.h"

namespace safechunk {
namespace {

using test::Cli;
using test::Output;
using test::read_file;
using test::write_file;
using test::write_long_ago;
using enum test::Code;
using Json = nlohmann::json;
namespace fs = std::filesystem;

// Each line of stderr with --json.
std::vector<Json> lines_of(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(Json::parse(line, nullptr, /*exceptions=*/false));
    EXPECT_FALSE(lines.back().is_discarded()) << line;
  }
  return lines;
}

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

class Messages : public Cli {
 protected:
  // [1] is the backup of a damaged [2].
  void damage() const {
    make_project();
    write_long_ago(file("chunks/a.json"), "[");
  }
};

// --- what an older version comes with

TEST_F(Messages, GetOfAnOlderVersionFailsAfterPrintingIt) {
  damage();
  const Output output = run({"get", "project", "a"});
  EXPECT_EQ(output.code, kFailed);
  EXPECT_EQ(output.out, "[\n    1\n]\n");
  EXPECT_TRUE(says(output.err, "chunk 'a'")) << output.err;
  const Output json = run({"--json", "get", "project", "a"});
  EXPECT_EQ(json.code, kFailed);
  Json printed = Json::parse(json.out);
  EXPECT_EQ(printed["revision"].get<std::string>().size(), 32U);
  printed.erase("revision");
  EXPECT_EQ(printed, Json::parse(R"({"chunk":"a","state":"older","value":[1]})"));
  ASSERT_EQ(lines_of(json.err).size(), 1U);
  EXPECT_EQ(lines_of(json.err)[0]["fault"]["chunk"], "a");
  const Output good = run({"--json", "get", "project", "b"});
  EXPECT_EQ(good.code, kOk);
  EXPECT_EQ(Json::parse(good.out)["state"], "good");
  EXPECT_EQ(Json::parse(good.out)["value"], Json::parse("[2]"));
  EXPECT_EQ(good.err, "");
}

TEST_F(Messages, AFileThatIsBeingWrittenIsNamedAsSuch) {
  make_project();
  write_file(file("chunks/a.json"), "[");
  const Output output = run({"get", "project", "a"});
  EXPECT_EQ(output.code, kFailed);
  EXPECT_EQ(output.out, "[\n    1\n]\n");
  EXPECT_TRUE(says(output.err, "being_edited")) << output.err;
  EXPECT_EQ(run_json(kFailed, {"get", "project", "a"})["state"], "being_edited");
  EXPECT_EQ(read_file(file("chunks/a.json")), "[");
}

TEST_F(Messages, NumbersKeepTheirFormInJson) {
  put("n", R"({"b":1.10,"a":1e400})");
  EXPECT_TRUE(says(run({"--json", "get", "project", "n"}).out, "1.10"));
  EXPECT_TRUE(says(run({"--json", "get", "project", "n"}).out, "1e400"));
}

TEST_F(Messages, PutOverDamageSavesAndFails) {
  damage();
  const Output output = run({"put", "project", "a"}, "[3]");
  EXPECT_EQ(output.code, kFailed);
  EXPECT_TRUE(says(output.err, "quarantine")) << output.err;
  EXPECT_EQ(run({"get", "project", "a"}).out, "[\n    3\n]\n");
  write_long_ago(file("chunks/a.json"), "[");
  const Json result = run_json(kFailed, {"put", "project", "a"}, "[4]");
  EXPECT_EQ(result["saved"], true);
  EXPECT_EQ(result["state"], "damaged");
  EXPECT_EQ(run_json(kOk, {"put", "project", "a"}, "[5]")["state"], "good");
}

TEST_F(Messages, CheckpointOfDamageIsMadeAndFails) {
  damage();
  const Json result = run_json(kFailed, {"checkpoint", "project"});
  EXPECT_EQ(result["state"], "damaged");
  EXPECT_TRUE(fs::exists(file("checkpoints/" + std::string(result["checkpoint"]))));
  EXPECT_EQ(run_json(kOk, {"checkpoint", "project"})["state"], "good");
}

TEST_F(Messages, CheckpointWithoutAChunkIsMadeAndFails) {
  make_project();
  fs::remove(file("chunks/a.json"));
  fs::create_directory(file("chunks/a.json"));
  const Output output = run({"checkpoint", "project"});
  EXPECT_EQ(output.code, kFailed);
  EXPECT_TRUE(says(output.err, "the archive lacks this chunk")) << output.err;
  EXPECT_TRUE(says(output.err, "chunk 'a'")) << output.err;
  const Json result = run_json(kFailed, {"checkpoint", "project"});
  EXPECT_EQ(result["state"], "damaged");
  EXPECT_TRUE(fs::exists(file("checkpoints/" + std::string(result["checkpoint"]))));
}

TEST_F(Messages, RepairSaysWhatItDid) {
  damage();
  const Output output = run({"repair", "project"});
  EXPECT_EQ(output.code, kOk);
  EXPECT_TRUE(says(output.out, "all repaired")) << output.out;
  EXPECT_TRUE(says(output.err, "chunk 'a'")) << output.err;
  EXPECT_EQ(run({"repair", "project"}).out, "nothing to repair\n");
  fs::remove(file("chunks/a.json"));
  fs::create_directory(file("chunks/a.json"));
  const Output failed = run({"repair", "project"});
  EXPECT_EQ(failed.code, kFailed);
  EXPECT_EQ(failed.out, "not everything could be repaired\n");
}

// A fault that is also the reason of the failure is one line for people, and both for programs.
TEST_F(Messages, OneEventIsOneLine) {
  damage();
  write_file(file("chunks_bak/a.bak"), "[");
  const Output output = run({"get", "project", "a"});
  EXPECT_EQ(output.code, kFailed);
  EXPECT_EQ(std::count(output.err.begin(), output.err.end(), '\n'), 1) << output.err;
  EXPECT_EQ(run_json(kFailed, {"get", "project", "a"})["error"]["chunk"], "a");
}

// --- slips

TEST_F(Messages, OnlyPutSetAndMergeCreateAProject) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"repair", "my_projct"},
        {"checkpoint", "my_projct"},
        {"verify", "my_projct"},
        {"remove", "my_projct", "a"},
        {"unset", "my_projct", "a", "/0"},
        {"update", "my_projct", "a", "--", "cat"},
        {"edit", "my_projct", "a"},
        {"restore", "my_projct", "checkpoint_x_20260101_000000.zip"},
        {"quarantine", "list", "my_projct"},
        {"quarantine", "clear", "my_projct"}}) {
    const Output output = run(arguments);
    EXPECT_EQ(output.code, kNotFound) << Json(arguments);
    EXPECT_TRUE(says(output.err, "no such project") && says(output.err, "my_projct")) << output.err;
  }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(Messages, PutLeavesFoldersOfOthersAlone) {
  fs::create_directory(folder_ / "photos");
  write_file(folder_ / "photos/1.jpg", "");
  const Output output = run({"put", "photos", "a"}, "1");
  EXPECT_EQ(output.code, kUsage);
  EXPECT_TRUE(says(output.err, "photos' holds other files")) << output.err;
  EXPECT_FALSE(fs::exists(folder_ / "photos/chunks"));
  EXPECT_EQ(run({"repair", "photos"}).code, kNotFound);
  fs::create_directory(folder_ / "empty");
  EXPECT_EQ(run({"put", "empty", "a"}, "1").code, kOk);
}

// A folder of another version of the original engine is named, by every command.
TEST_F(Messages, FoldersOfOtherVersionsAreNamed) {
  fs::create_directories(folder_ / "v21/objects");
  fs::create_directories(folder_ / "v30/chunks");
  write_file(folder_ / "v30/chunks/a.lcca", "x");
  write_file(folder_ / "v30/version.json", R"({"engine_version":"3.0.1"})");
  for (const std::string& old : std::vector<std::string>{"v21", "v30"}) {
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"put", old, "a"},
                                                      {"get", old, "a"},
                                                      {"repair", old},
                                                      {"remove", old, "a"},
                                                      {"checkpoint", old}}) {
      EXPECT_EQ(run_json(kFailed, arguments, "1")["error"]["code"], "unsupported_format")
          << Json(arguments);
    }
  }
}

// A project of which chunks/ was lost is still one.
TEST_F(Messages, RepairOpensWhatIsLeftOfAProject) {
  make_project();
  fs::remove_all(file("chunks"));
  EXPECT_NE(run({"repair", "project"}).code, kNotFound);
}

TEST_F(Messages, PutAsksForTheNameWithoutEnding) {
  const Output output = run({"put", "project", "users.json"}, "1");
  EXPECT_EQ(output.code, kUsage);
  EXPECT_TRUE(says(output.err, "did you mean 'users'?")) << output.err;
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  put("users", "1");
  for (const std::string& command : std::vector<std::string>{"get", "remove"}) {
    const Output missing = run({command, "project", "users.json"});
    EXPECT_EQ(missing.code, kNotFound);
    EXPECT_TRUE(says(missing.err, "did you mean 'users'?")) << missing.err;
  }
  // A chunk that a program gave such a name is saved as it is called.
  write_file(file("chunks/x.json.json"), "1");
  EXPECT_EQ(run({"put", "project", "x.json"}, "2").code, kOk);
}

TEST_F(Messages, AnUnknownCommandIsNamed) {
  EXPECT_TRUE(says(run({"reapir", "project"}).err, "there is no command 'reapir'"));
  EXPECT_TRUE(says(run({"-C", "x", "reapir"}).err, "there is no command 'reapir'"));
  EXPECT_TRUE(says(run({"quarantine", "lst"}).err, "quarantine: there is no command 'lst'"));
  EXPECT_TRUE(says(run({}).err, "a command is missing"));
  EXPECT_TRUE(says(run({"get", "project"}).err, "get: chunk is required"));
}

TEST_F(Messages, UsageErrorsObeyJson) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"reapir", "project"},
                                                    {"get", "project"},
                                                    {"list", "project", "--nonsense"},
                                                    {"quarantine"}}) {
    EXPECT_EQ(run_json(kUsage, arguments)["error"]["code"], "invalid_argument") << Json(arguments);
  }
}

TEST_F(Messages, EncodingsAreNamed) {
  put("a", "\xEF\xBB\xBF[1]");
  EXPECT_EQ(read_file(file("chunks/a.json")), "[\n    1\n]\n");
  using namespace std::string_literals;
  for (const auto& [text, word] :
       std::vector<std::pair<std::string, std::string>>{{"\xFF\xFE[\0]\0"s, "UTF-16"},
                                                        {"\xFE\xFF\0[\0]"s, "UTF-16"},
                                                        {"[\0]\0"s, "UTF-16"},
                                                        {"\0[\0]"s, "UTF-16"},
                                                        {"[\0\0\0]\0\0\0"s, "UTF-32"},
                                                        {"[\"caf\xE9\"]", "Latin-1"}}) {
    const Output output = run({"put", "project", "a"}, text);
    EXPECT_EQ(output.code, kFailed);
    EXPECT_TRUE(says(output.err, word)) << output.err;
  }
  const Json error = run_json(kFailed, {"put", "project", "a"}, "[1,\n \"caf\xE9\"]")["error"];
  EXPECT_EQ(error["line"], 2);
  EXPECT_EQ(error["column"], 6);
  // The mark counts: editors show the column with it or without it, programs seek by the offset.
  EXPECT_EQ(run_json(kFailed, {"put", "project", "a"}, "\xEF\xBB\xBF[x]")["error"]["offset"], 4);
}

TEST_F(Messages, CountsAndDisksAreWords) {
  put("a", "1");
  EXPECT_TRUE(says(run({"verify", "project"}).out, "1 file, sound"));
  put("b", "1");
  EXPECT_TRUE(says(run({"verify", "project"}).out, "2 files, sound"));
  EXPECT_TRUE(std::regex_search(run({"health", "project"}).out,
                                std::regex("disk used +[0-9.]+ % of the one at /")));
}

// --- projects by path

TEST_F(Messages, AProjectMayBeAPath) {
  put("a", "1");
  const std::string whole = (folder_ / "project").string();
  for (const std::string& project :
       std::vector<std::string>{"project", "project/", "./project", "./project//", "x/../project",
                                whole, whole + "/", whole + "/."}) {
    fs::create_directories(folder_ / "x");
    EXPECT_EQ(run({"get", project, "a"}).out, "1\n") << project;
    EXPECT_EQ(run({"unlock", project}).code, kOk) << project;
  }
  EXPECT_EQ(run_in("project", {}, {"get", ".", "a"}).out, "1\n");
  EXPECT_EQ(run_in("project/chunks", {}, {"get", "..", "a"}).out, "1\n");
  EXPECT_EQ(run_in("project", {}, {"put", ".", "b"}, "2").code, kOk);
  EXPECT_EQ(run({"get", "project", "b"}).out, "2\n");
  // A path is relative to --base-dir; a whole path is not.
  EXPECT_EQ(run({"-C", folder_.string(), "get", "./project", "a"}).out, "1\n");
  EXPECT_EQ(run({"-C", "x", "get", "../project", "a"}).out, "1\n");
  EXPECT_EQ(run({"-C", "nowhere", "get", whole, "a"}).out, "1\n");
  EXPECT_EQ(run({"put", "new/deep/project", "a"}, "3").code, kOk);
  EXPECT_EQ(read_file(folder_ / "new/deep/project/chunks/a.json"), "3\n");
}

TEST_F(Messages, TildeIsTheHomeFolder) {
  const std::vector<std::string> home = {"HOME=" + folder_.string()};
  EXPECT_EQ(run_in("", home, {"-C", "~/data", "put", "project", "a"}, "1").code, kOk);
  EXPECT_EQ(read_file(folder_ / "data/project/chunks/a.json"), "1\n");
  EXPECT_EQ(run_in("", home, {"--base-dir=~/data", "get", "project", "a"}).out, "1\n");
  EXPECT_EQ(run_in("", home, {"get", "~/data/project", "a"}).out, "1\n");
  EXPECT_FALSE(fs::exists(folder_ / "~"));
}

// --- quarantine

TEST_F(Messages, QuarantineIsListedShownAndCleared) {
  make_project();
  EXPECT_EQ(run({"quarantine", "list", "project"}).out, "nothing in quarantine\n");
  EXPECT_EQ(run_json(kOk, {"quarantine", "list", "project"}), Json::array());
  for (const char* text : {"[1,", "[1,2,"}) {
    write_long_ago(file("chunks/a.json"), text);
    EXPECT_EQ(run({"repair", "project"}).code, kOk);
  }
  const Json files = run_json(kOk, {"quarantine", "list", "project"});
  ASSERT_EQ(files.size(), 2U);
  EXPECT_TRUE(says(run({"quarantine", "list", "project"}).out, files[0]["name"]));
  std::set<std::string> texts;
  for (const Json& entry : files) {
    const std::string name = entry["name"];
    texts.insert(run({"quarantine", "show", "project", name}).out);
    EXPECT_EQ(entry["size"], fs::file_size(file("quarantine/" + name)));
  }
  EXPECT_EQ(texts, (std::set<std::string>{"[1,", "[1,2,"}));
  const std::string first = files[0]["name"];
  EXPECT_EQ(run({"quarantine", "clear", "project", first, "nothing"}).code, kNotFound);
  EXPECT_EQ(run_json(kOk, {"quarantine", "list", "project"}).size(), 2U);
  EXPECT_EQ(run({"quarantine", "clear", "project", first}).out, "removed 1 file from quarantine\n");
  EXPECT_EQ(run_json(kOk, {"quarantine", "clear", "project"})["removed"][0], files[1]["name"]);
  EXPECT_TRUE(fs::is_empty(file("quarantine")));
  EXPECT_EQ(run({"get", "project", "b"}).out, "[\n    2\n]\n");
  for (const std::string& name : std::vector<std::string>{"../chunks/a.json", "..", "a/b"}) {
    EXPECT_EQ(run({"quarantine", "show", "project", name}).code, kUsage) << name;
    EXPECT_NE(run({"quarantine", "clear", "project", name}).code, kOk) << name;
  }
  EXPECT_EQ(run({"quarantine", "show", "project", "nothing"}).code, kNotFound);
  EXPECT_TRUE(fs::exists(file("chunks/a.json")));
}

}  // namespace
}  // namespace safechunk
