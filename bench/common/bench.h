// What all contestants share: the request on the command line, the document, the clock, the answer.
//
// A contestant is a program that does one kind of work, many times, in a folder of its own, and
// prints what it measured as one line of JSON. Start-up and preparation are not measured. Any
// failure ends the program with exit code 1: a benchmark that ignores errors measures nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Request {
  std::string method;  // which of the contestants that this program holds
  std::string work;    // update, batch, threads, stage, fetch, ...
  std::string folder;  // exists, is empty unless the work says otherwise, is removed by the caller
  std::string document;  // a JSON file with a revision at its beginning (documents.py)
  std::size_t count = 10;
  std::size_t warmup = 2;
  std::size_t chunks = 1;
  std::size_t threads = 1;
};

// --method M --work W --folder F --document D [--count N] [--warmup N] [--chunks N] [--threads N]
Request parse(int argc, char** argv);

[[noreturn]] void fail(const std::string& what);
// For system calls: fails with errno when `result` is negative; gives it back otherwise.
long check(long result, const char* what);
// For everything else that is either right or wrong.
void require(bool right, const std::string& what);

std::string read_file(const std::string& path);
std::string chunk_name(std::size_t index);
// A JSON string of 100 bytes that is different for each number.
std::string small_value(std::uint64_t number);

// A document that is different each time. Its text starts with {"revision":1000000000
class Document {
 public:
  explicit Document(const std::string& path);
  // Counts the revision on, in place.
  const std::string& next();
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::size_t digits_ = 0;  // offset of the revision
  std::uint64_t revision_ = 1'000'000'000;
};

// Collects and prints the answer.
class Answer {
 public:
  void add(const std::string& name, double value) { values_[name] = value; }
  // Prints {"name": value, ...} and a newline on standard output.
  void print() const;

 private:
  std::map<std::string, double> values_;
};

// Runs `operation` `warmup` times unmeasured and `count` times measured. `between`, if any, runs
// unmeasured before every `period`-th call. Adds to the answer: mean_ns, median_ns, max_ns, count,
// and written_bytes per operation as the kernel accounts them (pages that became dirty).
void measure(const Request& request, Answer& answer, const std::function<void()>& operation,
             const std::function<void()>& between = nullptr, std::size_t period = 1);

// The same for several threads that run `operation(thread)` `count` times each, at once. mean_ns is
// the time that passed divided by all operations together.
void measure_threads(const Request& request, Answer& answer,
                     const std::function<void(std::size_t thread)>& operation);

// The same for several processes: each calls `open`, waits for all others, and then calls what that
// gave `count` times. The warm-up is theirs, too.
void measure_processes(const Request& request, Answer& answer,
                       const std::function<std::function<void()>()>& open);

// Bytes of memory of this process: now, and at most so far.
double resident_bytes();
double peak_resident_bytes();

}  // namespace bench
