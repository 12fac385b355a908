// The command `safechunk` as its users meet it: arguments, streams, exit codes, and its documents.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "cli_fixture.h"
#include "support/child_process.h"
#include "support/file_system_probe.h"
#include "support/folder_listing.h"

namespace safechunk {
namespace {

using test::Child;
using test::Cli;
using test::listing_of;
using test::Output;
using test::Pipe;
using test::read_file;
using test::TemporaryFolder;
using test::write_file;
using test::write_long_ago;
using enum test::Code;
using Json = nlohmann::json;
namespace fs = std::filesystem;

const std::vector<std::string> kCommands = {
    "put",    "get",     "set",    "unset",    "merge",          "patch",      "update",
    "edit",   "append",  "tail",   "logs",     "rotate",         "compact",    "list",
    "remove", "health",  "verify", "repair",   "quarantine",     "checkpoint", "checkpoints",
    "export", "restore", "unlock", "projects", "delete-project", "adopt"};

// A process that owns the project.
class LiveOwner {
 public:
  explicit LiveOwner(const TemporaryFolder& folder)
      : child_([&] {
          SafeChunkEngine engine("project", test::options_in(folder));
          test::require_ok(engine.status(), "attach");
          ready_.signal();
          for (;;) ::pause();
        }) {
    ready_.await_signal();
  }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  void kill() {
    child_.kill();
    (void)child_.wait();
  }

