// The C interface: lifecycle, writing, reading.

#include <limits>
#include <utility>

#include <safechunk/version.hpp>

#include "api/c_api_support.h"
#include "base/in_chunk.h"

using namespace safechunk;         // NOLINT: this file is the other face of that namespace
using namespace safechunk::c_api;  // NOLINT

namespace {

static_assert(SAFECHUNK_DURABILITY_FILE == static_cast<int>(Durability::file));
static_assert(SAFECHUNK_DURABILITY_JOURNAL == static_cast<int>(Durability::journal));

Status invalid(const char* message) {
  return Status(ErrorCode::invalid_argument, message);
}

// The size of the structure in the first version. A field that came later counts as 0 where the
// caller's structure ends before it.
constexpr size_t kFirstOptions = offsetof(safechunk_options, file_mode);

Status read_options(const safechunk_options* given, EngineOptions& to) {
  if (given == nullptr) return {};
  if (given->size < kFirstOptions) return invalid("options.size is too small");
  if (!knows_all_of(*given)) return invalid("options has fields that this version does not know");
  safechunk_options copy{};
  std::memcpy(&copy, given, std::min(given->size, sizeof copy));
  const safechunk_options* const from = &copy;
  const auto longest = static_cast<std::uint64_t>(std::numeric_limits<int32_t>::max());
  if (from->debounce_delay_ms > longest) return invalid("debounce_delay_ms is above 2147483647");
  if (from->max_delay_ms > longest) return invalid("max_delay_ms is above 2147483647");
  if (from->durability != SAFECHUNK_DURABILITY_FILE &&
      from->durability != SAFECHUNK_DURABILITY_JOURNAL) {
    return invalid("durability is neither SAFECHUNK_DURABILITY_FILE nor _JOURNAL");
  }
  to.debounce_delay = std::chrono::milliseconds(from->debounce_delay_ms);
  to.max_delay = std::chrono::milliseconds(from->max_delay_ms);
  if (from->base_dir != nullptr) to.base_dir = from->base_dir;
  to.durability = static_cast<Durability>(from->durability);
  to.indent = from->indent;
  to.journal_limit = from->journal_limit;
  to.depth_limit = from->depth_limit;
  to.chunk_size_limit = from->chunk_size_limit;
  if (from->mode < SAFECHUNK_MODE_OWNER || from->mode > SAFECHUNK_MODE_READ) {
    return invalid("mode is none of SAFECHUNK_MODE_OWNER, _SHARED and _READ");
  }
  to.mode = from->read_only != 0 ? Mode::read : static_cast<Mode>(from->mode);
  if (from->lock_timeout_ms > static_cast<std::int64_t>(longest)) {
    return invalid("lock_timeout_ms is above 2147483647");
  }
  to.lock_timeout = std::chrono::milliseconds(std::max<std::int64_t>(from->lock_timeout_ms, -1));
  to.file_mode = from->file_mode;
  to.weak_locks = from->weak_locks != 0;
  to.weak_folders = from->weak_folders != 0;
  if (from->place < SAFECHUNK_PLACE_PROJECT || from->place > SAFECHUNK_PLACE_FILE) {
    return invalid("place is none of SAFECHUNK_PLACE_PROJECT, _IN_PLACE and _FILE");
  }
  to.place = static_cast<PlaceKind>(from->place);
  return {};
}

Status give_chunk(Result<std::optional<std::string>> found, std::string_view chunk,
                  const char* when_missing, char** text, size_t* size) {
  if (!found) return found.status();
  if (!*found && when_missing == nullptr) {
    return in_chunk(Status(ErrorCode::not_found, "there is no such chunk"), chunk);
  }
  const std::string_view bytes = *found ? std::string_view(**found) : when_missing;
  *text = give_text(bytes);
  if (size != nullptr) *size = bytes.size();
  return {};
}

safechunk_code find(safechunk_engine* engine, const char* chunk, size_t chunk_size,
                    const char* when_missing, char** text, size_t* size, safechunk_error* error) {
  if (text != nullptr) *text = nullptr;
  if (size != nullptr) *size = 0;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, chunk, text}); !status) return status;
    return give_chunk(to_cpp(engine)->find_chunk(name_of(chunk, chunk_size)),
                      name_of(chunk, chunk_size), when_missing, text, size);
  });
}

}  // namespace

