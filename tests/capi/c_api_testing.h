/* Shared by the tests of the C interface in C99: checks, a project in a folder of its own, and
 * main(), which runs the case that it is given. Included once, after the feature test macros. */
#ifndef SAFECHUNK_TESTS_C_API_TESTING_H
#define SAFECHUNK_TESTS_C_API_TESTING_H

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include <safechunk/safechunk.h>

static char folder[] = "/tmp/safechunk_c_XXXXXX";

static inline void fail(const char* what, const char* file, int line) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  exit(1);
}
#define CHECK(condition)                                    \
  do {                                                      \
    if (!(condition)) fail(#condition, __FILE__, __LINE__); \
  } while (0)
#define CHECK_TEXT(actual, expected) CHECK(strcmp((actual), (expected)) == 0)

static safechunk_error error = SAFECHUNK_ERROR_INIT;

/* Prints the error that nobody expected. */
static inline safechunk_code shown(safechunk_code code) {
  if (code != SAFECHUNK_OK) {
    char text[2048];
    (void)safechunk_error_to_text(&error, text, sizeof text);
    fprintf(stderr, "unexpected: %s\n", text);
  }
  return code;
}
#define CHECK_OK(call) CHECK(shown(call) == SAFECHUNK_OK)

static inline safechunk_options options_here(void) {
  safechunk_options options;
  CHECK(safechunk_options_init(&options, sizeof options) == SAFECHUNK_OK);
  options.base_dir = folder;
  options.debounce_delay_ms = 3600 * 1000; /* only force_sync and detach write */
  options.max_delay_ms = 3600 * 1000;
  return options;
}

static inline safechunk_engine* open_project(const char* project) {
  const safechunk_options options = options_here();
  safechunk_engine* engine = NULL;
  CHECK_OK(safechunk_open(project, &options, &engine, &error));
  CHECK(engine != NULL);
  return engine;
}

static inline void stage(safechunk_engine* engine, const char* text, const char* chunk) {
  CHECK_OK(safechunk_stage_update(engine, text, strlen(text), chunk, &error));
}

/* Compares a chunk as it is in the engine's layout. */
static inline void check_chunk(safechunk_engine* engine, const char* chunk, const char* expected) {
  char* text = NULL;
  size_t size = 0;
  CHECK_OK(safechunk_fetch_chunk(engine, chunk, &text, &size, &error));
  CHECK(size == strlen(text));
  CHECK_TEXT(text, expected);
  safechunk_free(text);
}

static inline void path_of(char (*path)[512], const char* name) {
  CHECK((size_t)snprintf(*path, sizeof *path, "%s/%s", folder, name) < sizeof *path);
}

static inline void write_file(const char* name, const char* text) {
  const struct utimbuf long_ago = {1000000000, 1000000000};
  char path[512];
  FILE* file = NULL;
  path_of(&path, name);
  file = fopen(path, "wb");
  CHECK(file != NULL);
  CHECK(fwrite(text, 1, strlen(text), file) == strlen(text));
  CHECK(fclose(file) == 0);
  /* A file that stands still: text that is not JSON is left alone while somebody may write it. */
  CHECK(utime(path, &long_ago) == 0);
}

static inline int file_exists(const char* name) {
  char path[512];
  struct stat info;
  path_of(&path, name);
  return stat(path, &info) == 0;
}

static inline int remove_entry(const char* path, const struct stat* info, int kind,
                               struct FTW* walk) {
  (void)info;
  (void)kind;
  (void)walk;
  return remove(path);
}

static inline void remove_folder(void) {
  (void)nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

struct test_case {
  const char* name;
  void (*run)(void);
};

static inline int run_case(const struct test_case* cases, size_t size, int count,
                           char** arguments) {
  size_t i = 0;
  for (i = 0; count == 2 && i < size; ++i) {
    if (strcmp(cases[i].name, arguments[1]) != 0) continue;
    CHECK(mkdtemp(folder) != NULL);
    cases[i].run();
    remove_folder();
    return 0;
  }
  fprintf(stderr, "usage: %s CASE\n", arguments[0]);
  return 2;
}

#endif