 private:
  Pipe ready_;
  Child child_;
};

// --- data

TEST_F(Cli, PutsAndGetsByStdinAndFile) {
  put("a", R"({"b":1.10,"a":1e400,"b":[]})");
  const std::string text = "{\n    \"b\": 1.10,\n    \"a\": 1e400,\n    \"b\": []\n}\n";
  EXPECT_EQ(read_file(file("chunks/a.json")), text);
  const Output got = run({"get", "project", "a"});
  EXPECT_EQ(got.code, kOk);
  EXPECT_EQ(got.out, text);
  EXPECT_EQ(got.err, "");
  write_file(folder_ / "input.json", "[1]");
  EXPECT_EQ(run({"put", "project", "c", "input.json"}).code, kOk);
  EXPECT_EQ(run({"put", "project", "d", "-"}, "[2]").code, kOk);
  EXPECT_EQ(run({"list", "project"}).out, "a\nc\nd\n");
  EXPECT_EQ(run_json(kOk, {"list", "project"}), Json::parse(R"(["a","c","d"])"));
  EXPECT_EQ(run_json(kOk, {"put", "project", "e"}, "1")["saved"], true);
  EXPECT_EQ(run_json(kOk, {"remove", "project", "e"})["removed"], true);
  EXPECT_EQ(run({"get", "project", "e"}).code, kNotFound);
  EXPECT_FALSE(fs::exists(file(".lock")));
  EXPECT_FALSE(fs::exists(file(".journal")));
}

TEST_F(Cli, FindsTheProjectInTheBaseFolder) {
  const std::string base = (folder_ / "base").string();
  EXPECT_EQ(run({"-C", base, "put", "project", "a"}, "1").code, kOk);
  EXPECT_EQ(run({"get", "project", "a", "--base-dir", base}).out, "1\n");
  EXPECT_EQ(run({"get", "project", "a"}).code, kNotFound);
  EXPECT_EQ(read_file(folder_ / "base/project/chunks/a.json"), "1\n");
}

TEST_F(Cli, MakesFilesWithTheModeThatIsAskedFor) {
  EXPECT_EQ(run({"put", "project", "a", "--mode", "600"}, "1").code, kOk);
  EXPECT_EQ(read_file(file("chunks/a.json")), "1\n");
  if (test::keeps_modes()) {
    const auto secret = fs::perms::owner_read | fs::perms::owner_write;
    EXPECT_EQ(fs::status(file("chunks/a.json")).permissions(), secret);
    EXPECT_EQ(fs::status(file("chunks")).permissions(), fs::perms::owner_all);
  }
  for (const char* mode : {"9", "rw", "700", ""}) {
    EXPECT_EQ(run({"--mode", mode, "put", "project", "a"}, "1").code, kUsage) << mode;
  }
}

TEST_F(Cli, TakesWeakOptions) {
  EXPECT_EQ(run({"--weak-locks", "--weak-folders", "put", "project", "a"}, "1").code, kOk);
  EXPECT_EQ(run_json(kOk, {"health", "project"})["weakened"], Json::array());
}

TEST_F(Cli, TellsWhereBadJsonIsBad) {
  const Output output = run({"put", "project", "a"}, "{\n  \"x\": nul\n}");
  EXPECT_EQ(output.code, kFailed);
  EXPECT_NE(output.err.find("line 2"), std::string::npos) << output.err;
  const Json error = run_json(kFailed, {"put", "project", "a"}, "{\n  \"x\": nul\n}")["error"];
  EXPECT_EQ(error["code"], "invalid_json");
  EXPECT_EQ(error["chunk"], "a");
  EXPECT_EQ(error["line"], 2);
  EXPECT_GE(error["column"], 8);
  EXPECT_GE(error["offset"], 9);
  for (const char* text : {"", " ", "[", "NaN", "\xFF", "1 2"}) {
    EXPECT_EQ(run_json(kFailed, {"put", "project", "a"}, text)["error"]["code"], "invalid_json");
  }
  EXPECT_EQ(
      run_json(kFailed, {"put", "project", "a"}, std::string(1'000'000, '['))["error"]["code"],
      "too_deep");
  EXPECT_EQ(run({"get", "project", "a"}).code, kNotFound);
}

// Kills: an empty project that a refused text leaves behind.
TEST_F(Cli, ARefusedTextMakesNoProject) {
  EXPECT_EQ(run({"put", "new", "a"}, "{").code, kFailed);
  EXPECT_EQ(run({"put", "new", "a:b"}, "{}").code, kUsage);
  EXPECT_EQ(run({"get", "new", "a"}).code, kNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new"));
}

TEST_F(Cli, TellsWhatItCannotReadOrWrite) {
  EXPECT_EQ(run({"put", "project", "a", "nowhere.json"}).code, kFailed);
  fs::create_directory(folder_ / "folder");
  const Json error = run_json(kFailed, {"put", "project", "a", "folder"})["error"];
  EXPECT_EQ(error["code"], "io_error");
  put("a", "1");
  if (fs::exists("/dev/full")) {
    Child child([&] {
      const int full = ::open("/dev/full", O_WRONLY);
      const int null = ::open("/dev/null", O_WRONLY);
      ::dup2(full, STDOUT_FILENO);
      ::dup2(null, STDERR_FILENO);
      const std::string base = folder_.string();
      ::execl(SAFECHUNK_COMMAND, "safechunk", "-C", base.c_str(), "get", "project", "a", nullptr);
    });
    EXPECT_EQ(child.wait(), kFailed);
  }
}

// --- exit codes and errors

TEST_F(Cli, RefusesHostileNames) {
  put("a", "1");
  const auto before = listing_of(file("chunks"));
  for (const std::string& name : std::vector<std::string>{
           "..", ".", "../x", "a/b", "/etc/passwd", "a\\b", "a:b", "a.", "con", "x\ny", "\xFF"}) {
    SCOPED_TRACE(name);
    for (const std::string& command :
         std::vector<std::string>{"put", "get", "remove", "merge", "edit"}) {
      EXPECT_EQ(run({command, "project", "--", name}, "1").code, kUsage) << command;
    }
    EXPECT_EQ(run({"set", "project", "--", name, "/a", "1"}).code, kUsage);
    EXPECT_EQ(run({"unset", "project", "--", name, "/a"}).code, kUsage);
    EXPECT_EQ(run({"patch", "project", "--", name}, "[]").code, kUsage);
    EXPECT_EQ(run({"update", "project", name, "--", "cat"}).code, kUsage);
    // The path of a file that is there, as /etc/passwd, is taken for an archive, which it is not.
    const int restored = run({"restore", "project", "--", name}).code;
    const bool is_path = name.find('/') != std::string::npos;
    EXPECT_EQ(restored, !is_path ? kUsage : fs::exists(folder_ / name) ? kFailed : kNotFound);
    const int code = run({"checkpoint", "project", "--label=" + name}).code;
    EXPECT_EQ(code, name == "\xFF" ? kUsage : kOk) << "a label is any text";
  }
  for (const std::string& name :
       std::vector<std::string>{"a\\b", "a:b", "a.", "con", "x\ny", "\xFF", "/", "x/a:b"}) {
    SCOPED_TRACE(name);
    for (const std::string& command : std::vector<std::string>{"put", "get", "remove"}) {
      EXPECT_EQ(run({command, "--", name, "a"}, "1").code, kUsage) << command;
    }
    for (const std::string& command : std::vector<std::string>{
             "list", "health", "verify", "repair", "checkpoint", "checkpoints", "unlock"}) {
      EXPECT_EQ(run({command, "--", name}).code, kUsage) << command;
    }
  }
  EXPECT_EQ(run({"restore", "project", "../chunks/a.json"}).code, kNotFound);
  const Json error = run_json(kUsage, {"get", "project", "a/b"})["error"];
  EXPECT_EQ(error["code"], "invalid_name");
  // Owning the project for a moment touches its folder, but nothing in chunks/.
  EXPECT_EQ(listing_of(file("chunks")), before);
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_.path())) names.insert(entry.path());
  EXPECT_EQ(names, std::set<std::string>{file("").parent_path().string()});
}

TEST_F(Cli, UsageErrorsHaveTheirCode) {
  make_project();
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{},
        {"nonsense"},
        {"put"},
        {"put", "project"},
        {"get", "project"},
        {"set", "project", "a"},
        {"set", "project", "a", "0", "1"},
        {"set", "project", "a", "/0", "1", "--if-absent", "--if-revision", "x"},
        {"unset", "project", "a"},
        {"update", "project", "a"},
        {"update", "project", "a", "--"},
        {"--wait", "-1", "put", "project", "a"},
        {"--wait", "nan", "put", "project", "a"},
        {"list"},
        {"list", "project", "extra"},
        {"list", "project", "--nonsense"},
        {"-C"},
        {"checkpoint", "project", "--retention", "many"},
        {"checkpoint", "project", "--retention", "0"},
        {"checkpoint", "project", "--retention", "-1"},
        {"restore", "project"}}) {
    const Output output = run(arguments);
    EXPECT_EQ(output.code, kUsage) << Json(arguments);
    EXPECT_EQ(output.out, "") << Json(arguments);
    EXPECT_NE(output.err, "") << Json(arguments);
  }
}

