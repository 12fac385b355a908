/* Names with a size through the C interface, from C99, on real files. */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700

#include "c_api_testing.h"

#define NAME(text) (text), strlen(text)
#define CUT "a\0b", 3 /* "a" where a NUL ends it */

static safechunk_condition absent(void) {
  safechunk_condition condition = SAFECHUNK_CONDITION_INIT;
  condition.if_absent = 1;
  return condition;
}

/* Every function refuses a name with a NUL, and the chunk before that NUL stays as it was. */
static void names_of_chunks(void) {
  safechunk_engine* engine = open_project("p");
  const safechunk_condition none = absent();
  char* text = NULL;
  char* revision = NULL;
  size_t size = 0;
  stage(engine, "{\"v\": 1}", "a");
  CHECK(safechunk_stage_update_n(engine, NAME("2"), CUT, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_remove_chunk_n(engine, CUT, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_fetch_chunk_n(engine, CUT, &text, &size, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_find_chunk_n(engine, CUT, &text, &size, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_read_chunk_n(engine, CUT, &text, &size, NULL, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_fetch_value_n(engine, CUT, NAME(""), &text, &size, &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_read_revision_n(engine, CUT, &text, &size, &revision, NULL, &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_stage_update_if_n(engine, NAME("2"), CUT, &none, &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_remove_chunk_if_n(engine, CUT, NULL, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_stage_value_n(engine, CUT, NAME("/v"), NAME("2"), NULL, &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_remove_value_n(engine, CUT, NAME("/v"), NULL, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_stage_merge_n(engine, CUT, NAME("{}"), NULL, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_stage_patch_n(engine, CUT, NAME("[]"), NULL, &error) == SAFECHUNK_INVALID_NAME);
  check_chunk(engine, "a", "{\n    \"v\": 1\n}\n");

  /* Only so much of the name counts. */
  CHECK_OK(safechunk_stage_update_n(engine, NAME("{\"v\":2}"), "abc", 2, &error));
  CHECK_OK(safechunk_stage_value_n(engine, "abc", 2, "/vw", 2, NAME("3"), NULL, &error));
  CHECK_OK(safechunk_fetch_value_n(engine, "abc", 2, "/vw", 2, &text, &size, &error));
  CHECK_TEXT(text, "3");
  safechunk_free(text);
  CHECK_OK(safechunk_stage_merge_n(engine, "abc", 2, NAME("{\"w\":4}"), NULL, &error));
  CHECK_OK(safechunk_stage_patch_n(
      engine, "abc", 2, NAME("[{\"op\":\"add\",\"path\":\"/x\",\"value\":5}]"), NULL, &error));
  CHECK_OK(safechunk_remove_value_n(engine, "abc", 2, "/vw", 2, NULL, &error));
  CHECK_OK(safechunk_read_revision_n(engine, "abc", 2, &text, &size, &revision, NULL, &error));
  CHECK_TEXT(text, "{\n    \"w\": 4,\n    \"x\": 5\n}\n");
  safechunk_free(text);
  safechunk_free(revision);
  CHECK_OK(safechunk_read_chunk_n(engine, "abc", 2, &text, &size, NULL, &error));
  safechunk_free(text);
  CHECK_OK(safechunk_find_chunk_n(engine, "abc", 2, &text, &size, &error));
  safechunk_free(text);
  CHECK_OK(safechunk_fetch_chunk_n(engine, "abcd", 3, &text, &size, &error));
  CHECK_TEXT(text, "{}");
  safechunk_free(text);
  CHECK(safechunk_stage_update_if_n(engine, NAME("2"), "abc", 2, &none, &error) ==
        SAFECHUNK_CONFLICT);
  CHECK_OK(safechunk_remove_chunk_if_n(engine, "abc", 2, NULL, &error));
  CHECK_OK(safechunk_remove_chunk_n(engine, "ab", 1, &error));

  /* A pointer may hold a NUL, as the names in JSON may. */
  CHECK_OK(safechunk_stage_value_n(engine, NAME("s"), "/a\0b", 4, NAME("1"), NULL, &error));
  CHECK_OK(safechunk_stage_value_n(engine, NAME("s"), NAME("/a"), NAME("2"), NULL, &error));
  CHECK_OK(safechunk_fetch_value_n(engine, NAME("s"), "/a\0b", 4, &text, &size, &error));
  CHECK_TEXT(text, "1");
  safechunk_free(text);
  CHECK_OK(safechunk_close(engine, &error));
}

static void names_in_transactions(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_transaction* all = NULL;
  const safechunk_condition none = absent();
  char* text = NULL;
  stage(engine, "{\"v\": 1}", "a");
  CHECK_OK(safechunk_transaction_begin(engine, &all, &error));
  CHECK(safechunk_transaction_stage_n(all, NAME("2"), CUT, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_transaction_remove_n(all, CUT, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_transaction_stage_value_n(all, CUT, NAME("/v"), NAME("2"), &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_transaction_remove_value_n(all, CUT, NAME("/v"), &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_transaction_stage_merge_n(all, CUT, NAME("{}"), &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_transaction_stage_patch_n(all, CUT, NAME("[]"), &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_transaction_read_n(all, CUT, &text, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_transaction_require_n(all, CUT, &none, &error) == SAFECHUNK_INVALID_NAME);
  CHECK_OK(safechunk_transaction_commit(all, &error));
  check_chunk(engine, "a", "{\n    \"v\": 1\n}\n");

  CHECK_OK(safechunk_transaction_require_n(all, "bcd", 1, &none, &error));
  CHECK_OK(safechunk_transaction_stage_n(all, NAME("{\"v\":1}"), "bcd", 1, &error));
  CHECK_OK(safechunk_transaction_stage_value_n(all, "bcd", 1, "/wx", 2, NAME("2"), &error));
  CHECK_OK(safechunk_transaction_stage_merge_n(all, "bcd", 1, NAME("{\"y\":3}"), &error));
  CHECK_OK(safechunk_transaction_stage_patch_n(
      all, "bcd", 1, NAME("[{\"op\":\"test\",\"path\":\"/y\",\"value\":3}]"), &error));
  CHECK_OK(safechunk_transaction_remove_value_n(all, "bcd", 1, "/vx", 2, &error));
  CHECK_OK(safechunk_transaction_read_n(all, "abc", 1, &text, NULL, NULL, &error));
  safechunk_free(text);
  CHECK_OK(safechunk_transaction_remove_n(all, "abc", 1, &error));
  CHECK_OK(safechunk_transaction_commit(all, &error));
  check_chunk(engine, "b", "{\n    \"w\": 2,\n    \"y\": 3\n}\n");
  check_chunk(engine, "a", "{}");
  safechunk_transaction_free(all);
  CHECK_OK(safechunk_close(engine, &error));
}

static void names_of_projects(void) {
  safechunk_options options = options_here();
  safechunk_engine* engine = NULL;
  char* name = NULL;
  CHECK(safechunk_open_n(CUT, &options, &engine, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_open_always_n(CUT, &options, &engine, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_unlock_project_n(CUT, NAME(folder), 0, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(!file_exists("a"));
  CHECK_OK(safechunk_open_always_n("pq", 1, &options, &engine, &error));
  CHECK_OK(safechunk_close(engine, &error));
  CHECK_OK(safechunk_open_n("pq", 1, &options, &engine, &error));
  CHECK(file_exists("p") && !file_exists("pq"));

  CHECK(safechunk_create_checkpoint_n(engine, CUT, 3, NULL, 0, &name, &error, NULL, NULL) ==
        SAFECHUNK_INVALID_NAME);
  CHECK_OK(safechunk_create_checkpoint_n(engine, "onetwo", 3, 3, "notesmore", 5, &name, &error,
                                         NULL, NULL));
  {
    safechunk_checkpoint** list = NULL;
    size_t count = 0;
    CHECK_OK(safechunk_list_checkpoints(engine, &list, &count, &error));
    CHECK(count == 1);
    CHECK_TEXT(list[0]->label, "one");
    CHECK_TEXT(list[0]->notes, "notes");
    safechunk_free(list);
  }
  CHECK_OK(safechunk_verify_checkpoint_n(engine, name, strlen(name), &error, NULL, NULL));
  CHECK_OK(safechunk_restore_checkpoint_n(engine, name, strlen(name), &error, NULL, NULL));
  /* With a NUL and more behind it, it is another name. */
  CHECK(safechunk_verify_checkpoint_n(engine, name, strlen(name) + 1, &error, NULL, NULL) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_restore_checkpoint_n(engine, name, strlen(name) + 1, &error, NULL, NULL) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_delete_checkpoint_n(engine, name, strlen(name) + 1, &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK_OK(safechunk_delete_checkpoint_n(engine, name, strlen(name), &error));
  safechunk_free(name);
  {
    char path[512];
    path_of(&path, "x.zip");
    CHECK_OK(safechunk_export_archive(engine, path, NULL, NULL, &error, NULL, NULL));
    CHECK(safechunk_export_archive_n(engine, path, strlen(path), "l", 1, "n", 1, &error, NULL,
                                     NULL) == SAFECHUNK_CONFLICT);
    CHECK_TEXT(error.path, path);
    CHECK(safechunk_export_archive_n(engine, path, strlen(path) + 1, NULL, 0, NULL, 0, &error, NULL,
                                     NULL) == SAFECHUNK_INVALID_NAME);
    CHECK(safechunk_export_archive(engine, NULL, NULL, NULL, &error, NULL, NULL) ==
          SAFECHUNK_INVALID_ARGUMENT);
    CHECK_OK(safechunk_verify_checkpoint(engine, path, &error, NULL, NULL));
    CHECK_OK(safechunk_restore_checkpoint_n(engine, path, strlen(path), &error, NULL, NULL));
    CHECK(safechunk_delete_checkpoint(engine, path, &error) == SAFECHUNK_INVALID_NAME);
    CHECK(file_exists("x.zip"));
  }
  CHECK(safechunk_unlock_project_n("pq", 1, NAME(folder), 0, &error) == SAFECHUNK_LOCKED);
  CHECK_OK(safechunk_close(engine, &error));
}

static void names_of_logs(void) {
  safechunk_engine* engine = open_project("p");
  safechunk_log_record** records = NULL;
  safechunk_log_follower* follower = NULL;
  char* rotated = NULL;
  size_t count = 0;
  CHECK_OK(safechunk_append_log_n(engine, "abc", 1, NAME("1"), NULL, &error));
  CHECK(file_exists("p/chunks/a.jsonl"));
  CHECK(safechunk_append_log_n(engine, CUT, NAME("2"), NULL, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_sync_log_n(engine, CUT, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_compact_log_n(engine, CUT, 0, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_rotate_log_n(engine, CUT, &rotated, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_remove_log_n(engine, CUT, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_read_log_n(engine, CUT, 0, 0, &records, &count, NULL, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_tail_log_n(engine, CUT, 1, &records, &count, NULL, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_log_follower_open_n(engine, CUT, 0, &follower, &error) == SAFECHUNK_INVALID_NAME);
  CHECK_OK(
      safechunk_read_log_n(engine, "abc", 1, 0, 0, &records, &count, NULL, NULL, NULL, &error));
  CHECK(count == 1);
  safechunk_free(records);
  CHECK_OK(safechunk_tail_log_n(engine, "abc", 1, 5, &records, &count, NULL, NULL, NULL, &error));
  CHECK(count == 1);
  safechunk_free(records);
  CHECK_OK(safechunk_log_follower_open_n(engine, "abc", 1, 0, &follower, &error));
  safechunk_log_follower_close(follower);
  CHECK_OK(safechunk_sync_log_n(engine, "abc", 1, &error));
  CHECK_OK(safechunk_compact_log_n(engine, "abc", 1, 1, &error));
  CHECK_OK(safechunk_rotate_log_n(engine, "abc", 1, &rotated, &error));
  CHECK_TEXT(rotated, "a.000001");
  safechunk_free(rotated);
  CHECK_OK(safechunk_remove_log_n(engine, "a.000001xyz", 8, &error));
  CHECK(!file_exists("p/chunks/a.000001.jsonl"));
  CHECK_OK(safechunk_close(engine, &error));
}

/* A name that is missing, with and without a size. */
static void names_missing(void) {
  safechunk_engine* engine = NULL;
  char* text = NULL;
  CHECK(safechunk_open_n(NULL, 0, NULL, &engine, &error) == SAFECHUNK_INVALID_ARGUMENT);
  engine = open_project("q");
  CHECK(safechunk_stage_update_n(engine, NAME("1"), NULL, 0, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_stage_update_n(engine, NAME("1"), NULL, 3, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_stage_update_n(engine, NAME("1"), "", 0, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_fetch_value_n(engine, NAME("a"), NULL, 0, &text, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_delete_checkpoint_n(engine, NULL, 0, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_unlock_project_n(NULL, 0, NULL, 0, 0, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK_OK(safechunk_close(engine, &error));
}

/* Listing and deleting. */
static void projects(void) {
  safechunk_engine* engine = open_project("b");
  char** names = NULL;
  size_t count = 9;
  char path[512];
  char bad[600];
  CHECK_OK(safechunk_list_projects(folder, &names, &count, &error));
  CHECK(count == 1 && names[1] == NULL);
  CHECK_TEXT(names[0], "b");
  safechunk_free(names);
  stage(engine, "1", "x");
  CHECK_OK(safechunk_create_checkpoint(engine, "c", 3, NULL, NULL, &error, NULL, NULL));
  CHECK(safechunk_delete_project("b", folder, &error) == SAFECHUNK_LOCKED);
  CHECK_OK(safechunk_close(engine, &error));
  CHECK(file_exists("b/chunks/x.json"));
  CHECK_OK(safechunk_close(open_project("a"), &error));
  CHECK_OK(safechunk_list_projects(folder, &names, &count, &error));
  CHECK(count == 2);
  CHECK_TEXT(names[0], "a");
  safechunk_free(names);
  /* Somebody else's file. */
  write_file("b/chunks/readme.txt", "mine");
  CHECK(safechunk_delete_project("b", folder, &error) == SAFECHUNK_UNSUPPORTED_FORMAT);
  path_of(&path, "b/chunks/readme.txt");
  CHECK_TEXT(error.path, path);
  CHECK(file_exists("b/chunks/x.json") && !file_exists("b/.lock"));
  CHECK(remove(path) == 0);
  CHECK(safechunk_delete_project_n("bcd", 1, folder, strlen(folder), &error) == SAFECHUNK_OK);
  CHECK(!file_exists("b"));
  CHECK(safechunk_delete_project("b", folder, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(safechunk_delete_project_n(CUT, folder, strlen(folder), &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_delete_project("../a", folder, &error) == SAFECHUNK_INVALID_NAME);
  CHECK(safechunk_delete_project(NULL, folder, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(file_exists("a/chunks"));
  CHECK(safechunk_list_projects(folder, NULL, &count, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_list_projects(folder, &names, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(snprintf(bad, sizeof bad, "%s/nowhere", folder) > 0);
  CHECK(safechunk_list_projects(bad, &names, &count, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(names == NULL && count == 0);
}

static const struct test_case cases[] = {
    {"projects", projects},
    {"names_of_chunks", names_of_chunks},
    {"names_in_transactions", names_in_transactions},
    {"names_of_projects", names_of_projects},
    {"names_of_logs", names_of_logs},
    {"names_missing", names_missing},
};

int main(int count, char** arguments) {
  return run_case(cases, sizeof cases / sizeof *cases, count, arguments);
}
