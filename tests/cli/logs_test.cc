// Logs from the command line: append, tail, logs, rotate and compact.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "cli_fixture.h"

namespace safechunk {
namespace {

using test::Cli;
using test::Output;
using test::read_file;
using test::write_file;
using enum test::Code;
namespace fs = std::filesystem;
using Json = nlohmann::json;

// The command beside the test, with a pipe from and to it.
class Running {
 public:
  Running(const fs::path& folder, std::vector<std::string> arguments) {
    int input[2];
    int output[2];
    test::require(::pipe2(input, O_CLOEXEC) == 0 && ::pipe2(output, O_CLOEXEC) == 0, "no pipe");
    child_.emplace([&] {
      fs::current_path(folder);
      ::signal(SIGPIPE, SIG_DFL);
      ::dup2(input[0], STDIN_FILENO);
      ::dup2(output[1], STDOUT_FILENO);
      std::vector<char*> argv;
      std::string command = "safechunk";
      argv.push_back(command.data());
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      ::execv(SAFECHUNK_COMMAND, argv.data());
      test::require(false, "cannot run " SAFECHUNK_COMMAND);
    });
    ::close(input[0]);
    ::close(output[1]);
    to_ = input[1];
    from_ = output[0];
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    close_input();
    close_output();
    if (child_) child_->kill();
  }

