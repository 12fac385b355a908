// safechunk watch, as scripts use it: lines from a pipe.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>

#include "support/child_process.h"

namespace safechunk {
namespace {

using test::TemporaryFolder;
using Json = nlohmann::json;

// The command with a pipe from its output.
class Command {
 public:
  explicit Command(const TemporaryFolder& folder, const std::string& arguments)
      : pipe_(::popen(("'" SAFECHUNK_COMMAND "' -C '" + folder.string() + "' " + arguments).c_str(),
                      "r")) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command() {
    if (pipe_ != nullptr) ::pclose(pipe_);
  }
  std::string line() {
    std::array<char, 4096> buffer{};
    return std::fgets(buffer.data(), buffer.size(), pipe_) == nullptr ? "" : buffer.data();
  }
  int wait() { return WEXITSTATUS(::pclose(std::exchange(pipe_, nullptr))); }

 private:
  std::FILE* pipe_;
};

void run(const TemporaryFolder& folder, const std::string& arguments) {
  Command command(folder, arguments);
  (void)command.line();
  ASSERT_EQ(command.wait(), 0) << arguments;
}

TEST(WatchCommand, PrintsALineForEachChange) {
  const TemporaryFolder folder;
  run(folder, "set project first /a 0");
  Command watch(folder, "watch project --json --count 3 --timeout 60 users");
  // Nobody can see when it has begun: until then nothing that is set comes out of it.
  std::atomic<bool> begun{false};
  std::thread writer([&] {
    for (int n = 1; !begun; ++n) {
      run(folder, "set project other /n " + std::to_string(n));
      run(folder, "set project users /n " + std::to_string(n));
    }
  });
  const std::string line = watch.line();
  begun = true;
  writer.join();
  const Json first = Json::parse(line);
  EXPECT_EQ(first["chunk"], "users");
  EXPECT_EQ(first["origin"], "process");
  EXPECT_NE(first["revision"], first["previous_revision"]);
  test::write_file(folder / "project/chunks/users.json", R"({"by": "hand"})");
  Json edit = Json::parse(watch.line());
  if (edit["origin"] == "process") edit = Json::parse(watch.line());  // the writer's last one
  EXPECT_EQ(edit["origin"], "edit");
  test::write_file(folder / "project/chunks/users.json", "[]");
  while (!watch.line().empty()) {  // until its end
  }
  EXPECT_EQ(watch.wait(), 0);
}

TEST(WatchCommand, EndsWithACode) {
  const TemporaryFolder folder;
  run(folder, "set project a /a 0");
  EXPECT_EQ(Command(folder, "watch project --timeout 0.1").wait(), 0);
  EXPECT_EQ(Command(folder, "watch project --timeout 0.1 --count 1").wait(), 1);
  EXPECT_EQ(Command(folder, "watch project --every --timeout 1 2>/dev/null").wait(), 1);
  EXPECT_EQ(Command(folder, "watch absent 2>/dev/null").wait(), 4);
  EXPECT_EQ(Command(folder, "watch project --count 0 2>/dev/null").wait(), 2);
}

}  // namespace
}  // namespace safechunk
