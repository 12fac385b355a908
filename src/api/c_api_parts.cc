// The C interface: parts of chunks, and edits under conditions.

#include <optional>
#include <string>
#include <utility>

#include "api/c_api_support.h"

using namespace safechunk;         // NOLINT: this file is the other face of that namespace
using namespace safechunk::c_api;  // NOLINT

namespace {

Status read_condition(const safechunk_condition* given, EditCondition& to) {
  if (given == nullptr) return {};
  if (given->size < sizeof(safechunk_condition)) {
    return Status(ErrorCode::invalid_argument, "condition.size is too small");
  }
  if (!knows_all_of(*given)) {
    return Status(ErrorCode::invalid_argument,
                  "condition has fields that this version does not know");
  }
  if (given->if_revision != nullptr) to.if_revision = given->if_revision;
  to.if_absent = given->if_absent != 0;
  return {};
}

// Checks `pointers`, reads the condition and calls `edit` with it.
template <typename Edit>
safechunk_code guard_edit(safechunk_error* error, std::initializer_list<const void*> pointers,
                          const safechunk_condition* given, Edit edit) noexcept {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers(pointers); !status) return status;
    EditCondition condition;
    if (Status status = read_condition(given, condition); !status) return status;
    return edit(condition);
  });
}

// Stores the text for the caller; not_found when there is none.
Status give_chunk(const ChunkRead& read, std::string_view chunk, char** text, size_t* size) {
  if (!read.text) {
    Error error;
    error.code = ErrorCode::not_found;
    error.message = "there is no such chunk";
    error.chunk = chunk;
    return error;
  }
  if (text != nullptr) *text = give_text(*read.text);
  if (size != nullptr) *size = read.text->size();
  return {};
}

void clear_text(char** text, size_t* size) noexcept {
  if (text != nullptr) *text = nullptr;
  if (size != nullptr) *size = 0;
}

}  // namespace

extern "C" {

// --- reading

safechunk_code safechunk_fetch_value_n(safechunk_engine* engine, const char* chunk,
                                       size_t chunk_size, const char* pointer, size_t pointer_size,
                                       char** text, size_t* text_size, safechunk_error* error) {
  clear_text(text, text_size);
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, chunk, pointer, text}); !status) return status;
    const auto found =
        to_cpp(engine)->fetch_value(name_of(chunk, chunk_size), name_of(pointer, pointer_size));
    if (!found) return found.status();
    *text = give_text(*found);
    if (text_size != nullptr) *text_size = found->size();
    return {};
  });
}

safechunk_code safechunk_read_revision_n(safechunk_engine* engine, const char* chunk,
                                         size_t chunk_size, char** text, size_t* text_size,
                                         char** revision, safechunk_error* older,
                                         safechunk_error* error) {
  clear_text(text, text_size);
  clear_text(revision, nullptr);
  (void)report(Error(), older);
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, chunk, revision}); !status) return status;
    const auto found = to_cpp(engine)->read_chunk(name_of(chunk, chunk_size));
    if (!found) return found.status();
    (void)report(found->older.error(), older);
    if (!found->text) return give_chunk(*found, name_of(chunk, chunk_size), text, text_size);
    *revision = give_text(found->revision);
    try {
      return give_chunk(*found, name_of(chunk, chunk_size), text, text_size);
    } catch (...) {  // lack of memory: there is nothing to free then
      safechunk_free(*revision);
      *revision = nullptr;
      throw;
    }
  });
}

// --- writing

safechunk_code safechunk_stage_update_if_n(safechunk_engine* engine, const char* text,
                                           size_t text_size, const char* chunk, size_t chunk_size,
                                           const safechunk_condition* condition,
                                           safechunk_error* error) {
  return guard_edit(error, {engine, or_empty(text, text_size), chunk}, condition,
                    [&](const EditCondition& when) {
                      return to_cpp(engine)->stage_update(std::string_view(text, text_size),
                                                          name_of(chunk, chunk_size), when);
                    });
}

safechunk_code safechunk_remove_chunk_if_n(safechunk_engine* engine, const char* chunk,
                                           size_t chunk_size, const safechunk_condition* condition,
                                           safechunk_error* error) {
  return guard_edit(error, {engine, chunk}, condition, [&](const EditCondition& when) {
    return to_cpp(engine)->remove_chunk(name_of(chunk, chunk_size), when);
  });
}

safechunk_code safechunk_stage_value_n(safechunk_engine* engine, const char* chunk,
                                       size_t chunk_size, const char* pointer, size_t pointer_size,
                                       const char* text, size_t text_size,
                                       const safechunk_condition* condition,
                                       safechunk_error* error) {
  return guard_edit(error, {engine, chunk, pointer, or_empty(text, text_size)}, condition,
                    [&](const EditCondition& when) {
                      return to_cpp(engine)->stage_value(name_of(chunk, chunk_size),
                                                         name_of(pointer, pointer_size),
                                                         std::string_view(text, text_size), when);
                    });
}

