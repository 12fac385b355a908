/* The C interface: edits of files of other programs. */
#define _XOPEN_SOURCE 700

#include "c_api_testing.h"

static safechunk_file_edit edit_of(int32_t kind, const char* pointer, const char* text) {
  safechunk_file_edit edit = {0};
  edit.kind = kind;
  edit.pointer = pointer;
  edit.pointer_size = pointer == NULL ? 0 : strlen(pointer);
  edit.text = text;
  edit.text_size = text == NULL ? 0 : strlen(text);
  return edit;
}

static void check_file(const char* path, const char* expected) {
  char text[512] = {0};
  FILE* file = fopen(path, "rb");
  CHECK(file != NULL);
  CHECK(fread(text, 1, sizeof text - 1, file) == strlen(expected));
  CHECK(fclose(file) == 0);
  CHECK_TEXT(text, expected);
}

static void file_edits(void) {
  char path[512];
  char* text = NULL;
  char* json = NULL;
  char* revision = NULL;
  char* next = NULL;
  size_t size = 0;
  int32_t changed = -1;
  safechunk_file_edit_options options = SAFECHUNK_FILE_EDIT_OPTIONS_INIT;
  const safechunk_file_edit edits[] = {
      edit_of(SAFECHUNK_EDIT_SET, "/b", "2"), edit_of(SAFECHUNK_EDIT_UNSET, "/a", NULL),
      edit_of(SAFECHUNK_EDIT_MERGE, NULL, "{\"c\":3}"),
      edit_of(SAFECHUNK_EDIT_PATCH, NULL, "[{\"op\":\"test\",\"path\":\"/b\",\"value\":2}]")};
  path_of(&path, "settings.json");
  write_file("settings.json", "{\n  // all\n  \"a\": 1, // a\n}\n");
  CHECK(safechunk_edit_file(path, edits, 4, NULL, &changed, NULL, &error) ==
        SAFECHUNK_INVALID_JSON);
  CHECK(error.line == 2 && error.column == 3 && changed == 0);
  options.dialect = SAFECHUNK_DIALECT_JSONC;
  CHECK_OK(safechunk_edit_file(path, edits, 4, &options, &changed, &revision, &error));
  CHECK(changed == 1);
  check_file(path, "{\n  // all\n  \"b\": 2,\n  \"c\": 3,\n}\n");
  CHECK_OK(
      safechunk_read_json_file(path, SAFECHUNK_DIALECT_JSONC, &text, &json, &size, &next, &error));
  CHECK_TEXT(next, revision);
  CHECK(size == strlen(text) && size == strlen(json));
  CHECK(strstr(text, "// all") != NULL && strstr(json, "// all") == NULL);
  safechunk_free(text);
  safechunk_free(json);
  safechunk_free(next);
  options.if_revision = revision;
  CHECK_OK(safechunk_edit_file(path, edits, 1, &options, &changed, NULL, &error));
  CHECK(changed == 0);
  options.if_revision = "other";
  CHECK(safechunk_edit_file(path, edits, 1, &options, NULL, NULL, &error) == SAFECHUNK_CONFLICT);
  safechunk_free(revision);
}

static void file_arguments(void) {
  char path[512];
  char* text = NULL;
  safechunk_file_edit_options options = SAFECHUNK_FILE_EDIT_OPTIONS_INIT;
  safechunk_file_edit edit = edit_of(SAFECHUNK_EDIT_SET, "/a", "1");
  path_of(&path, "missing.json");
  CHECK(safechunk_edit_file(path, &edit, 1, NULL, NULL, NULL, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(safechunk_edit_file(NULL, &edit, 1, NULL, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_edit_file(path, NULL, 1, NULL, NULL, NULL, &error) == SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_read_json_file(path, 2, &text, NULL, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  CHECK(safechunk_read_json_file(path, 0, &text, NULL, NULL, NULL, &error) == SAFECHUNK_NOT_FOUND);
  CHECK(text == NULL);
  options.create = 1;
  CHECK_OK(safechunk_edit_file(path, &edit, 1, &options, NULL, NULL, &error));
  check_file(path, "{\n    \"a\": 1\n}\n");
  options.indent = 17;
  CHECK(safechunk_edit_file(path, &edit, 1, &options, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  options.indent = 4;
  options.dialect = 2;
  CHECK(safechunk_edit_file(path, &edit, 1, &options, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  options.dialect = 0;
  options.size = 4;
  CHECK(safechunk_edit_file(path, &edit, 1, &options, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  edit.kind = 5;
  CHECK(safechunk_edit_file(path, &edit, 1, NULL, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  edit = edit_of(SAFECHUNK_EDIT_SET, "/b", NULL);
  CHECK(safechunk_edit_file(path, &edit, 1, NULL, NULL, NULL, &error) == SAFECHUNK_INVALID_JSON);
  edit = edit_of(SAFECHUNK_EDIT_SET, "/a", "1");
  edit.text_size = 1;
  edit.text = NULL;
  CHECK(safechunk_edit_file(path, &edit, 1, NULL, NULL, NULL, &error) ==
        SAFECHUNK_INVALID_ARGUMENT);
  check_file(path, "{\n    \"a\": 1\n}\n");
}

static const struct test_case cases[] = {
    {"file_edits", file_edits},
    {"file_arguments", file_arguments},
};

int main(int count, char** arguments) {
  return run_case(cases, sizeof cases / sizeof *cases, count, arguments);
}
