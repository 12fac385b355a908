/* Logs through the C interface, from C99, on real files. */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700

#include "c_api_testing.h"

enum { LONG_MS = 20000 }; /* nobody waits so long unless something is wrong */

static uint64_t append(safechunk_engine* engine, const char* text) {
  uint64_t position = 99;
  CHECK_OK(safechunk_append_log(engine, "l", text, strlen(text), &position, &error));
  return position;
}

static void check_file(const char* name, const char* expected) {
  char path[512];
  char text[1024];
  FILE* file = NULL;
  size_t size = 0;
  path_of(&path, name);
  file = fopen(path, "rb");
  CHECK(file != NULL);
  size = fread(text, 1, sizeof text - 1, file);
  CHECK(fclose(file) == 0);
  text[size] = '\0';
  CHECK_TEXT(text, expected);
}

/* Breaks when the position is not that of the record, or what is refused leaves a trace. */
static void appending(void) {
  safechunk_engine* engine = open_project("p");
  CHECK(append(engine, "{\"a\": [1, 2]}") == 0);
  CHECK(append(engine, "2") == 12);
  CHECK_OK(safechunk_append_log(engine, "l", "345", 1, NULL, &error));
  CHECK(safechunk_append_log(engine, "l", "{", 1, NULL, &error) == SAFECHUNK_INVALID_JSON);
  CHECK(safechunk_append_log(engine, "l", NULL, 0, NULL, &error) == SAFECHUNK_INVALID_JSON);
  CHECK(safechunk_append_log(engine, "a/b", "1", 1, NULL, &error) == SAFECHUNK_INVALID_NAME);
  CHECK_OK(safechunk_sync_log(engine, "l", &error));
  check_file("p/chunks/l.jsonl", "{\"a\":[1,2]}\n2\n3\n");
  CHECK_OK(safechunk_detach(engine, &error));
  CHECK(safechunk_append_log(engine, "l", "1", 1, NULL, &error) == SAFECHUNK_NOT_OWNER);
  CHECK_OK(safechunk_close(engine, &error));
}

/* Breaks when a page is not as long as it was asked for, or the next one does not begin behind it,
 * or when lines that are no JSON are not counted. */
static void pages(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_log_record** records = NULL;
  safechunk_error first_invalid = SAFECHUNK_ERROR_INIT;
  size_t count = 9;
  uint64_t next = 9;
  uint64_t invalid = 9;
  CHECK_OK(safechunk_read_log(engine, "l", 0, 0, &records, &count, &next, &invalid, &first_invalid,
                              &error));
  CHECK(records != NULL && records[0] == NULL && count == 0 && next == 0 && invalid == 0);
  safechunk_free(records);
  (void)append(engine, "1");
  (void)append(engine, "\"two\"");
  (void)append(engine, "3");
  CHECK_OK(safechunk_read_log(engine, "l", 0, 2, &records, &count, &next, NULL, NULL, &error));
  CHECK(count == 2 && records[2] == NULL && next == 8);
  CHECK(records[1]->size == sizeof **records && records[1]->position == 2);
  CHECK(records[1]->text_size == 5);
  CHECK_TEXT(records[1]->text, "\"two\"");
  safechunk_free(records);
  CHECK_OK(safechunk_read_log(engine, "l", next, 2, &records, &count, &next, NULL, NULL, &error));
  CHECK(count == 1 && next == 10);
  CHECK_TEXT(records[0]->text, "3");
  safechunk_free(records);
  CHECK_OK(safechunk_read_log(engine, "l", next, 2, &records, &count, &next, NULL, NULL, &error));
  CHECK(count == 0 && next == 10);
  safechunk_free(records);
  CHECK(safechunk_read_log(engine, "l", 3, 2, &records, &count, &next, NULL, NULL, &error) ==
        SAFECHUNK_CONFLICT);
  CHECK(records == NULL && count == 0);

  CHECK_OK(safechunk_detach(engine, &error));
  write_file("p/chunks/l.jsonl", "1\nno\n2\n{\n3\n");
  CHECK_OK(safechunk_tail_log(engine, "l", 2, &records, &count, &next, NULL, NULL, &error));
  CHECK(count == 2 && next == 11 && records[0]->position == 5);
  safechunk_free(records);
  CHECK_OK(safechunk_read_log(engine, "l", 0, 0, &records, &count, &next, &invalid, &first_invalid,
                              &error));
  CHECK(count == 3 && invalid == 2 && first_invalid.code == SAFECHUNK_INVALID_JSON);
  CHECK_TEXT(first_invalid.chunk, "l");
  safechunk_free(records);
  CHECK_OK(safechunk_close(engine, &error));
}

