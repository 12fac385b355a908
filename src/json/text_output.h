// Where formatted text goes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace safechunk::json {

class TextOutput {
 public:
  TextOutput() = default;
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;
  virtual ~TextOutput() = default;

  // Pieces of 32 KiB, but for long strings and the last. Whoever cannot take one remembers why, and
  // ignores the rest.
  virtual void append(std::string_view piece) = 0;
  // Takes back everything.
  virtual void clear() = 0;
};

// At the end of a string that was empty.
class StringOutput final : public TextOutput {
 public:
  explicit StringOutput(std::string& out) : out_(out) {}
  void append(std::string_view piece) override { out_.append(piece); }
  void clear() override { out_.clear(); }

 private:
  std::string& out_;
};

}  // namespace safechunk::json
