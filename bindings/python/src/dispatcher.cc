#include "dispatcher.h"

#include <atomic>

#include "gil.h"

namespace safechunk::python {
namespace {

thread_local unsigned delivered_faults = 0;
PyObject* exception_maker = nullptr;  // for ever: it belongs to the module

std::atomic<bool> stopped = false;  // the interpreter is about to end

PyObject* to_unicode(std::string_view text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}

}  // namespace

template <typename Call>
void Dispatcher::call(Call call) {
  if (stopped.load()) return;
  const GilAcquired acquired;
  if (events_ == nullptr) return;
  PyObject* const events = Py_NewRef(events_);
  PyObject* const result = call(events);
  if (result == nullptr) {
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0) {
      // Ctrl-C while a handler ran. It is meant for the program: raise it there again.
      PyErr_Clear();
      PyErr_SetInterrupt();
    } else {
      PyErr_WriteUnraisable(events);
    }
  }
  Py_XDECREF(result);
  Py_DECREF(events);
}

void Dispatcher::status(std::string_view text) {
  call([&](PyObject* events) {
    return PyObject_CallMethod(events, "status", "N", to_unicode(text));
  });
}

void Dispatcher::sync() {
  call([](PyObject* events) { return PyObject_CallMethod(events, "sync", nullptr); });
}

void Dispatcher::fault(const Error& error) {
  ++delivered_faults;
  call([&](PyObject* events) -> PyObject* {
    PyObject* const exception = make_exception(error, true);
    if (exception == nullptr) return nullptr;
    return PyObject_CallMethod(events, "fault", "N", exception);
  });
}

void Dispatcher::stop_all() {
  stopped.store(true);
}

bool Dispatcher::all_stopped() {
  return stopped.load();
}

unsigned Dispatcher::faults_on_this_thread() {
  return delivered_faults;
}

void set_exception_maker(PyObject* maker) {
  Py_XSETREF(exception_maker, Py_NewRef(maker));
}

PyObject* make_exception(const Error& error, bool reported) {
  const TextPosition at = error.position.value_or(TextPosition{0, 0, 0});
  return PyObject_CallFunction(
      exception_maker, "NNNNiKKKO", to_unicode(to_string(error.code)), to_unicode(error.message),
      to_unicode(error.chunk), PyUnicode_DecodeFSDefault(error.path.c_str()), error.os_errno,
      static_cast<unsigned long long>(at.offset), static_cast<unsigned long long>(at.line),
      static_cast<unsigned long long>(at.column), reported ? Py_True : Py_False);
}

}  // namespace safechunk::python
