// The C interface: updates, whose new text a function of the caller computes.

#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "api/c_api_support.h"

using namespace safechunk;         // NOLINT: this file is the other face of that namespace
using namespace safechunk::c_api;  // NOLINT

namespace {

constexpr const char* kFailed = "the function of the update failed";

// What a safechunk_update_answer is.
struct Answer {
  ChunkUpdate wanted;
  Status failure;          // goes before `wanted`
  bool no_memory = false;  // goes before both
};

Answer* answer_of(safechunk_update_answer* answer) {
  return reinterpret_cast<Answer*>(answer);
}

// The code of an error; cancelled for other numbers.
ErrorCode error_code_of(safechunk_code number) {
  const auto code = static_cast<ErrorCode>(number);
  return code == ErrorCode::ok || to_string(code) == "unknown" ? ErrorCode::cancelled : code;
}

// Makes `give` the answer. When it fails, that is the answer.
template <typename Give>
safechunk_code answer_by(safechunk_update_answer* answer, Give give) noexcept {
  return guard(nullptr, [&]() -> Status {
    if (Status status = check_pointers({answer}); !status) return status;
    Answer& to = *answer_of(answer);
    to.no_memory = true;  // stays when this throws
    to.failure = give(to.wanted);
    to.no_memory = false;
    return to.failure;
  });
}

Result<ChunkUpdate> ask(const ChunkRead& present, safechunk_update_function function,
                        void* user_data) {
  Answer answer;
  const bool is_there = present.text.has_value();
  const safechunk_code returned =
      function(is_there ? present.text->c_str() : nullptr, is_there ? present.text->size() : 0,
               reinterpret_cast<safechunk_update_answer*>(&answer), user_data);
  if (answer.no_memory) throw std::bad_alloc();
  if (returned == SAFECHUNK_OK) {
    if (!answer.failure) return answer.failure;
    return std::move(answer.wanted);
  }
  Error error = answer.failure.error();
  error.code = error_code_of(returned);
  if (error.message.empty()) error.message = kFailed;
  return error;
}

}  // namespace

extern "C" {

safechunk_code safechunk_update_put(safechunk_update_answer* answer, const char* text,
                                    size_t text_size) {
  return answer_by(answer, [&](ChunkUpdate& wanted) -> Status {
    const char* const bytes = or_empty(text, text_size);
    if (Status status = check_pointers({bytes}); !status) return status;
    wanted.text.assign(bytes, text_size);
    wanted.action = ChunkUpdate::Action::put;
    return {};
  });
}

safechunk_code safechunk_update_remove(safechunk_update_answer* answer) {
  return answer_by(answer, [](ChunkUpdate& wanted) -> Status {
    wanted.action = ChunkUpdate::Action::remove;
    return {};
  });
}

safechunk_code safechunk_update_fail(safechunk_update_answer* answer, safechunk_code code,
                                     const char* message) {
  return answer_by(answer, [&](ChunkUpdate&) {
    return Status(error_code_of(code), message == nullptr ? kFailed : message);
  });
}

safechunk_code safechunk_update_n(safechunk_engine* engine, const char* chunk, size_t chunk_size,
                                  safechunk_error* error, safechunk_update_function function,
                                  void* user_data) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, chunk}); !status) return status;
    if (function == nullptr) return Status(ErrorCode::invalid_argument, "the function is NULL");
    return to_cpp(engine)->update_or_remove(
        name_of(chunk, chunk_size),
        [&](const ChunkRead& present) { return ask(present, function, user_data); });
  });
}

}  // extern "C"
