/* SafeChunkEngine for C: hearing of things, by handlers and by asking. <safechunk/safechunk.h>
 * includes it, and its conventions hold here. */
#ifndef SAFECHUNK_EVENTS_H
#define SAFECHUNK_EVENTS_H

#include <safechunk/safechunk.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- handlers of status, sync and faults */

typedef void (*safechunk_status_handler)(const char* text, void* user_data);
typedef void (*safechunk_sync_handler)(void* user_data);
typedef void (*safechunk_fault_handler)(const safechunk_error* error, void* user_data);

/* Set a handler; NULL removes it. A handler that was replaced may still be running on another
 * thread when these return; the forms below tell when `user_data` may be freed. Faults met
 * before there was a handler for them are delivered at once, on this thread. */
SAFECHUNK_API safechunk_code safechunk_on_status(safechunk_engine* engine,
                                                 safechunk_status_handler handler, void* user_data);
SAFECHUNK_API safechunk_code safechunk_on_sync(safechunk_engine* engine,
                                               safechunk_sync_handler handler, void* user_data);
SAFECHUNK_API safechunk_code safechunk_on_fault(safechunk_engine* engine,
                                                safechunk_fault_handler handler, void* user_data);

/* Frees what a handler uses. Called exactly once, on any thread and with no lock held, when the
 * handler was replaced, removed or could not be set, or when the engine was closed; no call of the
 * handler runs any more, and none comes. Not called in a forked child. It must not use the engine.
 * May be NULL. */
typedef void (*safechunk_drop_handler)(void* user_data);

/* The same for a `user_data` that must be freed. */
SAFECHUNK_API safechunk_code safechunk_on_status_with_drop(safechunk_engine* engine,
                                                           safechunk_status_handler handler,
                                                           void* user_data,
                                                           safechunk_drop_handler drop);
SAFECHUNK_API safechunk_code safechunk_on_sync_with_drop(safechunk_engine* engine,
                                                         safechunk_sync_handler handler,
                                                         void* user_data,
                                                         safechunk_drop_handler drop);
SAFECHUNK_API safechunk_code safechunk_on_fault_with_drop(safechunk_engine* engine,
                                                          safechunk_fault_handler handler,
                                                          void* user_data,
                                                          safechunk_drop_handler drop);

/* --- unsaved edits */

typedef void (*safechunk_dirty_handler)(int dirty, void* user_data);

/* Calls `handler` with 1 when something is staged that was not before, and with 0 when everything
 * was committed, or the engine was detached; with 1 at once, on this thread, when something is
 * staged already. One call at a time, and the last one is right. States that change back before the
 * handler could be called are left out. NULL removes it. */
SAFECHUNK_API safechunk_code safechunk_on_dirty(safechunk_engine* engine,
                                                safechunk_dirty_handler handler, void* user_data,
                                                safechunk_drop_handler drop);

/* --- events
 *
 * What the handlers of status, sync and faults tell, for a thread that asks. A language whose code
 * runs on one thread only needs this: safechunk_close() and safechunk_detach() wait for handlers.
 *
 * Events are kept from the first call of safechunk_next_event() or safechunk_event_descriptor() on,
 * and so are the faults met before for which there was no handler. At most 1,000 are kept. Then
 * statuses and syncs are dropped first, the oldest before the others, and `dropped` of the next
 * event says how many. */

enum {
  SAFECHUNK_TELLS_STATUS = 0, /* as safechunk_on_status() tells it */
  SAFECHUNK_TELLS_SYNC = 1,   /* everything staged was committed */
  SAFECHUNK_TELLS_FAULT = 2   /* as safechunk_on_fault() tells it */
};

typedef struct safechunk_engine_event {
  size_t size;
  int32_t tells;         /* SAFECHUNK_TELLS_... */
  int32_t kind;          /* SAFECHUNK_EVENT_... when recovery, a heal or a commit did it; else -1 */
  const char* kind_name; /* as "healed"; empty for -1. Static. */
  int32_t older;         /* 1: an older version of the chunk is given, or took the file's place */
  safechunk_code code;   /* of a fault; else SAFECHUNK_OK */
  int32_t os_errno;      /* of a fault: errno of the call that failed */
  const char* message;   /* of a status and of a fault, one English sentence */
  const char* chunk;     /* the chunk that it concerns; may be empty */
  const char* path;      /* the file or folder that it concerns; may be empty */
  uint64_t dropped;      /* so many events were dropped since the last one that was given */
} safechunk_engine_event;

/* The oldest event; waits `timeout_ms` for one, below 0: without end. ok and NULL in `*event` when
 * none came, or after safechunk_wake_events(). One safechunk_free() of `*event` frees its texts,
 * too. Any thread, also on an engine that is not active. */
SAFECHUNK_API safechunk_code safechunk_next_event(safechunk_engine* engine, int64_t timeout_ms,
                                                  safechunk_engine_event** event,
                                                  safechunk_error* error);
/* For poll(2) and the like: when it is readable, call safechunk_next_event() with a timeout of 0
 * until it gives nothing. It belongs to the engine. -1 when there is none: for NULL, in a forked
 * child, and when the system has no more descriptors. */
