// Python objects to JSON text in one walk, without objects in between.
#pragma once

#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace safechunk::python {

// Text that grows at its end. Throws std::bad_alloc.
class TextBuffer {
 public:
  explicit TextBuffer(std::size_t expected);
  TextBuffer(const TextBuffer&) = delete;
  TextBuffer& operator=(const TextBuffer&) = delete;
  ~TextBuffer();

  // Returns room for `size` bytes. Write there, and then call advance() with the end.
  char* room(std::size_t size) {
    if (static_cast<std::size_t>(limit_ - end_) < size) grow(size);
    return end_;
  }
  void advance(char* end) { end_ = end; }
  void append(char c) {
    *room(1) = c;
    ++end_;
  }
  void append(std::string_view text);
  void truncate(std::size_t size) { end_ = begin_ + size; }

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }
  [[nodiscard]] std::size_t capacity() const { return static_cast<std::size_t>(limit_ - begin_); }
  [[nodiscard]] std::string_view view() const { return {begin_, size()}; }

 private:
  void grow(std::size_t size);

  char* begin_;
  char* end_;
  char* limit_;
};

struct WriterSettings {
  std::uint32_t depth_limit = 1024;
  PyObject* default_hook = nullptr;  // borrowed; called as json.dumps calls `default`; may be null
  PyObject* dump_of = nullptr;       // borrowed; called before it; may be null
  PyObject* text_of = nullptr;       // borrowed; the text of an integer that repr() refuses
  PyObject* big_float = nullptr;     // borrowed; a class of infinite floats that have a text
  PyObject* bad_value = nullptr;     // borrowed; makes the exception: (kind, message, json_path)
};

// Appends `value` as compact UTF-8 JSON to `out`. False with a Python exception set when that is
// not possible; the exception says where in the value. Needs the GIL; runs no Python code but the
// hook, text_of and the items() of classes derived from dict. Iterative: the depth of the value
// costs memory, not stack.
//
// As json.dumps(ensure_ascii=False): dict, list, tuple, str, int, float, bool, None and classes
// derived from them; keys may also be int, float, bool and None. Refused: NaN and infinities, keys
// that become the same text, cycles, and two surrogates that would be read back as one character.
// A lone surrogate is written as an escape. Cost: O(bytes).
bool write_json(PyObject* value, const WriterSettings& settings, TextBuffer& out);

}  // namespace safechunk::python
