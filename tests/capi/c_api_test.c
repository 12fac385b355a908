/* The C interface used from C99, on real files. `c_api_test CASE` runs one case in a folder of its
 * own and exits with 0 when everything it says holds. */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700

#include "c_api_testing.h"

/* --- cases */

static void lifecycle(void) {
  safechunk_engine* engine = open_project("p");
  char path[512];
  path_of(&path, "p");
  CHECK(safechunk_is_active(engine) == 1);
  CHECK(safechunk_status(engine, &error) == SAFECHUNK_OK);
  CHECK_TEXT(safechunk_project_id(engine), "p");
  CHECK_TEXT(safechunk_project_path(engine), path);
  CHECK(file_exists("p/.lock"));
  CHECK(safechunk_is_dirty(engine) == 0 && safechunk_is_dirty(NULL) == 0);
  stage(engine, "{\"a\": 1}", "c");
  CHECK(safechunk_is_dirty(engine) == 1);
  CHECK_OK(safechunk_detach(engine, &error));
  CHECK(safechunk_is_active(engine) == 0 && safechunk_is_dirty(engine) == 0);
  CHECK(!file_exists("p/.lock") && !file_exists("p/.journal"));
  CHECK(safechunk_stage_update(engine, "1", 1, "c", &error) == SAFECHUNK_NOT_OWNER);
  CHECK(error.code == SAFECHUNK_NOT_OWNER && error.message[0] != '\0');
  check_chunk(engine, "c", "{\n    \"a\": 1\n}\n");
  CHECK_OK(safechunk_detach(engine, &error));
  CHECK(error.code == SAFECHUNK_OK && error.message[0] == '\0');
  CHECK_OK(safechunk_attach(engine, &error));
  CHECK_OK(safechunk_attach(engine, &error));
  CHECK_OK(safechunk_close(engine, &error));
  CHECK(!file_exists("p/.lock"));
  CHECK_OK(safechunk_close(NULL, &error));
}