SAFECHUNK_API int safechunk_event_descriptor(safechunk_engine* engine);
/* Ends the safechunk_next_event() that runs, or the next one. */
SAFECHUNK_API safechunk_code safechunk_wake_events(safechunk_engine* engine);

/* --- changes
 *
 * To chunks, whoever makes them: this engine, another process, a person. An edit by another program
 * is told once, when its file is whole and JSON. Commits have numbers from the first watch of an
 * engine that may write on. */

/* Who made a change. */
enum {
  SAFECHUNK_CHANGE_LOCAL = 0,           /* this engine, when it was committed to its file */
  SAFECHUNK_CHANGE_PROCESS = 1,         /* another engine, of this process or another */
  SAFECHUNK_CHANGE_EDIT = 2,            /* another program or a person */
  SAFECHUNK_CHANGE_HEAL = 3,            /* damage: an older version took the file's place */
  SAFECHUNK_CHANGE_RESTORE = 4,         /* a checkpoint was restored */
  SAFECHUNK_CHANGE_MIGRATION = 5,       /* the data were brought to a newer version */
  SAFECHUNK_CHANGE_REMOVED_OUTSIDE = 6, /* another program or a person removed the file */
  SAFECHUNK_CHANGE_RESYNC = 7           /* changes were missed: read again what you know of */
};

typedef struct safechunk_change {
  size_t size;
  const char* chunk;             /* empty for SAFECHUNK_CHANGE_RESYNC */
  const char* revision;          /* as safechunk_read_revision() gives it; empty: it is gone */
  const char* previous_revision; /* empty: there was no such chunk, or it is not known */
  int32_t origin;                /* SAFECHUNK_CHANGE_... */
  const char* origin_name;       /* its name, as "local". Static. */
  uint64_t number;               /* rises with each commit; 0: no engine has counted it */
} safechunk_change;

enum {
  SAFECHUNK_DELIVERY_LATEST = 0, /* the newest of several changes to one chunk that come together */
  SAFECHUNK_DELIVERY_EVERY = 1   /* each commit, in order */
};

/* As safechunk::WatchOptions. Fill it with safechunk_watch_options_init() first. */
typedef struct safechunk_watch_options {
  size_t size;
  int32_t delivery;  /* SAFECHUNK_DELIVERY_... */
  int32_t has_since; /* not 0: begin behind the change of the number `since` */
  uint64_t since;    /* what is not kept any more is one SAFECHUNK_CHANGE_RESYNC */
} safechunk_watch_options;

/* Writes the defaults into `options`, and `size` (sizeof(safechunk_watch_options)) into its `size`.
 * SAFECHUNK_INVALID_ARGUMENT when `size` is less than the first version's. */
SAFECHUNK_API safechunk_code safechunk_watch_options_init(safechunk_watch_options* options,
                                                          size_t size);

/* Gives changes one by one, on the thread that asks. For one thread at a time, except
 * safechunk_watch_wake(). It needs no attached engine, and may outlive its engine. */
typedef struct safechunk_watch safechunk_watch;

/* `options` may be NULL. not_found when there is no project; unavailable for
 * SAFECHUNK_DELIVERY_EVERY and `since` where nothing counts commits and this engine only reads.
 * Pass `*watch` to safechunk_watch_close() at the end. */
SAFECHUNK_API safechunk_code safechunk_watch_open(safechunk_engine* engine,
                                                  const safechunk_watch_options* options,
                                                  safechunk_watch** watch, safechunk_error* error);
/* Waits for the next change; below 0: without end. ok and NULL in `*change` after `timeout_ms`, or
 * after safechunk_watch_wake(). One safechunk_free() of `*change` frees its texts, too. unavailable
 * when the project's folder is gone. */
SAFECHUNK_API safechunk_code safechunk_watch_next(safechunk_watch* watch, int64_t timeout_ms,
                                                  safechunk_change** change,
                                                  safechunk_error* error);
/* Ends the safechunk_watch_next() that runs, or the next one. Any thread. */
SAFECHUNK_API safechunk_code safechunk_watch_wake(safechunk_watch* watch);
/* For poll(2) and the like: when it is readable, call safechunk_watch_next() with a timeout of 0
 * until it gives nothing. It belongs to the watch. -1 where the system tells of no changes (then
 * call that every second), and for NULL. */
SAFECHUNK_API int safechunk_watch_descriptor(const safechunk_watch* watch);
/* NULL is allowed. No call of safechunk_watch_next() may run. */
SAFECHUNK_API void safechunk_watch_close(safechunk_watch* watch);

typedef void (*safechunk_change_handler)(const safechunk_change* change, void* user_data);

/* Calls `handler` for each change, on a thread that does nothing else. NULL ends that, and waits
 * for the call that runs, unless it is made there. Errors as safechunk_watch_open(). */
SAFECHUNK_API safechunk_code safechunk_on_change(safechunk_engine* engine,
                                                 const safechunk_watch_options* options,
                                                 safechunk_error* error,
                                                 safechunk_change_handler handler, void* user_data,
                                                 safechunk_drop_handler drop);

#ifdef __cplusplus
}
#endif

#endif