TEST_F(Cli, NotFoundHasItsCode) {
  for (const std::string& command :
       std::vector<std::string>{"list", "health", "verify", "checkpoints", "unlock"}) {
    EXPECT_EQ(run({command, "nowhere"}).code, kNotFound) << command;
  }
  EXPECT_EQ(run({"get", "nowhere", "a"}).code, kNotFound);
  EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
  put("a", "1");
  EXPECT_EQ(run_json(kNotFound, {"get", "project", "b"})["error"]["code"], "not_found");
  EXPECT_EQ(run({"remove", "project", "b"}).code, kNotFound);
  EXPECT_EQ(run({"restore", "project", "checkpoint_x_20260101_000000.zip"}).code, kNotFound);
}

// Reading commands work beside a live owner and write nothing (G9); the others say who owns it.
TEST_F(Cli, BesideALiveOwner) {
  make_project();
  ASSERT_EQ(run({"checkpoint", "project"}).code, kOk);
  write_long_ago(file("chunks/b.json"), "[");
  LiveOwner owner(folder_);
  const auto before = listing_of(folder_.path());
  EXPECT_EQ(run({"get", "project", "a"}).out, "[\n    2\n]\n");
  EXPECT_EQ(run({"get", "project", "b"}).out, "[\n    1\n]\n");
  EXPECT_EQ(run({"list", "project"}).out, "a\nb\n");
  EXPECT_EQ(run({"health", "project"}).code, kOk);
  EXPECT_EQ(run({"verify", "project"}).code, kFailed);
  EXPECT_EQ(run({"checkpoints", "project"}).code, kOk);
  EXPECT_EQ(run_json(kOk, {"health", "project"})["owner"]["pid"], owner.pid());
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"put", "project", "a"},
        {"set", "project", "a", "/0", "1"},
        {"unset", "project", "a", "/0"},
        {"merge", "project", "a"},
        {"remove", "project", "a"},
        {"repair", "project"},
        {"restore", "project", "checkpoint_manual_20260101_000000.zip"},
        {"unlock", "project"},
        {"unlock", "project", "--force"}}) {
    const Output output = run(arguments, "1");
    EXPECT_EQ(output.code, kLocked) << Json(arguments);
    EXPECT_NE(output.err.find(std::to_string(owner.pid())), std::string::npos) << output.err;
    EXPECT_EQ(run_json(kLocked, arguments, "1")["error"]["code"], "locked");
  }
  EXPECT_EQ(listing_of(folder_.path()), before);
  owner.kill();
  const Output output = run({"put", "project", "a"}, "[3]");
  EXPECT_EQ(output.code, kOk);
  EXPECT_NE(output.err.find("stale_lock"), std::string::npos) << output.err;  // G7
}

