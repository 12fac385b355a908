// Calls Python from the engine's handlers.
#pragma once

#include <Python.h>

#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk::python {

// Holds the Python object `events`, whose methods status(text), sync() and fault(error) are called
// on the thread that did the work. Their exceptions go to sys.unraisablehook. All members but the
// handlers need the GIL; the handlers take it, from threads that do not have it.
class Dispatcher {
 public:
  explicit Dispatcher(PyObject* events) : events_(Py_NewRef(events)) {}
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  // Call release() before: the destructor may run without the GIL.
  ~Dispatcher() = default;

  [[nodiscard]] PyObject* events() const { return events_; }
  void release() { Py_CLEAR(events_); }

  void status(std::string_view text);
  void sync();
  void fault(const Error& error);

  // After this call no handler of any engine is called: the interpreter is about to end, and then
  // gives the GIL to no other thread.
  static void stop_all();
  static bool all_stopped();

  // The number of faults that were delivered on this thread so far. When it grew during a call, the
  // engine has reported the error of that call itself.
  static unsigned faults_on_this_thread();

 private:
  template <typename Call>
  void call(Call call);

  PyObject* events_;  // owned
};

// Makes the exception for an error, of the Python class for its code. Null with a Python exception
// set when that fails.
PyObject* make_exception(const Error& error, bool reported);
// Sets the Python function that makes exceptions, and takes a reference to it.
void set_exception_maker(PyObject* maker);

}  // namespace safechunk::python