extern "C" {

// --- errors and general

const char* safechunk_code_name(safechunk_code code) {
  return to_string(static_cast<ErrorCode>(code)).data();  // a literal: it ends in a NUL
}

size_t safechunk_error_to_text(const safechunk_error* error, char* buffer, size_t buffer_size) {
  if (buffer != nullptr && buffer_size > 0) *buffer = '\0';
  if (error == nullptr || error->size < sizeof *error) return 0;
  size_t size = 0;
  (void)guard(nullptr, [&]() -> Status {
    Error copy;
    copy.code = static_cast<ErrorCode>(error->code);
    copy.message = error->message;
    copy.chunk = error->chunk;
    copy.path = error->path;
    copy.os_errno = error->os_errno;
    if (error->line != 0) copy.position = TextPosition{error->offset, error->line, error->column};
    const std::string text = copy.to_text();
    if (buffer != nullptr && buffer_size > 0) {
      const size_t shown = std::min(text.size(), buffer_size - 1);
      std::memcpy(buffer, text.data(), shown);
      buffer[shown] = '\0';
    }
    size = text.size();
    return {};
  });
  return size;
}

const char* safechunk_version(void) {
  return version().data();  // a literal: it ends in a NUL
}

int32_t safechunk_abi_version(void) {
  return SAFECHUNK_ABI_VERSION;
}

safechunk_code safechunk_error_init(safechunk_error* error, size_t size) {
  if (error == nullptr || size < sizeof *error) return SAFECHUNK_INVALID_ARGUMENT;
  std::memset(error, 0, size);
  error->size = size;
  return SAFECHUNK_OK;
}

void safechunk_free(void* memory) {
  ::operator delete(memory);
}

// --- opening and closing

safechunk_code safechunk_options_init(safechunk_options* options, size_t size) {
  if (options == nullptr || size < kFirstOptions) return SAFECHUNK_INVALID_ARGUMENT;
  return guard(nullptr, [&]() -> Status {
    const EngineOptions defaults;
    std::memset(options, 0, size);
    options->size = size;
    options->debounce_delay_ms = static_cast<std::uint64_t>(defaults.debounce_delay.count());
    options->max_delay_ms = static_cast<std::uint64_t>(defaults.max_delay.count());
    options->journal_limit = defaults.journal_limit;
    options->chunk_size_limit = defaults.chunk_size_limit;
    options->depth_limit = defaults.depth_limit;
    options->indent = defaults.indent;
    options->durability = static_cast<int32_t>(defaults.durability);
    if (size >= sizeof(safechunk_options)) {
      options->lock_timeout_ms = defaults.lock_timeout.count();
    }
    return {};
  });
}

}  // extern "C"

safechunk_code safechunk::c_api::open_engine(const char* project_id, size_t size,
                                             const safechunk_options* options,
                                             std::optional<PlaceKind> place,
                                             safechunk_engine** engine, safechunk_error* error) {
  if (engine != nullptr) *engine = nullptr;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({project_id, engine}); !status) return status;
    EngineOptions settings;
    if (Status status = read_options(options, settings); !status) return status;
    settings.place = place.value_or(settings.place);
    auto opened = SafeChunkEngine::open(std::string(project_id, size), std::move(settings));
    if (!opened) return opened.status();
    *engine = reinterpret_cast<safechunk_engine*>(new SafeChunkEngine(*std::move(opened)));
    return {};
  });
}

extern "C" {

safechunk_code safechunk_open_n(const char* project_id, size_t project_id_size,
                                const safechunk_options* options, safechunk_engine** engine,
                                safechunk_error* error) {
  return open_engine(project_id, project_id_size, options, std::nullopt, engine, error);
}

safechunk_code safechunk_open_always_n(const char* project_id, size_t project_id_size,
                                       const safechunk_options* options, safechunk_engine** engine,
                                       safechunk_error* error) {
  if (engine != nullptr) *engine = nullptr;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({project_id, engine}); !status) return status;
    EngineOptions settings;
    if (Status status = read_options(options, settings); !status) return status;
    auto opened = std::make_unique<SafeChunkEngine>(std::string(project_id, project_id_size),
                                                    std::move(settings));
    // Unusable arguments are reported now, all other errors by safechunk_status().
    const Status status = opened->status();
    const bool unusable =
        status.code() == ErrorCode::invalid_name || status.code() == ErrorCode::invalid_argument;
    if (unusable) return status;
    *engine = reinterpret_cast<safechunk_engine*>(opened.release());
    return {};
  });
}

safechunk_code safechunk_close(safechunk_engine* engine, safechunk_error* error) {
  if (engine == nullptr) return report(Error(), error);
  const safechunk_code code = guard(error, [&] { return to_cpp(engine)->detach(); });
  if (code == SAFECHUNK_INVALID_ARGUMENT) return code;  // called from a progress handler
  delete to_cpp(engine);
  return code;
}

safechunk_code safechunk_attach(safechunk_engine* engine, safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine}); !status) return status;
    return to_cpp(engine)->attach();
  });
}

safechunk_code safechunk_detach(safechunk_engine* engine, safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine}); !status) return status;
    return to_cpp(engine)->detach();
  });
}