TEST_F(Cli, UnlocksWhatNobodyHolds) {
  make_project();
  Child bystander([] {
    for (;;) ::pause();
  });
  EXPECT_EQ(run_json(kOk, {"unlock", "project"})["unlocked"], "project");
  write_file(file(".lock"), "PID: 999999999");
  EXPECT_EQ(run({"unlock", "project"}).code, kOk);
  EXPECT_FALSE(fs::exists(file(".lock")));
  write_file(file(".lock"), "PID: " + std::to_string(bystander.pid()));
  EXPECT_EQ(run({"unlock", "project"}).code, kLocked);
  EXPECT_EQ(run({"put", "project", "a"}, "1").code, kLocked);
  EXPECT_EQ(run({"unlock", "project", "--force"}).code, kOk);
  EXPECT_EQ(run({"put", "project", "a"}, "1").code, kOk);
}

// --json prints the reports of the library as they are. The first five keys of health are those of
// the original engine, which programs look for.
TEST_F(Cli, ReportsAreThoseOfTheLibrary) {
  make_project();
  const std::string text = run({"health", "project", "--json"}).out;
  const auto health = nlohmann::ordered_json::parse(text);
  const std::vector<std::string> original = {"engine_active", "dirty_buffer", "storage_usage",
                                             "orphaned_artifacts", "shards"};
  auto member = health.begin();
  for (const std::string& key : original) EXPECT_EQ((member++).key(), key);
  EXPECT_EQ(health["engine_active"], false);  // this command owns nothing
  EXPECT_EQ(health["dirty_buffer"], false);
  EXPECT_EQ(health["shards"], 2);
  EXPECT_TRUE(health["owner"].is_null());
  const auto keys_of = [](const auto& object) {
    std::set<std::string> keys;
    for (const auto& entry : object.items()) keys.insert(entry.key());
    return keys;
  };
  EXPECT_EQ(keys_of(health), keys_of(Json::parse(to_json(HealthReport()))));
  const Json error = run_json(kNotFound, {"get", "project", "absent"})["error"];
  EXPECT_EQ(keys_of(error), keys_of(Json::parse(to_json(Error()))));
  EXPECT_EQ(error["chunk"], "absent");
  write_long_ago(file("chunks/a.json"), "[");
  const Json repaired = run_json(kOk, {"repair", "project"});
  ASSERT_FALSE(repaired["found"].empty());
  for (const Json& found : repaired["found"]) {
    EXPECT_EQ(keys_of(found), keys_of(Json::parse(to_json(Error()))));
  }
  ASSERT_EQ(run({"checkpoint", "project"}).code, kOk);
  EXPECT_EQ(keys_of(run_json(kOk, {"checkpoints", "project"})[0]),
            keys_of(Json::parse(to_json(std::vector<CheckpointInfo>(1)))[0]));
}

