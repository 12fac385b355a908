#include "calls.h"

namespace safechunk::python {

void raise(const Error& error, bool reported) {
  PyObject* const exception = make_exception(error, reported);
  if (exception != nullptr) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
    Py_DECREF(exception);
  }
  throw nb::python_error();
}

}  // namespace safechunk::python
