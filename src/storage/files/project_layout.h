// Every name inside a project's folder is built and parsed here, and nowhere else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <safechunk/status.hpp>

#include "base/digest.h"

namespace safechunk::layout {

inline constexpr char kLock[] = ".lock";
inline constexpr char kChanges[] = ".changes";
inline constexpr char kLockNext[] = ".lock.next";  // lock_wait.h
inline constexpr char kJournal[] = ".journal";
inline constexpr char kChunks[] = "chunks";
inline constexpr char kBackups[] = "chunks_bak";
inline constexpr char kCheckpoints[] = "checkpoints";
inline constexpr char kQuarantine[] = "quarantine";
inline constexpr char kSideFolder[] = ".safechunk";        // in a folder of other programs' files
inline constexpr char kForeignVersion[] = "version.json";  // of the original engine
inline constexpr char kCheckpointMeta[] = "checkpoint_meta.json";  // inside an archive

// Temporary names. Only files that are provably ours are ever removed or replaced: the token is a
// checksum of the name that the file will get and a constant, so that nobody else makes one by
// chance.
std::string temporary_of(std::string_view name);  // NAME.TOKEN.tmp, TOKEN of 8 hex digits
// Whether `file` is a temporary name of ours.
bool is_own_temporary(std::string_view file);
// The temporary name of what a commit has just taken from the chunk's name, until it was looked at.
// It looks like the other one, and has a token of its own kind.
std::string displaced_file(std::string_view chunk);
std::optional<std::string> chunk_of_displaced(std::string_view file);
// Whether it looks like a temporary file of anybody.
bool is_any_temporary(std::string_view file);  // *.tmp

// chunks/
std::string chunk_file(std::string_view chunk);  // NAME.json
// The chunk's name when `file` is NAME.json and NAME is an allowed name.
std::optional<std::string> chunk_of_file(std::string_view file);
// Why a file that has the ending of a chunk is none: its name is not allowed. ok for all other
// files, and for what editors and systems put beside a file (".#x.json", "._x.json").
Status refused_chunk_file(std::string_view file);

// Of a log.
std::string log_file(std::string_view log);  // NAME.jsonl
// The log's name when `file` is NAME.jsonl and NAME is an allowed name.
std::optional<std::string> log_of_file(std::string_view file);
std::string rotated_log(std::string_view log, std::uint32_t number);  // NAME.NUMBER, 6 digits
// The number when `log` is a rotated log of `of`.
std::optional<std::uint32_t> number_of_rotated(std::string_view log, std::string_view of);

// chunks_bak/
std::string backup_file(std::string_view chunk);  // NAME.bak
std::optional<std::string> chunk_of_backup(std::string_view file);

// For what somebody else put under a name that is needed.
std::string set_aside(std::string_view name, std::uint64_t token);  // NAME.TOKEN

// Beside a file of another program: a folder for its backup.
std::string side_folder(std::string_view file);  // .FILE.safechunk
bool is_side_folder(std::string_view name);
// The temporary names of one edit of such a file; the token is by chance, because a program that
// does not know the lock may let two edits run at once.
std::string edited_file(std::string_view file, std::uint64_t token);    // the new version
std::string replaced_file(std::string_view file, std::uint64_t token);  // what it has displaced
// Which of the two `name` is, for whatever token.
enum class EditName { none, edited, replaced };
EditName edit_name_of(std::string_view name, std::string_view file);

// quarantine/: named by content, so that the same evidence is kept once and never overwritten.
std::string quarantined_file(std::string_view file, const Digest& bytes);  // FILE.DIGEST
// Of two versions of a chunk, the one that could not stay.
std::string conflict_file(std::string_view chunk);  // NAME.conflict

// checkpoints/
struct CheckpointName {
  std::string label;
  std::string time;          // YYYYMMDD_HHMMSS, local time
  std::uint32_t number = 1;  // above 1 when several were made in one second

  // Newest last, if the clock can be trusted.
  friend bool operator<(const CheckpointName& left, const CheckpointName& right) {
    return left.time != right.time ? left.time < right.time : left.number < right.number;
  }
};
inline constexpr std::uint32_t kMaxCheckpointNumber = 999'999;  // of CheckpointName::number
// What a file name can have of a label, which is any text: a name that check_name() allows.
std::string label_in_name(std::string_view label);
std::string checkpoint_file(const CheckpointName& name);
std::optional<CheckpointName> parse_checkpoint(std::string_view file);
// cp_LABEL_TIME.zip: an archive of versions 1.3.5 and 1.5 of the original engine. Its label may be
// empty or cut; the archive's description has the true one.
std::optional<CheckpointName> parse_original_checkpoint(std::string_view file);
// Either of the two.
std::optional<CheckpointName> parse_any_checkpoint(std::string_view file);
// The folder in which the files of one checkpoint are pinned while it is written.
std::string pin_folder(std::uint64_t token);  // .pin-NUMBER.TOKEN
bool is_own_pin_folder(std::string_view name);
// An archive that is written by somebody who does not own the project, or outside of the project:
// several may be on their way at once. The temporary name of archive.NUMBER.
std::string unfinished_archive(std::uint64_t token);

// Inside an archive.
std::string archived_chunk(std::string_view chunk);   // chunks/NAME.json
std::string archived_backup(std::string_view chunk);  // chunks_bak/NAME.bak

}  // namespace safechunk::layout
