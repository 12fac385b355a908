/* Changes and events through the C interface, from C99, on real files. */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700

#include <poll.h>
#include <pthread.h>

#include "c_api_testing.h"

enum { LONG_MS = 20000 }; /* nobody waits so long unless something is wrong */

static int is_readable(int descriptor) {
  struct pollfd entry;
  entry.fd = descriptor;
  entry.events = POLLIN;
  entry.revents = 0;
  return poll(&entry, 1, 0) == 1;
}

/* --- changes */

static void watching(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_watch* watch = NULL;
  safechunk_change* change = NULL;
  char* revision = NULL;
  uint64_t number = 0;
  CHECK_OK(safechunk_watch_open(engine, NULL, &watch, &error));
  CHECK(safechunk_watch_descriptor(watch) >= 0);
  CHECK_OK(safechunk_watch_next(watch, 0, &change, &error));
  CHECK(change == NULL);
  stage(engine, "1", "a");
  CHECK_OK(safechunk_force_sync(engine, &error));
  CHECK(is_readable(safechunk_watch_descriptor(watch)));
  CHECK_OK(safechunk_watch_next(watch, LONG_MS, &change, &error));
  CHECK(change != NULL && change->size == sizeof *change);
  CHECK_TEXT(change->chunk, "a");
  CHECK_OK(safechunk_read_revision(engine, "a", NULL, NULL, &revision, NULL, &error));
  CHECK_TEXT(change->revision, revision);
  CHECK_TEXT(change->previous_revision, "");
  CHECK(change->origin == SAFECHUNK_CHANGE_LOCAL && change->number > 0);
  CHECK_TEXT(change->origin_name, "local");
  number = change->number;
  safechunk_free(change);

  write_file("p/chunks/a.json", "[1]");
  CHECK_OK(safechunk_watch_next(watch, LONG_MS, &change, &error));
  CHECK(change != NULL && change->origin == SAFECHUNK_CHANGE_EDIT);
  CHECK_TEXT(change->previous_revision, revision);
  safechunk_free(change);
  safechunk_free(revision);

  /* Woken before it is called, it returns at once; the next one waits again. */
  CHECK(safechunk_watch_wake(watch) == SAFECHUNK_OK);
  CHECK_OK(safechunk_watch_next(watch, -1, &change, &error));
  CHECK(change == NULL);
  safechunk_watch_close(watch);

  /* Everything behind a number that an earlier watch gave. */
  stage(engine, "2", "b");
  CHECK_OK(safechunk_force_sync(engine, &error));
  {
    safechunk_watch_options options;
    CHECK(safechunk_watch_options_init(&options, sizeof options) == SAFECHUNK_OK);
    options.delivery = SAFECHUNK_DELIVERY_EVERY;
    options.has_since = 1;
    options.since = number;
    CHECK_OK(safechunk_watch_open(engine, &options, &watch, &error));
  }
  do {
    safechunk_free(change);
    CHECK_OK(safechunk_watch_next(watch, LONG_MS, &change, &error));
    CHECK(change != NULL && (change->number == 0 || change->number > number));
  } while (strcmp(change->chunk, "b") != 0);
  CHECK(change->number > number);
  safechunk_free(change);
  CHECK_OK(safechunk_close(engine, &error));
  /* It may outlive its engine. */
  CHECK_OK(safechunk_watch_next(watch, 0, &change, &error));
  safechunk_free(change);
  safechunk_watch_close(watch);
}