safechunk_code safechunk_remove_value_n(safechunk_engine* engine, const char* chunk,
                                        size_t chunk_size, const char* pointer, size_t pointer_size,
                                        const safechunk_condition* condition,
                                        safechunk_error* error) {
  return guard_edit(error, {engine, chunk, pointer}, condition, [&](const EditCondition& when) {
    return to_cpp(engine)->remove_value(name_of(chunk, chunk_size), name_of(pointer, pointer_size),
                                        when);
  });
}

safechunk_code safechunk_stage_merge_n(safechunk_engine* engine, const char* chunk,
                                       size_t chunk_size, const char* text, size_t text_size,
                                       const safechunk_condition* condition,
                                       safechunk_error* error) {
  return guard_edit(error, {engine, chunk, or_empty(text, text_size)}, condition,
                    [&](const EditCondition& when) {
                      return to_cpp(engine)->stage_merge(name_of(chunk, chunk_size),
                                                         std::string_view(text, text_size), when);
                    });
}

safechunk_code safechunk_stage_patch_n(safechunk_engine* engine, const char* chunk,
                                       size_t chunk_size, const char* text, size_t text_size,
                                       const safechunk_condition* condition,
                                       safechunk_error* error) {
  return guard_edit(error, {engine, chunk, or_empty(text, text_size)}, condition,
                    [&](const EditCondition& when) {
                      return to_cpp(engine)->stage_patch(name_of(chunk, chunk_size),
                                                         std::string_view(text, text_size), when);
                    });
}

// --- transactions

safechunk_code safechunk_transaction_stage_value_n(safechunk_transaction* transaction,
                                                   const char* chunk, size_t chunk_size,
                                                   const char* pointer, size_t pointer_size,
                                                   const char* text, size_t text_size,
                                                   safechunk_error* error) {
  return guard(error, [&]() -> Status {
    Status status = check_pointers({transaction, chunk, pointer, or_empty(text, text_size)});
    if (!status) return status;
    return to_cpp(transaction)
        ->stage_value(name_of(chunk, chunk_size), name_of(pointer, pointer_size),
                      std::string_view(text, text_size));
  });
}

safechunk_code safechunk_transaction_remove_value_n(safechunk_transaction* transaction,
                                                    const char* chunk, size_t chunk_size,
                                                    const char* pointer, size_t pointer_size,
                                                    safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({transaction, chunk, pointer}); !status) return status;
    return to_cpp(transaction)
        ->remove_value(name_of(chunk, chunk_size), name_of(pointer, pointer_size));
  });
}

safechunk_code safechunk_transaction_stage_merge_n(safechunk_transaction* transaction,
                                                   const char* chunk, size_t chunk_size,
                                                   const char* text, size_t text_size,
                                                   safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({transaction, chunk, or_empty(text, text_size)}); !status)
      return status;
    return to_cpp(transaction)
        ->stage_merge(name_of(chunk, chunk_size), std::string_view(text, text_size));
  });
}

safechunk_code safechunk_transaction_stage_patch_n(safechunk_transaction* transaction,
                                                   const char* chunk, size_t chunk_size,
                                                   const char* text, size_t text_size,
                                                   safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({transaction, chunk, or_empty(text, text_size)}); !status)
      return status;
    return to_cpp(transaction)
        ->stage_patch(name_of(chunk, chunk_size), std::string_view(text, text_size));
  });
}

safechunk_code safechunk_transaction_read_n(safechunk_transaction* transaction, const char* chunk,
                                            size_t chunk_size, char** text, size_t* text_size,
                                            safechunk_error* older, safechunk_error* error) {
  clear_text(text, text_size);
  (void)report(Error(), older);
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({transaction, chunk, text}); !status) return status;
    const auto found = to_cpp(transaction)->read(name_of(chunk, chunk_size));
    if (!found) return found.status();
    (void)report(found->older.error(), older);
    return give_chunk(*found, name_of(chunk, chunk_size), text, text_size);
  });
}

safechunk_code safechunk_transaction_require_n(safechunk_transaction* transaction,
                                               const char* chunk, size_t chunk_size,
                                               const safechunk_condition* condition,
                                               safechunk_error* error) {
  return guard_edit(error, {transaction, chunk, condition}, condition,
                    [&](const EditCondition& when) {
                      return to_cpp(transaction)->require(name_of(chunk, chunk_size), when);
                    });
}

}  // extern "C"
