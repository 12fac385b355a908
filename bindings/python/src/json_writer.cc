#include "json_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <new>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace safechunk::python {
namespace {

constexpr std::size_t kLongestNumber = 32;  // of a 64-bit integer or a double
constexpr int kMostHooks = 100;             // in a row for one value
constexpr std::string_view kHexDigits = "0123456789abcdef";

constexpr bool needs_escape(std::uint32_t point) {
  return point < 0x20 || point == '"' || point == '\\';
}

// Whether one of the eight bytes must be escaped. All are ASCII.
bool any_needs_escape(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  const auto zero_byte = [](std::uint64_t word) { return (word - kOnes) & ~word & kHighs; };
  const std::uint64_t controls = (bytes - kOnes * 0x20) & ~bytes & kHighs;
  return (controls | zero_byte(bytes ^ (kOnes * '"')) | zero_byte(bytes ^ (kOnes * '\\'))) != 0;
}

bool is_high_surrogate(std::uint32_t point) {
  return point >= 0xD800 && point < 0xDC00;
}
bool is_low_surrogate(std::uint32_t point) {
  return point >= 0xDC00 && point < 0xE000;
}

// Writes at `to`, six bytes at most, and returns the end.
char* put_escaped(std::uint32_t point, char* to) {
  static constexpr std::string_view kPoints = "\"\\\n\r\t\b\f";
  static constexpr std::string_view kNames = "\"\\nrtbf";
  *to++ = '\\';
  if (point < 0x80) {
    if (const auto found = kPoints.find(static_cast<char>(point));
        found != std::string_view::npos) {
      *to++ = kNames[found];
      return to;
    }
  }
  *to++ = 'u';
  for (int shift = 12; shift >= 0; shift -= 4) *to++ = kHexDigits[(point >> shift) & 0xFU];
  return to;
}

// Writes at `to`, four bytes at most, and returns the end.
char* put_utf8(std::uint32_t point, char* to) {
  if (point < 0x80) {
    *to++ = static_cast<char>(point);
  } else if (point < 0x800) {
    *to++ = static_cast<char>(0xC0 | (point >> 6U));
    *to++ = static_cast<char>(0x80 | (point & 0x3FU));
  } else if (point < 0x10000) {
    *to++ = static_cast<char>(0xE0 | (point >> 12U));
    *to++ = static_cast<char>(0x80 | ((point >> 6U) & 0x3FU));
    *to++ = static_cast<char>(0x80 | (point & 0x3FU));
  } else {
    *to++ = static_cast<char>(0xF0 | (point >> 18U));
    *to++ = static_cast<char>(0x80 | ((point >> 12U) & 0x3FU));
    *to++ = static_cast<char>(0x80 | ((point >> 6U) & 0x3FU));
    *to++ = static_cast<char>(0x80 | (point & 0x3FU));
  }
  return to;
}

template <typename Word>
Word load(const char* at) {
  Word word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Copies ASCII and looks at it, eight bytes at a time; the last eight overlap. False when something
// must be escaped: then the copied bytes must not be used.
bool copy_plain(const char* from, std::size_t size, char* to) {
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 <= size; i += 8) {
      const auto bytes = load<std::uint64_t>(from + i);
      if (any_needs_escape(bytes)) return false;
      std::memcpy(to + i, &bytes, sizeof bytes);
    }
    const auto last = load<std::uint64_t>(from + size - 8);
    std::memcpy(to + size - 8, &last, sizeof last);
    return !any_needs_escape(last);
  }
  if (size >= 4) {
    const auto first = load<std::uint32_t>(from);
    const auto last = load<std::uint32_t>(from + size - 4);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + size - 4, &last, sizeof last);
    return !any_needs_escape((static_cast<std::uint64_t>(first) << 32U) | last);
  }
  for (std::size_t i = 0; i < size; ++i) {
    if (needs_escape(static_cast<unsigned char>(from[i]))) return false;
    to[i] = from[i];
  }
  return true;
}

