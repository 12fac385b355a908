#include "values.h"

namespace safechunk::python {
namespace {

// For ever: they belong to the module.
PyObject* bad_value_maker = nullptr;
PyObject* integer_of = nullptr;
PyObject* integer_text = nullptr;
PyObject* big_float = nullptr;
PyObject* dump_of = nullptr;

nb::object read(std::string_view text, const NumberHooks& hooks) {
  PyObject* const value = read_json(text, hooks);
  if (value == nullptr) throw nb::python_error();
  return nb::steal(value);
}

}  // namespace

void write_value(const nb::handle& value, nb::handle default_hook, std::uint32_t depth_limit,
                 TextBuffer& text) {
  const WriterSettings settings{depth_limit, default_hook.is_none() ? nullptr : default_hook.ptr(),
                                dump_of,     integer_text,
                                big_float,   bad_value_maker};
  if (!write_json(value.ptr(), settings, text)) throw nb::python_error();
}

nb::object read_value(std::string_view text, const nb::object& parse_int,
                      const nb::object& parse_float) {
  const auto hook = [](const nb::object& function) {
    return function.is_none() ? nullptr : function.ptr();
  };
  return read(text, {hook(parse_int), hook(parse_float), integer_of, big_float});
}

nb::object from_text(std::string_view text) {
  return read(text, {});
}

nb::str to_str(std::string_view text) {
  return nb::str(text.data(), text.size());
}

void set_bad_value_maker(const nb::object& maker) {
  Py_XSETREF(bad_value_maker, Py_NewRef(maker.ptr()));
}

void set_models(const nb::object& dump_of_instance) {
  Py_XSETREF(dump_of, Py_NewRef(dump_of_instance.ptr()));
}

void set_numbers(const nb::object& integer_of_text, const nb::object& text_of_integer,
                 const nb::object& float_class) {
  Py_XSETREF(integer_of, Py_NewRef(integer_of_text.ptr()));
  Py_XSETREF(integer_text, Py_NewRef(text_of_integer.ptr()));
  Py_XSETREF(big_float, Py_NewRef(float_class.ptr()));
}

}  // namespace safechunk::python
