/* SafeChunkEngine for C: projects as a whole, without opening them. <safechunk/safechunk.h>
 * includes it, and its conventions hold here. */
#ifndef SAFECHUNK_PROJECTS_H
#define SAFECHUNK_PROJECTS_H

#include <safechunk/safechunk.h>

#ifdef __cplusplus
extern "C" {
#endif

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

/* Removes what the engine has put beside the file (SAFECHUNK_PLACE_FILE) or into the folder
 * (SAFECHUNK_PLACE_IN_PLACE) at `path`, without a trace: the side folder with backups and
 * checkpoints, and the stamps on the files, which stay as they are. Refuses, and changes nothing:
 * not_found when there is no side folder; locked when somebody has the place open; conflict when
 * the journal has updates that are not in the files yet, or, unless `force` is not 0, when there
 * are checkpoints or files in quarantine; unsupported_format when a file in the side folder is not
 * provably the engine's. After any other error a part may be gone, and another call removes the
 * rest. Durable when it returns ok. */
SAFECHUNK_API safechunk_code safechunk_release_place(const char* path, int32_t place, int force,
                                                     safechunk_error* error);

#ifdef __cplusplus
}
#endif

#endif
