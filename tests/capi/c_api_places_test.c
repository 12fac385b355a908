/* Files that stay where the application has them, in C. Kills: a place that is taken for another
 * one; a name that the caller has to guess; a trace. */

#define _XOPEN_SOURCE 700

#include "c_api_testing.h"

static safechunk_engine* open_there(const char* name, int32_t place) {
  safechunk_engine* engine = NULL;
  safechunk_options options;
  char path[512];
  path_of(&path, name);
  CHECK(safechunk_options_init(&options, sizeof options) == SAFECHUNK_OK);
  options.debounce_delay_ms = 600000;
  options.max_delay_ms = 600000;
  if (place == SAFECHUNK_PLACE_FILE) {
    CHECK_OK(safechunk_open_file(path, &options, &engine, &error));
  } else {
    CHECK_OK(safechunk_open_in_place(path, &options, &engine, &error));
  }
  return engine;
}

static void one_file(void) {
  safechunk_engine* engine = NULL;
  char path[512];
  write_file("s.json", "{\"b\": 1, \"a\": 2}");
  engine = open_there("s.json", SAFECHUNK_PLACE_FILE);
  CHECK_TEXT(safechunk_file_chunk(engine), "s");
  stage(engine, "{\"a\":3,\"b\":1}", "s");
  CHECK_OK(safechunk_force_sync(engine, &error));
  check_chunk(engine, "s", "{\"b\": 1, \"a\": 3}");
  path_of(&path, "s.json");
  CHECK(safechunk_release_place(path, SAFECHUNK_PLACE_FILE, 0, &error) == SAFECHUNK_LOCKED);
  CHECK_OK(safechunk_close(engine, &error));
  CHECK_OK(safechunk_release_place(path, SAFECHUNK_PLACE_FILE, 0, &error));
  CHECK(safechunk_release_place(path, SAFECHUNK_PLACE_FILE, 0, &error) == SAFECHUNK_NOT_FOUND);
  write_file("s.json", "{\"b\": tru}");
  CHECK(safechunk_open_file(path, NULL, &engine, &error) == SAFECHUNK_INVALID_JSON);
  CHECK(error.line == 1 && engine == NULL);
}

static void a_folder(void) {
  safechunk_engine* engine = NULL;
  write_file("a.json", "[1]");
  write_file("notes.txt", "mine");
  engine = open_there("", SAFECHUNK_PLACE_IN_PLACE);
  CHECK_TEXT(safechunk_file_chunk(engine), "");
  check_chunk(engine, "a", "[1]");
  stage(engine, "[2]", "a");
  CHECK_OK(safechunk_force_sync(engine, &error));
  check_chunk(engine, "a", "[2]");
  CHECK_OK(safechunk_close(engine, &error));
}

static void arguments(void) {
  safechunk_engine* engine = NULL;
  safechunk_options options;
  CHECK(safechunk_open_file(NULL, NULL, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_open_in_place(NULL, NULL, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_open_file("", NULL, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_file_chunk(NULL) == NULL);
  CHECK(safechunk_options_init(&options, sizeof options) == SAFECHUNK_OK);
  options.place = 3;
  CHECK(safechunk_open("p", &options, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_release_place(NULL, SAFECHUNK_PLACE_FILE, 0, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_release_place("x", SAFECHUNK_PLACE_PROJECT, 0, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
}

static const struct test_case cases[] = {
    {"one_file", one_file},
    {"a_folder", a_folder},
    {"place_arguments", arguments},
};

int main(int count, char** arguments_given) {
  return run_case(cases, sizeof cases / sizeof *cases, count, arguments_given);
}
