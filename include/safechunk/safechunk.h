/* SafeChunkEngine for C, and for every language that can call C.
 *
 * The same engine as <safechunk/engine.hpp>, whose comments say what each operation does to the
 * disk. The comments here say what is particular to C.
 *
 * Results    Every function that can fail returns a safechunk_code. Those that take an `error` fill
 *            it on failure and clear it on success; it may be NULL. No exception and no failure of
 *            memory leaves a function: lack of memory is SAFECHUNK_IO_ERROR with os_errno ENOMEM.
 *            No acknowledged data is lost by it.
 * Arguments  SAFECHUNK_INVALID_ARGUMENT when a pointer is NULL that must not be. Names and
 *            paths are UTF-8 and end in a NUL; for each function that takes names there is one with
 *            `_n` in names.h that takes their sizes. JSON text has a size and may lack the NUL;
 *            NULL of size 0 is empty text.
 * Memory     The caller owns the memory that a function stores through `char** text`,
 *            `char** file_name`, `**names`, `**list` and the like, and frees it by one call of
 *            safechunk_free(). On failure NULL is stored: there is nothing to free. Texts end in
 *            a NUL that is not counted. Arguments are copied, unless said otherwise.
 * Threads    Every function may be called from any thread at any time, on one engine too, except
 *            that safechunk_close() must not race with other calls on that engine, and that a
 *            transaction is for one thread at a time. The engines of a process share a few
 *            threads, named "safechunk", which take no signals that are sent to the process.
 * Unloading  The library stays in memory after dlclose(3), because these threads may run in it;
 *            an engine that is open then goes on.
 * Exit       A program that ends without safechunk_close() ends as in a crash: what was staged is
 *            in the journal, and the next owner commits it. Nothing is written or called at exit.
 * Handlers   Run on the thread that did the work (the caller of safechunk_force_sync(), or the
 *            engine's worker), with no lock held; those of changes on a thread of their own. They
 *            may call every function on their engine but safechunk_close(). Progress handlers may
 *            also not detach, nor make, restore or delete checkpoints. Drop handlers must not use
 *            the engine. safechunk_close() and safechunk_detach() wait for a handler that runs:
 *            where that would be for ever, ask by safechunk_next_event() instead. `user_data` must
 *            live until safechunk_close() has returned. Pointers that handlers get are valid during
 *            the call only.
 * Fork       In a forked child the engine is inactive; safechunk_close() there releases nothing of
 *            the parent's.
 * Stability  Structures begin with their size, as the caller's compiler saw it, and only ever grow
 *            at their end. Numbers never change their meaning.
 */
#ifndef SAFECHUNK_SAFECHUNK_H
#define SAFECHUNK_SAFECHUNK_H

#include <stddef.h>
#include <stdint.h>

#if defined(SAFECHUNK_STATIC)
#define SAFECHUNK_API
#elif defined(_WIN32)
#if defined(SAFECHUNK_BUILDING)
#define SAFECHUNK_API __declspec(dllexport)
#else
#define SAFECHUNK_API __declspec(dllimport)
#endif
#else
#define SAFECHUNK_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- errors */

