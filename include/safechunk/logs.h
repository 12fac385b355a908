/* SafeChunkEngine for C: logs, files of one JSON value a line (chunks/NAME.jsonl) that grow by
 * appending. <safechunk/safechunk.h> includes it, and its conventions hold here.
 *
 * Any program may read such a file, and append lines to it. A record is one line, of at most 64
 * MiB. Its position is the offset of the line in the file, in bytes; it holds until the log is
 * compacted, rotated or removed.
 */
#ifndef SAFECHUNK_LOGS_H
#define SAFECHUNK_LOGS_H

#include <safechunk/safechunk.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct safechunk_log_record {
  size_t size;
  uint64_t position;
  const char* text; /* one JSON value; ends in a NUL that is not counted */
  size_t text_size;
} safechunk_log_record;

typedef struct safechunk_log_info {
  size_t size;
  uint64_t bytes; /* of the log's file */
  const char* name;
} safechunk_log_info;

/* --- writing */

/* Appends the JSON text as one record. When this returns ok the record survives a crash of the
 * process; it is durable after safechunk_sync_log(), safechunk_detach(), or a mebibyte of further
 * records; with SAFECHUNK_MODE_SHARED at once. Stores its position in `*position`, which may be
 * NULL. Errors that leave the log as it was: invalid_argument, invalid_name, invalid_json,
 * too_deep, too_large, not_owner, being_edited (another program has written half a line,
 * less than two seconds ago), no_space and other errors of the system. */
SAFECHUNK_API safechunk_code safechunk_append_log(safechunk_engine* engine, const char* log,
                                                  const char* text, size_t text_size,
                                                  uint64_t* position, safechunk_error* error);
/* Returns when all records that were appended before are durable. */
SAFECHUNK_API safechunk_code safechunk_sync_log(safechunk_engine* engine, const char* log,
                                                safechunk_error* error);
/* Leaves the last `keep_last` records. A crash leaves the old log or the new one. Positions change.
 * not_found when there is no such log, being_edited while another program has the file open for
 * writing. */
SAFECHUNK_API safechunk_code safechunk_compact_log(safechunk_engine* engine, const char* log,
                                                   size_t keep_last, safechunk_error* error);
/* Ends the file, which becomes the log NAME.000001, or the next number; the next record begins a
 * new file. Stores the name in `*rotated`, to be freed by safechunk_free(); it may be NULL.
 * not_found when there is no such log. */
SAFECHUNK_API safechunk_code safechunk_rotate_log(safechunk_engine* engine, const char* log,
                                                  char** rotated, safechunk_error* error);
/* Removes the log and its file, durably. not_found when there is none. */
SAFECHUNK_API safechunk_code safechunk_remove_log(safechunk_engine* engine, const char* log,
                                                  safechunk_error* error);

/* --- reading: also while another process owns the project */

/* At most `limit` records (0: 1,000) and about 16 MiB, from a position on, which is 0, that of a
 * record, or what `*next` was: `*count` pointers, and a NULL behind them. One safechunk_free() of
 * `*records` frees all. At the end of the log `*next` is `from`, and there are none. Lines that are
 * no JSON are left out: their number is stored in `*invalid`, and what is wrong with the first in
 * `first_invalid`, whose code is ok when there is none. `next`, `invalid` and `first_invalid` may
 * be NULL. A log that is not there is empty. conflict when no record begins at `from`: the log was
 * compacted, rotated or cut short. */
SAFECHUNK_API safechunk_code safechunk_read_log(safechunk_engine* engine, const char* log,
                                                uint64_t from, size_t limit,
                                                safechunk_log_record*** records, size_t* count,
                                                uint64_t* next, uint64_t* invalid,
                                                safechunk_error* first_invalid,
                                                safechunk_error* error);
/* The same with the last `most` records, the oldest first. `*next` is the end of the log. */
SAFECHUNK_API safechunk_code safechunk_tail_log(safechunk_engine* engine, const char* log,
                                                size_t most, safechunk_log_record*** records,
                                                size_t* count, uint64_t* next, uint64_t* invalid,
                                                safechunk_error* first_invalid,
                                                safechunk_error* error);
/* All logs, the rotated ones included, sorted by name: `*count` pointers, and a NULL behind them.
 * One safechunk_free() of `*logs` frees all. */
SAFECHUNK_API safechunk_code safechunk_list_logs(safechunk_engine* engine,
                                                 safechunk_log_info*** logs, size_t* count,
                                                 safechunk_error* error);

/* --- following */

/* Gives records one by one, also those that are appended while it waits. For one thread at a time,
 * except safechunk_log_follower_wake(). It needs no attached engine, and may outlive its engine. */
typedef struct safechunk_log_follower safechunk_log_follower;

/* Where to begin: behind the last record that is there. */
#define SAFECHUNK_LOG_END UINT64_MAX

/* Begins at the position `from`, or at SAFECHUNK_LOG_END. The log need not be there yet. not_found
 * when there is no such project, conflict when no record begins at `from`. Pass `*follower` to
 * safechunk_log_follower_close() at the end. */
SAFECHUNK_API safechunk_code safechunk_log_follower_open(safechunk_engine* engine, const char* log,
                                                         uint64_t from,
                                                         safechunk_log_follower** follower,
                                                         safechunk_error* error);
/* Waits for the next record, without end when `timeout_ms` is below 0. NULL after that time, and
 * after safechunk_log_follower_wake(). One safechunk_free() of `*record` frees its text, too. A log
 * that is rotated or removed is read to its end, and then the new one from its beginning. Lines
 * that are no JSON are left out. unavailable when the project's folder is gone. */
SAFECHUNK_API safechunk_code safechunk_log_follower_next(safechunk_log_follower* follower,
                                                         int64_t timeout_ms,
                                                         safechunk_log_record** record,
                                                         safechunk_error* error);
/* Ends the safechunk_log_follower_next() that runs, or the next one. Any thread. */
SAFECHUNK_API safechunk_code safechunk_log_follower_wake(safechunk_log_follower* follower);
/* Where it reads on, for safechunk_log_follower_open() after a restart. 0 for NULL. */
SAFECHUNK_API uint64_t safechunk_log_follower_position(const safechunk_log_follower* follower);
/* NULL is allowed. No call of safechunk_log_follower_next() may run. */
SAFECHUNK_API void safechunk_log_follower_close(safechunk_log_follower* follower);

#ifdef __cplusplus
}
#endif

#endif
