/* SafeChunkEngine for C: parts of chunks, and edits under conditions. <safechunk/safechunk.h>
 * includes it, and its conventions hold here.
 *
 * A pointer is a JSON Pointer (RFC 6901): "/users/0/name", with ~1 for '/' and ~0 for '~' in a
 * name; "" is the whole chunk. Outside of the edited values every byte of the file stays: how
 * numbers are written, the order of members, repeated names, indentation. The journal takes the
 * edit, and not the whole text.
 */
#ifndef SAFECHUNK_PARTS_H
#define SAFECHUNK_PARTS_H

#include <safechunk/safechunk.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A condition of an edit. When it is not met the edit is refused with `conflict`, nothing is
 * changed, and the message says what is there. Owned by the caller, who sets `size`: by
 * SAFECHUNK_CONDITION_INIT, or by hand. Set one of the other two. */
typedef struct safechunk_condition {
  size_t size;
  const char* if_revision; /* the chunk must be as it was when it was read; NULL: no condition */
  int32_t if_absent;       /* not 0: there must be no such chunk */
} safechunk_condition;
#define SAFECHUNK_CONDITION_INIT \
  { .size = sizeof(safechunk_condition) }

/* --- reading */

/* The JSON text of one value. not_found when there is no such chunk or value; invalid_argument when
 * `pointer` is no pointer, a part of it is no index of an array, or an object on the way has the
 * member twice; other errors as safechunk_fetch_chunk(). `text_size` may be NULL. */
SAFECHUNK_API safechunk_code safechunk_fetch_value(safechunk_engine* engine, const char* chunk,
                                                   const char* pointer, char** text,
                                                   size_t* text_size, safechunk_error* error);

/* As safechunk_read_chunk(), and stores the revision of the text in `*revision`: it names the
 * content, and is for safechunk_condition only. Equal content has the same revision, in every
 * language. The caller frees both by safechunk_free(). `text`, `text_size` and `older` may be NULL.
 * not_found when there is no such chunk. */
SAFECHUNK_API safechunk_code safechunk_read_revision(safechunk_engine* engine, const char* chunk,
                                                     char** text, size_t* text_size,
                                                     char** revision, safechunk_error* older,
                                                     safechunk_error* error);

/* --- writing
 *
 * `condition` may be NULL. Errors that leave everything as it was, beside those of
 * safechunk_stage_update(): invalid_argument (no pointer, no patch, no revision, a condition with
 * both fields), not_found (the pointer leads nowhere), conflict (a condition, or a test of a
 * patch), being_edited (another program is writing the file), lost. */

