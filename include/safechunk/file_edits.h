/* SafeChunkEngine for C: edits of single values in a JSON file that belongs to another program.
 * <safechunk/safechunk.h> includes it, and its conventions hold here. No engine is needed. */
#ifndef SAFECHUNK_FILE_EDITS_H
#define SAFECHUNK_FILE_EDITS_H

#include <safechunk/safechunk.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  SAFECHUNK_DIALECT_JSON = 0, /* RFC 8259 */
  SAFECHUNK_DIALECT_JSONC = 1 /* also comments, and one comma behind the last member or element */
};

enum {
  SAFECHUNK_EDIT_SET = 1,   /* the value at `pointer` becomes `text` */
  SAFECHUNK_EDIT_UNSET = 2, /* the value at `pointer` is removed */
  SAFECHUNK_EDIT_MERGE = 3, /* `text` is a JSON Merge Patch (RFC 7396) */
  SAFECHUNK_EDIT_PATCH = 4  /* `text` is a JSON Patch (RFC 6902) */
};

/* One edit. The texts are the caller's; sizes are bytes without a NUL at the end. What a kind does
 * not use is ignored. `text` is JSON, also for a file in another dialect. */
typedef struct safechunk_file_edit {
  int32_t kind; /* SAFECHUNK_EDIT_... */
  const char* pointer;
  size_t pointer_size;
  const char* text;
  size_t text_size;
} safechunk_file_edit;

/* Set `size`: by SAFECHUNK_FILE_EDIT_OPTIONS_INIT, which sets the defaults as well. */
typedef struct safechunk_file_edit_options {
  size_t size;
  int32_t dialect;         /* SAFECHUNK_DIALECT_... */
  uint32_t indent;         /* blanks per level where the file shows no layout, 0 to 16 */
  int64_t lock_timeout_ms; /* how long to wait for other edits, and for a program that writes it */
  const char* if_revision; /* only when the file has this revision; NULL: no condition */
  int32_t create;          /* not 0: make a missing file, for set and merge */
  int32_t backup;          /* not 0: keep the version before */
} safechunk_file_edit_options;
#define SAFECHUNK_FILE_EDIT_OPTIONS_INIT                                                \
  {                                                                                     \
    .size = sizeof(safechunk_file_edit_options), .indent = 4, .lock_timeout_ms = 10000, \
    .backup = 1                                                                         \
  }

/* Makes all edits, in order, or none: see safechunk::edit_file() in file_edits.hpp for what stays,
 * what is durable, and the errors. `options` may be NULL: the defaults. `*changed` (may be NULL) is
 * 1 when the file was written, 0 when it had these values already. When the call is ok and
 * `error->code` is not, `error` says what was met on the way (FileEditResult::faults), the first of
 * it. `*revision` (may be NULL) names the values in the file now; the caller frees it by
 * safechunk_free(). */
SAFECHUNK_API safechunk_code safechunk_edit_file(const char* path, const safechunk_file_edit* edits,
                                                 size_t count,
                                                 const safechunk_file_edit_options* options,
                                                 int32_t* changed, char** revision,
                                                 safechunk_error* error);

/* Reads a file and checks that it is JSON, without a lock. `*text` are the bytes of the file,
 * `*json` the same with blanks in the place of comments: both have `*size` bytes and a NUL behind
 * them.
 * `*revision` is for `if_revision`. The caller frees all three by safechunk_free(); each of the
 * four may be NULL. */
SAFECHUNK_API safechunk_code safechunk_read_json_file(const char* path, int32_t dialect,
                                                      char** text, char** json, size_t* size,
                                                      char** revision, safechunk_error* error);

#ifdef __cplusplus
}
#endif

#endif
