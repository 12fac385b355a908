#include "interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>

namespace safechunk::cli {
namespace {

std::atomic<int> caught = 0;
static_assert(std::atomic<int>::is_always_lock_free);  // a signal handler may use it

extern "C" void remember_signal(int number) {
  caught.store(number);
}

// Draws at most ten times a second.
class Bar {
 public:
  explicit Bar(std::string what) : what_(std::move(what)) {}

  void show(std::uint64_t done, std::uint64_t total) {
    const auto now = Clock::now();
    const bool last = done == total;
    if (!visible_ && (last || now - begin_ < std::chrono::seconds(1))) return;
    if (!last && now - drawn_ < std::chrono::milliseconds(100)) return;
    visible_ = true;
    drawn_ = now;
    std::fprintf(stderr, "\r%s: %llu of %llu%s", what_.c_str(),
                 static_cast<unsigned long long>(done), static_cast<unsigned long long>(total),
                 last ? "\n" : "");
  }

 private:
  using Clock = std::chrono::steady_clock;
  const std::string what_;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point drawn_;
  bool visible_ = false;
};

}  // namespace

void defer_signals() {
  struct sigaction action {};
  action.sa_handler = remember_signal;
  // Calls of the operating system go on: the command asks for the flag where it can end.
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(number, nullptr, &before);
    // nohup and shells that start background jobs have it ignored: it stays so.
    if (before.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);
  }
  ::signal(SIGPIPE, SIG_IGN);
}

int caught_signal() {
  return caught.load();
}

bool was_interrupted() {
  return caught_signal() != 0;
}

std::string_view name_of_signal(int number) {
  switch (number) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    default:
      return "SIGHUP";
  }
}

ProgressHandler progress_bar(const std::string& what) {
  const auto bar = ::isatty(STDERR_FILENO) == 0 ? nullptr : std::make_shared<Bar>(what);
  return [bar](std::uint64_t done, std::uint64_t total) {
    if (bar != nullptr) bar->show(done, total);
    return !was_interrupted();
  };
}

}  // namespace safechunk::cli
