// Real processes for tests: children that run a function, pipes, deadlines.
//
// A child is forked without exec, so it runs the same build, sanitizers included. It reports
// through its exit code: 0 is success, and require() ends it with a message. A child ends by _exit,
// so that nothing of the test program is run down twice.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <safechunk/safechunk.hpp>

#include "support/place.h"
#include "support/temporary_folder.h"

#ifdef SAFECHUNK_COVERAGE
extern "C" void __gcov_dump();
#endif

namespace safechunk::test {

// When this is over, something hangs. SAFECHUNK_PATIENCE is for long storms; 60 when it is not set.
inline std::chrono::seconds patience() {
  const char* text = std::getenv("SAFECHUNK_PATIENCE");
  return std::chrono::seconds(text == nullptr ? 60 : std::max(1, std::atoi(text)));
}
inline constexpr int kKilled = -SIGKILL;  // what Child::wait() gives for SIGKILL

// SAFECHUNK_STORM multiplies the rounds of storms; 1 when it is not set.
inline int storm_factor() {
  const char* text = std::getenv("SAFECHUNK_STORM");
  const int factor = text == nullptr ? 1 : std::atoi(text);
  return factor < 1 ? 1 : factor;
}

// SAFECHUNK_SEED replays a run; another one each time when it is not set. Printed by whoever uses
// it.
inline unsigned seed_of_this_run() {
  const char* text = std::getenv("SAFECHUNK_SEED");
  const auto seed =
      text != nullptr
          ? static_cast<unsigned>(std::strtoul(text, nullptr, 10))
          : static_cast<unsigned>(std::chrono::steady_clock::now().time_since_epoch().count());
  std::printf("SAFECHUNK_SEED=%u\n", seed);
  std::fflush(stdout);
  return seed;
}

// In a child, where GoogleTest's macros would be heard by nobody.
inline void require(bool condition, std::string_view what) {
  if (!condition) throw std::runtime_error(std::string(what));
}
inline void require_ok(const Status& status, std::string_view what) {
  if (!status.ok()) throw std::runtime_error(std::string(what) + ": " + status.to_text());
}
inline void require_code(ErrorCode expected, const Status& status, std::string_view what) {
  if (status.code() == expected) return;
  throw std::runtime_error(std::string(what) + ": expected " + std::string(to_string(expected)) +
                           ", got " + status.to_text());
}

class Pipe {
 public:
  Pipe() {
    if (::pipe(ends_) != 0) throw std::runtime_error("pipe failed");
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_reader();
    close_writer();
  }

  void close_reader() { close(ends_[0]); }
  void close_writer() { close(ends_[1]); }

  // Writes of at most PIPE_BUF bytes are atomic.
  void write(std::string_view bytes) const {
    if (::write(ends_[1], bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("write to a pipe failed");
    }
  }

  // What is there, waiting until `deadline` for the first byte; empty at the end or the deadline.
  [[nodiscard]] std::string read(std::chrono::steady_clock::time_point deadline,
                                 std::size_t most = 65536) const {
    using std::chrono::milliseconds;
    const auto left = std::chrono::duration_cast<milliseconds>(
        deadline - std::chrono::steady_clock::now() + milliseconds(1));
    pollfd entry{ends_[0], POLLIN, 0};
    if (::poll(&entry, 1, left.count() < 0 ? 0 : static_cast<int>(left.count())) <= 0) return {};
    std::string bytes(most, '\0');
    const ssize_t count = ::read(ends_[0], bytes.data(), bytes.size());
    bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return bytes;
  }

  // One byte from the other side, which says that it has got so far.
  void await_signal() const {
    if (read(std::chrono::steady_clock::now() + patience(), 1).empty()) {
      throw std::runtime_error("the other process did not answer");
    }
  }
  void signal() const { write("!"); }

  // Everything until the writer has gone.
  [[nodiscard]] std::string read_all() const {
    std::string all;
    for (;;) {
      const std::string part = read(std::chrono::steady_clock::now() + patience());
      if (part.empty()) return all;
      all += part;
    }
  }

 private:
  static void close(int& end) {
    if (end >= 0) ::close(std::exchange(end, -1));
  }
  int ends_[2] = {-1, -1};
};

// Ends a child at once. Nothing of the test program is run down, but for what ./dev coverage
// counts.
[[noreturn]] inline void leave(int code) {
#ifdef SAFECHUNK_COVERAGE
  __gcov_dump();
#endif
  ::_exit(code);
}

class Child {
 public:
  explicit Child(const std::function<void()>& body) {
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) run(body);
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~Child() {
    if (pid_ <= 0) return;
    kill();
    (void)wait();
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill(int signal = SIGKILL) const { ::kill(pid_, signal); }

  // Its exit code, or minus the signal that ended it.
  int wait() {
    int status = 0;
    const pid_t pid = std::exchange(pid_, -1);
    if (::waitpid(pid, &status, 0) != pid) throw std::runtime_error("waitpid failed");
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  [[noreturn]] static void run(const std::function<void()>& body) {
    int code = 0;
    try {
      ::alarm(static_cast<unsigned>(2 * patience().count()));  // nobody hangs for ever
      body();
    } catch (const std::exception& exception) {
      std::fprintf(stderr, "child %d: %s\n", static_cast<int>(::getpid()), exception.what());
      code = 1;
    }
    std::fflush(nullptr);
    leave(code);
  }

  pid_t pid_ = -1;
};

// Looks at a condition until it holds or patience is over.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience();
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::usleep(2000);
  }
  return true;
}

inline EngineOptions options_in(const TemporaryFolder& folder) {
  EngineOptions options;
  options.base_dir = folder.string();
  return in_this_place(options);
}

// An engine that saves when it is asked to, and not because the machine was slow.
inline EngineOptions patient_options_in(const TemporaryFolder& folder) {
  EngineOptions options = options_in(folder);
  options.debounce_delay = options.max_delay = std::chrono::hours(1);
  return options;
}

}  // namespace safechunk::test
