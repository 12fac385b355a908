/* Updates with a function of the caller through the C interface, from C99, on real files. */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700

#include <pthread.h>

#include "c_api_testing.h"

#define TEXT(text) (text), strlen(text)

/* What the function shall do when it is called, and what it was called with. */
struct script {
  safechunk_engine* engine;
  const char* put; /* NULL: does not put */
  int removes;
  int fails; /* a code */
  const char* message;
  safechunk_code returns;
  int calls;
  char seen[64]; /* the text of the last call; "-": there was no chunk */
};

static safechunk_code play(const char* text, size_t size, safechunk_update_answer* answer,
                           void* user_data) {
  struct script* script = user_data;
  ++script->calls;
  CHECK((text == NULL) == (size == 0));
  CHECK(size < sizeof script->seen && (text == NULL || strlen(text) == size));
  strcpy(script->seen, text == NULL ? "-" : text);
  if (script->put != NULL) {
    char copy[64];
    strcpy(copy, script->put);
    CHECK(safechunk_update_put(answer, copy, strlen(copy)) == SAFECHUNK_OK);
    memset(copy, '?', sizeof copy); /* it was copied */
  }
  if (script->removes) CHECK(safechunk_update_remove(answer) == SAFECHUNK_OK);
  if (script->fails != 0) {
    const safechunk_code code = safechunk_update_fail(answer, script->fails, script->message);
    CHECK(code != SAFECHUNK_OK);
  }
  return script->returns;
}

static safechunk_code update(struct script* script, const char* chunk) {
  script->calls = 0;
  return safechunk_update(script->engine, chunk, &error, play, script);
}

/* Kills: an answer that is not the last one, and an answer that nobody has given. */
static void answers(void) {
  struct script script = {NULL, NULL, 0, 0, NULL, SAFECHUNK_OK, 0, ""};
  script.engine = open_project("p");
  CHECK_OK(update(&script, "c"));
  CHECK(script.calls == 1 && !safechunk_is_dirty(script.engine));
  CHECK_TEXT(script.seen, "-");
  script.removes = 1; /* what is not there */
  CHECK_OK(update(&script, "c"));
  CHECK(!safechunk_is_dirty(script.engine));
  script.removes = 0;
  script.put = "{\"n\":1.10}";
  CHECK_OK(update(&script, "c"));
  CHECK_OK(safechunk_force_sync(script.engine, &error));
  check_chunk(script.engine, "c", "{\n    \"n\": 1.10\n}\n");
  script.put = NULL; /* leaves it as it is */
  CHECK_OK(update(&script, "c"));
  CHECK_TEXT(script.seen, "{\n    \"n\": 1.10\n}\n");
  CHECK(!safechunk_is_dirty(script.engine));
  script.put = "2";
  script.removes = 1; /* the last answer counts */
  CHECK_OK(update(&script, "c"));
  CHECK_OK(safechunk_force_sync(script.engine, &error));
  CHECK(!file_exists("p/chunks/c.json") && !file_exists("p/chunks_bak/c.bak"));
  CHECK_OK(safechunk_close(script.engine, &error));
}

