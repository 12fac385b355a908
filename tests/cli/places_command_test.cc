// The commands on files where they are: a JSON file, or a folder of them, in the place of the
// project. Kills: a command that does not take them; a file that is changed unasked; a message
// without a way out; a trace after adopt --release.

#include "cli_fixture.h"

namespace safechunk::test {
namespace {

class PlaceCommand : public Cli {
 protected:
  void write(const std::string& name, const std::string& text) const {
    write_long_ago(folder_ / name, text);
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    return read_file(folder_ / name);
  }
  [[nodiscard]] std::size_t entries(const std::string& below = "") const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_ / below), fs::directory_iterator()));
  }
  Output ok(const std::vector<std::string>& arguments, const std::string& input = "") const {
    Output output = run(arguments, input);
    EXPECT_EQ(output.code, kOk) << arguments.front() << ": " << output.err;
    EXPECT_EQ(output.err, "") << arguments.front();
    return output;
  }
};

constexpr const char* kSettings = "{\n  \"theme\": \"light\",\n  \"size\": 3\n}\n";

TEST_F(PlaceCommand, AFileInThePlaceOfProjectAndChunk) {
  write("s.json", kSettings);
  ok({"adopt", "s.json"});
  EXPECT_EQ(ok({"list", "s.json"}).out, "s\n");
  ok({"checkpoint", "s.json"});
  ok({"put", "s.json"}, R"({"size":4,"theme":"light"})");
  EXPECT_EQ(text("s.json"), "{\n  \"theme\": \"light\",\n  \"size\": 4\n}\n");
  ok({"update", "./s.json", "--", "sed", "s/4/5/"});
  EXPECT_EQ(text("s.json"), "{\n  \"theme\": \"light\",\n  \"size\": 5\n}\n");
  EXPECT_EQ(run_in("", {"EDITOR=sed -i s/light/dark/"}, {"edit", "s.json"}).code, kOk);
  EXPECT_EQ(text("s.json"), "{\n  \"theme\": \"dark\",\n  \"size\": 5\n}\n");
  ok({"set", "s.json", "/size", "6"});
  EXPECT_NE(ok({"verify", "s.json"}).out.find("sound"), std::string::npos);
  ok({"health", "s.json"});
  ok({"repair", "s.json"});
  ok({"export", "s.json", "out.zip"});
  const auto checkpoints = run_json(kOk, {"checkpoints", "s.json"});
  ASSERT_EQ(checkpoints.size(), 1U);
  ok({"restore", "s.json", checkpoints[0]["filename"]});
  EXPECT_EQ(text("s.json"), kSettings);
  ok({"remove", "s.json"});
  EXPECT_FALSE(fs::exists(folder_ / "s.json"));
  ok({"put", "s.json"}, "[]");
  EXPECT_EQ(run({"quarantine", "list", "s.json"}).code, kOk);
  ok({"unlock", "s.json"});
}

TEST_F(PlaceCommand, AFolderInThePlaceOfAProject) {
  fs::create_directory(folder_ / "d");
  write("d/a.json", "{\"x\": 1}");
  write("d/b.json", "[1]");
  const Output early = run({"list", "d"});
  EXPECT_EQ(early.code, kNotFound);
  EXPECT_NE(early.err.find("safechunk adopt"), std::string::npos) << early.err;
  ok({"adopt", "d"});
  EXPECT_EQ(ok({"list", "./d/"}).out, "a\nb\n");
  ok({"put", "d", "a"}, "{\"x\":2}");
  ok({"set", "d", "b", "/0", "2"});
  ok({"append", "d", "events"}, "{\"n\":1}\n");
  EXPECT_EQ(ok({"tail", "d", "events"}).out, "{\"n\":1}\n");
  EXPECT_EQ(text("d/a.json"), "{\"x\": 2}");
  EXPECT_EQ(text("d/b.json"), "[2]");
  EXPECT_EQ(text("d/events.jsonl"), "{\"n\":1}\n");
  const Output verified = ok({"verify", "d"});
  EXPECT_NE(verified.out.find("a.json"), std::string::npos);
  const Output deleted = run({"delete-project", "d", "--yes"});
  EXPECT_EQ(deleted.code, kUsage);
  EXPECT_NE(deleted.err.find("adopt --release"), std::string::npos) << deleted.err;
  // A file of it alone is the same file.
  const Output part = run({"put", "d/a.json"}, "{\"x\":3}");
  EXPECT_EQ(part.code, kFailed);
  EXPECT_NE(part.err.find("the folder"), std::string::npos) << part.err;
  ok({"adopt", "d", "--release"});
  EXPECT_EQ(entries("d"), 3U);
}

TEST_F(PlaceCommand, ReleaseNeedsForceForWhatIsNowhereElse) {
  write("s.json", kSettings);
  ok({"checkpoint", "s.json"});
  const Output refused = run({"adopt", "--release", "s.json"});
  EXPECT_EQ(refused.code, kFailed);
  EXPECT_NE(refused.err.find("--force"), std::string::npos) << refused.err;
  ok({"adopt", "--release", "--force", "s.json"});
  EXPECT_EQ(entries(), 1U);
  EXPECT_EQ(run({"adopt", "--release", "s.json"}).code, kNotFound);
  EXPECT_EQ(run({"adopt", "--force", "s.json"}).code, kUsage);
  EXPECT_EQ(text("s.json"), kSettings);
}

TEST_F(PlaceCommand, Refusals) {
  write("bad.json", "{\"a\": tru}");
  for (const char* command : {"adopt", "checkpoint"}) {
    const Output refused = run({command, "bad.json"});
    EXPECT_EQ(refused.code, kFailed);
    EXPECT_NE(refused.err.find("line 1, column 10"), std::string::npos) << refused.err;
  }
  EXPECT_EQ(entries(), 1U);
  write("good.json", "{}");
  const Output unknown = run({"verify", "good.json"});
  EXPECT_EQ(unknown.code, kNotFound);
  EXPECT_NE(unknown.err.find("adopt"), std::string::npos) << unknown.err;
  EXPECT_EQ(run({"adopt", "nothing"}).code, kNotFound);
  EXPECT_EQ(run({"adopt", "x/nothing.json"}).code, kNotFound);
  EXPECT_EQ(run({"-C", "..", "verify", "good.json"}).code, kUsage);
  make_project();
  EXPECT_EQ(run({"adopt", "project"}).code, kFailed);
  EXPECT_EQ(entries(), 3U);
}

}  // namespace
}  // namespace safechunk::test