/* The closed list of codes, the same in every language. */
typedef int32_t safechunk_code;
enum {
  SAFECHUNK_OK = 0,
  SAFECHUNK_INVALID_ARGUMENT = 1,    /* an argument other than a name or JSON text is unusable */
  SAFECHUNK_INVALID_NAME = 2,        /* a project id, chunk, label or checkpoint is not allowed */
  SAFECHUNK_INVALID_JSON = 3,        /* text is not JSON; offset, line and column say where */
  SAFECHUNK_TOO_DEEP = 4,            /* nesting exceeds depth_limit */
  SAFECHUNK_TOO_LARGE = 5,           /* a size exceeds a limit of the options */
  SAFECHUNK_NOT_FOUND = 6,           /* the chunk, checkpoint or project does not exist */
  SAFECHUNK_NOT_OWNER = 7,           /* this engine does not own the project */
  SAFECHUNK_LOCKED = 8,              /* another owner holds the project */
  SAFECHUNK_CORRUPT = 9,             /* damage that could not be healed; the bytes are kept */
  SAFECHUNK_CONFLICT = 10,           /* the disk holds something newer */
  SAFECHUNK_NO_SPACE = 11,           /* the disk or the quota is full */
  SAFECHUNK_READ_ONLY = 12,          /* the file system is read-only */
  SAFECHUNK_PERMISSION_DENIED = 13,  /* the operating system refused access */
  SAFECHUNK_IO_ERROR = 14,           /* any other failure of the system; see os_errno */
  SAFECHUNK_UNSUPPORTED_FORMAT = 15, /* written by a newer or a foreign program */
  SAFECHUNK_CANCELLED = 16,          /* a progress handler asked to stop */
  SAFECHUNK_HEALED = 17,             /* a damaged chunk was replaced by an older version */
  SAFECHUNK_INVALID_EDIT = 18,       /* somebody wrote text that is not JSON; the text is kept */
  SAFECHUNK_BEING_EDITED = 19,       /* another program is writing the chunk's file */
  SAFECHUNK_REMOVED_OUTSIDE = 20,    /* another program or a person removed the chunk's file */
  SAFECHUNK_LOST = 21,               /* damaged, and no good version is left; the bytes are kept */
  SAFECHUNK_UNAVAILABLE = 22,        /* the data cannot be reached now, and may be later */
  SAFECHUNK_UNKNOWN_OUTCOME = 23     /* nobody knows whether the change was made */
};

/* What went wrong. Owned by the caller, who sets `size` once: by SAFECHUNK_ERROR_INIT, or by hand.
 * A text that is too long for its array is cut at a whole character. Fields that do not apply are
 * empty or 0. A structure whose `size` is less than the first version's is left alone. */
typedef struct safechunk_error {
  size_t size;
  safechunk_code code;
  int32_t os_errno;   /* errno of the call that failed */
  uint64_t offset;    /* of SAFECHUNK_INVALID_JSON and SAFECHUNK_TOO_DEEP, in bytes from 0 */
  uint64_t line;      /* from 1; 0: no position */
  uint64_t column;    /* from 1, in bytes */
  char message[1024]; /* one English sentence without the fields around it */
  char chunk[256];    /* the chunk that it concerns; of each call that names one */
  char path[4096];    /* the file or folder that it concerns */
} safechunk_error;
#define SAFECHUNK_ERROR_INIT \
  { .size = sizeof(safechunk_error) }

/* Clears `error`, and writes `size` (sizeof(safechunk_error)) into its `size`, for languages
 * without SAFECHUNK_ERROR_INIT. SAFECHUNK_INVALID_ARGUMENT when `size` is less than the first
 * version's. */
SAFECHUNK_API safechunk_code safechunk_error_init(safechunk_error* error, size_t size);

/* The code's name, as "invalid_argument"; "unknown" for other numbers. Static. */
SAFECHUNK_API const char* safechunk_code_name(safechunk_code code);

/* The whole error in one line, for people, cut to `buffer_size` with its NUL. Returns the size of
 * the whole line without the NUL, like snprintf; 0 when `error` is NULL or memory is lacking. */
SAFECHUNK_API size_t safechunk_error_to_text(const safechunk_error* error, char* buffer,
                                             size_t buffer_size);

/* --- general */

/* Of this header. Versions of one SAFECHUNK_ABI_VERSION are binary compatible: a program runs with
 * every library that is not older than its header. */
#define SAFECHUNK_VERSION_MAJOR 0
#define SAFECHUNK_VERSION_MINOR 1
#define SAFECHUNK_VERSION_PATCH 0
#define SAFECHUNK_ABI_VERSION 0

/* "major.minor.patch" of the library that was linked. Static. */
SAFECHUNK_API const char* safechunk_version(void);
/* SAFECHUNK_ABI_VERSION of the library that was linked: for those who load it without its header.
 */
SAFECHUNK_API int32_t safechunk_abi_version(void);

/* Frees memory that a function of this header has stored for the caller; NULL is allowed. */
SAFECHUNK_API void safechunk_free(void* memory);

