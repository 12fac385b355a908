/* SafeChunkEngine for C: names with a size. <safechunk/safechunk.h> includes it, and its
 * conventions hold here.
 *
 * For each function that takes names as texts that end in a NUL there is one of the same name with
 * `_n`, in which the size of each name, in bytes, follows it. Nothing else is different. It is for
 * languages whose texts have sizes: a name that holds a NUL is no allowed name, and gives
 * invalid_name instead of being cut. A pointer may hold one: it stands for itself.
 */
#ifndef SAFECHUNK_NAMES_H
#define SAFECHUNK_NAMES_H

#include <safechunk/logs.h>
#include <safechunk/parts.h>

#ifdef __cplusplus
extern "C" {
#endif

SAFECHUNK_API safechunk_code safechunk_open_n(const char* project_id, size_t project_id_size,
                                              const safechunk_options* options,
                                              safechunk_engine** engine, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_open_always_n(const char* project_id, size_t project_id_size,
                                                     const safechunk_options* options,
                                                     safechunk_engine** engine,
                                                     safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_stage_update_n(safechunk_engine* engine, const char* text,
                                                      size_t text_size, const char* chunk,
                                                      size_t chunk_size, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_remove_chunk_n(safechunk_engine* engine, const char* chunk,
                                                      size_t chunk_size, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_transaction_stage_n(safechunk_transaction* transaction,
                                                           const char* text, size_t text_size,
                                                           const char* chunk, size_t chunk_size,
                                                           safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_transaction_remove_n(safechunk_transaction* transaction,
                                                            const char* chunk, size_t chunk_size,
                                                            safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_fetch_chunk_n(safechunk_engine* engine, const char* chunk,
                                                     size_t chunk_size, char** text,
                                                     size_t* text_size, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_find_chunk_n(safechunk_engine* engine, const char* chunk,
                                                    size_t chunk_size, char** text,
                                                    size_t* text_size, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_read_chunk_n(safechunk_engine* engine, const char* chunk,
                                                    size_t chunk_size, char** text,
                                                    size_t* text_size, safechunk_error* older,
                                                    safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_fetch_value_n(safechunk_engine* engine, const char* chunk,
                                                     size_t chunk_size, const char* pointer,
                                                     size_t pointer_size, char** text,
                                                     size_t* text_size, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_read_revision_n(safechunk_engine* engine, const char* chunk,
                                                       size_t chunk_size, char** text,
                                                       size_t* text_size, char** revision,
                                                       safechunk_error* older,
                                                       safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_stage_update_if_n(safechunk_engine* engine, const char* text,
                                                         size_t text_size, const char* chunk,
                                                         size_t chunk_size,
                                                         const safechunk_condition* condition,
                                                         safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_remove_chunk_if_n(safechunk_engine* engine,
                                                         const char* chunk, size_t chunk_size,
                                                         const safechunk_condition* condition,
                                                         safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_stage_value_n(safechunk_engine* engine, const char* chunk,
                                                     size_t chunk_size, const char* pointer,
                                                     size_t pointer_size, const char* text,
                                                     size_t text_size,
                                                     const safechunk_condition* condition,
                                                     safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_remove_value_n(safechunk_engine* engine, const char* chunk,
                                                      size_t chunk_size, const char* pointer,
                                                      size_t pointer_size,
                                                      const safechunk_condition* condition,
                                                      safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_stage_merge_n(safechunk_engine* engine, const char* chunk,
                                                     size_t chunk_size, const char* text,
                                                     size_t text_size,
                                                     const safechunk_condition* condition,
                                                     safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_stage_patch_n(safechunk_engine* engine, const char* chunk,
                                                     size_t chunk_size, const char* text,
                                                     size_t text_size,
                                                     const safechunk_condition* condition,
                                                     safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_update_n(safechunk_engine* engine, const char* chunk,
                                                size_t chunk_size, safechunk_error* error,
                                                safechunk_update_function function,
                                                void* user_data);
SAFECHUNK_API safechunk_code safechunk_transaction_stage_value_n(
    safechunk_transaction* transaction, const char* chunk, size_t chunk_size, const char* pointer,
    size_t pointer_size, const char* text, size_t text_size, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_transaction_remove_value_n(
    safechunk_transaction* transaction, const char* chunk, size_t chunk_size, const char* pointer,
    size_t pointer_size, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_transaction_stage_merge_n(safechunk_transaction* transaction,
                                                                 const char* chunk,
                                                                 size_t chunk_size,
                                                                 const char* text, size_t text_size,
                                                                 safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_transaction_stage_patch_n(safechunk_transaction* transaction,
                                                                 const char* chunk,
                                                                 size_t chunk_size,
                                                                 const char* text, size_t text_size,
                                                                 safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_transaction_read_n(safechunk_transaction* transaction,
                                                          const char* chunk, size_t chunk_size,
                                                          char** text, size_t* text_size,
                                                          safechunk_error* older,
                                                          safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_transaction_require_n(safechunk_transaction* transaction,
                                                             const char* chunk, size_t chunk_size,
                                                             const safechunk_condition* condition,
                                                             safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_create_checkpoint_n(
    safechunk_engine* engine, const char* label, size_t label_size, int32_t retention,
    const char* notes, size_t notes_size, char** file_name, safechunk_error* error,
    safechunk_progress_handler progress, void* user_data);
SAFECHUNK_API safechunk_code safechunk_export_archive_n(safechunk_engine* engine, const char* file,
                                                        size_t file_size, const char* label,
                                                        size_t label_size, const char* notes,
                                                        size_t notes_size, safechunk_error* error,
                                                        safechunk_progress_handler progress,
                                                        void* user_data);
SAFECHUNK_API safechunk_code safechunk_verify_checkpoint_n(
    safechunk_engine* engine, const char* file_name, size_t file_name_size, safechunk_error* error,
    safechunk_progress_handler progress, void* user_data);
SAFECHUNK_API safechunk_code safechunk_restore_checkpoint_n(
    safechunk_engine* engine, const char* file_name, size_t file_name_size, safechunk_error* error,
    safechunk_progress_handler progress, void* user_data);
SAFECHUNK_API safechunk_code safechunk_delete_checkpoint_n(safechunk_engine* engine,
                                                           const char* file_name,
                                                           size_t file_name_size,
                                                           safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_unlock_project_n(const char* project_id,
                                                        size_t project_id_size,
                                                        const char* base_dir, size_t base_dir_size,
                                                        int force, safechunk_error* error);

SAFECHUNK_API safechunk_code safechunk_delete_project_n(const char* project_id,
                                                        size_t project_id_size,
                                                        const char* base_dir, size_t base_dir_size,
                                                        safechunk_error* error);

SAFECHUNK_API safechunk_code safechunk_append_log_n(safechunk_engine* engine, const char* log,
                                                    size_t log_size, const char* text,
                                                    size_t text_size, uint64_t* position,
                                                    safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_sync_log_n(safechunk_engine* engine, const char* log,
                                                  size_t log_size, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_compact_log_n(safechunk_engine* engine, const char* log,
                                                     size_t log_size, size_t keep_last,
                                                     safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_rotate_log_n(safechunk_engine* engine, const char* log,
                                                    size_t log_size, char** rotated,
                                                    safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_remove_log_n(safechunk_engine* engine, const char* log,
                                                    size_t log_size, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_read_log_n(safechunk_engine* engine, const char* log,
                                                  size_t log_size, uint64_t from, size_t limit,
                                                  safechunk_log_record*** records, size_t* count,
                                                  uint64_t* next, uint64_t* invalid,
                                                  safechunk_error* first_invalid,
                                                  safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_tail_log_n(safechunk_engine* engine, const char* log,
                                                  size_t log_size, size_t most,
                                                  safechunk_log_record*** records, size_t* count,
                                                  uint64_t* next, uint64_t* invalid,
                                                  safechunk_error* first_invalid,
                                                  safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_log_follower_open_n(safechunk_engine* engine,
                                                           const char* log, size_t log_size,
                                                           uint64_t from,
                                                           safechunk_log_follower** follower,
                                                           safechunk_error* error);

#ifdef __cplusplus
}
#endif

#endif
