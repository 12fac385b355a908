// Edits of single values in a JSON file that belongs to another program: its settings, for
// instance. No project and no engine is needed, and nothing of the engine stays in the file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <safechunk/export.hpp>
#include <safechunk/options.hpp>
#include <safechunk/status.hpp>

namespace safechunk {

// One edit. Its texts are JSON (RFC 8259), also for a file in another dialect.
struct FileEdit {
  enum class Kind : std::uint8_t { set = 1, unset = 2, merge = 3, patch = 4 };

  Kind kind = Kind::set;
  std::string pointer = {};  // of set and unset: where the value is (RFC 6901)
  std::string json = {};     // of set the value, of the others the patch; empty for unset

  // As SafeChunkEngine::stage_value(): a missing member is added at the end of its object, objects
  // on the way are made, and '-' appends to an array.
  static FileEdit set(std::string pointer, std::string json) {
    return {Kind::set, std::move(pointer), std::move(json)};
  }
  // Removes one member or element; not_found when there is none.
  static FileEdit unset(std::string pointer) { return {Kind::unset, std::move(pointer), {}}; }
  // A JSON Merge Patch (RFC 7396).
  static FileEdit merge(std::string json) { return {Kind::merge, {}, std::move(json)}; }
  // A JSON Patch (RFC 6902): all operations, or none.
  static FileEdit patch(std::string json) { return {Kind::patch, {}, std::move(json)}; }
};

struct FileEditOptions {
  Dialect dialect = Dialect::json;
  unsigned indent = 4;  // blanks per level where the file shows no layout, 0 to 16
  // How long to wait for other edits of the file, and for programs that have it open for writing.
  std::chrono::milliseconds lock_timeout{10'000};
  // Only when the file has this revision, which an earlier edit or read_json_file() gave.
  std::optional<std::string> if_revision = {};
  bool create = false;  // make a missing file, for set and merge
  bool backup = true;   // keep the version before
};

struct FileEditResult {
  bool changed = false;  // false: the file had these values already, and was not written
  // Names the values in the file now; white space and comments do not count.
  std::string revision;
  // The edits are made, and this was met on the way; see SafeChunkEngine::on_fault(). Empty for a
  // file that no engine has opened. Most of all conflict: another program saved the file in the
  // same moment, and the message says where its version is kept.
  std::vector<Error> faults = {};
};

// Makes all edits, in order, or none. Outside of the values every byte of the file stays: comments,
// order of members, indentation, line ends, byte-order mark, mode and ACL. A comment behind a
// member on its line stays with it; with a member that is removed go the comments inside of it and
// those on lines that it has for itself, and with a value that is replaced those inside of it.
// Links are followed.
//
// When it returns ok the file is durable. Before that, whatever happens, it is the old version or
// the new one, and whole. The version before is kept as .NAME.safechunk/NAME.bak beside the file;
// the folder can be removed at any time. Processes that edit one file at once, by this function or
// the command, do so in turn, and no edit is lost. The lock is advisory (flock) and on the file
// itself: a program that does not know it may save the file in the same moment. Then its version
// stays, and the edits are made in that one; but not in a file that an engine has opened once, see
// below.
//
// A file that SafeChunkEngine::open_file() or in_place() has opened once is edited through its side
// folder, in a turn like those of Mode::shared: while an owner has it open that is `locked`,
// updates that wait in a dead owner's journal are saved first, and the version before is the
// place's backup. There a version that another program saves between the look and the save of such
// a turn is replaced: it is kept in quarantine, and is one of the `faults` of the result.
//
// Errors; nothing was changed, but for io_error and the like after the file got its name:
//   not_found         there is no such file or folder, a link leads to nothing; or, as for a chunk,
//                     the pointer leads nowhere
//   invalid_json      the file, or a text of an edit; the position says where. A file with comments
//                     is refused unless the dialect is jsonc
//   invalid_argument  a pointer, patch or option that is none
//   conflict          if_revision, or a `test` of a patch
//   locked            other edits of the file took longer than lock_timeout
//   being_edited      a program has it open for writing longer than lock_timeout
//   too_large         more than 512 MiB; too_deep: more than 1,024 levels
//   unsupported_format the file system has no locks
//   read_only, permission_denied, no_space, io_error: also for what is no regular file
//
// Limits: hard links to the file keep the old version. Owner, ACL and extended attributes stay as
// far as the process may set them. Where the file system cannot exchange two names (FAT, NFS), a
// version that another program saves in the instant of the rename is lost. Any thread. Cost: reads
// the file, writes it and its backup; five fsyncs.
SAFECHUNK_EXPORT Result<FileEditResult> edit_file(const std::string& path,
                                                  std::span<const FileEdit> edits,
                                                  const FileEditOptions& options = {});

struct FileRead {
  std::string text;      // the bytes of the file
  std::string json;      // the same with blanks in the place of comments and last commas
  std::string revision;  // for FileEditOptions::if_revision
};

// Reads a file and checks that it is JSON. Takes no lock and writes nothing. Errors as edit_file().
SAFECHUNK_EXPORT Result<FileRead> read_json_file(const std::string& path,
                                                 Dialect dialect = Dialect::json);

}  // namespace safechunk