/* --- opening and closing */

typedef struct safechunk_engine safechunk_engine;

enum { SAFECHUNK_DURABILITY_FILE = 0, SAFECHUNK_DURABILITY_JOURNAL = 1 };

/* Who may write: this engine alone; several processes in turn; nobody. See safechunk::Mode. */
enum { SAFECHUNK_MODE_OWNER = 0, SAFECHUNK_MODE_SHARED = 1, SAFECHUNK_MODE_READ = 2 };

/* Where the project lives. See safechunk::PlaceKind: in a folder of its own; in an existing folder
 * of JSON files; in one file. In the last two "base_dir/project_id" is the path of that folder or
 * file, or project_id alone when it begins with a slash. */
enum { SAFECHUNK_PLACE_PROJECT = 0, SAFECHUNK_PLACE_IN_PLACE = 1, SAFECHUNK_PLACE_FILE = 2 };

/* As safechunk::EngineOptions. Fill it with safechunk_options_init() first. */
typedef struct safechunk_options {
  size_t size;
  const char* base_dir;       /* NULL or "": the working folder of this moment */
  uint64_t debounce_delay_ms; /* an edit is written so long after the last one ... */
  uint64_t max_delay_ms;      /* ... but never later than this after the first unsaved one */
  uint64_t journal_limit;     /* bytes of journal that force a commit */
  uint64_t chunk_size_limit;  /* bytes */
  uint32_t depth_limit;       /* at most 1,000,000 */
  uint32_t indent;            /* blanks per level, 0 to 16 */
  int32_t durability;         /* SAFECHUNK_DURABILITY_... */
  int32_t read_only;          /* not 0: as SAFECHUNK_MODE_READ */
  uint32_t file_mode;         /* what files allow at most, as 0600; 0: as the umask says */
  int32_t weak_locks;         /* not 0: do without flock where the file system has none */
  int32_t weak_folders;       /* not 0: do without fsync of folders where there is none */
  int32_t mode;               /* SAFECHUNK_MODE_... */
  int64_t lock_timeout_ms;    /* how long to wait for the lock; below 0: not at all as an owner, 10
                               * seconds for each turn of a shared engine */
  int32_t place;              /* SAFECHUNK_PLACE_... */
} safechunk_options;

/* Writes the defaults into `options`, and `size` (sizeof(safechunk_options)) into its `size`.
 * SAFECHUNK_INVALID_ARGUMENT when `size` is less than the first version's. */
SAFECHUNK_API safechunk_code safechunk_options_init(safechunk_options* options, size_t size);

/* Opens `base_dir/project_id`, creates what is missing, takes the lock, recovers, and starts the
 * worker. `options` may be NULL. Errors: locked, invalid_name, permission_denied, read_only,
 * unsupported_format, no_space, io_error; not_found in SAFECHUNK_MODE_READ when there is no
 * project. Pass `*engine` to safechunk_close() at the end. */
SAFECHUNK_API safechunk_code safechunk_open(const char* project_id,
                                            const safechunk_options* options,
                                            safechunk_engine** engine, safechunk_error* error);

/* The same, but stores an engine also when the project cannot be owned. That engine is inactive: it
 * reads committed data, and safechunk_status() says why. Fails only for unusable arguments and lack
 * of memory. */
SAFECHUNK_API safechunk_code safechunk_open_always(const char* project_id,
                                                   const safechunk_options* options,
                                                   safechunk_engine** engine,
                                                   safechunk_error* error);

/* Detaches like safechunk_detach() and frees the engine, also on failure. The error says what could
 * not be saved. The engine stays open only when a progress handler makes this call
 * (invalid_argument). NULL is allowed. */
SAFECHUNK_API safechunk_code safechunk_close(safechunk_engine* engine, safechunk_error* error);

/* Takes the project (again); ok when it is owned already. Errors as safechunk_open(). */
SAFECHUNK_API safechunk_code safechunk_attach(safechunk_engine* engine, safechunk_error* error);

