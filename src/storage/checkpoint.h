// Checkpoints: the files of one moment in a zip archive (G13).
//
// pin → write and verify → publish → retention. Pinning gives each file a second name, so that the
// engine may go on while the archive is written.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/reports.hpp>

#include "storage/chunk_store.h"

namespace safechunk {

// All files of one moment, under names of their own in `checkpoints/.pin-TOKEN/`, which is removed
// with this object. The checkpoints folder must outlive it.
class PinnedFiles {
 public:
  // Must run while nothing commits. Hard links, or copies where the file system has none.
  static Result<PinnedFiles> pin(ProjectFolders& folders, std::uint64_t token,
                                 std::uint64_t size_limit);
  PinnedFiles(PinnedFiles&&) noexcept = default;
  PinnedFiles& operator=(PinnedFiles&&) = delete;
  ~PinnedFiles();

  [[nodiscard]] Directory& folder() const { return *folder_; }
  [[nodiscard]] const std::vector<std::string>& chunks() const { return chunks_; }
  [[nodiscard]] const std::vector<std::string>& backups() const { return backups_; }

 private:
  PinnedFiles() = default;
  Status pin_file(Directory& from, const std::string& file, std::uint64_t size_limit);

  Directory* checkpoints_ = nullptr;
  std::string name_;
  std::unique_ptr<Directory> folder_;
  std::vector<std::string> chunks_;   // names of chunks
  std::vector<std::string> backups_;  // names of chunks that have a backup
  std::vector<std::string> files_;
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