/* Breaks when one of them takes other records or another log. */
static void compacting(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_log_info** logs = NULL;
  char* rotated = NULL;
  size_t count = 9;
  CHECK_OK(safechunk_list_logs(engine, &logs, &count, &error));
  CHECK(count == 0 && logs[0] == NULL);
  safechunk_free(logs);
  CHECK(safechunk_compact_log(engine, "l", 1, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(safechunk_rotate_log(engine, "l", &rotated, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(rotated == NULL);
  CHECK(safechunk_remove_log(engine, "l", &error) == SAFECHUNK_NOT_FOUND);
  (void)append(engine, "1");
  (void)append(engine, "22");
  CHECK_OK(safechunk_compact_log(engine, "l", 1, &error));
  check_file("p/chunks/l.jsonl", "22\n");
  CHECK_OK(safechunk_rotate_log(engine, "l", &rotated, &error));
  CHECK_TEXT(rotated, "l.000001");
  safechunk_free(rotated);
  CHECK(append(engine, "3") == 0);
  CHECK_OK(safechunk_list_logs(engine, &logs, &count, &error));
  CHECK(count == 2 && logs[2] == NULL && logs[0]->size == sizeof **logs);
  CHECK_TEXT(logs[0]->name, "l");
  CHECK(logs[0]->bytes == 2);
  CHECK_TEXT(logs[1]->name, "l.000001");
  safechunk_free(logs);
  CHECK_OK(safechunk_remove_log(engine, "l", &error));
  CHECK(!file_exists("p/chunks/l.jsonl"));
  CHECK_OK(safechunk_rotate_log(engine, "l.000001", NULL, &error));
  CHECK_OK(safechunk_close(engine, &error));
}

/* Breaks when a record is missed, or when a wake is lost. */
static void following(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_log_follower* follower = NULL;
  safechunk_log_record* record = NULL;
  uint64_t position = 0;
  (void)append(engine, "1");
  CHECK_OK(safechunk_log_follower_open(engine, "l", SAFECHUNK_LOG_END, &follower, &error));
  CHECK(safechunk_log_follower_position(follower) == 2);
  CHECK_OK(safechunk_log_follower_next(follower, 0, &record, &error));
  CHECK(record == NULL);
  position = append(engine, "\"two\"");
  CHECK_OK(safechunk_log_follower_next(follower, LONG_MS, &record, &error));
  CHECK(record != NULL && record->size == sizeof *record && record->position == position);
  CHECK_TEXT(record->text, "\"two\"");
  CHECK(record->text_size == 5);
  safechunk_free(record);
  CHECK_OK(safechunk_rotate_log(engine, "l", NULL, &error));
  (void)append(engine, "3");
  CHECK_OK(safechunk_log_follower_next(follower, LONG_MS, &record, &error));
  CHECK(record != NULL && record->position == 0);
  safechunk_free(record);
  /* Woken before it is called, it returns at once. */
  CHECK(safechunk_log_follower_wake(follower) == SAFECHUNK_OK);
  CHECK_OK(safechunk_log_follower_next(follower, -1, &record, &error));
  CHECK(record == NULL);
  position = safechunk_log_follower_position(follower);
  safechunk_log_follower_close(follower);

  (void)append(engine, "4");
  CHECK_OK(safechunk_log_follower_open(engine, "l", position, &follower, &error));
  CHECK_OK(safechunk_close(engine, &error));
  /* It may outlive its engine. */
  CHECK_OK(safechunk_log_follower_next(follower, LONG_MS, &record, &error));
  CHECK(record != NULL);
  CHECK_TEXT(record->text, "4");
  safechunk_free(record);
  safechunk_log_follower_close(follower);
}

static void log_arguments(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_log_record** records = NULL;
  safechunk_log_record* record = NULL;
  safechunk_log_follower* follower = NULL;
  size_t count = 9;
  CHECK(safechunk_append_log(NULL, "l", "1", 1, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_append_log(engine, NULL, "1", 1, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_append_log(engine, "l", NULL, 1, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_sync_log(engine, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_compact_log(NULL, "l", 1, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_rotate_log(engine, NULL, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_remove_log(engine, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_read_log(engine, "l", 0, 0, NULL, &count, NULL, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(count == 0);
  CHECK(safechunk_tail_log(engine, "l", 1, &records, NULL, NULL, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_list_logs(engine, NULL, &count, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_log_follower_open(engine, "l", 0, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_log_follower_open(engine, "l", 5, &follower, &error) == SAFECHUNK_CONFLICT);
  CHECK(follower == NULL);
  CHECK(safechunk_log_follower_next(NULL, 0, &record, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_log_follower_wake(NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_log_follower_position(NULL) == 0);
  safechunk_log_follower_close(NULL);
  CHECK(!file_exists("p/chunks/l.jsonl"));
  CHECK_OK(safechunk_close(engine, &error));
}

static const struct test_case cases[] = {
    {"appending", appending},         {"pages", pages},
    {"compacting", compacting},       {"following", following},
    {"log_arguments", log_arguments},
};

int main(int count, char** arguments) {
  return run_case(cases, sizeof cases / sizeof *cases, count, arguments);
}