// False when two surrogates stand together.
template <typename Unit>
bool append_points(const Unit* at, std::size_t size, TextBuffer& out) {
  constexpr std::size_t kBlock = 1024;  // characters, each of which becomes six bytes at most
  bool after_high = false;
  out.append('"');
  const Unit* const end = at + size;
  while (at != end) {
    const Unit* const block_end =
        at + std::min<std::size_t>(kBlock, static_cast<std::size_t>(end - at));
    char* to = out.room(kBlock * 6);
    for (; at != block_end; ++at) {
      const std::uint32_t point = *at;
      const bool high = is_high_surrogate(point);
      const bool low = is_low_surrogate(point);
      if (after_high && low) return false;
      after_high = high;
      to = needs_escape(point) || high || low ? put_escaped(point, to) : put_utf8(point, to);
    }
    out.advance(to);
  }
  out.append('"');
  return true;
}

void append_ascii(const char* at, std::size_t size, TextBuffer& out) {
  char* const to = out.room(size + 2);
  *to = '"';
  if (copy_plain(at, size, to + 1)) {
    to[size + 1] = '"';
    out.advance(to + size + 2);
  } else {
    (void)append_points(reinterpret_cast<const unsigned char*>(at), size, out);
  }
}

// As repr() writes it: the shortest digits that are read back as the same number, with an exponent
// below 1e-4 and from 1e16 on.
void append_float(double value, TextBuffer& out) {
  std::array<char, kLongestNumber> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific)
          .ptr;
  std::string_view rest(text.data(), static_cast<std::size_t>(end - text.data()));
  if (rest.front() == '-') {
    out.append('-');
    rest.remove_prefix(1);
  }
  const std::size_t mark = rest.find('e');
  int exponent = 0;
  const char* const digits_of_exponent = rest.data() + mark + (rest[mark + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_exponent, rest.data() + rest.size(), exponent);
  if (exponent < -4 || exponent >= 16) {
    out.append(rest);
    return;
  }
  std::array<char, kLongestNumber> digits{};
  std::size_t count = 0;
  for (const char c : rest.substr(0, mark)) {
    if (c != '.') digits[count++] = c;
  }
  constexpr std::string_view kZeros = "0000000000000000";
  if (exponent < 0) {
    out.append("0.");
    out.append(kZeros.substr(0, static_cast<std::size_t>(-exponent - 1)));
    out.append(std::string_view(digits.data(), count));
    return;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  const std::size_t known = std::min(count, whole);
  out.append(std::string_view(digits.data(), known));
  out.append(kZeros.substr(0, whole - known));
  out.append('.');
  out.append(known == count ? "0" : std::string_view(digits.data() + known, count - known));
}

class Writer {
 public:
  Writer(const WriterSettings& settings, TextBuffer& out) : settings_(settings), out_(out) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    for (Frame& frame : frames_) frame.release();
    for (PyObject* object : owned_) Py_DECREF(object);
  }

  bool run(PyObject* value) {
    for (;;) {
      if (!write_value(value)) return false;
      for (;;) {
        if (frames_.empty()) return true;
        const Step step = advance(value);
        if (step == Step::failed) return false;
        if (step == Step::value) break;
        out_.append(frames_.back().is_dict ? '}' : ']');
        frames_.back().release();
        frames_.pop_back();
      }
    }
  }

 private:
  enum class Step { value, end, failed };

  // A container that is open.
  struct Frame {
    PyObject* container = nullptr;  // owned
    PyObject* items = nullptr;      // owned; of a class derived from dict: its items
    PyObject* key = nullptr;        // owned: the hook may take it out of the container
    Py_ssize_t position = 0;        // of the next item
    Py_ssize_t count = 0;           // items written
    Py_ssize_t size = 0;            // of a dict when it was opened
    bool is_dict = false;
    bool keys_checked = false;

    void release() {
      Py_CLEAR(container);
      Py_CLEAR(items);
      Py_CLEAR(key);
    }
  };

  bool write_value(PyObject* value) {
    for (int hooks = 0;; ++hooks) {
      if (PyUnicode_Check(value)) return write_string(value);
      if (value == Py_None) return append("null");
      if (value == Py_True) return append("true");
      if (value == Py_False) return append("false");
      if (PyLong_Check(value)) return write_integer(value);
      if (PyFloat_Check(value)) return write_float(value);
      if (PyDict_Check(value)) return open(value, true);
      if (PyList_Check(value) || PyTuple_Check(value)) return open(value, false);
      if (hooks == kMostHooks) return refuse("value", "default() gave no JSON value");
      // A hook may drop the last other reference to its argument.
      owned_.push_back(Py_NewRef(value));
      PyObject* replaced = replaced_by(settings_.dump_of, value);
      if (replaced == Py_NotImplemented) replaced = replaced_by(settings_.default_hook, value);
      if (replaced == nullptr) return false;
      if (replaced == Py_NotImplemented) return refuse_type(value);
      value = replaced;
    }
  }

  // The result of calling `hook` with `value`; owned_ keeps it. Py_NotImplemented when there is no
  // hook, or when it has none for this value. Null when it has raised.
  PyObject* replaced_by(PyObject* hook, PyObject* value) {
    if (hook == nullptr) return Py_NotImplemented;
    PyObject* const replaced = PyObject_CallOneArg(hook, value);
    if (replaced != nullptr) owned_.push_back(replaced);
    return replaced;
  }

  bool append(std::string_view text) {
    out_.append(text);
    return true;
  }

  bool write_string(PyObject* text) {
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(text) < 0) return false;
#endif
    const auto size = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text));
    if (PyUnicode_IS_ASCII(text)) {
      append_ascii(reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text)), size, out_);
      return true;
    }
    bool sound = true;
    switch (PyUnicode_KIND(text)) {
      case PyUnicode_1BYTE_KIND:
        sound = append_points(PyUnicode_1BYTE_DATA(text), size, out_);
        break;
      case PyUnicode_2BYTE_KIND:
        sound = append_points(PyUnicode_2BYTE_DATA(text), size, out_);
        break;
      default:
        sound = append_points(PyUnicode_4BYTE_DATA(text), size, out_);
        break;
    }
    return sound || refuse("value", "two surrogates in a row would be read back as one character");
  }

  bool write_integer(PyObject* value) {
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0) {
      char* const to = out_.room(kLongestNumber);
      out_.advance(std::to_chars(to, to + kLongestNumber, number).ptr);
      return true;
    }
    // Not str(): a class derived from int, such as an enumeration, may have another str().
    PyObject* const text = PyLong_Type.tp_repr(value);
    if (text == nullptr) {
      if (PyErr_ExceptionMatches(PyExc_ValueError) == 0) return false;
      PyErr_Clear();
      if (settings_.text_of == nullptr) return refuse("value", "the integer has too many digits");
      return append_ascii_text(PyObject_CallOneArg(settings_.text_of, value));
    }
    return append_ascii_text(text);
  }

  // Takes the reference. False with a Python exception set when it is null or no such text.
  bool append_ascii_text(PyObject* text) {
    if (text == nullptr) return false;
    const bool ascii = PyUnicode_Check(text) && PyUnicode_IS_ASCII(text);
    if (ascii) {
      out_.append(std::string_view(reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text)),
                                   static_cast<std::size_t>(PyUnicode_GET_LENGTH(text))));
    }
    Py_DECREF(text);
    return ascii || refuse("value", "the number's text is no ASCII text");
  }

  bool write_float(PyObject* value) {
    const double number = PyFloat_AS_DOUBLE(value);
    if (!std::isfinite(number)) {
      if (settings_.big_float != nullptr &&
          reinterpret_cast<PyObject*>(Py_TYPE(value)) == settings_.big_float) {
        return append_ascii_text(PyObject_GetAttrString(value, "text"));
      }
      return refuse("value", std::isnan(number) ? "NaN is not JSON" : "Infinity is not JSON");
    }
    append_float(number, out_);
    return true;
  }

  bool open(PyObject* container, bool is_dict) {
    if (frames_.size() >= settings_.depth_limit) return refuse_depth();
    Frame frame;
    frame.container = Py_NewRef(container);
    if (is_dict && !PyDict_CheckExact(container)) {
      frame.items = PyMapping_Items(container);
      if (frame.items == nullptr) {
        frame.release();
        return false;
      }
    }
    frame.is_dict = is_dict;
    if (is_dict) frame.size = PyDict_GET_SIZE(container);
    frames_.push_back(frame);
    out_.append(is_dict ? '{' : '[');
    return true;
  }

  Step advance(PyObject*& value) {
    Frame& frame = frames_.back();
    if (!frame.is_dict) {
      const bool is_list = PyList_Check(frame.container) != 0;
      const Py_ssize_t size =
          is_list ? PyList_GET_SIZE(frame.container) : PyTuple_GET_SIZE(frame.container);
      if (frame.position >= size) return Step::end;
      value = is_list ? PyList_GET_ITEM(frame.container, frame.position)
                      : PyTuple_GET_ITEM(frame.container, frame.position);
      if (frame.position++ > 0) out_.append(',');
      return Step::value;
    }
    if (frame.items != nullptr) {
      if (frame.position >= PyList_GET_SIZE(frame.items)) return Step::end;
      PyObject* const item = PyList_GET_ITEM(frame.items, frame.position++);
      if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2) {
        PyErr_SetString(PyExc_TypeError, "items() must give pairs");
        return Step::failed;
      }
      Py_XSETREF(frame.key, Py_NewRef(PyTuple_GET_ITEM(item, 0)));
      value = PyTuple_GET_ITEM(item, 1);
    } else {
      // Only the hook can have changed it.
      if (PyDict_GET_SIZE(frame.container) != frame.size) {
        PyErr_SetString(PyExc_RuntimeError, "a dictionary changed its size while it was staged");
        return Step::failed;
      }
      PyObject* key = nullptr;
      if (PyDict_Next(frame.container, &frame.position, &key, &value) == 0) return Step::end;
      Py_XSETREF(frame.key, Py_NewRef(key));
    }
    if (frame.count++ > 0) out_.append(',');
    if (!write_key(frame)) return Step::failed;
    out_.append(':');
    return Step::value;
  }

  bool write_key(Frame& frame) {
    PyObject* const key = frame.key;
    if (PyUnicode_Check(key)) return write_string(key);
    if (!frame.keys_checked) {
      frame.keys_checked = true;
      if (!check_keys(frame)) return false;
    }
    return write_other_key(key);
  }

  // A key that is no string, as the string that json.dumps makes of it.
  bool write_other_key(PyObject* key) {
    const bool allowed =
        key == Py_None || PyBool_Check(key) || PyLong_Check(key) || PyFloat_Check(key);
    if (!allowed) {
      return refuse("type", std::string("a key must be str, int, float, bool or None, not ") +
                                Py_TYPE(key)->tp_name);
    }
    out_.append('"');
    if (!write_value(key)) return false;
    out_.append('"');
    return true;
  }

  // Of a dictionary with a key that is no string: no two may become the same text.
  bool check_keys(const Frame& frame) {
    const std::size_t start = out_.size();
    std::unordered_set<std::string> texts;
    const auto check = [&](PyObject* key) {
      if (!(PyUnicode_Check(key) ? write_string(key) : write_other_key(key))) return false;
      std::string text(out_.view().substr(start));
      out_.truncate(start);
      const auto [at, is_new] = texts.insert(std::move(text));
      return is_new || refuse("value", "two keys become the same text " + *at);
    };
    bool sound = true;
    PyObject* key = nullptr;
    Py_ssize_t position = 0;
    if (frame.items != nullptr) {
      for (; sound && position < PyList_GET_SIZE(frame.items); ++position) {
        PyObject* const item = PyList_GET_ITEM(frame.items, position);
        sound =
            PyTuple_Check(item) && PyTuple_GET_SIZE(item) == 2 && check(PyTuple_GET_ITEM(item, 0));
      }
    } else {
      while (sound && PyDict_Next(frame.container, &position, &key, nullptr) != 0) {
        sound = check(key);
      }
    }
    return sound;
  }

  // --- refusing

  bool refuse(const char* kind, const std::string& message) {
    return refuse(kind, message, frames_.size());
  }

  bool refuse(const char* kind, const std::string& message, std::size_t depth) {
    if (PyErr_Occurred() != nullptr) return false;
    PyObject* const path = path_of(depth);
    if (path == nullptr) return false;
    PyObject* const exception =
        PyObject_CallFunction(settings_.bad_value, "ssO", kind, message.c_str(), path);
    Py_DECREF(path);
    if (exception == nullptr) return false;
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
    Py_DECREF(exception);
    return false;
  }

  bool refuse_type(PyObject* value) {
    return refuse("type",
                  std::string("a value of type ") + Py_TYPE(value)->tp_name + " is not JSON");
  }

  // Too deep, usually because a container contains itself.
  bool refuse_depth() {
    std::unordered_set<const PyObject*> containers;
    for (std::size_t depth = 0; depth < frames_.size(); ++depth) {
      if (!containers.insert(frames_[depth].container).second) {
        return refuse("value", "a container holds itself", depth);
      }
    }
    return refuse("too_deep", "nesting is deeper than " + std::to_string(settings_.depth_limit),
                  std::min<std::size_t>(frames_.size(), 1));
  }

  // The keys and indexes that lead to the present value, as a list.
  PyObject* path_of(std::size_t depth) {
    PyObject* const path = PyList_New(0);
    for (std::size_t i = 0; path != nullptr && i < depth; ++i) {
      const Frame& frame = frames_[i];
      PyObject* const step = frame.is_dict ? Py_NewRef(frame.key == nullptr ? Py_None : frame.key)
                                           : PyLong_FromSsize_t(frame.position - 1);
      const bool added = step != nullptr && PyList_Append(path, step) == 0;
      Py_XDECREF(step);
      if (!added) {
        Py_DECREF(path);
        return nullptr;
      }
    }
    return path;
  }

  const WriterSettings& settings_;
  TextBuffer& out_;
  std::vector<Frame> frames_;
  std::vector<PyObject*> owned_;  // what the hook gave
};

}  // namespace

TextBuffer::TextBuffer(std::size_t expected)
    : begin_(static_cast<char*>(::operator new(expected))),
      end_(begin_),
      limit_(begin_ + expected) {}

TextBuffer::~TextBuffer() {
  ::operator delete(begin_);
}

void TextBuffer::append(std::string_view text) {
  char* const to = room(text.size());
  std::memcpy(to, text.data(), text.size());
  end_ = to + text.size();
}

void TextBuffer::grow(std::size_t size) {
  const std::size_t used = this->size();
  const std::size_t wanted = std::max(used + size, 2 * static_cast<std::size_t>(limit_ - begin_));
  auto* const memory = static_cast<char*>(::operator new(wanted));
  std::memcpy(memory, begin_, used);
  ::operator delete(begin_);
  begin_ = memory;
  end_ = memory + used;
  limit_ = memory + wanted;
}

bool write_json(PyObject* value, const WriterSettings& settings, TextBuffer& out) {
  return Writer(settings, out).run(value);
}

}  // namespace safechunk::python
