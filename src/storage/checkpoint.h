// Checkpoints: the files of one moment in a zip archive (G13).
//
// pin → write and verify → publish → retention. The engine may go on while the archive is written:
// a pinned file gets a second name before the engine replaces or removes it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <safechunk/reports.hpp>

#include "storage/chunk_store.h"

namespace safechunk {

// All files of one moment. Those of a chunk that is changed afterwards are kept under names of
// their own in `checkpoints/.pin-TOKEN/`, which is removed with this object; the others are read
// where they are. What another program changes meanwhile is read as it is then. The folders must
// outlive it.
//
// Threads: keep() is called by whoever may change the disk; the rest by any.
class PinnedFiles final : public ChunkKeeper {
 public:
  // Must run while nothing commits. From then on keep() must be told of every change.
  static Result<std::shared_ptr<PinnedFiles>> pin(ProjectFolders& folders, std::uint64_t token,
                                                  const TextSettings& settings);
  PinnedFiles(const PinnedFiles&) = delete;
  PinnedFiles& operator=(const PinnedFiles&) = delete;
  ~PinnedFiles() override;

  // Hard links, or copies where the file system has none. An error is that of reading the chunk.
  void keep(const std::string& chunk) override;

  [[nodiscard]] const std::vector<std::string>& chunks() const { return chunks_; }
  [[nodiscard]] const std::vector<std::string>& backups() const { return backups_; }
  // Chunks of which there is a backup only, other than those.
  [[nodiscard]] std::vector<std::string> without_file(const std::set<std::string>& others) const;
  // As they were at the moment of pin().
  [[nodiscard]] Inspection read_chunk(const std::string& chunk) const;
  [[nodiscard]] Result<std::string> read_backup(const std::string& chunk) const;

 private:
  PinnedFiles(ProjectFolders& folders, std::uint64_t token, const TextSettings& settings);
  Status open_folder();
  Status keep_file(Directory& from, const std::string& file, const std::string& chunk);
  // Nothing when the files are where they were; else whether they could be kept.
  [[nodiscard]] std::optional<Status> kept(const std::string& chunk) const;

  const ProjectFolders& folders_;
  const std::string name_;
  const TextSettings settings_;
  std::vector<std::string> chunks_;    // names of chunks, sorted
  std::vector<std::string> backups_;   // names of chunks that have a backup, sorted
  std::vector<std::string> files_;     // what is in folder_; used by keep() only
  std::unique_ptr<Directory> folder_;  // opened by the first keep(), before kept_ tells of it
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Status> kept_;  // guarded by mutex_
};

struct CheckpointRequest {
  std::string project_id;
  std::string label;
  std::string notes;
  std::int64_t unix_time_ns = 0;
  std::set<std::string> without;  // damaged chunks that are left out
};

// Writes the archive under a temporary name, syncs it, reads every entry back, and publishes it.
// Returns its name. On a damaged chunk: `corrupt` with that chunk in the error; nothing is left
// behind on any error.
Result<std::string> write_checkpoint(Directory& checkpoints, const PinnedFiles& pinned,
                                     const CheckpointRequest& request, const TextSettings& settings,
                                     const ProgressHandler& progress);

// Removes what a crash left: pins and unfinished archives.
Status remove_unfinished_checkpoints(Directory& checkpoints);

// Newest first.
Result<std::vector<CheckpointInfo>> list_checkpoints(Directory& checkpoints);

// invalid_name unless it is the name of a checkpoint of this engine.
Status check_checkpoint_name(std::string_view file_name);

// Reads and checks all of an archive as hostile input: structure, checksums, names, and that every
// chunk is JSON. Gives each chunk's bytes to `chunk`, which may be empty; an error from there
// stops.
using ArchivedChunkHandler =
    std::function<Status(const std::string& chunk, const std::string& bytes)>;
Status read_checkpoint(Directory& checkpoints, const std::string& file_name,
                       const TextSettings& settings, const ProgressHandler& progress,
                       const ArchivedChunkHandler& chunk);

}  // namespace safechunk
