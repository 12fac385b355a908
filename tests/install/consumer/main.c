/* A program in C99 that knows nothing of the source tree. Its argument is a folder for data. */
#include <safechunk/safechunk.h>
#include <stdio.h>
#include <string.h>

int main(int count, char** arguments) {
  static const char data[] = "{\"name\": \"Alice\"}";
  safechunk_error error = SAFECHUNK_ERROR_INIT;
  safechunk_options options;
  safechunk_engine* engine = NULL;
  char* text = NULL;
  int found = 0;
  if (count != 2 || safechunk_options_init(&options, sizeof options) != SAFECHUNK_OK) return 2;
  options.base_dir = arguments[1];
  if (safechunk_open("project", &options, &engine, &error) != SAFECHUNK_OK ||
      safechunk_stage_update(engine, data, strlen(data), "users", &error) != SAFECHUNK_OK ||
      safechunk_force_sync(engine, &error) != SAFECHUNK_OK ||
      safechunk_fetch_chunk(engine, "users", &text, NULL, &error) != SAFECHUNK_OK) {
    fprintf(stderr, "%s: %s\n", safechunk_code_name(error.code), error.message);
    return 1;
  }
  found = strstr(text, "\"Alice\"") != NULL;
  safechunk_free(text);
  if (safechunk_close(engine, &error) != SAFECHUNK_OK) return 1;
  printf("%s from %s\n", found ? "Alice" : "nobody", safechunk_version());
  return 0;
}
