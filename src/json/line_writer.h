// Writes lines of pieces of text, indented.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "json/text_output.h"

namespace safechunk::json {

// What is written goes through a buffer: the output is called seldom, and short pieces are copied
// without a branch on their size. Call flush() at the end.
//
// The buffer is lent, so that the members of an object that is a local variable live in registers.
class LineWriter {
 public:
  using Buffer = std::array<char, 32 * 1024>;

  LineWriter(TextOutput& out, Buffer& buffer, unsigned indent) noexcept
      : out_(out), buffer_(buffer), indent_(indent), to_(buffer.data()) {}

  void write(char c) {
    make_room();
    *to_++ = c;
  }

  // Writes `size` bytes of the `readable` ones at `from`.
  void write(const char* from, std::size_t size, std::size_t readable) {
    make_room();
    if (size <= kShort && readable >= kShort) {
      std::memcpy(to_, from, kShort);  // of a fixed size: no call
      to_ += size;
    } else if (size <= kRoom) {
      std::memcpy(to_, from, size);
      to_ += size;
    } else {
      flush();
      append(from, from + size);
    }
  }

  void write(std::string_view text) { write(text.data(), text.size(), text.size()); }

  // Ends the line and indents the next.
  void next_line(std::size_t depth) {
    write('\n');
    std::size_t spaces = depth * indent_;
    for (; spaces > kShort; spaces -= kShort) write(kSpaces);
    write(kSpaces.data(), spaces, kSpaces.size());
  }

  [[nodiscard]] std::size_t flushed_bytes() const noexcept { return flushed_bytes_; }

  void flush() {
    append(buffer_.data(), to_);
    to_ = buffer_.data();
  }

 private:
  static constexpr std::size_t kRoom = 256;  // for one piece in the buffer
  static constexpr std::size_t kShort = 32;
  static constexpr std::string_view kSpaces = "                                ";
  static_assert(kSpaces.size() == kShort && kShort <= kRoom);

  void make_room() {
    if (buffer_.data() + buffer_.size() - to_ < static_cast<std::ptrdiff_t>(kRoom)) flush();
  }

  [[gnu::noinline]] static void append_to(TextOutput& out, const char* from, const char* until) {
    out.append({from, static_cast<std::size_t>(until - from)});
  }
  void append(const char* from, const char* until) {
    append_to(out_, from, until);
    flushed_bytes_ += static_cast<std::size_t>(until - from);
  }

  TextOutput& out_;
  Buffer& buffer_;
  std::size_t flushed_bytes_ = 0;
  const std::size_t indent_;
  char* to_;
};

}  // namespace safechunk::json
