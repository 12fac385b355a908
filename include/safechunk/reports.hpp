// The reports of the engine: owner, health, recovery, checkpoints, verification. report_json.hpp
// gives them as JSON text.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <safechunk/status.hpp>

namespace safechunk {

// The present or last owner of a project, read from its lock file.
struct OwnerInfo {
  std::int64_t pid = 0;
  std::string host;            // empty when the lock was written by the original Python engine
  std::string boot_id;         // of the machine's running kernel
  double process_started = 0;  // seconds since 1970; 0 when unknown
  double since = 0;            // when the lock was taken, seconds since 1970
};

// One thing that recovery, a heal or a commit did that a user may want to know (G7).
struct Event {
  enum class Kind {
    stale_lock,       // the lock of a dead owner was taken over
    temporary,        // a left-over temporary file was removed
    replayed,         // a staged update was recovered from the journal
    healed,           // a primary was replaced by the newest good version
    quarantined,      // damaged bytes were put into quarantine
    conflict,         // the disk was newer than the journal, or than another edit of the same
                      // transaction; the journal's text is in quarantine
    external_edit,    // a file was changed by another program and accepted
    lost,             // damage that nothing can heal; the bytes are kept
    journal_damaged,  // the journal ended in a bad record or had a bad header
    invalid_edit,     // a program or person wrote text that is not JSON; it was put into quarantine
    being_edited,     // another program is writing a chunk's file; it is left alone meanwhile
    removed_outside,  // a chunk's file was removed by another program or a person
    resumed,          // trouble with a chunk that was reported before has ended
  };
  Kind kind = Kind::replayed;
  std::string chunk;      // empty when it concerns no single chunk
  std::string detail;     // one English sentence
  std::string path = {};  // the chunk's file; empty when it concerns no single chunk
  bool older = false;     // an older version of the chunk is given, or took the place of its file
};
SAFECHUNK_EXPORT std::string_view to_string(Event::Kind kind) noexcept;

// The recovery of an attach(): what it found and what it did.
struct RecoveryReport {
  bool clean = true;  // the previous owner detached and nothing had to be done
  std::vector<Event> events;
};

// The first five fields are those of the original engine, computed in the same way.
struct HealthReport {
  bool engine_active = false;
  bool dirty_buffer = false;             // something is staged and not yet committed
  double storage_usage = 0;              // used / (used + available to the user) x 100, one decimal
  std::uint64_t orphaned_artifacts = 0;  // files chunks/*.tmp
  std::uint64_t shards = 0;              // files chunks/*.json

  std::uint64_t pending_chunks = 0;
  double last_sync_unix_time = 0;  // seconds since 1970 of the last commit; 0: none yet
  double last_sync_duration_ms = 0;
  std::string last_error;            // text of the last fault; empty: none
  std::uint64_t failed_commits = 0;  // commits that saved less than everything
  std::uint64_t retries = 0;         // commits started because an earlier one had failed
  std::uint64_t heals = 0;
  std::uint64_t quarantine_files = 0;
  std::uint64_t journal_bytes = 0;
  std::uint64_t bytes_written = 0;  // chunks and journal, since the engine was constructed
  bool stamps_supported =
      false;  // the file system has extended attributes (false, too, when unknown)
  std::optional<OwnerInfo> owner;
  // What this engine does without, because the file system has it not and an option allows it:
  // "locks" (EngineOptions::weak_locks), "folders" (weak_folders). Of the owner only.
  std::vector<std::string> weakened;
};

struct CheckpointInfo {
  std::string file_name;
  std::string label;  // whole, as it was given; of a damaged archive what the file name has of it
  std::string date;   // "YYYY-MM-DD HH:MM:SS", what the local clock said; says nothing of the order
  std::string notes;  // empty when the archive's description cannot be read
  std::uint64_t size = 0;
  std::uint64_t number = 0;  // the order: a newer one has a larger number. 0: none, older than all
  bool keep = false;         // pinned: retention never removes it
  double unix_time = 0;  // when it was made, seconds since 1970; 0: not known, it is an older one
};

// Called with the done and the total units of a long operation, on the caller's thread. Return
// false to cancel: the operation ends with `cancelled` and changes nothing. The handler may use the
// engine, except for detach() and for making, restoring or deleting checkpoints (invalid_argument).
using ProgressHandler = std::function<bool(std::uint64_t done, std::uint64_t total)>;

// The verdict of verify() on one file.
struct FileVerdict {
  enum class State {
    good,
    unstamped,   // parses, but carries no stamp: written by another program
    edited,      // changed by another program after its last save, and still JSON
    healable,    // damaged; its backup or the journal has the data
    lost,        // damaged, with nothing to heal it from
    unreadable,  // the operating system refused to read it
    ignored,     // a file in chunks/ whose name no chunk can have; the detail says why
  };
  State state = State::good;
  std::string path;  // relative to the project's folder
  std::string detail;
};
SAFECHUNK_EXPORT std::string_view to_string(FileVerdict::State state) noexcept;

struct VerifyReport {
  std::vector<FileVerdict> files;
  // True when every file is good, unstamped, edited or ignored.
  [[nodiscard]] SAFECHUNK_EXPORT bool sound() const noexcept;
};

}  // namespace safechunk