/* safechunk_stage_update() and safechunk_remove_chunk() under a condition. */
SAFECHUNK_API safechunk_code safechunk_stage_update_if(safechunk_engine* engine, const char* text,
                                                       size_t text_size, const char* chunk,
                                                       const safechunk_condition* condition,
                                                       safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_remove_chunk_if(safechunk_engine* engine, const char* chunk,
                                                       const safechunk_condition* condition,
                                                       safechunk_error* error);

/* Sets one value to the JSON text. A missing member is added at the end of its object; objects that
 * are missing on the way are made, and so is the chunk. '-' as the last part of the pointer appends
 * to an array. */
SAFECHUNK_API safechunk_code safechunk_stage_value(safechunk_engine* engine, const char* chunk,
                                                   const char* pointer, const char* text,
                                                   size_t text_size,
                                                   const safechunk_condition* condition,
                                                   safechunk_error* error);
/* Removes one member or element. not_found when there is none. */
SAFECHUNK_API safechunk_code safechunk_remove_value(safechunk_engine* engine, const char* chunk,
                                                    const char* pointer,
                                                    const safechunk_condition* condition,
                                                    safechunk_error* error);
/* A JSON Merge Patch (RFC 7396): members are replaced, null removes them. */
SAFECHUNK_API safechunk_code safechunk_stage_merge(safechunk_engine* engine, const char* chunk,
                                                   const char* text, size_t text_size,
                                                   const safechunk_condition* condition,
                                                   safechunk_error* error);
/* A JSON Patch (RFC 6902): all operations or none. not_found when there is no such chunk. */
SAFECHUNK_API safechunk_code safechunk_stage_patch(safechunk_engine* engine, const char* chunk,
                                                   const char* text, size_t text_size,
                                                   const safechunk_condition* condition,
                                                   safechunk_error* error);

/* --- updating: a new text that is computed from the present one */

/* What a function of an update answers to. Valid during that call only, and on its thread only. */
typedef struct safechunk_update_answer safechunk_update_answer;

/* Called on the thread of safechunk_update(), with no lock held. `text` is the chunk as it is now;
 * it ends in a NUL that is not counted, and is valid during the call; NULL of size 0: there is no
 * such chunk. To change the chunk, call one of the three functions below, of which the last call
 * counts; without such a call the chunk stays as it is. Return SAFECHUNK_OK. With any other code
 * nothing is staged, and the update ends with that code; a number that is no code becomes
 * `cancelled`.
 *
 * The function may be called several times, and may use the engine. It must not edit the same chunk
 * by other functions, nor close or detach the engine. Other updates of this engine wait for it, and
 * with SAFECHUNK_MODE_SHARED the other processes do. */
typedef safechunk_code (*safechunk_update_function)(const char* text, size_t text_size,
                                                    safechunk_update_answer* answer,
                                                    void* user_data);

/* Puts `text`, which is copied, in the chunk's place. The text is checked when the function has
 * returned, and safechunk_update() tells what is wrong with it. Any error of these functions, as
 * lack of memory, is an error of the update, too, unless a later call answers otherwise. */
SAFECHUNK_API safechunk_code safechunk_update_put(safechunk_update_answer* answer, const char* text,
                                                  size_t text_size);
/* Removes the chunk. When there is none, nothing is changed. */
SAFECHUNK_API safechunk_code safechunk_update_remove(safechunk_update_answer* answer);
/* Ends the update with `code`, and with `message` in its error, which is copied and may be NULL.
 * Returns `code`, so that a function can end by `return safechunk_update_fail(...)`; `cancelled`
 * for a number that is no code of an error. */
SAFECHUNK_API safechunk_code safechunk_update_fail(safechunk_update_answer* answer,
                                                   safechunk_code code, const char* message);

/* Calls `function` with the chunk as it is now, and stages what it answers, with nothing between.
 * When another edit or another program comes between, the function is called again with what is
 * there then, up to 20 times; then the result is conflict. Conflict, too, and no call, when the
 * function of an update of the same chunk makes this call. Updates of one engine wait for each
 * other. Other errors: those of the function; those of safechunk_stage_update(); being_edited,
 * healed (an older version has taken the place of a damaged file: look at it, and update again) and
 * lost, without a call of the function. `user_data` is used during this call only. */
SAFECHUNK_API safechunk_code safechunk_update(safechunk_engine* engine, const char* chunk,
                                              safechunk_error* error,
                                              safechunk_update_function function, void* user_data);

/* --- transactions
 *
 * The edits are applied to what the edits before them leave, in order, by
 * safechunk_transaction_commit(). When one of them fails, or a condition is not met, that gives the
 * error, and nothing was staged. The transaction still has its edits and conditions then: begin a
 * new one to read anew. */

SAFECHUNK_API safechunk_code safechunk_transaction_stage_value(safechunk_transaction* transaction,
                                                               const char* chunk,
                                                               const char* pointer,
                                                               const char* text, size_t text_size,
                                                               safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_transaction_remove_value(safechunk_transaction* transaction,
                                                                const char* chunk,
                                                                const char* pointer,
                                                                safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_transaction_stage_merge(safechunk_transaction* transaction,
                                                               const char* chunk, const char* text,
                                                               size_t text_size,
                                                               safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_transaction_stage_patch(safechunk_transaction* transaction,
                                                               const char* chunk, const char* text,
                                                               size_t text_size,
                                                               safechunk_error* error);

/* As safechunk_read_chunk(): the chunk as it is in the project, without the edits of this
 * transaction. The commit is refused with `conflict` when it has changed by then, or, after
 * not_found, when it is there by then. `text_size` and `older` may be NULL. */
SAFECHUNK_API safechunk_code safechunk_transaction_read(safechunk_transaction* transaction,
                                                        const char* chunk, char** text,
                                                        size_t* text_size, safechunk_error* older,
                                                        safechunk_error* error);
/* The commit is refused with `conflict` unless the condition is met. */
SAFECHUNK_API safechunk_code safechunk_transaction_require(safechunk_transaction* transaction,
                                                           const char* chunk,
                                                           const safechunk_condition* condition,
                                                           safechunk_error* error);

#ifdef __cplusplus
}
#endif

/* The same functions, and those of safechunk.h, with names that have a size. */
#include <safechunk/names.h> /* IWYU pragma: export */

#endif
