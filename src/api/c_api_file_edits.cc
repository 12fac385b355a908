// The C interface: edits of files of other programs.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <safechunk/file_edits.h>
#include <safechunk/file_edits.hpp>

#include "api/c_api_support.h"

using namespace safechunk;         // NOLINT: this file is the other face of that namespace
using namespace safechunk::c_api;  // NOLINT

namespace {

Status read_dialect(std::int32_t given, Dialect& to) {
  if (given != SAFECHUNK_DIALECT_JSON && given != SAFECHUNK_DIALECT_JSONC) {
    return Status(ErrorCode::invalid_argument, "there is no such dialect");
  }
  to = given == SAFECHUNK_DIALECT_JSONC ? Dialect::jsonc : Dialect::json;
  return {};
}

Status read_options(const safechunk_file_edit_options* given, FileEditOptions& to) {
  if (given == nullptr) return {};
  if (given->size < sizeof(safechunk_file_edit_options)) {
    return Status(ErrorCode::invalid_argument, "options.size is too small");
  }
  if (!knows_all_of(*given)) {
    return Status(ErrorCode::invalid_argument,
                  "options has fields that this version does not know");
  }
  if (Status status = read_dialect(given->dialect, to.dialect); !status) return status;
  to.indent = given->indent;
  to.lock_timeout = std::chrono::milliseconds(given->lock_timeout_ms);
  if (given->if_revision != nullptr) to.if_revision = given->if_revision;
  to.create = given->create != 0;
  to.backup = given->backup != 0;
  return {};
}

Status read_edit(const safechunk_file_edit& given, FileEdit& to) {
  const bool has_pointer = given.kind == SAFECHUNK_EDIT_SET || given.kind == SAFECHUNK_EDIT_UNSET;
  const bool has_text = given.kind != SAFECHUNK_EDIT_UNSET;
  if (given.kind < SAFECHUNK_EDIT_SET || given.kind > SAFECHUNK_EDIT_PATCH) {
    return Status(ErrorCode::invalid_argument, "there is no such kind of edit");
  }
  const char* const pointer = or_empty(given.pointer, given.pointer_size);
  const char* const text = or_empty(given.text, given.text_size);
  if ((has_pointer && pointer == nullptr) || (has_text && text == nullptr)) {
    return Status(ErrorCode::invalid_argument, "an argument is NULL");
  }
  to.kind = static_cast<FileEdit::Kind>(given.kind);
  if (has_pointer) to.pointer.assign(pointer, given.pointer_size);
  if (has_text) to.json.assign(text, given.text_size);
  return {};
}

void clear(char** text) noexcept {
  if (text != nullptr) *text = nullptr;
}

// Texts for the caller: all of them, or none when memory is lacking.
class Gifts {
 public:
  Gifts() = default;
  Gifts(const Gifts&) = delete;
  Gifts& operator=(const Gifts&) = delete;
  ~Gifts() {
    for (char** const text : given_) {
      safechunk_free(*text);
      *text = nullptr;
    }
  }
  void give(std::string_view text, char** to) {
    if (to == nullptr) return;
    given_.reserve(given_.size() + 1);
    *to = give_text(text);
    given_.push_back(to);
  }
  void keep() noexcept { given_.clear(); }

 private:
  std::vector<char**> given_;
};

}  // namespace

extern "C" {

safechunk_code safechunk_edit_file(const char* path, const safechunk_file_edit* edits, size_t count,
                                   const safechunk_file_edit_options* options, int32_t* changed,
                                   char** revision, safechunk_error* error) {
  if (changed != nullptr) *changed = 0;
  clear(revision);
  std::optional<Error> met;
  const safechunk_code code = guard(error, [&]() -> Status {
    if (Status status = check_pointers({path}); !status) return status;
    if (edits == nullptr && count > 0) return check_pointers({edits});
    FileEditOptions read;
    if (Status status = read_options(options, read); !status) return status;
    std::vector<FileEdit> list(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (Status status = read_edit(edits[i], list[i]); !status) return status;
    }
    const auto done = edit_file(path, list, read);
    if (!done) return done.status();
    if (changed != nullptr) *changed = done->changed ? 1 : 0;
    if (revision != nullptr) *revision = give_text(done->revision);
    if (!done->faults.empty()) met = done->faults.front();
    return {};
  });
  if (met) (void)report(*met, error);
  return code;
}

safechunk_code safechunk_read_json_file(const char* path, int32_t dialect, char** text, char** json,
                                        size_t* size, char** revision, safechunk_error* error) {
  for (char** const to : {text, json, revision}) clear(to);
  if (size != nullptr) *size = 0;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({path}); !status) return status;
    Dialect read = Dialect::json;
    if (Status status = read_dialect(dialect, read); !status) return status;
    const auto found = read_json_file(path, read);
    if (!found) return found.status();
    Gifts gifts;
    gifts.give(found->text, text);
    gifts.give(found->json, json);
    gifts.give(found->revision, revision);
    gifts.keep();
    if (size != nullptr) *size = found->text.size();
    return {};
  });
}

}  // extern "C"
