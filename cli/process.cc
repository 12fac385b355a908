#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include "interrupt.h"
#include "messages.h"

extern char** environ;

namespace safechunk::cli {
namespace {

using namespace std::chrono_literals;

Status failed_call(const std::string& what, int number) {
  Error error;
  error.code = ErrorCode::io_error;
  error.message = what;
  error.os_errno = number;
  return error;
}

Status interrupted() {
  return {ErrorCode::cancelled, "interrupted"};
}

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }

  // Of a pipe: nothing that was written is lost when this fails.
  void close() {
    if (number_ >= 0) (void)::close(std::exchange(number_, -1));
  }
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

struct PipeEnds {
  Descriptor reader;
  Descriptor writer;
};

// Not inherited, and not one of the three standard streams, even when those are closed.
Result<PipeEnds> make_pipe() {
  std::array<int, 2> made{};
  if (::pipe(made.data()) != 0) return failed_call("cannot make a pipe", errno);
  const PipeEnds low{Descriptor(made[0]), Descriptor(made[1])};
  PipeEnds ends{Descriptor(::fcntl(made[0], F_DUPFD_CLOEXEC, STDERR_FILENO + 1)),
                Descriptor(::fcntl(made[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1))};
  if (!ends.reader.is_open() || !ends.writer.is_open()) {
    return failed_call("cannot make a pipe", errno);
  }
  return ends;
}

Status make_nonblocking(const Descriptor& file) {
  const int flags = ::fcntl(file.get(), F_GETFL);
  if (flags < 0 || ::fcntl(file.get(), F_SETFL, flags | O_NONBLOCK) < 0) {
    return failed_call("cannot set up a pipe", errno);
  }
  return {};
}

bool may_try_again(int number) {
  return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

// Two ends of pipes of which neither waits for the other.
class Exchange {
 public:
  Exchange(Descriptor to, Descriptor from, std::string_view input, std::uint64_t limit)
      : to_(std::move(to)), from_(std::move(from)), input_(input), limit_(limit) {}

  // Returns when the command has closed both.
  Result<std::string> run() {
    for (const Descriptor* file : {&to_, &from_}) {
      if (Status status = make_nonblocking(*file); !status) return status;
    }
    while (to_.is_open() || from_.is_open()) {
      if (was_interrupted()) return interrupted();
      // poll() leaves out a descriptor of -1.
      std::array<pollfd, 2> files{{{.fd = to_.get(), .events = POLLOUT, .revents = 0},
                                   {.fd = from_.get(), .events = POLLIN, .revents = 0}}};
      // The flag of a signal may be set between the question above and this call.
      constexpr int kLookForSignals_ms = 50;
      const int ready = ::poll(files.data(), files.size(), kLookForSignals_ms);
      if (ready < 0 && !may_try_again(errno)) return failed_call("cannot wait for a pipe", errno);
      if (ready <= 0) continue;
      if (files[0].revents != 0) {
        if (Status status = write_some(); !status) return status;
      }
      if (files[1].revents != 0) {
        if (Status status = read_some(); !status) return status;
      }
    }
    return std::move(output_);
  }

 private:
  static constexpr std::size_t kStep = 65536;

  Status write_some() {
    const std::string_view part = input_.substr(0, kStep);
    const ssize_t count = ::write(to_.get(), part.data(), part.size());
    if (count >= 0) {
      input_.remove_prefix(static_cast<std::size_t>(count));
      if (input_.empty()) to_.close();
    } else if (errno == EPIPE) {
      to_.close();  // the command does not want the rest
    } else if (!may_try_again(errno)) {
      return failed_call("cannot write to the command", errno);
    }
    return {};
  }

  Status read_some() {
    std::array<char, kStep> buffer{};
    const ssize_t count = ::read(from_.get(), buffer.data(), buffer.size());
    if (count > 0) {
      output_.append(buffer.data(), static_cast<std::size_t>(count));
      if (output_.size() > limit_) {
        return {ErrorCode::too_large, "the command prints more than the " +
                                          counted(limit_, "byte") + " that a chunk may have"};
      }
    } else if (count == 0) {
      from_.close();
    } else if (!may_try_again(errno)) {
      return failed_call("cannot read what the command prints", errno);
    }
    return {};
  }

  Descriptor to_;
  Descriptor from_;
  std::string_view input_;
  const std::uint64_t limit_;
  std::string output_;
};

// Waits until the child has ended or `give_up` says so. False: it has not ended.
template <typename GiveUp>
Result<bool> reap(pid_t child, int& wait_status, GiveUp give_up) {
  auto pause = 1ms;
  for (;;) {
    const pid_t ended = ::waitpid(child, &wait_status, WNOHANG);
    if (ended == child) return true;
    if (ended < 0 && errno != EINTR) return failed_call("cannot wait for the command", errno);
    if (give_up()) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(20));
  }
}

// Ends a child that nobody wants to hear of any more.
void stop(pid_t child) {
  const auto deadline = std::chrono::steady_clock::now() + 2s;
  (void)::kill(child, was_interrupted() ? caught_signal() : SIGTERM);  // it may have ended itself
  int wait_status = 0;
  const auto ended =
      reap(child, wait_status, [&] { return std::chrono::steady_clock::now() >= deadline; });
  if (ended && *ended) return;
  (void)::kill(child, SIGKILL);
  while (::waitpid(child, &wait_status, 0) < 0 && errno == EINTR) {
  }
}

// The attributes and file actions of posix_spawn(3); freed by the destructor.
class SpawnSetting {
 public:
  SpawnSetting() {
    check(::posix_spawn_file_actions_init(&actions));
    check(::posix_spawnattr_init(&attributes));
  }
  SpawnSetting(const SpawnSetting&) = delete;
  SpawnSetting& operator=(const SpawnSetting&) = delete;
  ~SpawnSetting() {
    (void)::posix_spawn_file_actions_destroy(&actions);
    (void)::posix_spawnattr_destroy(&attributes);
  }

  // Each call returns its error.
  void check(int number) {
    if (failed == 0) failed = number;
  }

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  int failed = 0;
};

}  // namespace

Result<pid_t> start_program(const std::vector<std::string>& command, int input, int output,
                            const sigset_t& defaults) {
  SpawnSetting setting;
  if (input >= 0) {
    setting.check(::posix_spawn_file_actions_adddup2(&setting.actions, input, STDIN_FILENO));
  }
  if (output >= 0) {
    setting.check(::posix_spawn_file_actions_adddup2(&setting.actions, output, STDOUT_FILENO));
  }
  setting.check(::posix_spawnattr_setsigdefault(&setting.attributes, &defaults));
  setting.check(::posix_spawnattr_setflags(&setting.attributes, POSIX_SPAWN_SETSIGDEF));
  std::vector<std::string> copies = command;
  std::vector<char*> arguments;
  for (std::string& copy : copies) arguments.push_back(copy.data());
  arguments.push_back(nullptr);
  pid_t child = -1;
  if (setting.failed == 0) {
    setting.failed = ::posix_spawnp(&child, arguments[0], &setting.actions, &setting.attributes,
                                    arguments.data(), environ);
  }
  if (setting.failed != 0) {
    return failed_call("cannot run the command '" + command[0] + "'", setting.failed);
  }
  return child;
}

Status judge_end(const std::string& subject, int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return {ErrorCode::cancelled,
            subject + " was ended by signal " + std::to_string(WTERMSIG(wait_status))};
  }
  const int exit_status = WEXITSTATUS(wait_status);
  if (exit_status == 0) return {};
  return {ErrorCode::cancelled, subject + " ended with exit status " + std::to_string(exit_status)};
}

Result<std::string> run_filter(const std::vector<std::string>& command, std::string_view input,
                               std::uint64_t limit) {
  auto to = make_pipe();
  if (!to) return to.status();
  auto from = make_pipe();
  if (!from) return from.status();
  sigset_t defaults;
  // Both only fail for numbers that are no signals.
  (void)::sigemptyset(&defaults);
  (void)::sigaddset(&defaults, SIGPIPE);  // defer_signals() has it ignored
  const auto child = start_program(command, to->reader.get(), from->writer.get(), defaults);
  if (!child) return child.status();
  to->reader.close();
  from->writer.close();
  auto output = Exchange(std::move(to->writer), std::move(from->reader), input, limit).run();
  if (!output) {
    stop(*child);
    return output;
  }
  int wait_status = 0;
  const auto ended = reap(*child, wait_status, was_interrupted);
  if (!ended) return ended.status();
  if (!*ended) stop(*child);
  if (was_interrupted()) return interrupted();
  if (Status status = judge_end("the command '" + command[0] + "'", wait_status); !status)
    return status;
  return output;
}

}  // namespace safechunk::cli
