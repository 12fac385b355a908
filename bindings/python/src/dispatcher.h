// From the engine's handlers to Python.
#pragma once

#include <Python.h>

#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk::python {

// Holds the Python object `events`, whose methods status(text), sync() and fault(error) are called
// on the thread that did the work. What they raise goes to sys.unraisablehook. All members but the
// handlers need the GIL; the handlers take it, from threads that do not have it.
class Dispatcher {
 public:
  explicit Dispatcher(PyObject* events) : events_(Py_NewRef(events)) {}
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  // Only after release(): it may run without the GIL.
  ~Dispatcher() = default;

  [[nodiscard]] PyObject* events() const { return events_; }
  void release() { Py_CLEAR(events_); }

  void status(std::string_view text);
  void sync();
  void fault(const Error& error);

  // From here on no handler of any engine is called: the interpreter ends, and would not give the
  // GIL to those who wait for it.
  static void stop_all();
  static bool all_stopped();

  // How many faults were delivered on this thread so far: tells whether the engine has told of an
  // error itself.
  static unsigned faults_on_this_thread();

 private:
  template <typename Call>
  void call(Call call);

  PyObject* events_;  // owned
};

// The exception for an error, by the Python class for its code; null with another one set.
PyObject* make_exception(const Error& error, bool reported);
// Takes a reference to the function that makes it.
void set_exception_maker(PyObject* maker);

}  // namespace safechunk::python