int safechunk_is_active(const safechunk_engine* engine) {
  int active = 0;
  (void)guard(nullptr, [&]() -> Status {
    active = engine != nullptr && to_cpp(engine)->is_active() ? 1 : 0;
    return {};
  });
  return active;
}

int safechunk_is_dirty(const safechunk_engine* engine) {
  int dirty = 0;
  (void)guard(nullptr, [&]() -> Status {
    dirty = engine != nullptr && to_cpp(engine)->is_dirty() ? 1 : 0;
    return {};
  });
  return dirty;
}

safechunk_code safechunk_status(const safechunk_engine* engine, safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine}); !status) return status;
    return to_cpp(engine)->status();
  });
}

const char* safechunk_project_id(const safechunk_engine* engine) {
  return engine == nullptr ? nullptr : to_cpp(engine)->project_id().c_str();
}

const char* safechunk_project_path(const safechunk_engine* engine) {
  return engine == nullptr ? nullptr : to_cpp(engine)->project_path().c_str();
}

// --- writing

safechunk_code safechunk_stage_update_n(safechunk_engine* engine, const char* text,
                                        size_t text_size, const char* chunk, size_t chunk_size,
                                        safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, or_empty(text, text_size), chunk}); !status)
      return status;
    return to_cpp(engine)->stage_update(std::string_view(text, text_size),
                                        name_of(chunk, chunk_size));
  });
}

safechunk_code safechunk_remove_chunk_n(safechunk_engine* engine, const char* chunk,
                                        size_t chunk_size, safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, chunk}); !status) return status;
    return to_cpp(engine)->remove_chunk(name_of(chunk, chunk_size));
  });
}

safechunk_code safechunk_force_sync(safechunk_engine* engine, safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine}); !status) return status;
    return to_cpp(engine)->force_sync();
  });
}

safechunk_code safechunk_transaction_begin(safechunk_engine* engine,
                                           safechunk_transaction** transaction,
                                           safechunk_error* error) {
  if (transaction != nullptr) *transaction = nullptr;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, transaction}); !status) return status;
    *transaction =
        reinterpret_cast<safechunk_transaction*>(new Transaction(to_cpp(engine)->transaction()));
    return {};
  });
}

safechunk_code safechunk_transaction_stage_n(safechunk_transaction* transaction, const char* text,
                                             size_t text_size, const char* chunk, size_t chunk_size,
                                             safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({transaction, or_empty(text, text_size), chunk}); !status)
      return status;
    return to_cpp(transaction)
        ->stage(std::string_view(text, text_size), name_of(chunk, chunk_size));
  });
}

safechunk_code safechunk_transaction_remove_n(safechunk_transaction* transaction, const char* chunk,
                                              size_t chunk_size, safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({transaction, chunk}); !status) return status;
    return to_cpp(transaction)->remove(name_of(chunk, chunk_size));
  });
}

safechunk_code safechunk_transaction_commit(safechunk_transaction* transaction,
                                            safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({transaction}); !status) return status;
    return to_cpp(transaction)->commit();
  });
}

void safechunk_transaction_free(safechunk_transaction* transaction) {
  delete to_cpp(transaction);
}

// --- reading

safechunk_code safechunk_fetch_chunk_n(safechunk_engine* engine, const char* chunk,
                                       size_t chunk_size, char** text, size_t* text_size,
                                       safechunk_error* error) {
  return find(engine, chunk, chunk_size, "{}", text, text_size, error);
}

safechunk_code safechunk_find_chunk_n(safechunk_engine* engine, const char* chunk,
                                      size_t chunk_size, char** text, size_t* text_size,
                                      safechunk_error* error) {
  return find(engine, chunk, chunk_size, nullptr, text, text_size, error);
}

safechunk_code safechunk_read_chunk_n(safechunk_engine* engine, const char* chunk,
                                      size_t chunk_size, char** text, size_t* text_size,
                                      safechunk_error* older, safechunk_error* error) {
  if (text != nullptr) *text = nullptr;
  if (text_size != nullptr) *text_size = 0;
  (void)report(Error(), older);
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, chunk, text}); !status) return status;
    auto found = to_cpp(engine)->read_chunk(name_of(chunk, chunk_size));
    if (!found) return found.status();
    (void)report(found->older.error(), older);
    return give_chunk(std::move(found->text), name_of(chunk, chunk_size), nullptr, text, text_size);
  });
}

safechunk_code safechunk_json_without_non_finite(const char* text, size_t text_size, char** result,
                                                 size_t* result_size, safechunk_error* error) {
  if (result != nullptr) *result = nullptr;
  if (result_size != nullptr) *result_size = 0;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({or_empty(text, text_size), result}); !status) return status;
    const std::string finite = json_without_non_finite(std::string_view(text, text_size));
    *result = give_text(finite);
    if (result_size != nullptr) *result_size = finite.size();
    return {};
  });
}

}  // extern "C"