struct changes_heard {
  pthread_mutex_t mutex;
  pthread_cond_t heard;
  int changes;
  int drops;
  int calls_after_drop;
};
static void hear_change(const safechunk_change* change, void* user_data) {
  struct changes_heard* all = user_data;
  CHECK(change->size == sizeof *change && change->chunk[0] != '\0' && change->revision[0] != '\0');
  pthread_mutex_lock(&all->mutex);
  ++all->changes;
  all->calls_after_drop += all->drops;
  pthread_cond_signal(&all->heard);
  pthread_mutex_unlock(&all->mutex);
}
static void drop_changes(void* user_data) {
  struct changes_heard* all = user_data;
  pthread_mutex_lock(&all->mutex);
  ++all->drops;
  pthread_mutex_unlock(&all->mutex);
}
static void await_changes(struct changes_heard* all, int count) {
  pthread_mutex_lock(&all->mutex);
  while (all->changes < count) pthread_cond_wait(&all->heard, &all->mutex);
  pthread_mutex_unlock(&all->mutex);
}

/* Dropped once, and never called afterwards. */
static void check_dropped(struct changes_heard* all) {
  pthread_mutex_lock(&all->mutex);
  CHECK(all->drops == 1 && all->calls_after_drop == 0);
  pthread_mutex_unlock(&all->mutex);
}

/* Each handler has a record of its own: the one that follows may be called with a change that is
   older than itself. */
static void changes_handled(void) {
  struct changes_heard replaced = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
  struct changes_heard removed = replaced;
  struct changes_heard last = replaced;
  struct changes_heard refused = replaced;
  safechunk_engine* engine = open_project("p");
  CHECK_OK(safechunk_on_change(engine, NULL, &error, hear_change, &replaced, drop_changes));
  stage(engine, "1", "a");
  CHECK_OK(safechunk_force_sync(engine, &error));
  await_changes(&replaced, 1);
  CHECK_OK(safechunk_on_change(engine, NULL, &error, hear_change, &removed, drop_changes));
  check_dropped(&replaced);
  stage(engine, "2", "a");
  CHECK_OK(safechunk_force_sync(engine, &error));
  await_changes(&removed, 1);
  CHECK_OK(safechunk_on_change(engine, NULL, &error, NULL, NULL, NULL));
  check_dropped(&removed);
  CHECK_OK(safechunk_on_change(engine, NULL, &error, hear_change, &last, drop_changes));
  CHECK_OK(safechunk_close(engine, &error));
  check_dropped(&last);
  /* None was dropped a second time. */
  check_dropped(&replaced);
  check_dropped(&removed);
  /* Not set: dropped at once. */
  CHECK(safechunk_on_change(NULL, NULL, &error, hear_change, &refused, drop_changes) ==
        SAFECHUNK_INVALID_ARGUMENT);
  check_dropped(&refused);
}