/* Commits what is staged, stops the worker, removes the journal and the lock; ok when detached
 * already. On error that data stays in the journal for the next attach; the project is released. */
SAFECHUNK_API safechunk_code safechunk_detach(safechunk_engine* engine, safechunk_error* error);

/* 1 when this engine owns its project, else 0. */
SAFECHUNK_API int safechunk_is_active(const safechunk_engine* engine);

/* 1 when something is staged and not yet committed, else 0. Reads memory only. */
SAFECHUNK_API int safechunk_is_dirty(const safechunk_engine* engine);

/* Why the engine is not active; ok when it is, or after a detach that saved everything. */
SAFECHUNK_API safechunk_code safechunk_status(const safechunk_engine* engine,
                                              safechunk_error* error);

/* Both belong to the engine and live as long as it does; NULL for a NULL engine. */
SAFECHUNK_API const char* safechunk_project_id(const safechunk_engine* engine);
SAFECHUNK_API const char* safechunk_project_path(const safechunk_engine* engine); /* absolute */

/* --- writing */

/* Checks and copies `text`, appends it to the journal and returns; it is committed after
 * debounce_delay, or max_delay at the latest. From then on it survives a crash of the process.
 * Errors that leave everything as it was: invalid_argument, invalid_name, invalid_json, too_deep,
 * too_large, not_owner. Any other error means that it is staged and will be committed and retried,
 * but is not in the journal. No fsync. */
SAFECHUNK_API safechunk_code safechunk_stage_update(safechunk_engine* engine, const char* text,
                                                    size_t text_size, const char* chunk,
                                                    safechunk_error* error);

/* Stages the removal of a chunk and of its backup. not_found when there is no such chunk. */
SAFECHUNK_API safechunk_code safechunk_remove_chunk(safechunk_engine* engine, const char* chunk,
                                                    safechunk_error* error);

/* Commits everything staged. On ok it survives a power cut. On error the chunks that failed stay
 * staged and journaled, the others are saved, and the worker retries. */
SAFECHUNK_API safechunk_code safechunk_force_sync(safechunk_engine* engine, safechunk_error* error);

/* Several edits that become visible together or not at all. */
typedef struct safechunk_transaction safechunk_transaction;

/* A new, empty one. Free it by safechunk_transaction_free() before its engine is closed. */
SAFECHUNK_API safechunk_code safechunk_transaction_begin(safechunk_engine* engine,
                                                         safechunk_transaction** transaction,
                                                         safechunk_error* error);
