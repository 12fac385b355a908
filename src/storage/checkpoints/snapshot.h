// One consistent state of all chunks, to be archived (G13).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "storage/checkpoints/archive_source.h"
#include "storage/chunks/chunk_files.h"

namespace safechunk {

// All files of one moment, while the engine goes on. Files that the engine changes afterwards get a
// second name in `checkpoints/.pin-TOKEN/` first, which is removed with this object; the others are
// read where they are. A file that another program changes meanwhile is read as it is then. The
// folders must outlive the object.
//
// Threads: preserve() is called by the thread that may change the disk; the rest by any.
class Snapshot final : public ChangeObserver, public ArchiveSource {
 public:
  // Call it while nothing commits. From then on preserve() must be called before every change.
  static Result<std::shared_ptr<Snapshot>> take(ProjectFolders& folders, std::uint64_t token,
                                                const TextSettings& settings);
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() override;

  // Hard links, or copies where the file system has none. An error is that of reading the chunk.
  void preserve(const std::string& chunk) override;

  [[nodiscard]] const std::vector<std::string>& chunks() const override { return chunks_; }
  [[nodiscard]] const std::vector<std::string>& backups() const override { return backups_; }
  // Chunks of which there is a backup only, other than those.
  [[nodiscard]] std::vector<std::string> without_file(const std::set<std::string>& others) const;
  // As they were at the moment of take().
  [[nodiscard]] Inspection read_chunk(const std::string& chunk) const override;
  [[nodiscard]] Result<std::string> read_backup(const std::string& chunk) const override;
  // The mode of the file of a chunk, and of its backup; 0600 when it cannot be seen.
  [[nodiscard]] std::uint32_t mode_of_chunk(const std::string& chunk) const override;
  [[nodiscard]] std::uint32_t mode_of_backup(const std::string& chunk) const override;

 private:
  Snapshot(ProjectFolders& folders, std::uint64_t token, const TextSettings& settings);
  Status open_folder();
  Status preserve_file(Directory& from, const std::string& file, const std::string& chunk);
  // Nothing when the files are where they were; else whether they could be preserved.
  [[nodiscard]] std::optional<Status> preserved(const std::string& chunk) const;

  const ProjectFolders& folders_;
  const std::string name_;
  const TextSettings settings_;
  std::vector<std::string> chunks_;   // names of chunks, sorted
  std::vector<std::string> backups_;  // names of chunks that have a backup, sorted
  std::vector<std::string> files_;    // what is in folder_; used by preserve() only
  std::unique_ptr<Directory>
      folder_;  // opened by the first preserve(), before preserved_ has an entry
  mutable Mutex mutex_;
  std::unordered_map<std::string, Status> preserved_ GUARDED_BY(mutex_);
};

// Removes the files that a crash left in checkpoints/: second names and unfinished archives.
Status remove_unfinished_checkpoints(Directory& checkpoints);

}  // namespace safechunk
