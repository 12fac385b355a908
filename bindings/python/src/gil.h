// Giving the GIL back and taking it, also while the interpreter ends.
//
// Until Python 3.13 a thread that wants the GIL of an interpreter that ends is ended by
// pthread_exit in the midst of C++ frames, which terminates the process. Here such a thread sleeps
// for ever instead, as later versions have it; the end of the process takes it along.
#pragma once

#include <Python.h>

#include <chrono>
#include <thread>

namespace safechunk::python {

template <typename Call>
auto or_sleep_for_ever(Call take_gil) {
  try {
    return take_gil();
  } catch (...) {  // not an exception: the unwinding of pthread_exit
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

// In its scope this thread does not have the GIL.
class GilReleased {
 public:
  GilReleased() : state_(PyEval_SaveThread()) {}
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;
  ~GilReleased() {
    or_sleep_for_ever([this] { PyEval_RestoreThread(state_); });
  }

 private:
  PyThreadState* state_;
};

// In its scope this thread, whoever started it, has the GIL.
class GilAcquired {
 public:
  GilAcquired() : state_(or_sleep_for_ever([] { return PyGILState_Ensure(); })) {}
  GilAcquired(const GilAcquired&) = delete;
  GilAcquired& operator=(const GilAcquired&) = delete;
  ~GilAcquired() { PyGILState_Release(state_); }

 private:
  PyGILState_STATE state_;
};

}  // namespace safechunk::python
