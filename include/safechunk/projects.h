/* SafeChunkEngine for C: projects as a whole, without opening them. <safechunk/safechunk.h>
 * includes it, and its conventions hold here. */
#ifndef SAFECHUNK_PROJECTS_H
#define SAFECHUNK_PROJECTS_H

#include <safechunk/safechunk.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The present or last owner of a project. Owned by the caller, who sets `size`. */
typedef struct safechunk_owner {
  size_t size;
  int64_t pid;
  double process_started; /* seconds since 1970; 0 when unknown */
  double since;           /* when the lock was taken, seconds since 1970 */
  char host[256];         /* empty when the original Python engine wrote the lock */
  char boot_id[64];       /* of the machine's running kernel */
} safechunk_owner;
#define SAFECHUNK_OWNER_INIT \
  { .size = sizeof(safechunk_owner) }

/* The owner: this engine, or the other one because of which it could not attach. not_found when no
 * owner is known. */
SAFECHUNK_API safechunk_code safechunk_get_owner(const safechunk_engine* engine,
                                                 safechunk_owner* owner, safechunk_error* error);

/* Removes the lock file of a project that nobody holds. `base_dir` may be NULL. ok when there was
 * none; locked when a live owner holds it. With `force` not 0 a lock of the original engine is
 * removed even when its process seems alive, but never one that the kernel says is held. */
SAFECHUNK_API safechunk_code safechunk_unlock_project(const char* project_id, const char* base_dir,
                                                      int force, safechunk_error* error);

/* The names of the projects in `base_dir`, which may be NULL, sorted: folders that hold a folder
 * chunks/. `*count` texts, and a NULL behind them. One safechunk_free() of `*names` frees all.
 * not_found when there is no such folder. */
SAFECHUNK_API safechunk_code safechunk_list_projects(const char* base_dir, char*** names,
                                                     size_t* count, safechunk_error* error);

/* Removes a project for ever: its chunks, backups, checkpoints and quarantine, and its folder.
 * Refuses, and changes nothing: not_found when there is no project, locked when somebody owns it,
 * unsupported_format when a file in it is not provably the engine's (`path` says which). After any
 * other error a part may be gone, and another call removes the rest. Durable when it returns ok. */
SAFECHUNK_API safechunk_code safechunk_delete_project(const char* project_id, const char* base_dir,
                                                      safechunk_error* error);

#ifdef __cplusplus
}
#endif

#endif