/* Collect an edit; checked at once as by safechunk_stage_update(), but nothing is staged yet. */
SAFECHUNK_API safechunk_code safechunk_transaction_stage(safechunk_transaction* transaction,
                                                         const char* text, size_t text_size,
                                                         const char* chunk, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_transaction_remove(safechunk_transaction* transaction,
                                                          const char* chunk,
                                                          safechunk_error* error);
/* Stages all edits as one unit and commits it durably. On ok the transaction is empty and may be
 * used again. On not_owner, invalid_name and what edits of parts and conditions give (parts.h)
 * nothing was staged, and it still has its edits. On any
 * other error the unit is staged as a whole and will be retried, also by the next call (locked: the
 * project was lost or closed meanwhile); only lack of memory may have kept it from being staged,
 * and then the next call stages it. */
SAFECHUNK_API safechunk_code safechunk_transaction_commit(safechunk_transaction* transaction,
                                                          safechunk_error* error);
/* Frees it; edits that were not committed are dropped. NULL is allowed. */
SAFECHUNK_API void safechunk_transaction_free(safechunk_transaction* transaction);

/* --- reading */

/* The chunk's JSON text: staged, else from disk, healed when damaged; "{}" when there is none.
 * Errors: lost (damaged, and no good version is left; the bytes are in quarantine),
 * permission_denied, io_error. When an older version is given, because the file is damaged or
 * another program is writing it, the fault handler hears of it before the call returns, and
 * safechunk_read_chunk() says so itself. `text_size` may be NULL. */
SAFECHUNK_API safechunk_code safechunk_fetch_chunk(safechunk_engine* engine, const char* chunk,
                                                   char** text, size_t* text_size,
                                                   safechunk_error* error);
/* The same, but not_found when there is no such chunk. */
SAFECHUNK_API safechunk_code safechunk_find_chunk(safechunk_engine* engine, const char* chunk,
                                                  char** text, size_t* text_size,
                                                  safechunk_error* error);
/* The same, and `*older` says whether the text is what was saved last: its code is SAFECHUNK_OK
 * then. Else the text is an older version, and the code says why: healed (the file was damaged),
 * invalid_edit (somebody wrote text that is not JSON; the message says where in it) or
 * being_edited (another program is writing the file). `older` may be NULL. */
SAFECHUNK_API safechunk_code safechunk_read_chunk(safechunk_engine* engine, const char* chunk,
                                                  char** text, size_t* text_size,
                                                  safechunk_error* older, safechunk_error* error);
/* The names of all chunks, sorted: `*count` texts, and a NULL behind them. One safechunk_free()
 * of `*names` frees all. */
SAFECHUNK_API safechunk_code safechunk_list_chunks(safechunk_engine* engine, char*** names,
                                                   size_t* count, safechunk_error* error);

/* `text` with bare NaN, Infinity and -Infinity, which the original Python engine wrote, replaced by
 * null. Other texts are given back as they are, valid or not. */
SAFECHUNK_API safechunk_code safechunk_json_without_non_finite(const char* text, size_t text_size,
                                                               char** result, size_t* result_size,
                                                               safechunk_error* error);

/* --- checkpoints */

/* Called with the done and the total units of a long operation, on the caller's thread. Return 0 to
 * cancel: the operation ends with `cancelled` and changes nothing. It may use the engine, except
 * for closing, detaching, and for making, restoring or deleting checkpoints. */
typedef int (*safechunk_progress_handler)(uint64_t done, uint64_t total, void* user_data);

typedef struct safechunk_checkpoint {
  size_t size;
  uint64_t file_size;
  const char* file_name;
  const char* label;
  const char* date;  /* "YYYY-MM-DD HH:MM:SS", local time of its creation, for people */
  const char* notes; /* empty when the archive's description cannot be read */
  uint64_t number;   /* the order: a newer one has a larger number. 0: none, older than all */
  int32_t keep;      /* 0 or 1: pinned, so that retention never removes it */
  double unix_time;  /* of its creation, seconds since 1970; 0: not known, it is an older one */
} safechunk_checkpoint;

/* As safechunk::CheckpointOptions. Fill it with safechunk_checkpoint_options_init() first. */
typedef struct safechunk_checkpoint_options {
  size_t size;
  const char* label; /* UTF-8, at most 1,000 bytes; the file name has what fits of it */
  const char* notes; /* UTF-8, at most 64 KiB; may be NULL */
  int32_t retention; /* how many checkpoints are kept, this one included; at least 1 */
  int32_t keep;      /* not 0: pin it; retention never counts and never removes it */
} safechunk_checkpoint_options;

/* Writes the defaults into `options`, and `size` (sizeof(safechunk_checkpoint_options)) into its
 * `size`. SAFECHUNK_INVALID_ARGUMENT when `size` is less than the first version's. */
SAFECHUNK_API safechunk_code
safechunk_checkpoint_options_init(safechunk_checkpoint_options* options, size_t size);

/* Commits, then writes and verifies a zip archive of all chunks and backups; afterwards the newest
 * `retention` archives are kept, by their numbers. Pinned ones and those that restores have made
 * are neither counted nor removed; of the latter the newest 10 stay. A chunk that cannot be read is
 * left out, and is a fault. With SAFECHUNK_MODE_READ the archive has what is committed, nothing is
 * locked, and no older one is removed. `notes`, `file_name` and `progress` may be NULL. Errors:
 * invalid_name (label), invalid_argument (retention < 1, notes), those of safechunk_force_sync(),
 * those of the disk, cancelled. After an error there is no new checkpoint, unless the message says
 * that it stays. */
SAFECHUNK_API safechunk_code safechunk_create_checkpoint(
    safechunk_engine* engine, const char* label, int32_t retention, const char* notes,
    char** file_name, safechunk_error* error, safechunk_progress_handler progress, void* user_data);
/* The same with everything that can be set. `options` may be NULL: the defaults. */
SAFECHUNK_API safechunk_code safechunk_create_checkpoint_with(
    safechunk_engine* engine, const safechunk_checkpoint_options* options, char** file_name,
    safechunk_error* error, safechunk_progress_handler progress, void* user_data);
/* The same as one file outside of the project, as safechunk::SafeChunkEngine::export_archive().
 * `file`: its path. Nothing is overwritten (conflict). An owner commits first; every other engine
 * archives what is committed, and changes nothing in the project (locked: it changes faster than it
 * can be read). `label` (NULL: "export"), `notes` and `progress` may be NULL. Errors otherwise as
 * above. After an error there is no file, unless the message says that it stays. */
SAFECHUNK_API safechunk_code safechunk_export_archive(safechunk_engine* engine, const char* file,
                                                      const char* label, const char* notes,
                                                      safechunk_error* error,
                                                      safechunk_progress_handler progress,
                                                      void* user_data);
/* Newest first: `*count` pointers, and a NULL behind them. One safechunk_free() of `*list` frees
 * all. */
SAFECHUNK_API safechunk_code safechunk_list_checkpoints(safechunk_engine* engine,
                                                        safechunk_checkpoint*** list, size_t* count,
                                                        safechunk_error* error);
/* Reads every entry and compares checksums; corrupt, too_large or unsupported_format when the
 * archive must not be restored. Here and in safechunk_restore_checkpoint() a name that has a slash
 * is the path of an archive, which may lie anywhere. */
SAFECHUNK_API safechunk_code safechunk_verify_checkpoint(safechunk_engine* engine,
                                                         const char* file_name,
                                                         safechunk_error* error,
                                                         safechunk_progress_handler progress,
                                                         void* user_data);
/* Verifies all of the archive, makes the safety checkpoint `before_restore`, and replaces all
 * chunks in one atomic, durable commit. On error nothing was changed, unless the message says that
 * the restore is staged and will be retried. */
SAFECHUNK_API safechunk_code safechunk_restore_checkpoint(safechunk_engine* engine,
                                                          const char* file_name,
                                                          safechunk_error* error,
                                                          safechunk_progress_handler progress,
                                                          void* user_data);
SAFECHUNK_API safechunk_code safechunk_delete_checkpoint(safechunk_engine* engine,
                                                         const char* file_name,
                                                         safechunk_error* error);

/* --- health */

/* Bits of safechunk_health.weakened: what the engine does without. */
enum { SAFECHUNK_WEAKENED_LOCKS = 1, SAFECHUNK_WEAKENED_FOLDERS = 2 };

/* The first five fields are those of the original engine. Owned by the caller, who sets `size`. */
typedef struct safechunk_health {
  size_t size;
  int32_t engine_active;       /* 0 or 1 */
  int32_t dirty_buffer;        /* something is staged and not yet committed */
  double storage_usage;        /* percent of the disk, one decimal */
  uint64_t orphaned_artifacts; /* files chunks/ *.tmp */
  uint64_t shards;             /* files chunks/ *.json */
  uint64_t pending_chunks;
  double last_sync_unix_time; /* seconds since 1970; 0: none yet */
  double last_sync_duration_ms;
  uint64_t failed_commits;
  uint64_t retries;
  uint64_t heals;
  uint64_t quarantine_files;
  uint64_t journal_bytes;
  uint64_t bytes_written;
  int32_t stamps_supported; /* the file system has extended attributes (0, too, when unknown) */
  int32_t has_owner;        /* the lock names an owner: see the fields below */
  int64_t owner_pid;
  double owner_since; /* seconds since 1970 */
  char owner_host[256];
  char last_error[1024]; /* empty: none */
  uint32_t weakened;     /* SAFECHUNK_WEAKENED_... */
} safechunk_health;
#define SAFECHUNK_HEALTH_INIT \
  { .size = sizeof(safechunk_health) }

SAFECHUNK_API safechunk_code safechunk_health_report(safechunk_engine* engine,
                                                     safechunk_health* health,
                                                     safechunk_error* error);

/* The kinds of safechunk::Event, by which recovery reports what it did. */
enum {
  SAFECHUNK_EVENT_STALE_LOCK = 0,
  SAFECHUNK_EVENT_TEMPORARY = 1,
  SAFECHUNK_EVENT_REPLAYED = 2,
  SAFECHUNK_EVENT_HEALED = 3,
  SAFECHUNK_EVENT_QUARANTINED = 4,
  SAFECHUNK_EVENT_CONFLICT = 5,
  SAFECHUNK_EVENT_EXTERNAL_EDIT = 6,
  SAFECHUNK_EVENT_LOST = 7,
  SAFECHUNK_EVENT_JOURNAL_DAMAGED = 8,
  SAFECHUNK_EVENT_INVALID_EDIT = 9,
  SAFECHUNK_EVENT_BEING_EDITED = 10,
  SAFECHUNK_EVENT_REMOVED_OUTSIDE = 11,
  SAFECHUNK_EVENT_RESUMED = 12
};
typedef struct safechunk_event {
  size_t size;
  int32_t kind;       /* SAFECHUNK_EVENT_... */
  const char* name;   /* of the kind, as "stale_lock" */
  const char* chunk;  /* empty when it concerns no single chunk */
  const char* detail; /* one English sentence */
  const char* path;   /* the chunk's file; empty when it concerns no single chunk */
  int32_t older;      /* 1: an older version of the chunk took the place of its file */
} safechunk_event;

/* The recovery of the last successful attach: `*count` pointers, and a NULL behind them.
 * `*clean` (may be NULL) is 1 when the previous owner detached and nothing had to be done. One
 * safechunk_free() of `*list` frees all. */
SAFECHUNK_API safechunk_code safechunk_recovery_report(const safechunk_engine* engine,
                                                       safechunk_event*** list, size_t* count,
                                                       int* clean, safechunk_error* error);

/* The states of safechunk::FileVerdict: the verdict of safechunk_verify() on one file. */
enum {
  SAFECHUNK_FILE_GOOD = 0,
  SAFECHUNK_FILE_UNSTAMPED = 1,
  SAFECHUNK_FILE_EDITED = 2,
  SAFECHUNK_FILE_HEALABLE = 3,
  SAFECHUNK_FILE_LOST = 4,
  SAFECHUNK_FILE_UNREADABLE = 5,
  SAFECHUNK_FILE_IGNORED = 6
};
typedef struct safechunk_verdict {
  size_t size;
  int32_t state;      /* SAFECHUNK_FILE_... */
  const char* name;   /* of the state, as "good" */
  const char* path;   /* relative to the project's folder */
  const char* detail; /* may be empty */
} safechunk_verdict;

/* Reads everything and judges every file; changes nothing. `*sound` (may be NULL) is 1 when every
 * file is good, unstamped or edited. One safechunk_free() of `*list` frees all. */
SAFECHUNK_API safechunk_code safechunk_verify(safechunk_engine* engine, safechunk_verdict*** list,
                                              size_t* count, int* sound, safechunk_error* error,
                                              safechunk_progress_handler progress, void* user_data);

/* Heals all that can be healed and quarantines the rest. The first error is returned after
 * everything was tried. */
SAFECHUNK_API safechunk_code safechunk_repair(safechunk_engine* engine, safechunk_error* error,
                                              safechunk_progress_handler progress, void* user_data);

#ifdef __cplusplus
}
#endif

#include <safechunk/events.h>     /* IWYU pragma: export */
#include <safechunk/file_edits.h> /* IWYU pragma: export */
#include <safechunk/logs.h>       /* IWYU pragma: export */
#include <safechunk/parts.h>      /* IWYU pragma: export */
#include <safechunk/places.h>     /* IWYU pragma: export */
#include <safechunk/projects.h>   /* IWYU pragma: export */

#endif