static void watch_arguments(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_watch* watch = (safechunk_watch*)engine;
  safechunk_change* change = (safechunk_change*)engine;
  struct {
    safechunk_watch_options known;
    uint64_t newer;
  } larger;
  CHECK(safechunk_watch_options_init(NULL, sizeof larger) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_watch_options_init(&larger.known, 8) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_watch_options_init(&larger.known, sizeof larger) == SAFECHUNK_OK);
  larger.newer = 1;
  CHECK(safechunk_watch_open(engine, &larger.known, &watch, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(watch == NULL);
  larger.newer = 0;
  larger.known.delivery = 2;
  CHECK(safechunk_watch_open(engine, &larger.known, &watch, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_on_change(engine, &larger.known, &error, hear_change, NULL, NULL) ==
        SAFECHUNK_INVALID_ARGUMENT);
  larger.known.delivery = 0;
  larger.known.size = 8;
  CHECK(safechunk_watch_open(engine, &larger.known, &watch, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_watch_open(NULL, NULL, &watch, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_watch_open(engine, NULL, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_watch_next(NULL, 0, &change, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(change == NULL);
  CHECK_OK(safechunk_watch_open(engine, NULL, &watch, &error));
  CHECK(safechunk_watch_next(watch, 0, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_watch_wake(NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_watch_descriptor(NULL) == -1);
  safechunk_watch_close(watch);
  safechunk_watch_close(NULL);
  CHECK_OK(safechunk_close(engine, &error));
}

/* --- events */

static safechunk_engine_event* next_event(safechunk_engine* engine, int64_t timeout_ms) {
  safechunk_engine_event* event = NULL;
  CHECK_OK(safechunk_next_event(engine, timeout_ms, &event, &error));
  CHECK(event == NULL || event->size == sizeof *event);
  return event;
}

/* The next fault. */
static safechunk_engine_event* next_fault(safechunk_engine* engine) {
  for (;;) {
    safechunk_engine_event* event = next_event(engine, 0);
    CHECK(event != NULL);
    if (event->tells == SAFECHUNK_TELLS_FAULT) return event;
    safechunk_free(event);
  }
}

static void events_asked_for(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_engine_event* event = NULL;
  int descriptor = 0;
  int statuses = 0;
  char path[512];
  stage(engine, "1", "a");
  CHECK_OK(safechunk_force_sync(engine, &error)); /* nobody asks yet: nothing is kept */
  descriptor = safechunk_event_descriptor(engine);
  CHECK(descriptor >= 0 && !is_readable(descriptor));
  CHECK(next_event(engine, 0) == NULL);

  stage(engine, "2", "a");
  CHECK_OK(safechunk_force_sync(engine, &error));
  CHECK(is_readable(descriptor));
  for (event = next_event(engine, 0); event->tells == SAFECHUNK_TELLS_STATUS;
       event = next_event(engine, 0)) {
    ++statuses;
    CHECK(event->message[0] != '\0' && event->code == SAFECHUNK_OK);
    safechunk_free(event);
  }
  CHECK(statuses > 0 && event->tells == SAFECHUNK_TELLS_SYNC);
  CHECK(event->kind == -1 && event->dropped == 0);
  CHECK_TEXT(event->kind_name, "");
  safechunk_free(event);
  CHECK(next_event(engine, 0) == NULL && !is_readable(descriptor));

  /* A heal is one fault, and says that an older version took the file's place. */
  write_file("p/chunks/a.json", "{\"half");
  check_chunk(engine, "a", "2\n");
  event = next_fault(engine);
  CHECK(event->kind == SAFECHUNK_EVENT_INVALID_EDIT && event->code == SAFECHUNK_INVALID_EDIT);
  CHECK(event->older == 1 && strstr(event->message, "quarantine/a.json.") != NULL);
  CHECK_TEXT(event->kind_name, "invalid_edit");
  CHECK_TEXT(event->chunk, "a");
  path_of(&path, "p/chunks/a.json");
  CHECK_TEXT(event->path, path);
  safechunk_free(event);
  while ((event = next_event(engine, 0)) != NULL) {
    CHECK(event->tells != SAFECHUNK_TELLS_FAULT);
    safechunk_free(event);
  }

  /* Nobody waits for who does not ask, and what was told while it closed can be read until then. */
  stage(engine, "3", "a");
  CHECK_OK(safechunk_detach(engine, &error));
  CHECK(is_readable(descriptor));
  CHECK(safechunk_wake_events(engine) == SAFECHUNK_OK);
  while ((event = next_event(engine, -1)) != NULL) safechunk_free(event);
  CHECK(!is_readable(descriptor));
  CHECK_OK(safechunk_close(engine, &error));
}

/* Faults that were met before anybody asked, as while opening. */
static void events_waiting(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_engine_event* event = NULL;
  stage(engine, "1", "a");
  CHECK_OK(safechunk_force_sync(engine, &error));
  write_file("p/chunks/a.json", "{\"half");
  check_chunk(engine, "a", "1\n");
  event = next_fault(engine);
  CHECK_TEXT(event->chunk, "a");
  safechunk_free(event);
  CHECK_OK(safechunk_close(engine, &error));
}

static void event_arguments(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_engine_event* event = (safechunk_engine_event*)engine;
  CHECK(safechunk_next_event(NULL, 0, &event, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(event == NULL);
  CHECK(safechunk_next_event(engine, 0, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_event_descriptor(NULL) == -1);
  CHECK(safechunk_wake_events(NULL) == SAFECHUNK_INVALID_ARGUMENT);
  {
    int ended = 1;
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      CHECK(safechunk_next_event(engine, 0, &event, &error) == SAFECHUNK_NOT_OWNER);
      CHECK(safechunk_event_descriptor(engine) == -1);
      _exit(0);
    }
    CHECK(waitpid(child, &ended, 0) == child && WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
  }
  CHECK_OK(safechunk_close(engine, &error));
}

/* --- handlers and what they use */

/* A handler that runs until it may end, on the engine's thread. */
struct slow {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int running;
  int may_end;
  int drops;
};
static void slow_sync(void* user_data) {
  struct slow* slow = user_data;
  pthread_mutex_lock(&slow->mutex);
  ++slow->running;
  pthread_cond_broadcast(&slow->changed);
  while (!slow->may_end) pthread_cond_wait(&slow->changed, &slow->mutex);
  CHECK(slow->drops == 0);
  --slow->running;
  pthread_mutex_unlock(&slow->mutex);
}
static void drop_slow(void* user_data) {
  struct slow* slow = user_data;
  pthread_mutex_lock(&slow->mutex);
  CHECK(slow->running == 0);
  ++slow->drops;
  pthread_cond_broadcast(&slow->changed);
  pthread_mutex_unlock(&slow->mutex);
}

static void count_drop(void* user_data) {
  ++*(int*)user_data;
}
static void ignore_status(const char* text, void* user_data) {
  (void)text;
  CHECK(*(int*)user_data == 0);
}
static void ignore_sync(void* user_data) {
  CHECK(*(int*)user_data == 0);
}
static void ignore_fault(const safechunk_error* fault, void* user_data) {
  (void)fault;
  CHECK(*(int*)user_data == 0);
}

static void drops(void) {
  struct slow slow = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
  safechunk_options options = options_here();
  safechunk_engine* engine = NULL;
  int counts[12];
  memset(counts, 0, sizeof counts);
  options.debounce_delay_ms = 0;
  options.max_delay_ms = 0;
  CHECK_OK(safechunk_open("p", &options, &engine, &error));
  CHECK(safechunk_on_status_with_drop(engine, ignore_status, &counts[0], count_drop) == 0);
  CHECK(safechunk_on_sync_with_drop(engine, ignore_sync, &counts[1], count_drop) == 0);
  CHECK(safechunk_on_fault_with_drop(engine, ignore_fault, &counts[2], count_drop) == 0);
  CHECK(counts[0] == 0 && counts[1] == 0 && counts[2] == 0);
  /* Replaced: by a form with a drop, by one without, and by nothing. */
  CHECK(safechunk_on_status_with_drop(engine, ignore_status, &counts[3], count_drop) == 0);
  CHECK(safechunk_on_sync(engine, NULL, NULL) == SAFECHUNK_OK);
  CHECK(safechunk_on_fault_with_drop(engine, NULL, &counts[4], count_drop) == SAFECHUNK_OK);
  CHECK(counts[0] == 1 && counts[1] == 1 && counts[2] == 1 && counts[3] == 0 && counts[4] == 1);
  /* Not set. */
  CHECK(safechunk_on_status_with_drop(NULL, ignore_status, &counts[5], count_drop) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_on_sync_with_drop(NULL, ignore_sync, &counts[6], count_drop) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_on_fault_with_drop(NULL, ignore_fault, &counts[7], count_drop) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(counts[5] == 1 && counts[6] == 1 && counts[7] == 1);
  CHECK(safechunk_on_fault_with_drop(engine, ignore_fault, &counts[8], count_drop) == 0);

  /* One that runs is dropped when it has ended. */
  CHECK(safechunk_on_sync_with_drop(engine, slow_sync, &slow, drop_slow) == SAFECHUNK_OK);
  stage(engine, "1", "a");
  pthread_mutex_lock(&slow.mutex);
  while (slow.running == 0) pthread_cond_wait(&slow.changed, &slow.mutex);
  pthread_mutex_unlock(&slow.mutex);
  CHECK(safechunk_on_sync_with_drop(engine, ignore_sync, &counts[9], count_drop) == 0);
  pthread_mutex_lock(&slow.mutex);
  CHECK(slow.drops == 0);
  slow.may_end = 1;
  pthread_cond_broadcast(&slow.changed);
  while (slow.drops == 0) pthread_cond_wait(&slow.changed, &slow.mutex);
  pthread_mutex_unlock(&slow.mutex);

  /* Closed, also while a transaction is left. */
  CHECK(safechunk_on_dirty(engine, NULL, &counts[10], count_drop) == SAFECHUNK_OK);
  CHECK(counts[3] == 0 && counts[8] == 0 && counts[9] == 0 && counts[10] == 1);
  {
    safechunk_transaction* left = NULL;
    CHECK_OK(safechunk_transaction_begin(engine, &left, &error));
    CHECK_OK(safechunk_close(engine, &error));
    CHECK(counts[3] == 1 && counts[8] == 1 && counts[9] == 1 && slow.drops == 1);
    safechunk_transaction_free(left);
  }
}

/* --- unsaved edits */

struct dirt {
  safechunk_engine* engine;
  char seen[16]; /* '1' and '0' */
  size_t count;
  int drops;
};
static void hear_dirt(int dirty, void* user_data) {
  struct dirt* dirt = user_data;
  CHECK(safechunk_is_dirty(dirt->engine) == dirty); /* no lock is held */
  CHECK(dirt->count + 1 < sizeof dirt->seen);
  dirt->seen[dirt->count++] = dirty == 0 ? '0' : '1';
}
static void drop_dirt(void* user_data) {
  ++((struct dirt*)user_data)->drops;
}

static void dirty_and_clean(void) {
  struct dirt dirt;
  memset(&dirt, 0, sizeof dirt);
  dirt.engine = open_project("p");
  CHECK(safechunk_on_dirty(dirt.engine, hear_dirt, &dirt, drop_dirt) == SAFECHUNK_OK);
  CHECK_TEXT(dirt.seen, "");
  stage(dirt.engine, "1", "a");
  CHECK_TEXT(dirt.seen, "1");
  stage(dirt.engine, "2", "a"); /* no news */
  CHECK_OK(safechunk_force_sync(dirt.engine, &error));
  CHECK_TEXT(dirt.seen, "10");
  CHECK_OK(safechunk_remove_chunk(dirt.engine, "a", &error));
  CHECK_TEXT(dirt.seen, "101");
  CHECK_OK(safechunk_detach(dirt.engine, &error));
  CHECK_TEXT(dirt.seen, "1010");
  CHECK_OK(safechunk_attach(dirt.engine, &error));
  stage(dirt.engine, "1", "a");
  /* Set while something is staged: told at once. */
  CHECK(safechunk_on_dirty(dirt.engine, hear_dirt, &dirt, drop_dirt) == SAFECHUNK_OK);
  CHECK_TEXT(dirt.seen, "101011");
  CHECK(dirt.drops == 1);
  CHECK(safechunk_on_dirty(dirt.engine, NULL, NULL, NULL) == SAFECHUNK_OK);
  CHECK(dirt.drops == 2);
  CHECK_OK(safechunk_force_sync(dirt.engine, &error));
  CHECK_TEXT(dirt.seen, "101011");
  CHECK(safechunk_on_dirty(NULL, hear_dirt, &dirt, drop_dirt) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(dirt.drops == 3);
  CHECK_OK(safechunk_close(dirt.engine, &error));
}

static const struct test_case cases[] = {
    {"drops", drops},
    {"dirty_and_clean", dirty_and_clean},
    {"events_asked_for", events_asked_for},
    {"events_waiting", events_waiting},
    {"event_arguments", event_arguments},
    {"watching", watching},
    {"changes_handled", changes_handled},
    {"watch_arguments", watch_arguments},
};

int main(int count, char** arguments) {
  return run_case(cases, sizeof cases / sizeof *cases, count, arguments);
}