// --- damage

std::map<std::string, std::string> states_of(const Json& report) {
  std::map<std::string, std::string> states;
  for (const Json& entry : report["files"]) states[entry["path"]] = entry["state"];
  return states;
}

// G6, G7: verify says per file what it is, and repair does what attach and reading would.
TEST_F(Cli, VerifiesAndRepairs) {
  if (!test::keeps_attributes()) {
    GTEST_SKIP() << "this file system has no extended attributes";
  }
  make_project();
  for (const char* text : {"[1]", "[2]"}) put("c", text);
  Json report = run_json(kOk, {"verify", "project"});
  EXPECT_EQ(report["sound"], true);
  for (const auto& [path, state] : states_of(report)) EXPECT_EQ(state, "good") << path;
  EXPECT_NE(run({"verify", "project"}).out.find("good"), std::string::npos);

  write_long_ago(file("chunks/a.json"), "[");
  write_long_ago(file("chunks/b.json"), "[");
  write_file(file("chunks_bak/b.bak"), "[");
  fs::remove(file("chunks/c.json"));
  const auto before = listing_of(folder_.path());
  report = run_json(kFailed, {"verify", "project"});
  EXPECT_EQ(report["sound"], false);
  EXPECT_EQ(states_of(report)["chunks/a.json"], "healable");
  EXPECT_EQ(states_of(report)["chunks_bak/a.bak"], "good");
  EXPECT_EQ(states_of(report)["chunks/b.json"], "lost");
  EXPECT_EQ(states_of(report)["chunks_bak/b.bak"], "lost");
  EXPECT_FALSE(states_of(report).contains("chunks/c.json"));  // somebody removed it
  const std::string text = run({"verify", "project"}).out;
  for (const char* word : {"healable", "lost", "good", "DAMAGED"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word;
  }
  EXPECT_EQ(listing_of(folder_.path()), before);  // verify changes nothing
  EXPECT_EQ(run_json(kFailed, {"get", "project", "b"})["error"]["code"], "lost");

  report = run_json(kFailed, {"repair", "project"});
  EXPECT_EQ(report["repaired"], false);  // b is lost
  EXPECT_GE(report["found"].size(), 3U);
  EXPECT_EQ(read_file(file("chunks/a.json")), "[\n    1\n]\n");
  EXPECT_FALSE(fs::exists(file("chunks/c.json")));
  EXPECT_EQ(run_json(kOk, {"health", "project"})["quarantine_files"], 4);  // c's backup, too
  EXPECT_EQ(run({"put", "project", "b"}, "[3]").code, kFailed);            // saved over damage
  EXPECT_EQ(run({"repair", "project"}).code, kOk);
}

TEST_F(Cli, VerifyReadsTheJournal) {
  make_project();
  Child writer([&] {
    SafeChunkEngine engine("project", test::options_in(folder_));
    test::require_ok(engine.stage_update("[3]", "a"), "stage_update");
    ::_exit(0);
  });
  ASSERT_EQ(writer.wait(), 0);
  EXPECT_EQ(states_of(run_json(kOk, {"verify", "project"}))[".journal"], "good");
  EXPECT_EQ(run({"get", "project", "a"}).out, "[\n    3\n]\n");  // applied in memory
  const Output output = run({"repair", "project"});
  EXPECT_EQ(output.code, kOk);
  EXPECT_NE(output.err.find("replayed 'a'"), std::string::npos) << output.err;
  EXPECT_EQ(run({"get", "project", "a"}).out, "[\n    3\n]\n");
}

// --- checkpoints

// An archive of somebody else may say anything. Kills: printing it as it is.
TEST_F(Cli, WhatStandsInFilesDoesNotSteerTheTerminal) {
  make_project();
  const std::string notes =
      "one\ntwo\x1B[2J\xC2\x9B"
      "3J caf\xC3\xA9";
  EXPECT_EQ(run({"checkpoint", "project", "--notes", notes}).code, kOk);
  const std::string out = run({"checkpoints", "project"}).out;
  EXPECT_NE(out.find("one\\x0Atwo\\x1B[2J\\xC2\\x9B3J caf\xC3\xA9\n"), std::string::npos) << out;
  EXPECT_EQ(run_json(kOk, {"checkpoints", "project"})[0]["notes"], notes);
}

// G13.
TEST_F(Cli, CheckpointAndRestoreRoundTrip) {
  make_project();
  const Json made =
      run_json(kOk, {"checkpoint", "project", "--label", "first", "--notes", "caf\xC3\xA9"});
  const std::string name = made["checkpoint"];
  EXPECT_TRUE(name.starts_with("checkpoint_first_"));
  put("a", "[9]");
  put("new", "[9]");
  EXPECT_EQ(run({"remove", "project", "b"}).code, kOk);
  EXPECT_EQ(run_json(kOk, {"restore", "project", name})["restored"], name);
  EXPECT_EQ(run({"list", "project"}).out, "a\nb\n");
  EXPECT_EQ(run({"get", "project", "a"}).out, "[\n    2\n]\n");
  const Json list = run_json(kOk, {"checkpoints", "project"});
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0]["label"], "before_restore");
  EXPECT_EQ(list[1]["filename"], name);
  EXPECT_EQ(list[1]["notes"], "caf\xC3\xA9");
  EXPECT_NEAR(list[1]["unix_time"].get<double>(), static_cast<double>(std::time(nullptr)), 60);
  EXPECT_EQ(list[1]["size"], fs::file_size(file("checkpoints/" + name)));
  EXPECT_NE(run({"checkpoints", "project"}).out.find(name), std::string::npos);
  // The restore can itself be undone.
  EXPECT_EQ(run({"restore", "project", list[0]["filename"]}).code, kOk);
  EXPECT_EQ(run({"list", "project"}).out, "a\nnew\n");
  // Retention, a damaged archive, and one that is pinned under a label that is no file name.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(run({"checkpoint", "project", "--retention", "2"}).code, kOk);
  }
  const Json kept = run_json(kOk, {"checkpoints", "project"});
  ASSERT_EQ(kept.size(), 4U) << "two of restores count for themselves";
  EXPECT_GT(kept[0]["number"], kept[1]["number"]);
  const Json pinned = run_json(kOk, {"checkpoint", "project", "--keep", "--label", "a/b\n"});
  EXPECT_EQ(run({"checkpoint", "project", "--retention", "1"}).code, kOk);
  const std::string printed = run({"checkpoints", "project"}).out;
  EXPECT_NE(printed.find("kept  \"a/b\\x0A\""), std::string::npos) << printed;
  EXPECT_EQ(run_json(kOk, {"checkpoints", "project"})[1]["filename"], pinned["checkpoint"]);
  const std::string damaged = run_json(kOk, {"checkpoints", "project"})[0]["filename"];
  fs::resize_file(file("checkpoints/" + damaged),
                  fs::file_size(file("checkpoints/" + damaged)) - 9);
  EXPECT_EQ(states_of(run_json(kFailed, {"verify", "project"}))["checkpoints/" + damaged], "lost");
  EXPECT_EQ(run_json(kFailed, {"restore", "project", damaged})["error"]["code"], "corrupt");
  EXPECT_EQ(run({"list", "project"}).out, "a\nnew\n");
}

