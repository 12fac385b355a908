// Edits of files of other programs: edit_file() and read_json_file().
#pragma once

#include <nanobind/nanobind.h>

namespace safechunk::python {

namespace nb = nanobind;

// Adds both to the module.
void add_file_edits(nb::module_& module);

}  // namespace safechunk::python
