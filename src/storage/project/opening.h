// Opening a project after whatever happened to it: observe, decide, apply. Idempotent: a crash
// inside it leads to the same plan.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <safechunk/reports.hpp>

#include "platform/platform.h"
#include "storage/chunks/chunk_files.h"
#include "storage/files/names.h"
#include "storage/files/project_folders.h"
#include "storage/files/weak_folders.h"
#include "storage/journal/journal.h"
#include "storage/project/location.h"
#include "storage/project/lock.h"

namespace safechunk {

// How it is to be opened; see EngineOptions.
struct OpeningOptions {
  TextSettings text;
  std::uint64_t journal_limit = 0;
  std::uint32_t file_mode = 0;
  bool weak_locks = false;
  bool shared = false;  // see Mode
  // What chunks/, or the side folder, must be; nothing: whatever is there, or is made.
  std::optional<FileInfo> chunks_place = {};
  std::chrono::milliseconds lock_timeout{0};
  std::uint64_t engine = 0;                   // random; tells the engines of one project apart
  const WeakFolders* weak_folders = nullptr;  // the platform's file system, where it is one
};

// The parts of a project that this process owns, as opening finds them.
struct OpenedFolder {
  ProjectFolders folders;
  std::optional<ProjectLock> lock;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<ChunkFiles> chunks;
  Names names;  // of all chunks on disk, if they are
  bool names_listed = false;
  // Chunks of which only the backup is there. Empty when so many are gone that nobody removed them.
  std::vector<std::string> removed;
  // The journal's records in their order, and the chunks in them that need nothing any more.
  std::vector<std::shared_ptr<JournalRecord>> records;
  std::vector<std::string> settled;
  bool had_journal = false;
  RecoveryReport report;
  FileInfo chunks_place;  // what chunks/, or the side folder, was when it was opened

  // conflict when another program has moved that folder away or put another in its place: nobody
  // would find files that are written through the open one.
  [[nodiscard]] Status check_chunks_in_place() const { return check_chunks_are(chunks_place); }
  [[nodiscard]] Status check_chunks_are(const FileInfo& place) const;
};

// Creates missing folders, takes the lock, cleans up and reads the journal. On `locked`, `owner`
// says who holds it. On any error nothing stays locked. The caller then commits `records` without
// `settled`, and afterwards gives the journal a new token by rewriting it if `had_journal`.
// Where processes write in turn, and the one before left nothing to do, it lists nothing: then it
// takes a few system calls, whatever the project holds.
Result<std::unique_ptr<OpenedFolder>> open_folder(Platform platform,
                                                  const ProjectLocation& location,
                                                  const OpeningOptions& options, OwnerInfo& owner);

}  // namespace safechunk