// --- documents

// A checkpoint that is kept or damaged must go, too. Kills: a project that is damaged for ever.
TEST_F(Cli, DeletesACheckpoint) {
  make_project();
  const Json made = run_json(kOk, {"checkpoint", "project", "--keep"});
  const std::string name = made["checkpoint"];
  write_file(file("checkpoints/" + name), "no archive");
  EXPECT_EQ(run({"verify", "project"}).code, kFailed);
  const std::string path = "project/checkpoints/" + name;  // as shells complete it
  EXPECT_EQ(run_json(kOk, {"checkpoints", "project", "--delete", path})["deleted"], name);
  EXPECT_EQ(run({"checkpoints", "project", "--delete", name}).code, kNotFound);
  EXPECT_EQ(run_json(kOk, {"verify", "project"})["sound"], true);
  const Output output = run({"restore", "project", "nothing"});
  EXPECT_NE(output.err.find("safechunk checkpoints"), std::string::npos) << output.err;
}

// Kills: a damaged backup of a sound chunk that no command mends.
TEST_F(Cli, RepairsABackup) {
  make_project();
  ASSERT_EQ(run({"put", "project", "a"}, "[2]").code, kOk);
  write_long_ago(file("chunks_bak/a.bak"), "[");
  EXPECT_EQ(run({"verify", "project"}).code, kFailed);
  const Output repaired = run({"repair", "project"});
  EXPECT_EQ(repaired.code, kOk) << repaired.err;
  EXPECT_NE(repaired.err.find("quarantine/a.bak."), std::string::npos) << repaired.err;
  EXPECT_EQ(run_json(kOk, {"verify", "project"})["sound"], true);
  EXPECT_EQ(run({"get", "project", "a"}).out, "[\n    2\n]\n");
}