/* Kills: an update that returns OK although the function failed, or that stages something then. */
static void failures(void) {
  struct script script = {NULL, NULL, 0, 0, NULL, SAFECHUNK_OK, 0, ""};
  script.engine = open_project("p");
  stage(script.engine, "1", "c");
  CHECK_OK(safechunk_force_sync(script.engine, &error));
  script.put = "2";
  script.returns = SAFECHUNK_NO_SPACE;
  CHECK(update(&script, "c") == SAFECHUNK_NO_SPACE && script.calls == 1);
  CHECK(error.code == SAFECHUNK_NO_SPACE && error.message[0] != '\0');
  CHECK_TEXT(error.chunk, "c");
  script.returns = SAFECHUNK_CONFLICT; /* its own: no reason to call it again */
  CHECK(update(&script, "c") == SAFECHUNK_CONFLICT && script.calls == 1);
  script.returns = -1;
  CHECK(update(&script, "c") == SAFECHUNK_CANCELLED);
  script.returns = 4711;
  CHECK(update(&script, "c") == SAFECHUNK_CANCELLED);
  script.returns = SAFECHUNK_OK;
  script.fails = SAFECHUNK_NOT_FOUND;
  script.message = "no such account";
  CHECK(update(&script, "c") == SAFECHUNK_NOT_FOUND);
  CHECK_TEXT(error.message, "no such account");
  script.returns = -1; /* the message stays */
  CHECK(update(&script, "c") == SAFECHUNK_CANCELLED);
  CHECK_TEXT(error.message, "no such account");
  script.returns = SAFECHUNK_OK;
  script.fails = 4711;
  script.message = NULL;
  CHECK(update(&script, "c") == SAFECHUNK_CANCELLED && error.message[0] != '\0');
  script.fails = 0;
  script.put = "{\n \"a\" 1}";
  CHECK(update(&script, "c") == SAFECHUNK_INVALID_JSON && script.calls == 1);
  CHECK(error.offset == 7 && error.line == 2 && error.column == 6);
  script.put = "";
  CHECK(update(&script, "c") == SAFECHUNK_INVALID_JSON);
  script.put = "3";
  CHECK(update(&script, "a/b") == SAFECHUNK_INVALID_NAME && script.calls == 0);
  CHECK(!safechunk_is_dirty(script.engine));
  check_chunk(script.engine, "c", "1\n");
  CHECK_OK(safechunk_detach(script.engine, &error));
  CHECK(update(&script, "c") == SAFECHUNK_NOT_OWNER && script.calls == 0);
  CHECK_OK(safechunk_close(script.engine, &error));
}

/* Puts NULL first, and then something better when `user_data` says so. */
static safechunk_code put_null(const char* text, size_t size, safechunk_update_answer* answer,
                               void* user_data) {
  (void)text;
  (void)size;
  CHECK(safechunk_update_put(answer, NULL, 1) == SAFECHUNK_INVALID_ARGUMENT);
  if (user_data != NULL) CHECK(safechunk_update_put(answer, user_data, 1) == SAFECHUNK_OK);
  return SAFECHUNK_OK;
}

