// The C interface: the functions whose names end in a NUL, over those whose names have a size.

#include <cstring>

#include "api/c_api_support.h"

namespace {

// Of a name that is missing: the other function refuses it.
size_t size_of(const char* name) {
  return name == nullptr ? 0 : std::strlen(name);
}

}  // namespace

extern "C" {

safechunk_code safechunk_open(const char* project_id, const safechunk_options* options,
                              safechunk_engine** engine, safechunk_error* error) {
  return safechunk_open_n(project_id, size_of(project_id), options, engine, error);
}

safechunk_code safechunk_open_always(const char* project_id, const safechunk_options* options,
                                     safechunk_engine** engine, safechunk_error* error) {
  return safechunk_open_always_n(project_id, size_of(project_id), options, engine, error);
}

safechunk_code safechunk_stage_update(safechunk_engine* engine, const char* text, size_t text_size,
                                      const char* chunk, safechunk_error* error) {
  return safechunk_stage_update_n(engine, text, text_size, chunk, size_of(chunk), error);
}

safechunk_code safechunk_remove_chunk(safechunk_engine* engine, const char* chunk,
                                      safechunk_error* error) {
  return safechunk_remove_chunk_n(engine, chunk, size_of(chunk), error);
}

safechunk_code safechunk_transaction_stage(safechunk_transaction* transaction, const char* text,
                                           size_t text_size, const char* chunk,
                                           safechunk_error* error) {
  return safechunk_transaction_stage_n(transaction, text, text_size, chunk, size_of(chunk), error);
}

safechunk_code safechunk_transaction_remove(safechunk_transaction* transaction, const char* chunk,
                                            safechunk_error* error) {
  return safechunk_transaction_remove_n(transaction, chunk, size_of(chunk), error);
}

safechunk_code safechunk_fetch_chunk(safechunk_engine* engine, const char* chunk, char** text,
                                     size_t* text_size, safechunk_error* error) {
  return safechunk_fetch_chunk_n(engine, chunk, size_of(chunk), text, text_size, error);
}

safechunk_code safechunk_find_chunk(safechunk_engine* engine, const char* chunk, char** text,
                                    size_t* text_size, safechunk_error* error) {
  return safechunk_find_chunk_n(engine, chunk, size_of(chunk), text, text_size, error);
}

safechunk_code safechunk_read_chunk(safechunk_engine* engine, const char* chunk, char** text,
                                    size_t* text_size, safechunk_error* older,
                                    safechunk_error* error) {
  return safechunk_read_chunk_n(engine, chunk, size_of(chunk), text, text_size, older, error);
}

safechunk_code safechunk_fetch_value(safechunk_engine* engine, const char* chunk,
                                     const char* pointer, char** text, size_t* text_size,
                                     safechunk_error* error) {
  return safechunk_fetch_value_n(engine, chunk, size_of(chunk), pointer, size_of(pointer), text,
                                 text_size, error);
}

safechunk_code safechunk_read_revision(safechunk_engine* engine, const char* chunk, char** text,
                                       size_t* text_size, char** revision, safechunk_error* older,
                                       safechunk_error* error) {
  return safechunk_read_revision_n(engine, chunk, size_of(chunk), text, text_size, revision, older,
                                   error);
}

safechunk_code safechunk_stage_update_if(safechunk_engine* engine, const char* text,
                                         size_t text_size, const char* chunk,
                                         const safechunk_condition* condition,
                                         safechunk_error* error) {
  return safechunk_stage_update_if_n(engine, text, text_size, chunk, size_of(chunk), condition,
                                     error);
}

safechunk_code safechunk_remove_chunk_if(safechunk_engine* engine, const char* chunk,
                                         const safechunk_condition* condition,
                                         safechunk_error* error) {
  return safechunk_remove_chunk_if_n(engine, chunk, size_of(chunk), condition, error);
}

safechunk_code safechunk_stage_value(safechunk_engine* engine, const char* chunk,
                                     const char* pointer, const char* text, size_t text_size,
                                     const safechunk_condition* condition, safechunk_error* error) {
  return safechunk_stage_value_n(engine, chunk, size_of(chunk), pointer, size_of(pointer), text,
                                 text_size, condition, error);
}

safechunk_code safechunk_remove_value(safechunk_engine* engine, const char* chunk,
                                      const char* pointer, const safechunk_condition* condition,
                                      safechunk_error* error) {
  return safechunk_remove_value_n(engine, chunk, size_of(chunk), pointer, size_of(pointer),
                                  condition, error);
}

safechunk_code safechunk_stage_merge(safechunk_engine* engine, const char* chunk, const char* text,
                                     size_t text_size, const safechunk_condition* condition,
                                     safechunk_error* error) {
  return safechunk_stage_merge_n(engine, chunk, size_of(chunk), text, text_size, condition, error);
}

safechunk_code safechunk_stage_patch(safechunk_engine* engine, const char* chunk, const char* text,
                                     size_t text_size, const safechunk_condition* condition,
                                     safechunk_error* error) {
  return safechunk_stage_patch_n(engine, chunk, size_of(chunk), text, text_size, condition, error);
}

safechunk_code safechunk_update(safechunk_engine* engine, const char* chunk, safechunk_error* error,
                                safechunk_update_function function, void* user_data) {
  return safechunk_update_n(engine, chunk, size_of(chunk), error, function, user_data);
}

safechunk_code safechunk_transaction_stage_value(safechunk_transaction* transaction,
                                                 const char* chunk, const char* pointer,
                                                 const char* text, size_t text_size,
                                                 safechunk_error* error) {
  return safechunk_transaction_stage_value_n(transaction, chunk, size_of(chunk), pointer,
                                             size_of(pointer), text, text_size, error);
}

safechunk_code safechunk_transaction_remove_value(safechunk_transaction* transaction,
                                                  const char* chunk, const char* pointer,
                                                  safechunk_error* error) {
  return safechunk_transaction_remove_value_n(transaction, chunk, size_of(chunk), pointer,
                                              size_of(pointer), error);
}

safechunk_code safechunk_transaction_stage_merge(safechunk_transaction* transaction,
                                                 const char* chunk, const char* text,
                                                 size_t text_size, safechunk_error* error) {
  return safechunk_transaction_stage_merge_n(transaction, chunk, size_of(chunk), text, text_size,
                                             error);
}

safechunk_code safechunk_transaction_stage_patch(safechunk_transaction* transaction,
                                                 const char* chunk, const char* text,
                                                 size_t text_size, safechunk_error* error) {
  return safechunk_transaction_stage_patch_n(transaction, chunk, size_of(chunk), text, text_size,
                                             error);
}

safechunk_code safechunk_transaction_read(safechunk_transaction* transaction, const char* chunk,
                                          char** text, size_t* text_size, safechunk_error* older,
                                          safechunk_error* error) {
  return safechunk_transaction_read_n(transaction, chunk, size_of(chunk), text, text_size, older,
                                      error);
}

safechunk_code safechunk_transaction_require(safechunk_transaction* transaction, const char* chunk,
                                             const safechunk_condition* condition,
                                             safechunk_error* error) {
  return safechunk_transaction_require_n(transaction, chunk, size_of(chunk), condition, error);
}

safechunk_code safechunk_create_checkpoint(safechunk_engine* engine, const char* label,
                                           int32_t retention, const char* notes, char** file_name,
                                           safechunk_error* error,
                                           safechunk_progress_handler progress, void* user_data) {
  return safechunk_create_checkpoint_n(engine, label, size_of(label), retention, notes,
                                       size_of(notes), file_name, error, progress, user_data);
}

safechunk_code safechunk_export_archive(safechunk_engine* engine, const char* file,
                                        const char* label, const char* notes,
                                        safechunk_error* error, safechunk_progress_handler progress,
                                        void* user_data) {
  return safechunk_export_archive_n(engine, file, size_of(file), label, size_of(label), notes,
                                    size_of(notes), error, progress, user_data);
}

safechunk_code safechunk_verify_checkpoint(safechunk_engine* engine, const char* file_name,
                                           safechunk_error* error,
                                           safechunk_progress_handler progress, void* user_data) {
  return safechunk_verify_checkpoint_n(engine, file_name, size_of(file_name), error, progress,
                                       user_data);
}

safechunk_code safechunk_restore_checkpoint(safechunk_engine* engine, const char* file_name,
                                            safechunk_error* error,
                                            safechunk_progress_handler progress, void* user_data) {
  return safechunk_restore_checkpoint_n(engine, file_name, size_of(file_name), error, progress,
                                        user_data);
}

safechunk_code safechunk_delete_checkpoint(safechunk_engine* engine, const char* file_name,
                                           safechunk_error* error) {
  return safechunk_delete_checkpoint_n(engine, file_name, size_of(file_name), error);
}

safechunk_code safechunk_unlock_project(const char* project_id, const char* base_dir, int force,
                                        safechunk_error* error) {
  return safechunk_unlock_project_n(project_id, size_of(project_id), base_dir, size_of(base_dir),
                                    force, error);
}

safechunk_code safechunk_delete_project(const char* project_id, const char* base_dir,
                                        safechunk_error* error) {
  return safechunk_delete_project_n(project_id, size_of(project_id), base_dir, size_of(base_dir),
                                    error);
}

safechunk_code safechunk_append_log(safechunk_engine* engine, const char* log, const char* text,
                                    size_t text_size, uint64_t* position, safechunk_error* error) {
  return safechunk_append_log_n(engine, log, size_of(log), text, text_size, position, error);
}

safechunk_code safechunk_sync_log(safechunk_engine* engine, const char* log,
                                  safechunk_error* error) {
  return safechunk_sync_log_n(engine, log, size_of(log), error);
}

safechunk_code safechunk_compact_log(safechunk_engine* engine, const char* log, size_t keep_last,
                                     safechunk_error* error) {
  return safechunk_compact_log_n(engine, log, size_of(log), keep_last, error);
}

safechunk_code safechunk_rotate_log(safechunk_engine* engine, const char* log, char** rotated,
                                    safechunk_error* error) {
  return safechunk_rotate_log_n(engine, log, size_of(log), rotated, error);
}

safechunk_code safechunk_remove_log(safechunk_engine* engine, const char* log,
                                    safechunk_error* error) {
  return safechunk_remove_log_n(engine, log, size_of(log), error);
}

safechunk_code safechunk_read_log(safechunk_engine* engine, const char* log, uint64_t from,
                                  size_t limit, safechunk_log_record*** records, size_t* count,
                                  uint64_t* next, uint64_t* invalid, safechunk_error* first_invalid,
                                  safechunk_error* error) {
  return safechunk_read_log_n(engine, log, size_of(log), from, limit, records, count, next, invalid,
                              first_invalid, error);
}

safechunk_code safechunk_tail_log(safechunk_engine* engine, const char* log, size_t most,
                                  safechunk_log_record*** records, size_t* count, uint64_t* next,
                                  uint64_t* invalid, safechunk_error* first_invalid,
                                  safechunk_error* error) {
  return safechunk_tail_log_n(engine, log, size_of(log), most, records, count, next, invalid,
                              first_invalid, error);
}

safechunk_code safechunk_log_follower_open(safechunk_engine* engine, const char* log, uint64_t from,
                                           safechunk_log_follower** follower,
                                           safechunk_error* error) {
  return safechunk_log_follower_open_n(engine, log, size_of(log), from, follower, error);
}

}  // extern "C"