TEST_F(Cli, HelpOfEveryCommandWorks) {
  const Output help = run({"--help"});
  EXPECT_EQ(help.code, kOk);
  for (const std::string& command : kCommands) {
    EXPECT_NE(help.out.find("  " + command + " "), std::string::npos) << command;
    const Output own = run({command, "--help"});
    EXPECT_EQ(own.code, kOk) << command;
    EXPECT_NE(own.out.find("project"), std::string::npos) << command;
  }
  const Output version = run({"--version"});
  EXPECT_EQ(version.code, kOk);
  EXPECT_EQ(version.out, std::string(safechunk::version()) + "\n");
}

// Every long option that the help of a command tells.
std::set<std::string> options_in_help(const std::string& help) {
  std::set<std::string> options;
  const std::regex option("--[a-z][a-z-]*");
  for (std::sregex_iterator it(help.begin(), help.end(), option), end; it != end; ++it) {
    options.insert(it->str());
  }
  return options;
}

TEST_F(Cli, ManualPageAndCompletionsNameEverything) {
  const fs::path sources = SAFECHUNK_CLI_SOURCES;
  std::string manual = read_file(sources / "safechunk.1");
  for (auto at = manual.find("\\-"); at != std::string::npos; at = manual.find("\\-", at)) {
    manual.erase(at, 1);
  }
  std::map<std::string, std::string> completions;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    completions[shell] = read_file(sources / ("completion/safechunk." + std::string(shell)));
  }
  std::set<std::string> options = options_in_help(run({"--help"}).out);
  for (const std::string& command : kCommands) {
    options.merge(options_in_help(run({command, "--help"}).out));
    EXPECT_NE(manual.find("\n.BR " + command + " "), std::string::npos) << command;
    for (const auto& [shell, text] : completions) {
      EXPECT_TRUE(std::regex_search(text, std::regex("\\b" + command + "\\b"))) << shell << command;
    }
  }
  EXPECT_TRUE(options.contains("--retention"));
  for (const std::string& option : options) {
    EXPECT_NE(manual.find(option), std::string::npos) << option;
    for (const auto& [shell, text] : completions) {
      const std::string name = shell == "fish" ? "-l " + option.substr(2) : option;
      EXPECT_NE(text.find(name), std::string::npos) << shell << " " << option;
    }
  }
  for (const char* code : {".B 0", ".B 1", ".B 2", ".B 3", ".B 4"}) {
    EXPECT_NE(manual.find(code), std::string::npos) << code;
  }
}

}  // namespace
}  // namespace safechunk
