#include "json_reader.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace safechunk::python {
namespace {

constexpr std::size_t kCacheSlots = 512;  // a power of two
constexpr std::size_t kLongestCachedKey = 64;
constexpr std::size_t kMostDigitsOfInt64 = 18;

// Switches the garbage collector off: while a value is read it would find nothing to collect.
class GarbageCollectionPaused {
 public:
  GarbageCollectionPaused() : was_enabled_(PyGC_Disable() != 0) {}
  GarbageCollectionPaused(const GarbageCollectionPaused&) = delete;
  GarbageCollectionPaused& operator=(const GarbageCollectionPaused&) = delete;
  ~GarbageCollectionPaused() {
    if (was_enabled_) PyGC_Enable();
  }

 private:
  bool was_enabled_;
};

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

// A quotation mark, a backslash, or a byte that is not ASCII is among the eight.
bool ends_plain_run(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  const auto zero_byte = [](std::uint64_t word) { return (word - kOnes) & ~word & kHighs; };
  return (zero_byte(bytes ^ (kOnes * '"')) | zero_byte(bytes ^ (kOnes * '\\')) |
          (bytes & kHighs)) != 0;
}

PyObject* ascii_string(const char* at, std::size_t size) {
  if (size == 1) return PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, at, 1);  // a shared one
  PyObject* const text = PyUnicode_New(static_cast<Py_ssize_t>(size), 127);
  if (text != nullptr && size > 0) std::memcpy(PyUnicode_1BYTE_DATA(text), at, size);
  return text;
}

void append_utf8(std::uint32_t point, std::string& out) {
  const auto put = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6U));
    put(0x80 | (point & 0x3FU));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12U));
    put(0x80 | ((point >> 6U) & 0x3FU));
    put(0x80 | (point & 0x3FU));
  } else {
    put(0xF0 | (point >> 18U));
    put(0x80 | ((point >> 12U) & 0x3FU));
    put(0x80 | ((point >> 6U) & 0x3FU));
    put(0x80 | (point & 0x3FU));
  }
}

class Reader {
 public:
  Reader(std::string_view text, const NumberHooks& hooks)
      : at_(text.data()), end_(text.data() + text.size()), hooks_(hooks) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() {
    for (PyObject* value : values_) Py_XDECREF(value);
    for (PyObject* key : cache_) Py_XDECREF(key);
  }

  // Values wait on a stack until their container ends; a dictionary lies there itself, under its
  // pending key.
  PyObject* run() {
    for (;;) {
      skip_space();
      if (at_ == end_) return fail();
      if (*at_ == '{' || *at_ == '[') {
        if (!open()) return nullptr;
        if (!closed_) continue;
      } else {
        PyObject* const value = scalar();
        if (value == nullptr) return nullptr;
        values_.push_back(value);
      }
      const Next next = after_value();
      if (next == Next::failed) return nullptr;
      if (next == Next::end) break;
    }
    skip_space();
    if (at_ != end_ || values_.size() != 1) return fail();
    PyObject* const result = values_.back();
    values_.pop_back();
    return result;
  }

 private:
  enum class Next { value, end, failed };
  struct Frame {
    bool is_dict = false;
    std::size_t start = 0;  // in values_: of the dictionary, or of the first element
  };

  // Enters a container and reads up to its first value. `closed_` is true when the container was
  // empty; then it is complete on the stack.
  bool open() {
    const bool is_dict = *at_++ == '{';
    closed_ = false;
    frames_.push_back({is_dict, values_.size()});
    if (is_dict) {
      PyObject* const dictionary = PyDict_New();
      if (dictionary == nullptr) return false;
      values_.push_back(dictionary);
    }
    skip_space();
    if (at_ != end_ && *at_ == (is_dict ? '}' : ']')) {
      ++at_;
      closed_ = true;
      return close();
    }
    return !is_dict || key();
  }