  void write(const std::string& text) const {
    ASSERT_EQ(::write(to_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string line() const {
    std::string text;
    for (char c = 0; c != '\n' && ::read(from_, &c, 1) == 1;) text += c;
    return text;
  }
  void close_input() { ::close(std::exchange(to_, -1)); }
  void close_output() { ::close(std::exchange(from_, -1)); }
  [[nodiscard]] pid_t pid() const { return child_->pid(); }
  int wait() {
    const int code = child_->wait();
    child_.reset();
    return code;
  }

 private:
  std::optional<test::Child> child_;
  int to_ = -1;
  int from_ = -1;
};

void eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!holds()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

class Logs : public Cli {
 protected:
  [[nodiscard]] fs::path log(const std::string& name = "events") const {
    return file("chunks/" + name + ".jsonl");
  }
  void append(const std::string& value) const {
    const Output output = run({"append", "project", "events", value});
    ASSERT_EQ(output.code, kOk) << output.err;
    ASSERT_EQ(output.out + output.err, "");
  }
};

// Breaks when append does not make the project, writes something else than one compact line for
// each record, or when the number in the result is not that of the records.
TEST_F(Logs, AppendMakesTheProjectAndALineForEachRecord) {
  append(R"({"a": [1, 2.50]})");
  EXPECT_EQ(read_file(log()), "{\"a\":[1,2.50]}\n");
  const Json result =
      run_json(kOk, {"append", "project", "events"}, "\n{\"n\": 1}\n  \n[ ]\r\n\"last\"");
  EXPECT_EQ(result, Json::parse(R"({"log": "events", "position": 15, "records": 3,
                                    "state": "good"})"));
  EXPECT_EQ(read_file(log()), "{\"a\":[1,2.50]}\n{\"n\":1}\n[]\n\"last\"\n");
  const Json nothing = run_json(kOk, {"append", "project", "events"}, " \n");
  EXPECT_TRUE(nothing["position"].is_null());
  EXPECT_EQ(nothing["records"], 0);
}

// Breaks when --one splits its input, or --string does not quote, or takes the line break along.
TEST_F(Logs, AppendTakesOneValueOrStrings) {
  EXPECT_EQ(run({"append", "project", "events", "--one"}, "{\n\"a\":\n1}\n").code, kOk);
  EXPECT_EQ(run({"append", "project", "events", "--string", "a \"b\""}).code, kOk);
  EXPECT_EQ(run({"append", "project", "events", "--string"}, "x\n\ny").code, kOk);
  EXPECT_EQ(run({"append", "project", "events", "--string", "--one"}, "x\ny\n").code, kOk);
  EXPECT_EQ(read_file(log()), "{\"a\":1}\n\"a \\\"b\\\"\"\n\"x\"\n\"y\"\n\"x\\ny\"\n");
  EXPECT_EQ(run({"append", "project", "events", "--string"}, "\xff\n").code, kFailed);
}

// Breaks when the records before a bad line are lost or not told, when the number is not that of
// the line in the input, or when what is behind it is appended.
TEST_F(Logs, AppendSaysWhichLineIsNoJson) {
  const Output output = run({"append", "project", "events"}, "1\n\n2\nno\n3\n");
  EXPECT_EQ(output.code, kFailed);
  EXPECT_NE(output.err.find("line 4 of the input"), std::string::npos) << output.err;
  EXPECT_NE(output.err.find("2 records were appended"), std::string::npos) << output.err;
  EXPECT_EQ(read_file(log()), "1\n2\n");
  const Json error = run_json(kFailed, {"append", "project", "events"}, "1\n[\n")["error"];
  EXPECT_EQ(error["code"], "invalid_json");
  EXPECT_EQ(error["line"], 2);
  EXPECT_EQ(read_file(log()), "1\n2\n1\n");
}

// Breaks when a project is made for a record that is refused, or a name is not judged before.
TEST_F(Logs, WhatIsRefusedMakesNoProject) {
  EXPECT_EQ(run({"append", "project", "events", "no"}).code, kFailed);
  EXPECT_EQ(run({"append", "project", "events"}, "no\n1\n").code, kFailed);
  EXPECT_EQ(run({"append", "project", "a/b", "1"}).code, kUsage);
  EXPECT_EQ(run({"append", "project", "a/b"}).code, kUsage);
  EXPECT_FALSE(fs::exists(folder_ / "project"));
}

// Breaks when records of a slow program wait for a batch or for the end of the input, or when a
// signal waits for the next line, or undoes what came before.
TEST_F(Logs, AppendFromASlowProgram) {
  Running slow(folder_.path(), {"append", "project", "events"});
  slow.write("1\n");
  eventually([&] { return fs::exists(log()) && read_file(log()) == "1\n"; });
  slow.write("2\n[3");
  eventually([&] { return read_file(log()) == "1\n2\n"; });
  ::kill(slow.pid(), SIGTERM);
  EXPECT_EQ(slow.wait(), 128 + SIGTERM);
  EXPECT_EQ(read_file(log()), "1\n2\n");
}

// Breaks when half a line of another program is an error at once, or damage too early.
TEST_F(Logs, AppendWaitsForHalfALine) {
  append("1");
  const int other = ::open(log().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  ASSERT_GE(other, 0);
  ASSERT_EQ(::write(other, "{\"a\":", 5), 5);
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    EXPECT_EQ(::write(other, "2}\n", 3), 3);
    ::close(other);
  });
  const Output output = run({"append", "project", "events", "3"});
  writer.join();
  EXPECT_EQ(output.code, kOk) << output.err;
  EXPECT_EQ(read_file(log()), "1\n{\"a\":2}\n3\n");
}

// Breaks when a record is lost or twice between two batches.
TEST_F(Logs, AppendsManyRecords) {
  constexpr int kRecords = 100'000;
  std::string input;
  for (int n = 0; n < kRecords; ++n) input += "{\"n\":" + std::to_string(n) + "}\n";
  const Json result = run_json(kOk, {"append", "project", "events"}, input);
  EXPECT_EQ(result["records"], kRecords);
  EXPECT_EQ(result["position"], 0);
  EXPECT_TRUE(read_file(log()) == input);
}

// Breaks when tail prints other records than the last ones, or takes a lock, or takes a log that is
// not there for an empty one.
TEST_F(Logs, TailPrintsTheLastRecords) {
  std::string input;
  for (int n = 0; n < 12; ++n) input += std::to_string(n) + "\n";
  ASSERT_EQ(run({"append", "project", "events"}, input).code, kOk);
  Running owner(folder_.path(), {"append", "project", "other"});
  owner.write("1\n");
  eventually([&] { return fs::exists(log("other")); });
  // One that stays open keeps others waiting for its turn only.
  EXPECT_EQ(run({"append", "project", "another", "1"}).code, kOk);
  EXPECT_EQ(run({"tail", "project", "events"}).out, "2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n");
  EXPECT_EQ(run({"tail", "project", "events", "-n", "2"}).out, "10\n11\n");
  EXPECT_EQ(run({"tail", "project", "events", "-n", "0"}).out, "");
  EXPECT_EQ(run({"tail", "project", "events", "-n", "1", "--json"}).out,
            "{\"position\":23,\"value\":11}\n");
  EXPECT_EQ(run({"tail", "project", "absent"}).code, kNotFound);
  EXPECT_EQ(run_json(kNotFound, {"tail", "project", "absent"})["error"]["chunk"], "absent");
  EXPECT_EQ(run({"tail", "absent", "events"}).code, kNotFound);
}

// Breaks when lines that are no JSON are printed, not counted, or hidden.
TEST_F(Logs, TailTellsOfLinesThatAreNoJson) {
  append("1");
  write_file(log(), "1\nno\n2\n{\n3\n");
  const Output output = run({"tail", "project", "events"});
  EXPECT_EQ(output.code, kFailed);
  EXPECT_EQ(output.out, "1\n2\n3\n");
  EXPECT_NE(output.err.find("2 lines are no JSON"), std::string::npos) << output.err;
  EXPECT_NE(output.err.find("position 2 "), std::string::npos) << output.err;
}

// Breaks when a record is missed or printed twice on the way from the tail to what follows, at a
// rotation, or at the first record of a log that was not there.
TEST_F(Logs, TailFollows) {
  ASSERT_EQ(run({"set", "project", "a", "/a", "1"}).code, kOk);
  Running tail(folder_.path(), {"tail", "project", "events", "--follow", "--json"});
  append("1");
  EXPECT_EQ(tail.line(), "{\"position\":0,\"value\":1}\n");
  append("2");
  EXPECT_EQ(tail.line(), "{\"position\":2,\"value\":2}\n");
  Running second(folder_.path(), {"tail", "project", "events", "-f", "-n", "1"});
  EXPECT_EQ(second.line(), "2\n");
  append("3");
  EXPECT_EQ(run({"rotate", "project", "events"}).out, "events.000001\n");
  append("4");
  EXPECT_EQ(tail.line(), "{\"position\":4,\"value\":3}\n");
  EXPECT_EQ(tail.line(), "{\"position\":0,\"value\":4}\n");
  EXPECT_EQ(second.line(), "3\n");
  EXPECT_EQ(second.line(), "4\n");
  ::kill(tail.pid(), SIGINT);
  EXPECT_EQ(tail.wait(), -SIGINT);
  // Nobody reads any more: it ends without the next record.
  second.close_output();
  EXPECT_EQ(second.wait(), -SIGPIPE);
}

// Breaks when a log is not listed, rotation does not begin a new file, compaction keeps the wrong
// records, or one of them takes a log that is not there.
TEST_F(Logs, ListsRotatesAndCompacts) {
  append("1");
  append("2");
  EXPECT_EQ(run({"compact", "project", "events", "--keep-last", "1"}).code, kOk);
  EXPECT_EQ(read_file(log()), "2\n");
  EXPECT_EQ(run_json(kOk, {"compact", "project", "events", "--keep-last", "1"})["compacted"], true);
  EXPECT_EQ(run_json(kOk, {"rotate", "project", "events"})["rotated"], "events.000001");
  append("33");
  EXPECT_EQ(run({"logs", "project"}).out, "events  3 bytes\nevents.000001  2 bytes\n");
  EXPECT_EQ(run_json(kOk, {"logs", "project"}), Json::parse(R"([{"name": "events", "bytes": 3},
                            {"name": "events.000001", "bytes": 2}])"));
  EXPECT_EQ(run({"list", "project"}).out, "");
  EXPECT_EQ(run({"compact", "project", "absent", "--keep-last", "1"}).code, kNotFound);
  EXPECT_EQ(run({"rotate", "project", "absent"}).code, kNotFound);
  EXPECT_EQ(run({"compact", "project", "events"}).code, kOk);
  EXPECT_EQ(run({"compact", "project", "events", "--keep-last", "-1"}).code, kUsage);
  EXPECT_EQ(run({"tail", "project", "events", "-n", "-1"}).code, kUsage);
  EXPECT_EQ(read_file(log()), "33\n");
}

// Breaks when the files of logs, or what was moved to quarantine of them, are taken for another
// program's.
TEST_F(Logs, AProjectWithLogsCanBeDeleted) {
  append("1");
  write_file(log(), "1\nno\n");
  const Output appended = run({"append", "project", "events", "2"});
  EXPECT_EQ(appended.code, kFailed);
  EXPECT_NE(appended.err.find("1 record appended"), std::string::npos) << appended.err;
  EXPECT_EQ(read_file(log()), "1\n2\n");
  EXPECT_FALSE(fs::is_empty(file("quarantine")));
  EXPECT_EQ(run({"rotate", "project", "events"}).code, kOk);
  const Output output = run({"delete-project", "project", "--yes"});
  EXPECT_EQ(output.code, kOk) << output.err;
  EXPECT_FALSE(fs::exists(folder_ / "project"));
}

}  // namespace
}  // namespace safechunk
