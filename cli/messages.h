// What a command prints: results on stdout, everything else on stderr. With --json stderr has one
// JSON object a line: {"error": ...}, {"fault": ...}, {"recovery": ...}, {"interrupted": ...}.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/safechunk.hpp>

namespace safechunk::cli {

using Json = nlohmann::ordered_json;

// Exit codes, as the manual page lists them. A signal's is 128 and its number.
enum ExitCode : int { kOk = 0, kFailed = 1, kUsage = 2, kLocked = 3, kNotFound = 4, kSignal = 128 };

// The messages on stderr, from any thread.
class Messages {
 public:
  // Before the first message.
  void use_json(bool json) { json_ = json; }

  void recovery(const Event& event);
  // A fault of the engine is printed once, also when recovery has named it.
  void fault(const Error& error);
  // The reason why the command failed. Not printed again when it was the last fault, unless it is
  // for a program: that looks for "error".
  void error(const Error& error);
  void interrupted(std::string_view signal_name);
  // Something to know that is no fault. Only for people: the result has it for programs.
  void note(const std::string& text);
  // What the user typed is wrong. Points at the help.
  void usage(const std::string& message);

  // The faults of this command so far.
  [[nodiscard]] std::vector<Error> faults() const;

 private:
  void print(const char* member, const Json& value, const std::string& line);

  bool json_ = false;
  mutable std::mutex mutex_;
  std::vector<Error> faults_;
  std::set<std::string> lines_;  // printed; guarded by mutex_, as faults_
};

// The text with each control character as \xNN. Texts from files, notes and locks are printed
// through this function, so that they cannot control the terminal or start new lines.
std::string printable(std::string_view text);
// "1 file", "2 files".
std::string counted(std::uint64_t count, const char* what);
// Prints JSON on stdout, indented.
void print(const Json& value);
// Prints a report on stdout: `text` comes from to_json() of the library.
void print_report(const std::string& text);

}  // namespace safechunk::cli
