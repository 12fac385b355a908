/* SafeChunkEngine for C: files that stay where the application has them. <safechunk/safechunk.h>
 * includes it, and its conventions hold here. */
#ifndef SAFECHUNK_PLACES_H
#define SAFECHUNK_PLACES_H

#include <safechunk/safechunk.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In these two places "base_dir/project_id" is the path of the folder or file, or project_id alone
 * when it begins with a slash. They keep the layout of the files and the order of members. Lock,
 * journal, backups, checkpoints and quarantine lie in a side folder, which may be deleted after a
 * detach. See safechunk::PlaceKind. */

/* safechunk_open() with SAFECHUNK_PLACE_FILE, and with SAFECHUNK_PLACE_IN_PLACE, whatever the
 * options say of the place. More errors: not_found when the folder is missing, or a link leads to
 * nothing; invalid_json, with the position, when the file of a new place is no JSON;
 * unsupported_format for the folder of a project; conflict for a file in a folder that is a place
 * of its own; locked also for a folder of which a file is one, and open. */
SAFECHUNK_API safechunk_code safechunk_open_file(const char* path, const safechunk_options* options,
                                                 safechunk_engine** engine, safechunk_error* error);
SAFECHUNK_API safechunk_code safechunk_open_in_place(const char* folder,
                                                     const safechunk_options* options,
                                                     safechunk_engine** engine,
                                                     safechunk_error* error);

/* The name of the only chunk of a file that was opened as a place; "" for other places, NULL for a
 * NULL engine. It belongs to the engine. */
SAFECHUNK_API const char* safechunk_file_chunk(const safechunk_engine* engine);

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
