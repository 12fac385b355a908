// Values of Python as JSON text, and back, with the settings of the module.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string_view>

#include "json_reader.h"
#include "json_writer.h"

namespace safechunk::python {

namespace nb = nanobind;

constexpr std::size_t kFirstBuffer = 4096;

// The functions below need the GIL. They throw nb::python_error.

// Appends `value`; as write_json().
void write_value(const nb::handle& value, nb::handle default_hook, std::uint32_t depth_limit,
                 TextBuffer& text);
// As read_json(). The hooks may be None.
nb::object read_value(std::string_view text, const nb::object& parse_int,
                      const nb::object& parse_float);
// The same without functions of Python.
nb::object from_text(std::string_view text);
nb::str to_str(std::string_view text);

// Sets the Python functions and classes that reading and writing need.
void set_bad_value_maker(const nb::object& maker);
// `dump_of_instance` gives NotImplemented for a value that is no instance of a model.
void set_models(const nb::object& dump_of_instance);
void set_numbers(const nb::object& integer_of_text, const nb::object& text_of_integer,
                 const nb::object& float_class);

}  // namespace safechunk::python
