// What a library's own threads owe to their host.
#pragma once

#include <memory>

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

// For debuggers and system monitors; at most 15 characters.
void name_this_thread(const char* name) noexcept;

}  // namespace safechunk
