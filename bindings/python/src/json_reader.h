// JSON text to Python objects in one pass.
#pragma once

#include <Python.h>

#include <string_view>

namespace safechunk::python {

// Python functions for numbers; borrowed; null: none.
struct NumberHooks {
  PyObject* parse_int = nullptr;    // called with the text of every integer
  PyObject* parse_float = nullptr;  // called with the text of every other number
  PyObject* integer_of = nullptr;   // called with the text of an integer that int() refuses
  PyObject* big_float = nullptr;    // called with the text of a number that a double cannot hold
};

// A new reference; null with a Python exception set. Needs the GIL and runs no Python code but the
// hooks. As json.loads: the last of equal keys wins, integers of any size (with the hook
// integer_of; else up to sys.set_int_max_str_digits), floats, NaN and Infinity, pairs of escaped
// surrogates joined, lone ones kept. `text` has been
// validated by the engine; other text gives a ValueError or some value, and is never read beyond
// its end. Iterative. Cost: O(bytes).
PyObject* read_json(std::string_view text, const NumberHooks& hooks = {});

}  // namespace safechunk::python
