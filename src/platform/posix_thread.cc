#include <pthread.h>
#include <signal.h>

#include <new>

#include "platform/thread.h"

namespace safechunk {

struct QuietThreads::Mask {
  sigset_t signals;
};

QuietThreads::QuietThreads() noexcept : before_(new (std::nothrow) Mask) {
  if (before_ == nullptr) return;
  // None of these calls fails with a valid set and number.
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int own_fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
    sigdelset(&blocked, own_fault);
  }
  if (::pthread_sigmask(SIG_BLOCK, &blocked, &before_->signals) != 0) before_.reset();
}

QuietThreads::~QuietThreads() {
  if (before_ != nullptr) (void)::pthread_sigmask(SIG_SETMASK, &before_->signals, nullptr);
}

// Fails for a name that is too long, or a thread that has ended; nothing depends on it.
void name_thread(std::thread& thread, const char* name) noexcept {
  (void)::pthread_setname_np(thread.native_handle(), name);
}

}  // namespace safechunk