static void options_and_arguments(void) {
  safechunk_options options = options_here();
  safechunk_engine* engine = NULL;
  struct {
    safechunk_options known;
    uint64_t newer;
  } larger;
  char* text = NULL;
  CHECK(options.size == sizeof options && options.indent == 4 && options.depth_limit == 1024);
  CHECK(options.durability == SAFECHUNK_DURABILITY_FILE && options.read_only == 0);
  CHECK(safechunk_options_init(NULL, sizeof options) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_options_init(&options, 8) == SAFECHUNK_INVALID_ARGUMENT);

  CHECK(safechunk_open(NULL, &options, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_open("p", &options, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  engine = (safechunk_engine*)&options;
  CHECK(safechunk_open("../p", &options, &engine, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(engine == NULL);
  CHECK(safechunk_open_always("../p", &options, &engine, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(engine == NULL);

  options = options_here();
  options.size = offsetof(safechunk_options, file_mode) - 1;
  CHECK(safechunk_open("p", &options, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);
  options = options_here();
  options.file_mode = 0400;
  CHECK(safechunk_open("p", &options, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);
  options = options_here();
  options.durability = 7;
  CHECK(safechunk_open("p", &options, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);
  options = options_here();
  options.indent = 17;
  CHECK(safechunk_open("p", &options, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);
  options = options_here();
  options.max_delay_ms = UINT64_MAX;
  CHECK(safechunk_open("p", &options, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);

  /* A program of the first header: what comes behind its structure is not read. */
  options = options_here();
  options.size = offsetof(safechunk_options, file_mode);
  options.file_mode = 0400;
  CHECK_OK(safechunk_open("first", &options, &engine, &error));
  CHECK_OK(safechunk_close(engine, &error));
  CHECK(safechunk_options_init(&options, offsetof(safechunk_options, file_mode)) == SAFECHUNK_OK);
  CHECK(options.file_mode == 0400);

  /* A program of a newer header: what this library does not know must not be used. */
  CHECK(safechunk_options_init(&larger.known, sizeof larger) == SAFECHUNK_OK);
  larger.known.base_dir = folder;
  larger.newer = 1;
  CHECK(safechunk_open("p", &larger.known, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);
  larger.newer = 0;
  CHECK_OK(safechunk_open("p", &larger.known, &engine, &error));

  CHECK(safechunk_stage_update(NULL, "1", 1, "c", &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_stage_update(engine, NULL, 1, "c", &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_stage_update(engine, "1", 1, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_fetch_chunk(engine, "c", NULL, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_fetch_chunk(engine, NULL, &text, NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_find_chunk(NULL, "c", &text, NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_force_sync(NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_attach(NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_detach(NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_status(NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_remove_chunk(engine, NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_list_chunks(engine, NULL, NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_transaction_begin(engine, NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_transaction_commit(NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_on_fault(NULL, NULL, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_is_active(NULL) == 0);
  CHECK(safechunk_project_id(NULL) == NULL && safechunk_project_path(NULL) == NULL);
  CHECK_OK(safechunk_close(engine, &error));
}

static void edits(void) {
  safechunk_engine* engine = open_project("p");
  char** names = NULL;
  size_t count = 9;
  char* text = NULL;
  CHECK_OK(safechunk_list_chunks(engine, &names, &count, &error));
  CHECK(count == 0 && names[0] == NULL);
  safechunk_free(names);
  stage(engine, "{\"n\":1.10,\"n\":1e400,\"big\":123456789012345678901234567890}", "numbers");
  stage(engine, "[]", "b\xC3\xA9");
  CHECK_OK(safechunk_force_sync(engine, &error));
  CHECK(file_exists("p/chunks/numbers.json"));
  check_chunk(
      engine, "numbers",
      "{\n    \"n\": 1.10,\n    \"n\": 1e400,\n    \"big\": 123456789012345678901234567890\n}\n");
  CHECK_OK(safechunk_list_chunks(engine, &names, &count, &error));
  CHECK(count == 2 && names[2] == NULL);
  CHECK_TEXT(names[0], "b\xC3\xA9");
  CHECK_TEXT(names[1], "numbers");
  safechunk_free(names);
  /* The size is what counts, not a NUL. */
  CHECK_OK(safechunk_stage_update(engine, "12345", 2, "short", &error));
  check_chunk(engine, "short", "12\n");
  CHECK_OK(safechunk_remove_chunk(engine, "numbers", &error));
  CHECK(safechunk_remove_chunk(engine, "numbers", &error) == SAFECHUNK_NOT_FOUND);
  CHECK_TEXT(error.chunk, "numbers");
  check_chunk(engine, "numbers", "{}");
  CHECK(safechunk_find_chunk(engine, "numbers", &text, NULL, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(text == NULL);
  CHECK_OK(safechunk_close(engine, &error));
  CHECK(!file_exists("p/chunks/numbers.json") && file_exists("p/chunks/short.json"));
}

static void transactions(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_transaction* transfer = NULL;
  stage(engine, "3", "old");
  CHECK_OK(safechunk_force_sync(engine, &error));
  CHECK_OK(safechunk_transaction_begin(engine, &transfer, &error));
  CHECK_OK(safechunk_transaction_stage(transfer, "1", 1, "a", &error));
  CHECK_OK(safechunk_transaction_stage(transfer, "2", 1, "b", &error));
  CHECK_OK(safechunk_transaction_remove(transfer, "old", &error));
  CHECK(safechunk_transaction_stage(transfer, "{", 1, "c", &error) == SAFECHUNK_INVALID_JSON);
  CHECK(safechunk_transaction_remove(transfer, "a/b", &error) == SAFECHUNK_INVALID_NAME);
  check_chunk(engine, "a", "{}"); /* nothing is staged yet */
  CHECK_OK(safechunk_transaction_commit(transfer, &error));
  CHECK(file_exists("p/chunks/a.json") && file_exists("p/chunks/b.json"));
  CHECK(!file_exists("p/chunks/c.json") && !file_exists("p/chunks/old.json"));
  CHECK_OK(safechunk_transaction_commit(transfer, &error)); /* empty again */
  CHECK_OK(safechunk_transaction_stage(transfer, "9", 1, "a", &error));
  safechunk_transaction_free(transfer); /* dropped */
  safechunk_transaction_free(NULL);
  check_chunk(engine, "a", "1\n");
  CHECK_OK(safechunk_close(engine, &error));
}

#define TEXT(text) (text), strlen(text)

static void check_value(safechunk_engine* engine, const char* pointer, const char* expected) {
  char* text = NULL;
  size_t size = 0;
  CHECK_OK(safechunk_fetch_value(engine, "s", pointer, &text, &size, &error));
  CHECK(size == strlen(text));
  CHECK_TEXT(text, expected);
  safechunk_free(text);
}

static void parts(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_transaction* both = NULL;
  char* text = NULL;
  size_t size = 9;
  stage(engine, "{\"n\": 1.10, \"list\": [1, 2], \"theme\": \"light\"}", "s");
  CHECK_OK(safechunk_stage_value(engine, "s", "/window/width", TEXT("8e2"), NULL, &error));
  CHECK_OK(safechunk_remove_value(engine, "s", "/list/0", NULL, &error));
  CHECK_OK(safechunk_stage_merge(engine, "s", TEXT("{\"theme\": null}"), NULL, &error));
  CHECK_OK(safechunk_stage_patch(
      engine, "s", TEXT("[{\"op\": \"add\", \"path\": \"/list/-\", \"value\": 3}]"), NULL, &error));
  check_value(engine, "/n", "1.10");
  check_value(engine, "/window/width", "8e2");
  check_value(engine, "/list/1", "3");
  CHECK(safechunk_fetch_value(engine, "s", "/theme", &text, &size, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(text == NULL && size == 0);
  CHECK_TEXT(error.chunk, "s");
  CHECK(safechunk_fetch_value(engine, "t", "", &text, NULL, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(safechunk_fetch_value(engine, "s", "n", &text, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_fetch_value(engine, "s", NULL, &text, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_stage_value(engine, "s", "/n/x", TEXT("1"), NULL, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(safechunk_stage_value(engine, "s", "/n", TEXT("{"), NULL, &error) ==
        SAFECHUNK_INVALID_JSON);
  CHECK(safechunk_stage_value(engine, "s", "/n", NULL, 1, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_remove_value(engine, "s", "/none", NULL, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(safechunk_stage_merge(engine, "s", NULL, 1, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_stage_patch(engine, "t", TEXT("[]"), NULL, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(safechunk_stage_patch(engine, "s",
                              TEXT("[{\"op\": \"test\", \"path\": \"/n\", \"value\": 2}]"), NULL,
                              &error) == SAFECHUNK_CONFLICT);
  CHECK_OK(safechunk_transaction_begin(engine, &both, &error));
  CHECK_OK(safechunk_transaction_stage_value(both, "s", "/a", TEXT("{}"), &error));
  CHECK_OK(safechunk_transaction_stage_merge(both, "s", TEXT("{\"a\": {\"b\": 1}}"), &error));
  CHECK_OK(safechunk_transaction_stage_patch(
      both, "s", TEXT("[{\"op\": \"copy\", \"from\": \"/a\", \"path\": \"/c\"}]"), &error));
  CHECK_OK(safechunk_transaction_remove_value(both, "s", "/a", &error));
  CHECK(safechunk_transaction_stage_value(both, "s", "a", TEXT("1"), &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK_OK(safechunk_transaction_commit(both, &error));
  check_value(engine, "/c/b", "1");
  CHECK_OK(safechunk_transaction_remove_value(both, "s", "/a", &error));
  CHECK(safechunk_transaction_commit(both, &error) == SAFECHUNK_NOT_FOUND);
  safechunk_transaction_free(both);
  CHECK_OK(safechunk_close(engine, &error));
}

/* NULL of size 0 is empty text, which is not JSON. */
static void empty_text(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_transaction* all = NULL;
  char* text = NULL;
  size_t size = 9;
  stage(engine, "{}", "s");
  CHECK(safechunk_stage_update(engine, NULL, 0, "s", &error) == SAFECHUNK_INVALID_JSON);
  CHECK_TEXT(error.chunk, "s");
  CHECK(error.line == 1 && error.column == 1);
  CHECK(safechunk_stage_update_if(engine, NULL, 0, "s", NULL, &error) == SAFECHUNK_INVALID_JSON);
  CHECK(safechunk_stage_value(engine, "s", "/a", NULL, 0, NULL, &error) == SAFECHUNK_INVALID_JSON);
  CHECK(safechunk_stage_merge(engine, "s", NULL, 0, NULL, &error) == SAFECHUNK_INVALID_JSON);
  CHECK(safechunk_stage_patch(engine, "s", NULL, 0, NULL, &error) == SAFECHUNK_INVALID_JSON);
  CHECK_OK(safechunk_transaction_begin(engine, &all, &error));
  CHECK(safechunk_transaction_stage(all, NULL, 0, "s", &error) == SAFECHUNK_INVALID_JSON);
  CHECK(safechunk_transaction_stage_value(all, "s", "/a", NULL, 0, &error) ==
        SAFECHUNK_INVALID_JSON);
  CHECK(safechunk_transaction_stage_merge(all, "s", NULL, 0, &error) == SAFECHUNK_INVALID_JSON);
  CHECK(safechunk_transaction_stage_patch(all, "s", NULL, 0, &error) == SAFECHUNK_INVALID_JSON);
  safechunk_transaction_free(all);
  CHECK(safechunk_stage_update(engine, NULL, 1, "s", &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK_OK(safechunk_json_without_non_finite(NULL, 0, &text, &size, &error));
  CHECK(size == 0 && text[0] == '\0');
  safechunk_free(text);
  CHECK(safechunk_json_without_non_finite(NULL, 1, &text, &size, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK_OK(safechunk_close(engine, &error));
}

static void conditions(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_transaction* both = NULL;
  safechunk_condition as_read = SAFECHUNK_CONDITION_INIT;
  safechunk_condition absent = SAFECHUNK_CONDITION_INIT;
  char* text = NULL;
  char* revision = NULL;
  char* later = NULL;
  size_t size = 0;
  absent.if_absent = 1;
  CHECK_OK(safechunk_stage_update_if(engine, TEXT("{}"), "s", &absent, &error));
  CHECK_OK(safechunk_read_revision(engine, "s", &text, &size, &revision, NULL, &error));
  CHECK_TEXT(text, "{}\n");
  CHECK(size == 3 && strlen(revision) > 0);
  safechunk_free(text);
  as_read.if_revision = revision;
  CHECK_OK(safechunk_stage_value(engine, "s", "/a", TEXT("1"), &as_read, &error));
  CHECK_OK(safechunk_read_revision(engine, "s", NULL, NULL, &later, NULL, &error));
  CHECK(strcmp(revision, later) != 0);
  CHECK(safechunk_stage_value(engine, "s", "/a", TEXT("2"), &as_read, &error) ==
        SAFECHUNK_CONFLICT);
  CHECK(strstr(error.message, later) != NULL);
  CHECK(safechunk_remove_value(engine, "s", "/a", &as_read, &error) == SAFECHUNK_CONFLICT);
  CHECK(safechunk_stage_merge(engine, "s", TEXT("{}"), &as_read, &error) == SAFECHUNK_CONFLICT);
  CHECK(safechunk_stage_patch(engine, "s", TEXT("[]"), &as_read, &error) == SAFECHUNK_CONFLICT);
  CHECK(safechunk_stage_update_if(engine, TEXT("2"), "s", &as_read, &error) == SAFECHUNK_CONFLICT);
  CHECK(safechunk_stage_update_if(engine, TEXT("2"), "s", &absent, &error) == SAFECHUNK_CONFLICT);
  CHECK(safechunk_remove_chunk_if(engine, "s", &as_read, &error) == SAFECHUNK_CONFLICT);
  check_value(engine, "", "{\n    \"a\": 1\n}");
  safechunk_free(revision);
  CHECK(safechunk_read_revision(engine, "t", &text, &size, &revision, NULL, &error) ==
        SAFECHUNK_NOT_FOUND);
  CHECK(text == NULL && revision == NULL);
  CHECK_TEXT(error.chunk, "t");
  /* What a transaction has read must still be there. */
  CHECK_OK(safechunk_transaction_begin(engine, &both, &error));
  CHECK_OK(safechunk_transaction_read(both, "s", &text, &size, NULL, &error));
  safechunk_free(text);
  CHECK(safechunk_transaction_read(both, "t", &text, NULL, NULL, &error) == SAFECHUNK_NOT_FOUND);
  CHECK_OK(safechunk_transaction_require(both, "u", &absent, &error));
  CHECK_OK(safechunk_transaction_stage_value(both, "s", "/a", TEXT("9"), &error));
  stage(engine, "1", "t");
  CHECK(safechunk_transaction_commit(both, &error) == SAFECHUNK_CONFLICT);
  CHECK_TEXT(error.chunk, "t");
  safechunk_transaction_free(both);
  check_value(engine, "/a", "1");
  /* Conditions that are none. */
  absent.if_revision = later;
  CHECK(safechunk_remove_chunk_if(engine, "s", &absent, &error) == SAFECHUNK_INVALID_ARGUMENT);
  absent.if_revision = NULL;
  absent.size = sizeof absent - 1;
  CHECK(safechunk_remove_chunk_if(engine, "s", &absent, &error) == SAFECHUNK_INVALID_ARGUMENT);
  as_read.if_revision = "x";
  CHECK(safechunk_remove_chunk_if(engine, "s", &as_read, &error) == SAFECHUNK_INVALID_ARGUMENT);
  as_read.if_revision = later;
  CHECK_OK(safechunk_remove_chunk_if(engine, "s", &as_read, &error));
  safechunk_free(later);
  CHECK_OK(safechunk_close(engine, &error));
}

static void reading(void) {
  safechunk_engine* engine = NULL;
  safechunk_options options = options_here();
  char* text = NULL;
  size_t size = 0;
  options.read_only = 1;
  CHECK(safechunk_open("p", &options, &engine, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(engine == NULL && !file_exists("p"));
  {
    safechunk_engine* owner = open_project("p");
    stage(owner, "{\"b\":[1,2]}", "c");
    CHECK_OK(safechunk_force_sync(owner, &error));
    CHECK_OK(safechunk_open("p", &options, &engine, &error));
    CHECK(safechunk_is_active(engine) == 0);
    check_chunk(engine, "c", "{\n    \"b\": [\n        1,\n        2\n    ]\n}\n");
    CHECK(safechunk_force_sync(engine, &error) == SAFECHUNK_NOT_OWNER);
    CHECK_OK(safechunk_close(engine, &error));
    CHECK_OK(safechunk_close(owner, &error));
  }
  CHECK_OK(safechunk_json_without_non_finite("[NaN,-Infinity,1]", 17, &text, &size, &error));
  CHECK_TEXT(text, "[null,null,1]");
  CHECK(size == strlen(text));
  safechunk_free(text);
}

static int fault_count;
static safechunk_code last_fault;
static void count_fault(const safechunk_error* fault, void* user_data) {
  CHECK(user_data == &fault_count);
  CHECK(fault->size == sizeof *fault && fault->message[0] != '\0');
  last_fault = fault->code;
  ++fault_count;
}

static void damage(void) {
  safechunk_error older = SAFECHUNK_ERROR_INIT;
  safechunk_engine* engine = open_project("p");
  char* text = NULL;
  stage(engine, "1", "healed");
  CHECK_OK(safechunk_force_sync(engine, &error));
  stage(engine, "2", "healed");
  stage(engine, "1", "lost");
  CHECK_OK(safechunk_force_sync(engine, &error));
  CHECK_OK(safechunk_detach(engine, &error));
  write_file("p/chunks/healed.json", "{\"half");
  write_file("p/chunks/lost.json", "garbage");
  CHECK_OK(safechunk_attach(engine, &error));
  CHECK_OK(safechunk_on_fault(engine, count_fault, &fault_count));
  CHECK_OK(safechunk_read_chunk(engine, "healed", &text, NULL, &older, &error));
  CHECK(older.code == SAFECHUNK_HEALED && strstr(older.path, "/p/chunks/healed.json") != NULL);
  CHECK_TEXT(text, "1\n");
  safechunk_free(text);
  CHECK_OK(safechunk_read_chunk(engine, "healed", &text, NULL, &older, &error));
  CHECK(older.code == SAFECHUNK_OK);
  safechunk_free(text);
  text = NULL;
  CHECK(safechunk_read_chunk(engine, "nobody", &text, NULL, NULL, &error) == SAFECHUNK_NOT_FOUND);
  check_chunk(engine, "healed", "1\n");
  CHECK(fault_count == 1 && last_fault == SAFECHUNK_INVALID_EDIT);
  CHECK(safechunk_fetch_chunk(engine, "lost", &text, NULL, &error) == SAFECHUNK_LOST);
  CHECK(text == NULL);
  CHECK_TEXT(error.chunk, "lost");
  CHECK(safechunk_repair(engine, &error, NULL, NULL) == SAFECHUNK_LOST);
  CHECK_OK(safechunk_close(engine, &error));
}

static int cancel_at_once(uint64_t done, uint64_t total, void* user_data) {
  (void)done;
  (void)total;
  ++*(int*)user_data;
  return 0;
}

/* Pins one, with a label that no file can have, and makes another, which would remove it. */
static void checkpoint_options(safechunk_engine* engine) {
  struct {
    safechunk_checkpoint_options known;
    uint64_t unknown;
  } larger;
  safechunk_checkpoint_options options;
  safechunk_checkpoint** list = NULL;
  size_t count = 0;
  char* name = NULL;
  CHECK(safechunk_checkpoint_options_init(NULL, sizeof options) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_checkpoint_options_init(&options, 8) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_checkpoint_options_init(&options, sizeof options) == SAFECHUNK_OK);
  CHECK_TEXT(options.label, "manual");
  CHECK(options.retention == 10 && options.keep == 0);
  options.label = "a/b";
  options.notes = NULL;
  options.keep = 1;
  CHECK_OK(safechunk_create_checkpoint_with(engine, &options, &name, &error, NULL, NULL));
  CHECK(strncmp(name, "checkpoint_a_b_", strlen("checkpoint_a_b_")) == 0);
  CHECK_OK(safechunk_create_checkpoint(engine, "x", 1, NULL, NULL, &error, NULL, NULL));
  CHECK_OK(safechunk_create_checkpoint_with(engine, NULL, NULL, &error, NULL, NULL));
  CHECK_OK(safechunk_list_checkpoints(engine, &list, &count, &error));
  CHECK(count >= 3);
  CHECK_TEXT(list[0]->label, "manual");
  CHECK_TEXT(list[1]->label, "x");
  CHECK_TEXT(list[2]->label, "a/b");
  CHECK_TEXT(list[2]->file_name, name);
  CHECK(list[2]->keep == 1 && list[0]->keep == 0);
  CHECK(list[0]->number == list[1]->number + 1 && list[1]->number == list[2]->number + 1);
  safechunk_free(list);
  safechunk_free(name);
  options.label = NULL;
  CHECK(safechunk_create_checkpoint_with(engine, &options, NULL, &error, NULL, NULL) ==
        SAFECHUNK_INVALID_ARGUMENT);
  options.size = 8;
  CHECK(safechunk_create_checkpoint_with(engine, &options, NULL, &error, NULL, NULL) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_checkpoint_options_init(&larger.known, sizeof larger) == SAFECHUNK_OK);
  larger.unknown = 1;
  CHECK(safechunk_create_checkpoint_with(engine, &larger.known, NULL, &error, NULL, NULL) ==
        SAFECHUNK_INVALID_ARGUMENT);
}

static void checkpoints(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_checkpoint** list = NULL;
  size_t count = 0;
  char* first = NULL;
  char* second = NULL;
  stage(engine, "1", "c");
  CHECK_OK(
      safechunk_create_checkpoint(engine, "one", 10, "with notes", &first, &error, NULL, NULL));
  stage(engine, "2", "c");
  CHECK_OK(safechunk_create_checkpoint(engine, "two", 10, NULL, &second, &error, NULL, NULL));
  CHECK_OK(safechunk_list_checkpoints(engine, &list, &count, &error));
  CHECK(count == 2 && list[2] == NULL);
  {
    const safechunk_checkpoint* one = strcmp(list[0]->file_name, first) == 0 ? list[0] : list[1];
    CHECK(one->size == sizeof *one);
    CHECK_TEXT(one->file_name, first);
    CHECK_TEXT(one->label, "one");
    CHECK_TEXT(one->notes, "with notes");
    CHECK(strlen(one->date) == strlen("YYYY-MM-DD HH:MM:SS") && one->file_size > 100);
    CHECK(one->unix_time > 1e9 && difftime(time(NULL), (time_t)one->unix_time) < 60);
  }
  safechunk_free(list);
  CHECK_OK(safechunk_verify_checkpoint(engine, first, &error, NULL, NULL));
  CHECK_OK(safechunk_restore_checkpoint(engine, first, &error, NULL, NULL));
  check_chunk(engine, "c", "1\n");
  CHECK_OK(safechunk_delete_checkpoint(engine, second, &error));
  CHECK(safechunk_restore_checkpoint(engine, second, &error, NULL, NULL) == SAFECHUNK_NOT_FOUND);
  CHECK(safechunk_restore_checkpoint(engine, "x.zip", &error, NULL, NULL) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_restore_checkpoint(engine, "../no/x.zip", &error, NULL, NULL) ==
        SAFECHUNK_NOT_FOUND); /* a path */
  CHECK(safechunk_create_checkpoint(engine, "x", 0, NULL, NULL, &error, NULL, NULL) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_create_checkpoint(engine, "\xFF", 1, NULL, NULL, &error, NULL, NULL) ==
        SAFECHUNK_INVALID_NAME);
  checkpoint_options(engine);
  safechunk_free(first);
  safechunk_free(second);
  CHECK_OK(safechunk_close(engine, &error));
}

static int close_inside(uint64_t done, uint64_t total, void* user_data) {
  (void)done;
  (void)total;
  CHECK(safechunk_close((safechunk_engine*)user_data, NULL) == SAFECHUNK_INVALID_ARGUMENT);
  return 1;
}

static void progress(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_verdict** verdicts = NULL;
  size_t count = 0;
  int calls = 0;
  char* name = (char*)engine;
  stage(engine, "1", "c");
  CHECK(safechunk_create_checkpoint(engine, "x", 1, NULL, &name, &error, cancel_at_once, &calls) ==
        SAFECHUNK_CANCELLED);
  CHECK(calls == 1 && name == NULL);
  CHECK(safechunk_verify(engine, &verdicts, &count, NULL, &error, cancel_at_once, &calls) ==
        SAFECHUNK_CANCELLED);
  CHECK(calls == 2 && verdicts == NULL);
  CHECK(safechunk_repair(engine, &error, cancel_at_once, &calls) == SAFECHUNK_CANCELLED);
  CHECK(calls == 3);
  CHECK_OK(safechunk_create_checkpoint(engine, "x", 1, NULL, NULL, &error, close_inside, engine));
  CHECK_OK(safechunk_close(engine, &error));
}

struct heard {
  safechunk_engine* engine;
  int statuses;
  int syncs;
};
static void hear_status(const char* text, void* user_data) {
  CHECK(text[0] != '\0');
  ++((struct heard*)user_data)->statuses;
}
static void hear_sync(void* user_data) {
  struct heard* heard = user_data;
  char** names = NULL;
  size_t count = 0;
  ++heard->syncs;
  CHECK_OK(safechunk_list_chunks(heard->engine, &names, &count, NULL)); /* no lock is held */
  CHECK(count == 1);
  safechunk_free(names);
}

static void handlers(void) {
  struct heard heard = {NULL, 0, 0};
  heard.engine = open_project("p");
  CHECK_OK(safechunk_on_status(heard.engine, hear_status, &heard));
  CHECK_OK(safechunk_on_sync(heard.engine, hear_sync, &heard));
  stage(heard.engine, "1", "c");
  CHECK_OK(safechunk_force_sync(heard.engine, &error));
  CHECK(heard.syncs == 1 && heard.statuses > 0);
  CHECK_OK(safechunk_on_sync(heard.engine, NULL, NULL));
  CHECK_OK(safechunk_on_status(heard.engine, NULL, NULL));
  stage(heard.engine, "2", "c");
  CHECK_OK(safechunk_force_sync(heard.engine, &error));
  CHECK(heard.syncs == 1);
  CHECK_OK(safechunk_close(heard.engine, &error));
}

static void owners(void) {
  safechunk_engine* first = open_project("p");
  safechunk_engine* second = NULL;
  const safechunk_options options = options_here();
  safechunk_owner owner = SAFECHUNK_OWNER_INIT;
  CHECK_OK(safechunk_get_owner(first, &owner, &error));
  CHECK(owner.pid == (int64_t)getpid() && owner.since > 1e9 && owner.host[0] != '\0');
  CHECK(safechunk_open("p", &options, &second, &error) == SAFECHUNK_LOCKED);
  CHECK(second == NULL);
  CHECK_OK(safechunk_open_always("p", &options, &second, &error));
  CHECK(safechunk_is_active(second) == 0);
  CHECK(safechunk_status(second, &error) == SAFECHUNK_LOCKED);
  memset(&owner, 0, sizeof owner);
  owner.size = sizeof owner;
  CHECK_OK(safechunk_get_owner(second, &owner, &error));
  CHECK(owner.pid == (int64_t)getpid());
  owner.size = 8;
  CHECK(safechunk_get_owner(second, &owner, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_unlock_project("p", folder, 1, &error) == SAFECHUNK_LOCKED);
  CHECK_OK(safechunk_close(first, &error));
  CHECK_OK(safechunk_attach(second, &error));
  CHECK_OK(safechunk_close(second, &error));
  CHECK(safechunk_get_owner(NULL, &owner, &error) == SAFECHUNK_INVALID_ARGUMENT);
  write_file("p/.lock", "PID: 1073741824");
  CHECK_OK(safechunk_unlock_project("p", folder, 0, &error));
  CHECK(!file_exists("p/.lock"));
}

static void recovery(void) {
  safechunk_engine* engine = NULL;
  safechunk_event** events = NULL;
  size_t count = 0;
  int clean = 1;
  int ended = 0;
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    stage(open_project("p"), "\"staged\"", "c");
    (void)kill(getpid(), SIGKILL);
  }
  CHECK(waitpid(child, &ended, 0) == child && WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL);
  engine = open_project("p");
  CHECK_OK(safechunk_recovery_report(engine, &events, &count, &clean, &error));
  CHECK(clean == 0 && count == 2 && events[2] == NULL);
  CHECK(events[0]->size == sizeof **events && events[0]->kind == SAFECHUNK_EVENT_STALE_LOCK);
  CHECK_TEXT(events[0]->name, "stale_lock");
  CHECK(events[1]->kind == SAFECHUNK_EVENT_REPLAYED);
  CHECK_TEXT(events[1]->chunk, "c");
  CHECK(events[1]->detail[0] != '\0');
  safechunk_free(events);
  check_chunk(engine, "c", "\"staged\"\n");
  CHECK_OK(safechunk_close(engine, &error));
}

static void hear_nothing(const char* text, void* user_data) {
  (void)text;
  (void)user_data;
}

/* A program that ends without closing: nothing is lost, and no handler is called while it ends. */
static void forbid_drop(void* user_data) {
  (void)user_data;
  _exit(3);
}

static void ends_without_close(void) {
  safechunk_engine* engine = NULL;
  int ended = 0;
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    engine = open_project("p");
    CHECK(safechunk_on_status_with_drop(engine, hear_nothing, NULL, forbid_drop) == SAFECHUNK_OK);
    stage(engine, "\"staged\"", "c");
    exit(0);
  }
  CHECK(waitpid(child, &ended, 0) == child && WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
  CHECK(file_exists("p/.journal") && !file_exists("p/chunks/c.json"));
  engine = open_project("p");
  check_chunk(engine, "c", "\"staged\"\n");
  CHECK_OK(safechunk_close(engine, &error));
}

static void verdicts(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_verdict** list = NULL;
  safechunk_health health = SAFECHUNK_HEALTH_INIT;
  size_t count = 0;
  int sound = 0;
  stage(engine, "1", "c");
  /* A program of the first header has room for less. */
  health.size = offsetof(safechunk_health, weakened);
  health.weakened = 7;
  CHECK_OK(safechunk_health_report(engine, &health, &error));
  CHECK(health.weakened == 7 && health.size == offsetof(safechunk_health, weakened));
  health.size = offsetof(safechunk_health, weakened) - 1;
  CHECK(safechunk_health_report(engine, &health, &error) == SAFECHUNK_INVALID_ARGUMENT);
  health.size = sizeof health;
  CHECK_OK(safechunk_health_report(engine, &health, &error));
  CHECK(health.engine_active == 1 && health.dirty_buffer == 1 && health.pending_chunks == 1);
  CHECK_OK(safechunk_force_sync(engine, &error));
  CHECK_OK(safechunk_health_report(engine, &health, &error));
  CHECK(health.dirty_buffer == 0 && health.shards == 1 && health.last_sync_unix_time > 1e9);
  CHECK(health.storage_usage > 0 && health.storage_usage <= 100 && health.bytes_written > 0);
  CHECK(health.has_owner == 1 && health.owner_pid == (int64_t)getpid());
  CHECK(health.last_error[0] == '\0');
  health.size = 4;
  CHECK(safechunk_health_report(engine, &health, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK_OK(safechunk_verify(engine, &list, &count, &sound, &error, NULL, NULL));
  CHECK(sound == 1 && count == 2 && list[2] == NULL);
  CHECK_TEXT(list[0]->path, ".journal");
  CHECK_TEXT(list[1]->path, "chunks/c.json");
  CHECK_TEXT(list[1]->name, list[1]->state == SAFECHUNK_FILE_GOOD ? "good" : "unstamped");
  safechunk_free(list);
  write_file("p/chunks/c.json", "?");
  CHECK_OK(safechunk_verify(engine, &list, &count, &sound, &error, NULL, NULL));
  CHECK(sound == 0 && list[1]->state == SAFECHUNK_FILE_LOST);
  safechunk_free(list);
  CHECK_OK(safechunk_close(engine, &error));
}

static void forks(void) {
  safechunk_engine* engine = open_project("p");
  int ended = 1;
  pid_t child = 0;
  stage(engine, "1", "c");
  child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    CHECK(safechunk_is_active(engine) == 0);
    CHECK(safechunk_stage_update(engine, "2", 1, "c", &error) == SAFECHUNK_NOT_OWNER);
    CHECK(safechunk_close(engine, &error) == SAFECHUNK_OK);
    _exit(0);
  }
  CHECK(waitpid(child, &ended, 0) == child && WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
  CHECK(safechunk_is_active(engine) == 1 && file_exists("p/.lock"));
  check_chunk(engine, "c", "1\n");
  CHECK_OK(safechunk_close(engine, &error));
}

static void versions(void) {
  char text[64];
  CHECK(snprintf(text, sizeof text, "%d.%d.%d", SAFECHUNK_VERSION_MAJOR, SAFECHUNK_VERSION_MINOR,
                 SAFECHUNK_VERSION_PATCH) > 0);
  CHECK_TEXT(safechunk_version(), text);
  CHECK(safechunk_abi_version() == SAFECHUNK_ABI_VERSION);
  memset(&error, 0x5A, sizeof error);
  CHECK(safechunk_error_init(NULL, sizeof error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_error_init(&error, 8) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_error_init(&error, sizeof error) == SAFECHUNK_OK);
  CHECK(error.size == sizeof error && error.code == SAFECHUNK_OK && error.path[0] == '\0');
}

/* Each call that names a chunk names it in its error. */
#define CHECK_NAMED(call, expected)    \
  do {                                 \
    CHECK((call) == (expected));       \
    CHECK(error.code == (expected));   \
    CHECK_TEXT(error.chunk, "absent"); \
    error.chunk[0] = '\0';             \
  } while (0)

static void errors_that_name(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_transaction* all = NULL;
  safechunk_condition both = SAFECHUNK_CONDITION_INIT;
  safechunk_condition other = SAFECHUNK_CONDITION_INIT;
  char path[512];
  char* text = NULL;
  char* revision = NULL;
  both.if_absent = 1;
  both.if_revision = "x";
  other.if_revision = "x";
  CHECK_NAMED(safechunk_find_chunk(engine, "absent", &text, NULL, &error), SAFECHUNK_NOT_FOUND);
  CHECK_NAMED(safechunk_read_chunk(engine, "absent", &text, NULL, NULL, &error),
              SAFECHUNK_NOT_FOUND);
  CHECK_NAMED(safechunk_read_revision(engine, "absent", NULL, NULL, &revision, NULL, &error),
              SAFECHUNK_NOT_FOUND);
  CHECK_NAMED(safechunk_fetch_value(engine, "absent", "/a", &text, NULL, &error),
              SAFECHUNK_NOT_FOUND);
  CHECK_NAMED(safechunk_fetch_value(engine, "absent", "a", &text, NULL, &error),
              SAFECHUNK_INVALID_ARGUMENT);
  CHECK_NAMED(safechunk_remove_chunk(engine, "absent", &error), SAFECHUNK_NOT_FOUND);
  CHECK_NAMED(safechunk_stage_update_if(engine, "1", 1, "absent", &both, &error),
              SAFECHUNK_INVALID_ARGUMENT);
  CHECK_NAMED(safechunk_remove_chunk_if(engine, "absent", &both, &error),
              SAFECHUNK_INVALID_ARGUMENT);
  CHECK_NAMED(safechunk_stage_update_if(engine, "1", 1, "absent", &other, &error),
              safechunk_stage_update_if(engine, "1", 1, "absent", &other, NULL));
  CHECK_NAMED(safechunk_remove_value(engine, "absent", "/a", NULL, &error), SAFECHUNK_NOT_FOUND);
  CHECK_NAMED(safechunk_stage_patch(engine, "absent", TEXT("[]"), NULL, &error),
              SAFECHUNK_NOT_FOUND);
  CHECK_OK(safechunk_transaction_begin(engine, &all, &error));
  CHECK_NAMED(safechunk_transaction_require(all, "absent", &both, &error),
              SAFECHUNK_INVALID_ARGUMENT);
  CHECK_NAMED(safechunk_transaction_read(all, "absent", &text, NULL, NULL, &error),
              SAFECHUNK_NOT_FOUND);
  CHECK_NAMED(safechunk_transaction_stage(all, "{", 1, "absent", &error), SAFECHUNK_INVALID_JSON);
  CHECK_NAMED(safechunk_transaction_stage_value(all, "absent", "a", "1", 1, &error),
              SAFECHUNK_INVALID_ARGUMENT);
  safechunk_transaction_free(all);
  /* What is in a file names the file, too. */
  write_file("p/chunks/absent.json", "garbage");
  CHECK_NAMED(safechunk_fetch_chunk(engine, "absent", &text, NULL, &error), SAFECHUNK_LOST);
  path_of(&path, "p/chunks/absent.json");
  CHECK_TEXT(error.path, path);
  CHECK_NAMED(safechunk_stage_value(engine, "absent", "/a", "1", 1, NULL, &error), SAFECHUNK_LOST);
  CHECK_TEXT(error.path, path);
  CHECK_OK(safechunk_detach(engine, &error));
  CHECK_NAMED(safechunk_stage_update(engine, "1", 1, "absent", &error), SAFECHUNK_NOT_OWNER);
  path_of(&path, "p");
  CHECK_TEXT(error.path, path);
  CHECK_NAMED(safechunk_remove_chunk(engine, "absent", &error), SAFECHUNK_NOT_OWNER);
  CHECK_NAMED(safechunk_stage_merge(engine, "absent", TEXT("{}"), NULL, &error),
              SAFECHUNK_NOT_OWNER);
  CHECK_OK(safechunk_close(engine, &error));
}

static void errors(void) {
  safechunk_engine* engine = open_project("p");
  char text[256];
  char tiny[8];
  size_t size = 0;
  char long_name[1500];
  CHECK_TEXT(safechunk_code_name(SAFECHUNK_OK), "ok");
  CHECK_TEXT(safechunk_code_name(SAFECHUNK_CANCELLED), "cancelled");
  CHECK_TEXT(safechunk_code_name(-5), "unknown");
  CHECK(strchr(safechunk_version(), '.') != NULL);
  CHECK(safechunk_stage_update(engine, "{\n \"a\" 1}", 9, "c", &error) == SAFECHUNK_INVALID_JSON);
  CHECK(error.offset == 7 && error.line == 2 && error.column == 6);
  CHECK_TEXT(error.chunk, "c");
  size = safechunk_error_to_text(&error, text, sizeof text);
  CHECK(size == strlen(text) && strstr(text, "line 2, column 6") != NULL);
  CHECK(safechunk_error_to_text(&error, tiny, sizeof tiny) == size);
  CHECK(strlen(tiny) == sizeof tiny - 1 && strncmp(tiny, text, sizeof tiny - 1) == 0);
  CHECK(safechunk_error_to_text(&error, NULL, 0) == size);
  CHECK(safechunk_error_to_text(NULL, text, sizeof text) == 0 && text[0] == '\0');
  /* Cut at a whole character. */
  for (size = 0; size + 2 < sizeof long_name; size += 2) memcpy(long_name + size, "\xC3\xA9", 2);
  long_name[size] = '\0';
  CHECK(safechunk_stage_update(engine, "1", 1, long_name, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(strlen(error.chunk) == sizeof error.chunk - 2);
  /* A structure without a size is left alone, and so is one that is not there. */
  memset(&error, 0x5A, sizeof error);
  error.size = 0;
  CHECK(safechunk_force_sync(NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(error.code == 0x5A5A5A5A && error.message[0] == 0x5A);
  CHECK(safechunk_close(engine, NULL) == SAFECHUNK_OK);
}

static const struct test_case cases[] = {
    {"lifecycle", lifecycle},
    {"options_and_arguments", options_and_arguments},
    {"edits", edits},
    {"transactions", transactions},
    {"parts", parts},
    {"empty_text", empty_text},
    {"conditions", conditions},
    {"reading", reading},
    {"damage", damage},
    {"checkpoints", checkpoints},
    {"progress", progress},
    {"handlers", handlers},
    {"owners", owners},
    {"recovery", recovery},
    {"ends_without_close", ends_without_close},
    {"verdicts", verdicts},
    {"forks", forks},
    {"versions", versions},
    {"errors_that_name", errors_that_name},
    {"errors", errors},
};

int main(int count, char** arguments) {
  return run_case(cases, sizeof cases / sizeof *cases, count, arguments);
}
