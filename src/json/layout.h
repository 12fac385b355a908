// How a part of a JSON text is laid out, and how to lay out a new value so that it fits in.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace safechunk::json {

// The layout of one object or array, and of what will lie in it.
struct Layout {
  bool lines = false;                  // each entry stands on a line of its own
  std::string_view line_break = "\n";  // or "\r\n"
  std::string base;                    // the white space before the closing bracket
  std::string unit;                    // what each level is indented more than the one around it
  std::string_view colon = ":";        // behind a name, with the white space around it
  std::string_view gap;                // behind a comma, when the next entry is on the same line

  [[nodiscard]] std::string entry_indent() const { return base + unit; }
};

// The layout of a document that shows none: `indent` spaces per level, 0 for one line without
// white space.
[[nodiscard]] Layout default_layout(unsigned indent);

// What stands behind the last line break of `white_space`.
[[nodiscard]] std::string_view indentation(std::string_view white_space) noexcept;
[[nodiscard]] bool has_line_break(std::string_view white_space) noexcept;

// Is `value`, without white space around it, an object or array that has entries?
[[nodiscard]] bool has_entries(std::string_view value) noexcept;

// The layout of the object or array `value`. What it does not show is that of `outer`: the layout
// an empty one in its place would have. Cost: O(bytes) of the first element of an array on one
// line, at several GB/s; otherwise O(1).
[[nodiscard]] Layout observed_layout(std::string_view value, const Layout& outer);

// Appends `value` to `out` in this layout. `value` is JSON, with any white space. Returns false,
// with a part of it written, when `out` would have more than `size_limit` bytes.
[[nodiscard]] bool lay_out(std::string_view value, const Layout& layout, std::size_t size_limit,
                           std::string& out);

}  // namespace safechunk::json
