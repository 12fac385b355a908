// EngineOptions: everything that can be set when a project is opened. CheckpointOptions and
// ExportOptions: the same for a checkpoint and for an archive outside of the project.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace safechunk {

// The meaning of "saved" when force_sync() reports success or on_sync fires. Both survive a process
// crash, an OS crash and a power cut (G1), unless the device lies about flushes.
enum class Durability {
  // The data is durable in its own file, under its final name, and its folder is durable.
  // Cost for one chunk: three fsyncs.
  file,
  // The data is durable in the journal; the files follow on the worker thread: 20 ms after, or,
  // when more edits come, at the deadline of debounce_delay and max_delay. The owner's reads see
  // the new data immediately, other processes when the files have followed.
  // Cost: one fdatasync, whatever the number of chunks.
  journal,
};

// How the text of a file is read.
enum class Dialect : std::uint8_t {
  json = 0,   // RFC 8259
  jsonc = 1,  // also comments (// and /* */), and one comma behind the last member or element
};

// A line of the program, for messages. here() as a default argument is the line of the call.
struct CallSite {
  const char* file = "";
  unsigned line = 0;  // 0: not known

  static constexpr CallSite here(const char* file = __builtin_FILE(),
                                 unsigned line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

// Who may write to a project.
enum class Mode {
  // This engine alone, from attach() to detach(). Edits are staged and committed a moment later.
  owner,
  // Several processes in turn, and several engines in one. Each edit, update() and transaction is a
  // turn of its own: it waits for the project's lock, sees what the others have written, and has
  // committed durably, in the files, when the call returns. Nothing stays staged, so debounce_delay
  // and max_delay mean nothing, and Durability is `file`. What a turn could not save is kept in the
  // journal and tried again by the next turn of any process; the error says so. Reading takes no
  // lock. While an owner has the project, edits wait for it, and are then refused with `locked`.
  shared,
  // Nobody: take no lock, create and change nothing, but make a checkpoint when asked to. Works
  // while others write.
  read,
};

// Where a project lives. In the last two the files stay where the application has them, and keep
// their layout and the order of their members; lock, journal, backups, checkpoints and quarantine
// lie in a side folder. After detach() that may be deleted: nothing of the present state is in it.
// Links to the folder or to the file are followed.
enum class PlaceKind : std::uint8_t {
  project = 0,  // in a folder of its own: base_dir/project_id
  in_place =
      1,     // in an existing folder of JSON files, base_dir/project_id: each NAME.json in it is
             // the chunk NAME; other files are left alone; the side folder is .safechunk in it
  file = 2,  // one file, base_dir/project_id, the only chunk; the side folder is
             // .FILE.safechunk beside it
};

struct EngineOptions {
  // An edit is written this long after the last one ...
  std::chrono::milliseconds debounce_delay{1000};
  // ... but never later than this after the first unsaved one (G10). Raised to debounce_delay
  // when smaller.
  std::chrono::milliseconds max_delay{5000};
  // The folder in which the project's folder lies; empty: the working folder of the moment in
  // which the engine is constructed.
  // A relative path is made absolute then. Created when missing.
  std::string base_dir;
  Durability durability = Durability::file;
  // Blanks per level in the files, 0 to 16. 0 writes compact text.
  unsigned indent = 4;
  // When the journal has more bytes than this, a commit is forced and the journal is truncated.
  std::uint64_t journal_limit = 64ULL << 20U;
  // Nesting beyond this is refused with too_deep. At most 1,000,000.
  std::uint32_t depth_limit = 1024;
  // A chunk of more bytes than this is refused with too_large, when staged and when read.
  std::uint64_t chunk_size_limit = 512ULL << 20U;
  // What the files that the engine makes allow at most, as for chmod: 0600 for secrets. It holds
  // from the first byte on, for chunks, backups, journal, lock, quarantine and checkpoints; folders
  // that are made get the same with the x bits that belong to it (0700). A chunk's file that allows
  // more gets this mode at its next save. 0: as the umask and the project's folder say. Else it
  // holds 0600, and no other bits than 0666.
  std::uint32_t file_mode = 0;
  // For file systems without flock(2). There attach() fails, unless this is set: then the text of
  // the lock file decides alone whether its owner lives. Processes on other machines, in other
  // containers, and two that attach in one moment after a crash are not always told apart (G9).
  bool weak_locks = false;
  // For file systems that refuse fsync(2) of a folder. There attach() fails, unless this is set:
  // then a power cut may take new names along that were reported as saved (G1).
  bool weak_folders = false;
  Mode mode = Mode::owner;
  // SafeChunkEngine::in_place() and open_file() set it.
  PlaceKind place = PlaceKind::project;
  // How long attach() of an owner, and each turn of a shared engine, waits for the project's lock
  // before it gives `locked`. Below 0: not at all, and 10 seconds.
  std::chrono::milliseconds lock_timeout{-1};
};

struct CheckpointOptions {
  // For people: any UTF-8 text without NUL, at most 1,000 bytes. The file name has what fits of it.
  // Checkpoints that have the label before_restore, which a restore makes, or before_migration
  // count with no others.
  std::string label = "manual";
  // How many checkpoints are kept, this one included; at least 1. See create_checkpoint().
  int retention = 10;
  // Free text for people: UTF-8, at most 64 KiB.
  std::string notes;
  // Pin this checkpoint: retention never counts and never removes it. delete_checkpoint() does.
  bool keep = false;
};

// For export_archive().
struct ExportOptions {
  // As those of CheckpointOptions, kept inside of the archive.
  std::string label = "export";
  std::string notes;
};

}  // namespace safechunk
