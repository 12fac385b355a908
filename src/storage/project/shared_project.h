// A project that several processes write to in turn (Mode::shared).
//
// Each turn takes the project's lock, opens the project as an owner does, commits what was
// accepted, and leaves lock and journal to the next. Of the project it keeps little from one turn
// to the next (TurnMemory), so that there is little that another process could have made wrong.
// Reading outside of a turn takes no lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "platform/platform.h"
#include "storage/project/folder_reader.h"
#include "storage/project/opening.h"
#include "storage/project/project.h"
#include "store/store.h"

namespace safechunk {

class SharedProject final : public Store {
 public:
  // Takes one turn: creates what is missing, and recovers. Errors as Place::open().
  static Result<Opened> open(Platform platform, const ProjectLocation& location,
                             const OpeningOptions& options, std::optional<OwnerInfo>& holder,
                             Notices& notices);

  Result<StoredText> read(const std::string& chunk, Notices& notices) override;
  Result<std::vector<std::string>> list(Notices& notices) override;
  Status health(HealthReport& report) override;
  Result<VerifyReport> verify(const ProgressHandler& progress) override;
  Result<std::vector<CheckpointInfo>> list_checkpoints() override;
  LogReader& logs() override { return reader_.logs(); }
  Status read_checkpoint(const std::string& name, const ProgressHandler& progress,
                         const ArchivedChunkHandler& handler) override;

  Status begin_turn(Notices& notices) override;
  CommitOutcome end_turn(Notices& notices) override;
  Accepted accept(const std::shared_ptr<Edits>& edits) override;
  // What was accepted is durable when its turn has ended.
  Synced sync_accepted(Notices& notices) override;
  // Tries again what an earlier turn could not save.
  CommitOutcome commit(Notices& notices) override;
  [[nodiscard]] Pending pending() const override;
  Result<std::set<std::string>> list_with_backups() override;
  Status repair(const std::string& chunk, Notices& notices) override;
  // Other processes wait until the archive is written.
  Result<std::string> write_checkpoint(const CheckpointRequest& request,
                                       const ProgressHandler& progress, Notices& notices) override;
  Status export_archive(const std::string& path, const CheckpointRequest& request,
                        const ProgressHandler& progress, Notices& notices) override;
  Status prune_checkpoints(const std::string& newest, const CheckpointRequest& request,
                           std::size_t retention, Notices& notices) override;
  Result<std::set<std::string>> left_out_of(const std::string& name) override;
  Status remove_checkpoint(const std::string& name) override;
  LogWriter& log_writer() override { return project_->log_writer(); }
  // Leaves nothing but the chunks behind, unless another process has its turn just now.
  Status close(Notices& notices) override;

 private:
  SharedProject(Platform platform, ProjectLocation location, const OpeningOptions& options);

  Status take_place() EXCLUDES(mutex_);
  void give_place() EXCLUDES(mutex_);
  [[nodiscard]] bool has_turn() const EXCLUDES(mutex_);
  Status open_project(Opened& opened, std::optional<OwnerInfo>& holder, Notices& notices);
  template <typename Value, typename Function>
  Value in_turn(Notices& notices, const Function& function);

  const Platform platform_;
  const ProjectLocation location_;
  const OpeningOptions options_;
  const std::int64_t pid_;
  FolderReader reader_;

  mutable Mutex mutex_;
  CondVar turn_ended_;
  std::optional<std::thread::id> holder_ GUARDED_BY(mutex_);  // the thread that has the turn
  unsigned depth_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;

  // Used by the thread that has the turn.
  std::unique_ptr<Project> project_;
  std::set<std::string> accepted_;  // the chunks that were edited in the turn
  TurnMemory memory_;
  std::optional<FileInfo> chunks_place_;  // what chunks/ was in the first turn

  std::atomic<std::size_t> unsaved_{0};  // chunks in the journal that could not be saved
};

}  // namespace safechunk