static void arguments(void) {
  struct script script = {NULL, "1", 0, 0, NULL, SAFECHUNK_OK, 0, ""};
  safechunk_engine* engine = open_project("p");
  char text[] = "7";
  CHECK(update(&script, "c") == SAFECHUNK_INVALID_ARGUMENT && script.calls == 0);
  script.engine = engine;
  CHECK(update(&script, NULL) == SAFECHUNK_INVALID_ARGUMENT && script.calls == 0);
  CHECK(safechunk_update(engine, "c", &error, NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_update_put(NULL, "1", 1) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_update_remove(NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_update_fail(NULL, SAFECHUNK_CANCELLED, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_update(engine, "c", &error, put_null, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  check_chunk(engine, "c", "{}");
  CHECK_OK(safechunk_update(engine, "c", &error, put_null, text));
  check_chunk(engine, "c", "7\n");
  CHECK(safechunk_update(engine, "c", NULL, play, &script) == SAFECHUNK_OK);
  /* Names with a size. */
  CHECK(safechunk_update_n(engine, "a\0b", 3, &error, play, &script) == SAFECHUNK_INVALID_NAME);
  CHECK_OK(safechunk_update_n(engine, "cut", 1, &error, play, &script));
  check_chunk(engine, "c", "1\n");
  CHECK_OK(safechunk_close(engine, &error));
}

/* Functions that use the engine. */
static safechunk_code count_other(const char* text, size_t size, safechunk_update_answer* answer,
                                  void* user_data) {
  struct script* script = user_data;
  struct script inner = *script;
  safechunk_error told = SAFECHUNK_ERROR_INIT;
  (void)size;
  ++script->calls;
  CHECK(text != NULL);
  check_chunk(script->engine, "c", text);
  CHECK(safechunk_update(script->engine, "c", &told, play, &inner) == SAFECHUNK_CONFLICT);
  CHECK_TEXT(told.chunk, "c");
  CHECK(inner.calls == script->calls - 1);
  inner.put = "\"other\"";
  CHECK(safechunk_update(script->engine, "other", &told, play, &inner) == SAFECHUNK_OK);
  return safechunk_update_put(answer, TEXT("2"));
}

/* Edits the same chunk: the first time, or each time. Then by another program. */
static safechunk_code disturb(const char* text, size_t size, safechunk_update_answer* answer,
                              void* user_data) {
  struct script* script = user_data;
  char edit[32];
  (void)size;
  strcpy(script->seen, text == NULL ? "-" : text);
  ++script->calls;
  if (script->calls == 1 || script->removes) {
    CHECK(snprintf(edit, sizeof edit, "\"between %d\"", script->calls) > 0);
    if (script->fails) {
      write_file("p/chunks/c.json", edit);
    } else {
      CHECK(safechunk_stage_update(script->engine, TEXT(edit), "c", NULL) == SAFECHUNK_OK);
    }
  }
  return safechunk_update_put(answer, script->put, strlen(script->put));
}

/* Kills: an update that hangs or overwrites what came between. */
static void calls_back(void) {
  struct script script = {NULL, "\"mine\"", 0, 0, NULL, SAFECHUNK_OK, 0, ""};
  safechunk_engine* engine = open_project("p");
  script.engine = engine;
  stage(engine, "1", "c");
  CHECK_OK(safechunk_update(engine, "c", &error, count_other, &script));
  CHECK(script.calls == 1);
  check_chunk(engine, "c", "2\n");
  check_chunk(engine, "other", "\"other\"\n");

  script.calls = 0; /* another edit comes between, once */
  CHECK_OK(safechunk_update(engine, "c", &error, disturb, &script));
  CHECK(script.calls == 2);
  CHECK_TEXT(script.seen, "\"between 1\"\n");
  check_chunk(engine, "c", "\"mine\"\n");

  CHECK_OK(safechunk_force_sync(engine, &error));
  script.calls = 0; /* another program */
  script.fails = 1;
  CHECK_OK(safechunk_update(engine, "c", &error, disturb, &script));
  CHECK(script.calls == 2);
  CHECK_TEXT(script.seen, "\"between 1\"");
  check_chunk(engine, "c", "\"mine\"\n");

  script.calls = 0; /* and each time */
  script.fails = 0;
  script.removes = 1;
  CHECK(safechunk_update(engine, "c", &error, disturb, &script) == SAFECHUNK_CONFLICT);
  CHECK(script.calls == 20);
  check_chunk(engine, "c", "\"between 20\"\n");
  CHECK_OK(safechunk_close(engine, &error));
}

enum { kThreads = 4, kRounds = 100 };

static safechunk_code count(const char* text, size_t size, safechunk_update_answer* answer,
                            void* user_data) {
  char next[32];
  (void)size;
  (void)user_data;
  CHECK(snprintf(next, sizeof next, "%ld", text == NULL ? 1 : strtol(text, NULL, 10) + 1) > 0);
  return safechunk_update_put(answer, TEXT(next));
}

static void* count_often(void* engine) {
  int i = 0;
  for (i = 0; i < kRounds; ++i) {
    CHECK(safechunk_update(engine, "n", NULL, count, NULL) == SAFECHUNK_OK);
  }
  return NULL;
}

/* Kills: an update that another thread's undoes. */
static void threads(void) {
  safechunk_engine* engine = open_project("p");
  pthread_t workers[kThreads];
  int i = 0;
  for (i = 0; i < kThreads; ++i) {
    CHECK(pthread_create(&workers[i], NULL, count_often, engine) == 0);
  }
  for (i = 0; i < kThreads; ++i) CHECK(pthread_join(workers[i], NULL) == 0);
  check_chunk(engine, "n", "400\n");
  CHECK_OK(safechunk_close(engine, &error));
}

static const struct test_case cases[] = {
    {"update_answers", answers},     {"update_failures", failures},
    {"update_arguments", arguments}, {"update_calls_back", calls_back},
    {"update_threads", threads},
};

int main(int count_of_arguments, char** given) {
  return run_case(cases, sizeof cases / sizeof *cases, count_of_arguments, given);
}
