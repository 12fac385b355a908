// What a library's own threads owe to their host.
#pragma once

#include <memory>
#include <thread>

namespace safechunk {

// While it lives, threads that this thread starts take no signals that the system sends to the
// process: these are for the host's threads, which may have blocked them to wait for them. Signals
// that a fault of the thread itself raises (SIGSEGV and the like) stay as they are.
class QuietThreads {
 public:
  QuietThreads() noexcept;
  QuietThreads(const QuietThreads&) = delete;
  QuietThreads& operator=(const QuietThreads&) = delete;
  ~QuietThreads();

 private:
  struct Mask;
  std::unique_ptr<Mask> before_;  // null when there was no memory: then nothing was changed
};

// For debuggers and system monitors; at most 15 characters. Named by the one who starts it, so that
// it has its name when the start returns.
void name_thread(std::thread& thread, const char* name) noexcept;

}  // namespace safechunk
