// Edits of parts: changes of single values inside of a JSON text.
//
// Outside of the edited values every byte of the text stays: how numbers are written, the order of
// members, escapes, repeated names, white space, a byte-order mark, a missing final newline. A new
// value is laid out like its neighbours. So text that format() made stays as format() would make
// it, if `indent` is the same.
//
// Thread-safe; no state; the functions throw std::bad_alloc only. Nothing is recursive: the depth
// of a text costs heap memory, not stack.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <safechunk/options.hpp>
#include <safechunk/status.hpp>

namespace safechunk::json {

struct Edit {
  enum class Kind : std::uint8_t { set = 1, remove = 2, merge = 3, patch = 4 };

  Kind kind = Kind::set;
  std::string pointer;  // of set and remove: where (RFC 6901); empty for the others
  // set: the new value; merge: a JSON Merge Patch (RFC 7396); patch: a JSON Patch (RFC 6902).
  // Always JSON text as RFC 8259 has it: no NaN, no byte-order mark.
  std::string value;
};

struct EditOptions {
  unsigned indent = 4;  // where the text shows no layout, as of format(); 0: no white space
  std::uint32_t depth_limit = 1024;       // of the result
  std::uint64_t size_limit = UINT64_MAX;  // of the result, in bytes
  Dialect dialect = Dialect::json;        // of `text`; edits are always JSON
};

// `text` with the edit applied. `text` was accepted by validate(), lenient or not.
//
//   set     Replaces the value that the pointer names. A missing member is added at the end of its
//           object; objects that are missing on the way are made. An index equal to the number of
//           elements, or '-', appends. "" replaces the whole value.
//   remove  Removes the member or element, with its comma and the white space of its line.
//   merge   As RFC 7396 says; members that the merge patch does not name keep every byte.
//   patch   As RFC 6902 says: all operations, or none. Operations count from 0 in messages.
//
// With Dialect::jsonc `text` is any text, and comments stay, except those inside of what is
// replaced or removed and on the lines that a removed entry has for itself (see tree_comments.cc).
// A value that a patch moves or copies may lose its comments. The result was read again, and has
// the value that the same edit gives without the comments; io_error if it has not. Cost: twice, and
// reading.
//
// Errors of all kinds: those of check(), and
//   invalid_json      with Dialect::jsonc, the text is not JSONC
//   not_found         the value to remove, or what the pointer leads through, is not there
//   invalid_argument  an index that is none; an object on the way has the member more than once
//   conflict          a `test` of a patch failed; the message quotes what is there
//   too_deep          more than `depth_limit` containers would be nested
//   too_large         the result, or the text between two operations, would exceed `size_limit`
// Cost: that of value_at(), and one copy of the text, also for a patch of many operations. A patch
// or merge that looks up more than a few members of one object indexes their names first.
// Reading is repeated for each level that an edit leads through. Much slower: patches and
// merges of more than some 10,000 operations on one container, whose time grows with the square of
// their number.
// Memory: the result and what is inserted, until the call returns.
Result<std::string> apply(std::string_view text, const Edit& edit, const EditOptions& options);

// What is wrong with the edit, whatever the text:
//   invalid_argument  the pointer (see Pointer::parse()), one that names the whole document in a
//                     remove, an unknown kind, a patch that is no list of operations, a merge patch
//                     or operation with the same name twice
//   invalid_json      the value, with a position in it
//   too_deep          the value alone is nested too deeply
Status check(const Edit& edit, const EditOptions& options);

}  // namespace safechunk::json
