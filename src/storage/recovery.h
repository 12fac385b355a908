// Opening a project after whatever happened to it: observe, decide, apply.
//
// decide_replay() is pure. open_project() is idempotent: a crash inside it leads to the same plan.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <safechunk/reports.hpp>

#include "platform/platform.h"
#include "storage/chunk_store.h"
#include "storage/journal.h"
#include "storage/project_lock.h"

namespace safechunk {

// --- deciding

// One journaled edit of a chunk.
struct JournalLink {
  std::uint64_t sequence = 0;
  bool removal = false;
  Digest base;
  Digest text;
};

// The committed file of the same chunk.
struct ChunkOnDisk {
  FileHealth health = FileHealth::missing;
  Digest text;                 // of a usable file
  std::optional<Stamp> stamp;  // as found, also beside an invalid file
  bool has_backup = false;
};

enum class Replay {
  nothing,   // the disk has it, or something newer
  confirm,   // the file has its text, but whoever wrote that may not have synced it: stage it
  stage,     // stage the last edit of the chain
  conflict,  // the disk has something that the journal does not know: keep the disk
};

// `chain` holds all journaled edits of the chunk in their order, at least one. Pure.
Replay decide_replay(const ChunkOnDisk& disk, std::span<const JournalLink> chain,
                     std::uint32_t journal_token);

// --- opening

// A project that this process owns.
struct OpenProject {
  ProjectFolders folders;
  std::optional<ProjectLock> lock;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<ChunkStore> chunks;
  std::unordered_map<std::string, std::string> names;  // folded name -> name, of all chunks on disk
  // What the journal held, in its order, and the chunks of it that need nothing any more.
  std::vector<std::shared_ptr<JournalRecord>> records;
  std::vector<std::string> settled;
  bool had_journal = false;
  RecoveryReport report;
  std::map<std::string, FileInfo> places;  // the folders as they were opened, by their names

  // conflict when another program has moved one of these folders away or put another in its place:
  // what is written through the open one would be found by nobody.
  [[nodiscard]] Status check_in_place(std::initializer_list<const char*> wanted) const;
};

struct ProjectLocation {
  std::string base;  // absolute
  std::string project_id;
};

// Creates what is missing, takes the lock, cleans up and reads the journal. On `locked`, `owner`
// says who holds it. On any error nothing stays locked. The caller then commits `records` without
// `settled`, and afterwards gives the journal a new token by rewriting it if `had_journal`.
Result<std::unique_ptr<OpenProject>> open_project(Platform platform,
                                                  const ProjectLocation& location,
                                                  const TextSettings& settings, OwnerInfo& owner);

// Opens the folders for reading only; creates and changes nothing. not_found when there is no such
// project. `backups` and `checkpoints` may stay empty.
Result<ProjectFolders> open_folders_for_reading(FileSystem& file_system,
                                                const ProjectLocation& location);

}  // namespace safechunk
