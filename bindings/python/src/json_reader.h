// JSON text to Python objects in one pass.
#pragma once

#include <Python.h>

#include <string_view>

namespace safechunk::python {

// A new reference; null with a Python exception set. Needs the GIL and runs no Python code. As
// json.loads: the last of equal keys wins, integers of any size (up to sys.set_int_max_str_digits),
// floats, NaN and Infinity, pairs of escaped surrogates joined, lone ones kept. `text` has been
// validated by the engine; other text gives a ValueError or some value, and is never read beyond
// its end. Iterative. Cost: O(bytes).
PyObject* read_json(std::string_view text);

}  // namespace safechunk::python
