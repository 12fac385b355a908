// Signals and lack of memory at every place of a command: it ends with its exit code, leaves no
// temporary file, and the project is entirely old or entirely new.

#include <signal.h>

#include <optional>

#include "cli_fixture.h"

namespace safechunk {
namespace {

using test::Cli;
using test::Output;
using test::read_file;
using enum test::Code;
namespace fs = std::filesystem;

constexpr int kMostPlaces = 100'000;

class Interrupt : public Cli {
 protected:
  [[nodiscard]] Output run_with(const std::string& setting,
                                const std::vector<std::string>& arguments,
                                const std::string& input = "") const {
    return run_in("", {"LD_PRELOAD=" SAFECHUNK_PRELOAD, setting}, arguments, input);
  }

  // Files and folders that no clean end leaves.
  [[nodiscard]] std::string leftovers() const {
    std::string found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename();
      if (name.ends_with(".tmp") || name.starts_with(".pin-") || name == ".lock" ||
          name == ".journal") {
        found += name + " ";
      }
    }
    return found;
  }
};

// Sends `number` at each fsync in turn, until the command meets it no more.
template <typename Check>
void at_every_sync(int number, Check check) {
  for (int place = 1; place < kMostPlaces; ++place) {
    SCOPED_TRACE("at fsync " + std::to_string(place));
    if (!check("SAFECHUNK_TEST_SIGNAL=" + std::to_string(number) + ":" + std::to_string(place))) {
      EXPECT_GT(place, 3);
      return;
    }
    if (testing::Test::HasFailure()) return;
  }
}

TEST_F(Interrupt, PutEndsCleanly) {
  make_project();
  int value = 3;
  for (const int number : {SIGINT, SIGTERM}) {
    at_every_sync(number, [&](const std::string& setting) {
      const std::string before = read_file(file("chunks/a.json"));
      const std::string after = "[\n    " + std::to_string(++value) + "\n]\n";
      const Output output =
          run_with(setting, {"put", "project", "a"}, "[" + std::to_string(value) + "]");
      const std::string now = read_file(file("chunks/a.json"));
      EXPECT_TRUE(now == before || now == after) << now;
      EXPECT_EQ(leftovers(), "");
      if (output.code == kOk) return false;
      EXPECT_EQ(output.code, 128 + number) << output.err;
      EXPECT_NE(output.err.find(number == SIGINT ? "SIGINT" : "SIGTERM"), std::string::npos);
      return true;
    });
  }
}

TEST_F(Interrupt, EditsOfPartsEndCleanly) {
  make_project();
  int value = 10;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"set", "project", "a", "/0"}, {"update", "project", "a", "--"}}) {
    at_every_sync(SIGTERM, [&](const std::string& setting) {
      const std::string before = read_file(file("chunks/a.json"));
      const std::string number = std::to_string(++value);
      auto words = arguments;
      if (words.back() == "--") words.insert(words.end(), {"echo", "[" + number + "]"});
      const Output output = run_with(setting, words, number);
      const std::string now = read_file(file("chunks/a.json"));
      EXPECT_TRUE(now == before || now == "[\n    " + number + "\n]\n") << now;
      EXPECT_EQ(leftovers(), "");
      if (output.code == kOk) return false;
      EXPECT_EQ(output.code, 128 + SIGTERM) << output.err;
      return true;
    });
  }
}

TEST_F(Interrupt, LogsAreWholeAfterASignal) {
  make_project();
  const fs::path log = file("chunks/l.jsonl");
  at_every_sync(SIGTERM, [&](const std::string& setting) {
    fs::remove(log);
    const Output output = run_with(setting, {"append", "project", "l"}, "1\n2\n");
    const std::string now = fs::exists(log) ? read_file(log) : "";
    EXPECT_TRUE(now.empty() || now == "1\n2\n") << now;
    EXPECT_EQ(leftovers(), "");
    if (output.code == kOk) return false;
    EXPECT_EQ(output.code, 128 + SIGTERM) << output.err;
    return true;
  });
  at_every_sync(SIGINT, [&](const std::string& setting) {
    test::write_file(log, "1\n2\n");
    const Output output = run_with(setting, {"compact", "project", "l", "--keep-last", "1"});
    const std::string now = read_file(log);
    EXPECT_TRUE(now == "1\n2\n" || now == "2\n") << now;
    EXPECT_EQ(leftovers(), "");
    if (output.code == kOk) return false;
    EXPECT_EQ(output.code, 128 + SIGINT) << output.err;
    return true;
  });
}

TEST_F(Interrupt, CheckpointIsWholeOrNotThere) {
  make_project();
  at_every_sync(SIGTERM, [&](const std::string& setting) {
    const Output output = run_with(setting, {"checkpoint", "project"});
    EXPECT_EQ(leftovers(), "");
    EXPECT_EQ(run({"verify", "project"}).code, kOk);
    EXPECT_EQ(output.out.empty(), run({"checkpoints", "project"}).out.empty());
    fs::remove_all(file("checkpoints"));
    if (output.code == kOk) return false;
    EXPECT_EQ(output.code, 128 + SIGTERM) << output.err;
    return true;
  });
}

TEST_F(Interrupt, RestoreIsWholeOrNotDone) {
  make_project();
  const std::string name = run_json(kOk, {"checkpoint", "project"})["checkpoint"];
  const auto text_of = [&](const char* chunk) { return run({"get", "project", chunk}).out; };
  at_every_sync(SIGINT, [&](const std::string& setting) {
    put("a", "[8]");
    put("b", "[8]");
    const Output output = run_with(setting, {"restore", "project", name});
    EXPECT_EQ(text_of("a"), text_of("b"));
    EXPECT_EQ(leftovers(), "");
    if (output.code == kOk) return false;
    EXPECT_EQ(output.code, 128 + SIGINT) << output.err;
    return true;
  });
}

TEST_F(Interrupt, JsonNamesTheSignal) {
  make_project();
  const Output output =
      run_with("SAFECHUNK_TEST_SIGNAL=15:2", {"--json", "put", "project", "a"}, "[9]");
  EXPECT_EQ(output.code, 128 + SIGTERM);
  EXPECT_NE(output.err.find(R"({"interrupted":"SIGTERM"})"), std::string::npos) << output.err;
}

// Lack of memory anywhere in the command: a word and exit code 1, never a signal.
TEST_F(Interrupt, LackOfMemoryHasItsExitCode) {
  make_project();
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"get", "project", "a"}, {"--json", "nonsense"}, {"--help"}}) {
    const int expected = run(arguments).code;
    ASSERT_NE(expected, kFailed);
    int place = 0;
    for (; place < kMostPlaces; ++place) {
      const Output output =
          run_with("SAFECHUNK_TEST_NO_MEMORY=" + std::to_string(place), arguments);
      if (output.code == expected) break;
      ASSERT_EQ(output.code, kFailed) << "allocation " << place << " of " << arguments.back();
      ASSERT_NE(output.err, "") << "allocation " << place;
      place += place < 50 ? 0 : 6;  // the set-up of the options has some hundred of the same kind
    }
    EXPECT_GT(place, 20);
  }
}

}  // namespace
}  // namespace safechunk
