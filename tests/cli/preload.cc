// Loaded in front of the command's libraries: makes memory fail, or sends a signal, at a place that
// is counted from the beginning of main().
//   SAFECHUNK_TEST_NO_MEMORY=N    the N-th allocation and all after it fail
//   SAFECHUNK_TEST_SIGNAL=S:N     the signal S comes at the N-th fsync

#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

std::atomic<long> allocations_left = -1;  // negative: no limit
std::atomic<long> syncs_left = -1;
int signal_number = 0;

int (*real_main)(int, char**, char**) = nullptr;

// Before that the constructors of static objects allocate, where nobody could catch an exception.
int counting_main(int argc, char** argv, char** environment) {
  if (const char* text = std::getenv("SAFECHUNK_TEST_NO_MEMORY")) {
    allocations_left = std::strtol(text, nullptr, 10);
  }
  if (const char* text = std::getenv("SAFECHUNK_TEST_SIGNAL")) {
    long count = 0;
    if (std::sscanf(text, "%d:%ld", &signal_number, &count) == 2) syncs_left = count;
  }
  return real_main(argc, argv, environment);
}

void count_sync() {
  if (syncs_left > 0 && --syncs_left == 0) ::kill(::getpid(), signal_number);
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

void* operator new(std::size_t size) {
  if (allocations_left >= 0) {
    if (allocations_left == 0) throw std::bad_alloc();
    --allocations_left;
  }
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

extern "C" int __libc_start_main(int (*main)(int, char**, char**), int argc, char** argv,
                                 void (*init)(), void (*fini)(), void (*rtld_fini)(), void* stack) {
  real_main = main;
  return next<decltype(__libc_start_main)>("__libc_start_main")(counting_main, argc, argv, init,
                                                                fini, rtld_fini, stack);
}

extern "C" int fsync(int file) {
  count_sync();
  return next<int(int)>("fsync")(file);
}
extern "C" int fdatasync(int file) {
  count_sync();
  return next<int(int)>("fdatasync")(file);
}
