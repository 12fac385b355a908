#include "common/bench.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <thread>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

double nanoseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::nano>(duration).count();
}

// The value of "NAME: value" in a file of /proc.
double field_of(const char* path, std::string_view name) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    if (word == name) {
      double value = 0;
      require(static_cast<bool>(file >> value), "cannot read " + std::string(path));
      return value;
    }
  }
  fail(std::string(path) + " has no " + std::string(name));
}

double written_bytes() {
  return field_of("/proc/self/io", "write_bytes:");
}

std::size_t number(const std::string& text) {
  std::size_t end = 0;
  const auto value = std::stoull(text, &end);
  require(end == text.size(), "not a number: " + text);
  return static_cast<std::size_t>(value);
}

}  // namespace

Request parse(int argc, char** argv) {
  Request request;
  std::map<std::string, std::string*> texts = {{"--method", &request.method},
                                               {"--work", &request.work},
                                               {"--folder", &request.folder},
                                               {"--document", &request.document}};
  std::map<std::string, std::size_t*> numbers = {{"--count", &request.count},
                                                 {"--warmup", &request.warmup},
                                                 {"--chunks", &request.chunks},
                                                 {"--threads", &request.threads}};
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string key = argv[i];
    const std::string value = argv[i + 1];
    if (texts.contains(key)) {
      *texts[key] = value;
    } else if (numbers.contains(key)) {
      *numbers[key] = number(value);
    } else {
      fail("unknown argument " + key);
    }
  }
  require(argc % 2 == 1, "arguments come in pairs");
  require(!request.method.empty() && !request.work.empty() && !request.folder.empty(),
          "--method, --work and --folder are needed");
  return request;
}

void fail(const std::string& what) {
  std::cerr << "failed: " << what << "\n";
  std::exit(1);
}

long check(long result, const char* what) {
  if (result < 0) fail(std::string(what) + ": " + std::strerror(errno));
  return result;
}

void require(bool right, const std::string& what) {
  if (!right) fail(what);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  require(file.is_open(), "cannot open " + path);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  require(file.good() && bytes.good(), "cannot read " + path);
  return std::move(bytes).str();
}

std::string chunk_name(std::size_t index) {
  std::string digits = std::to_string(index);
  return "chunk_" + std::string(6 - std::min<std::size_t>(6, digits.size()), '0') + digits;
}

Document::Document(const std::string& path) : text_(read_file(path)) {
  const std::string start = std::to_string(revision_);
  digits_ = text_.find(start);
  require(digits_ < 64, path + " has no revision at its beginning");
}

std::string small_value(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return '"' + std::string(98 - digits.size(), '0') + digits + '"';
}

const std::string& Document::next() {
  const std::string digits = std::to_string(++revision_);
  text_.replace(digits_, digits.size(), digits);
  return text_;
}

void Answer::print() const {
  std::cout << "{";
  const char* comma = "";
  for (const auto& [name, value] : values_) {
    std::cout << comma << "\"" << name << "\": " << std::fixed << value;
    comma = ", ";
  }
  std::cout << "}" << std::endl;
  require(std::cout.good(), "cannot write the answer");
}

void measure(const Request& request, Answer& answer, const std::function<void()>& operation,
             const std::function<void()>& between, std::size_t period) {
  for (std::size_t i = 0; i < request.warmup; ++i) operation();
  std::vector<double> times;
  times.reserve(request.count);
  const double written = written_bytes();
  for (std::size_t i = 0; i < request.count; ++i) {
    if (between && i % period == 0) between();
    const auto start = Clock::now();
    operation();
    times.push_back(nanoseconds(Clock::now() - start));
  }
  const auto count = static_cast<double>(request.count);
  answer.add("written_bytes", (written_bytes() - written) / count);
  double sum = 0;
  for (const double time : times) sum += time;
  std::sort(times.begin(), times.end());
  answer.add("count", count);
  answer.add("mean_ns", sum / count);
  answer.add("median_ns", times[times.size() / 2]);
  answer.add("max_ns", times.back());
}

void measure_threads(const Request& request, Answer& answer,
                     const std::function<void(std::size_t thread)>& operation) {
  const auto run = [&](std::size_t count) {
    std::vector<std::thread> threads;
    const auto start = Clock::now();
    for (std::size_t thread = 0; thread < request.threads; ++thread) {
      threads.emplace_back([&operation, thread, count] {
        for (std::size_t i = 0; i < count; ++i) operation(thread);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return nanoseconds(Clock::now() - start);
  };
  run(request.warmup);
  const double written = written_bytes();
  const double time = run(request.count);
  const auto all = static_cast<double>(request.count * request.threads);
  answer.add("written_bytes", (written_bytes() - written) / all);
  answer.add("count", all);
  answer.add("mean_ns", time / all);
}

void measure_processes(const Request& request, Answer& answer,
                       const std::function<std::function<void()>()>& open) {
  int ready[2];
  int start[2];
  check(::pipe(ready), "pipe");
  check(::pipe(start), "pipe");
  std::vector<pid_t> children;
  for (std::size_t i = 0; i < request.threads; ++i) {
    const pid_t child = ::fork();
    check(child, "fork");
    if (child == 0) {
      char byte = 0;
      ::close(start[1]);
      {
        const std::function<void()> operation = open();
        for (std::size_t n = 0; n < request.warmup; ++n) operation();
        check(::write(ready[1], &byte, 1), "write");
        check(::read(start[0], &byte, 1), "read");  // its end
        for (std::size_t n = 0; n < request.count; ++n) operation();
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  char byte = 0;
  for (std::size_t i = 0; i < request.threads; ++i) check(::read(ready[0], &byte, 1), "read");
  const auto began = Clock::now();
  ::close(start[1]);
  for (const pid_t child : children) {
    int status = 0;
    check(::waitpid(child, &status, 0), "waitpid");
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process failed");
  }
  const auto all = static_cast<double>(request.count * request.threads);
  answer.add("count", all);
  answer.add("mean_ns", nanoseconds(Clock::now() - began) / all);
  for (const int end : {ready[0], ready[1], start[0]}) ::close(end);
}

double resident_bytes() {
  return field_of("/proc/self/status", "VmRSS:") * 1024;
}

double peak_resident_bytes() {
  return field_of("/proc/self/status", "VmHWM:") * 1024;
}

}  // namespace bench