  // Makes one value of a container that has ended.
  bool close() {
    const Frame frame = frames_.back();
    frames_.pop_back();
    if (frame.is_dict) return true;
    const std::size_t count = values_.size() - frame.start;
    PyObject* const list = PyList_New(static_cast<Py_ssize_t>(count));
    if (list == nullptr) return false;
    for (std::size_t i = 0; i < count; ++i) {
      PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), values_[frame.start + i]);
    }
    values_.resize(frame.start);
    values_.push_back(list);
    return true;
  }

  // A value is complete on the stack: puts it into its container, and goes on behind it.
  Next after_value() {
    for (;;) {
      if (frames_.empty()) return Next::end;
      const bool is_dict = frames_.back().is_dict;
      if (is_dict && !store()) return Next::failed;
      skip_space();
      if (at_ == end_) return fail_next();
      const char c = *at_++;
      if (c == ',') {
        if (is_dict && !key()) return Next::failed;
        return Next::value;
      }
      if (c != (is_dict ? '}' : ']')) return fail_next();
      if (!close()) return Next::failed;
    }
  }

  bool store() {
    PyObject* const value = values_.back();
    values_.pop_back();
    PyObject* const name = values_.back();
    values_.pop_back();
    const bool stored = PyDict_SetItem(values_.back(), name, value) == 0;
    Py_DECREF(name);
    Py_DECREF(value);
    return stored;
  }

  // A key and its colon; the key is left on the stack.
  bool key() {
    skip_space();
    if (at_ == end_ || *at_ != '"') return fail() != nullptr;
    PyObject* const name = string(true);
    if (name == nullptr) return false;
    values_.push_back(name);
    skip_space();
    if (at_ == end_ || *at_ != ':') return fail() != nullptr;
    ++at_;
    return true;
  }

  PyObject* scalar() {
    switch (*at_) {
      case '"':
        return string(false);
      case 't':
        return literal("true", Py_True);
      case 'f':
        return literal("false", Py_False);
      case 'n':
        return literal("null", Py_None);
      case 'N':
        return non_finite("NaN", std::numeric_limits<double>::quiet_NaN());
      case 'I':
        return non_finite("Infinity", std::numeric_limits<double>::infinity());
      default:
        if (rest().starts_with("-I")) {
          return non_finite("-Infinity", -std::numeric_limits<double>::infinity());
        }
        return number();
    }
  }

  PyObject* literal(std::string_view text, PyObject* value) {
    if (!rest().starts_with(text)) return fail();
    at_ += text.size();
    return Py_NewRef(value);
  }

  PyObject* non_finite(std::string_view text, double value) {
    if (!rest().starts_with(text)) return fail();
    at_ += text.size();
    return PyFloat_FromDouble(value);
  }

  // --- numbers

  PyObject* number() {
    const char* const start = at_;
    if (*at_ == '-') ++at_;
    const char* const digits = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    const auto count = static_cast<std::size_t>(at_ - digits);
    if (count == 0) return fail();
    if (at_ == end_ || (*at_ != '.' && *at_ != 'e' && *at_ != 'E')) {
      if (hooks_.parse_int != nullptr) return call(hooks_.parse_int, start);
      if (count > kMostDigitsOfInt64) return long_integer(start);
      long long value = 0;
      for (const char* digit = digits; digit != at_; ++digit) value = value * 10 + (*digit - '0');
      return PyLong_FromLongLong(*start == '-' ? -value : value);
    }
    while (at_ != end_ && ((*at_ >= '0' && *at_ <= '9') || *at_ == '.' || *at_ == 'e' ||
                           *at_ == 'E' || *at_ == '+' || *at_ == '-')) {
      ++at_;
    }
    if (hooks_.parse_float != nullptr) return call(hooks_.parse_float, start);
    double value = 0;
    const auto parsed = std::from_chars(start, at_, value);
    if (parsed.ec == std::errc() && parsed.ptr == at_) return PyFloat_FromDouble(value);
    // Out of range: infinity or zero, as Python says.
    PyObject* const text = ascii_string(start, static_cast<std::size_t>(at_ - start));
    if (text == nullptr) return nullptr;
    PyObject* const result = PyFloat_FromString(text);
    Py_DECREF(text);
    if (result != nullptr && hooks_.big_float != nullptr && std::isinf(PyFloat_AS_DOUBLE(result))) {
      Py_DECREF(result);
      return call(hooks_.big_float, start);
    }
    if (result != nullptr || PyErr_ExceptionMatches(PyExc_ValueError) == 0) return result;
    PyErr_Clear();
    return fail();
  }

  PyObject* long_integer(const char* start) const {
    PyObject* const value = PyLong_FromString(std::string(start, at_).c_str(), nullptr, 10);
    if (value != nullptr || hooks_.integer_of == nullptr ||
        PyErr_ExceptionMatches(PyExc_ValueError) == 0) {
      return value;
    }
    PyErr_Clear();
    return call(hooks_.integer_of, start);
  }

  // `hook` with the text from `start` to here.
  PyObject* call(PyObject* hook, const char* start) const {
    PyObject* const text = ascii_string(start, static_cast<std::size_t>(at_ - start));
    if (text == nullptr) return nullptr;
    PyObject* const result = PyObject_CallOneArg(hook, text);
    Py_DECREF(text);
    return result;
  }

  // --- strings

  PyObject* string(bool is_key) {
    const char* const start = ++at_;
    while (end_ - at_ >= 8) {
      std::uint64_t bytes = 0;
      std::memcpy(&bytes, at_, sizeof bytes);
      if (ends_plain_run(bytes)) break;
      at_ += sizeof bytes;
    }
    bool ascii = true;
    for (; at_ != end_ && *at_ != '"'; ++at_) {
      if (*at_ == '\\') return string_with_escapes(start);
      ascii = ascii && static_cast<unsigned char>(*at_) < 0x80;
    }
    if (at_ == end_) return fail();
    const auto size = static_cast<std::size_t>(at_++ - start);
    if (!ascii) return PyUnicode_DecodeUTF8(start, static_cast<Py_ssize_t>(size), nullptr);
    return is_key && size <= kLongestCachedKey ? cached_key(start, size)
                                               : ascii_string(start, size);
  }

  // Similar objects have the same keys: each key is made and hashed only once.
  PyObject* cached_key(const char* start, std::size_t size) {
    std::uint64_t hash = size;
    std::uint64_t word = 0;
    std::size_t i = 0;
    for (; i + sizeof word <= size; i += sizeof word) {
      std::memcpy(&word, start + i, sizeof word);
      hash = (hash ^ word) * 0x9E3779B97F4A7C15;
    }
    word = 0;
    std::memcpy(&word, start + i, size - i);
    hash = (hash ^ word) * 0x9E3779B97F4A7C15;
    PyObject*& slot = cache_[(hash >> 40U) % kCacheSlots];
    if (slot != nullptr && static_cast<std::size_t>(PyUnicode_GET_LENGTH(slot)) == size &&
        std::memcmp(PyUnicode_1BYTE_DATA(slot), start, size) == 0) {
      return Py_NewRef(slot);
    }
    PyObject* const made = ascii_string(start, size);
    if (made == nullptr) return nullptr;
    Py_XDECREF(slot);
    slot = Py_NewRef(made);
    return made;
  }

  PyObject* string_with_escapes(const char* start) {
    std::string text(start, at_);
    while (at_ != end_ && *at_ != '"') {
      if (*at_ != '\\') {
        text += *at_++;
      } else if (!escape(text)) {
        return fail();
      }
    }
    if (at_ == end_) return fail();
    ++at_;
    // Lone surrogates were written as if they were characters.
    return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogatepass");
  }

  bool escape(std::string& text) {
    if (end_ - at_ < 2) return false;
    const char c = at_[1];
    at_ += 2;
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const auto found = kNames.find(c); found != std::string_view::npos) {
      text += kMeanings[found];
      return true;
    }
    std::uint32_t point = 0;
    if (c != 'u' || !hex(point)) return false;
    std::uint32_t low = 0;
    if (point >= 0xD800 && point < 0xDC00 && rest().starts_with("\\u")) {
      const char* const before = at_;
      at_ += 2;
      if (!hex(low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        point = 0x10000 + ((point - 0xD800) << 10U) + (low - 0xDC00);
      } else {
        at_ = before;
      }
    }
    append_utf8(point, text);
    return true;
  }

  bool hex(std::uint32_t& value) {
    if (end_ - at_ < 4) return false;
    const auto parsed = std::from_chars(at_, at_ + 4, value, 16);
    if (parsed.ec != std::errc() || parsed.ptr != at_ + 4) return false;
    at_ += 4;
    return true;
  }

  // --- helpers

  void skip_space() {
    while (at_ != end_ && is_space(*at_)) ++at_;
  }
  [[nodiscard]] std::string_view rest() const {
    return {at_, static_cast<std::size_t>(end_ - at_)};
  }
  static PyObject* fail() {
    if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_ValueError, "the text is not JSON");
    return nullptr;
  }
  static Next fail_next() {
    (void)fail();
    return Next::failed;
  }

  const char* at_;
  const char* const end_;
  const NumberHooks hooks_;
  bool closed_ = false;
  std::vector<PyObject*> values_;
  std::vector<Frame> frames_;
  std::array<PyObject*, kCacheSlots> cache_{};
};

}  // namespace

PyObject* read_json(std::string_view text, const NumberHooks& hooks) {
  const GarbageCollectionPaused paused;
  return Reader(text, hooks).run();
}

}  // namespace safechunk::python
