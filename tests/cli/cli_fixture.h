// Runs the command `safechunk` as its users do: in a process of its own, in a folder of the test.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/temporary_folder.h"

namespace safechunk::test {

namespace fs = std::filesystem;

enum Code : int { kOk = 0, kFailed = 1, kUsage = 2, kLocked = 3, kNotFound = 4 };

struct Output {
  int code = -1;
  std::string out;
  std::string err;
};

class Cli : public testing::Test {
 protected:
  // Runs the command in the folder of this test.
  Output run(const std::vector<std::string>& arguments, const std::string& input = "") const {
    return run_in("", {}, arguments, input);
  }

  // The same in a folder below, with more in its environment.
  Output run_in(const std::string& where, const std::vector<std::string>& environment,
                const std::vector<std::string>& arguments, const std::string& input = "") const {
    const fs::path in = streams_ / "in";
    const fs::path out = streams_ / "out";
    const fs::path err = streams_ / "err";
    write_file(in, input);
    Child child([&] {
      const auto redirect = [](int to, const fs::path& path, int flags) {
        const int file = ::open(path.c_str(), flags, 0666);
        require(file >= 0 && ::dup2(file, to) == to, "cannot redirect");
      };
      fs::current_path(folder_.path() / where);
      for (const std::string& setting : environment) {
        const std::string::size_type equals = setting.find('=');
        ::setenv(setting.substr(0, equals).c_str(), setting.substr(equals + 1).c_str(), 1);
      }
      redirect(STDIN_FILENO, in, O_RDONLY);
      redirect(STDOUT_FILENO, out, O_WRONLY | O_CREAT | O_TRUNC);
      redirect(STDERR_FILENO, err, O_WRONLY | O_CREAT | O_TRUNC);
      std::vector<char*> argv;
      std::string command = "safechunk";
      argv.push_back(command.data());
      std::vector<std::string> copies = arguments;
      for (std::string& argument : copies) argv.push_back(argument.data());
      argv.push_back(nullptr);
      ::execv(SAFECHUNK_COMMAND, argv.data());
      require(false, "cannot run " SAFECHUNK_COMMAND);
    });
    const int code = child.wait();
    return {code, read_file(out), read_file(err)};
  }

  // Runs it with --json; what it printed, on whichever stream.
  nlohmann::json run_json(int expected, std::vector<std::string> arguments,
                          const std::string& input = "") const {
    arguments.emplace_back("--json");
    const Output output = run(arguments, input);
    EXPECT_EQ(output.code, expected) << output.out << output.err;
    const auto value = nlohmann::json::parse(output.out.empty() ? output.err : output.out, nullptr,
                                             /*exceptions=*/false);
    EXPECT_FALSE(value.is_discarded()) << output.out << output.err;
    return value;
  }

  void put(const std::string& chunk, const std::string& text) const {
    const Output output = run({"put", "project", chunk}, text);
    ASSERT_EQ(output.code, kOk) << output.err;
    ASSERT_EQ(output.out, "");
  }

  // Two chunks with backups.
  void make_project() const {
    for (const char* text : {"[1]", "[2]"}) {
      put("a", text);
      put("b", text);
    }
  }

  [[nodiscard]] fs::path file(const std::string& name) const {
    return folder_ / ("project/" + name);
  }

  TemporaryFolder folder_;
  TemporaryFolder streams_;
};

}  // namespace safechunk::test
