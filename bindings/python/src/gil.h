// Releases and acquires the GIL, also while the interpreter ends.
//
// Until Python 3.13 a thread that wants the GIL while the interpreter ends is stopped by
// pthread_exit. In the midst of C++ frames that terminates the process. Here such a thread sleeps
// for ever instead, as in later versions, until the process ends.
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

// While an object of this class exists, its thread does not have the GIL.
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

// While an object of this class exists, its thread has the GIL, also a thread that Python did not
// start.
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
