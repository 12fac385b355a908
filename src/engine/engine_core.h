// The engine behind the public classes. It joins staging, journal, commit and worker.
//
// Locks, in the order in which they are taken; none is held while a handler runs:
//   gate_         one commit, heal, checkpoint or restore at a time
//   stage_mutex_  one append to the journal at a time; its order is the order of sequences
//   mutex_        memory only, never held during I/O
// The files: engine_core.cc lifecycle, engine_stage.cc, engine_commit.cc, engine_read.cc,
// engine_checkpoint.cc.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include <safechunk/options.hpp>
#include <safechunk/reports.hpp>

#include "engine/debounce.h"
#include "engine/events.h"
#include "engine/spare_buffer.h"
#include "engine/staging.h"
#include "engine/worker.h"
#include "platform/platform.h"
#include "storage/checkpoint.h"
#include "storage/recovery.h"

namespace safechunk {

class EngineCore : public std::enable_shared_from_this<EngineCore> {
 public:
  EngineCore(std::string project_id, EngineOptions options, Platform platform);

  // Lifecycle: as the public class says.
  Status attach();
  Status detach();
  // For the destructor: detaches, and no handler attaches again. Waits for the end of a worker
  // whose handler has detached before, since what it uses may go now; but not on a worker itself.
  void close();
  [[nodiscard]] bool is_active() const;
  [[nodiscard]] bool is_dirty() const;
  [[nodiscard]] Status status() const;
  [[nodiscard]] std::optional<OwnerInfo> owner() const;
  // True in a forked child of the process that attached: nothing may be locked or released there.
  [[nodiscard]] bool is_forked() const;

  // Writing. A record is built by the caller through put and remove, and staged whole.
  // An empty record for a text of that size, in memory of an earlier one.
  std::shared_ptr<JournalRecord> new_record(std::size_t expected_size) const;
  Status put(JournalRecord& record, std::string_view json_text, std::string_view chunk) const;
  // The same for text that was on disk before: NaN, infinities and a byte-order mark may stay.
  Status put_lenient(JournalRecord& record, std::string_view json_text,
                     std::string_view chunk) const;
  Status stage(const std::shared_ptr<JournalRecord>& record);
  // For transactions. An error of stage_unit() means that nothing was staged; commit_unit() gives
  // locked instead of not_owner.
  Status stage_unit(const std::shared_ptr<JournalRecord>& record);
  Status commit_unit();
  Status remove_chunk(std::string_view chunk);
  Status force_sync();

  // Reading.
  Status check_readable() const;  // ok when there is a project that can be read
  Result<std::optional<std::string>> find_chunk(std::string_view chunk);
  Result<std::vector<std::string>> list_chunks();
  Result<HealthReport> health_report();
  Result<VerifyReport> verify(const ProgressHandler& progress);
  Status repair(const ProgressHandler& progress);

  // Checkpoints.
  Result<std::string> create_checkpoint(std::string_view label, int retention,
                                        std::string_view notes, const ProgressHandler& progress);
  Result<std::vector<CheckpointInfo>> list_checkpoints();
  Status verify_checkpoint(std::string_view file_name, const ProgressHandler& progress);
  Status restore_checkpoint(std::string_view file_name, const ProgressHandler& progress);
  Status delete_checkpoint(std::string_view file_name);

  [[nodiscard]] RecoveryReport recovery_report() const;
  [[nodiscard]] Events& events() { return events_; }
  [[nodiscard]] const std::string& project_id() const { return location_.project_id; }
  [[nodiscard]] const std::string& project_path() const { return project_path_; }

 private:
  enum class State { inactive, attaching, active, detaching };
  using Lock = std::unique_lock<std::mutex>;

  // Lifecycle.
  Status check_options() const;
  Status open_and_recover(Notices& notices);
  Status renew_journal(OpenProject& project, Notices& notices);
  void start_worker(Notices& notices);
  void run_worker(std::uint64_t generation);
  Status finish_detach(Notices& notices);
  void keep_unsaved(OpenProject& project, std::uint64_t newest, Notices& notices);
  void abandon() noexcept;
  void deliver(Notices notices) noexcept;

  Status check_active() const;  // mutex_ held
  // The project when this process owns it, else not_owner.
  Result<std::shared_ptr<OpenProject>> owned_project() const;
  // Folders for reading: those of the owned project, or freshly opened ones.
  Result<std::shared_ptr<OpenProject>> readable_project() const;

  // Writing.
  Status put_text(JournalRecord& record, std::string_view json_text, std::string_view chunk,
                  bool lenient) const;
  Status take_in(const std::shared_ptr<JournalRecord>& record,
                 std::shared_ptr<OpenProject>& project);  // intake_ held
  Status stage_locked(OpenProject& project, const std::shared_ptr<JournalRecord>& record);
  bool set_bases(OpenProject& project, JournalRecord& record);
  Status check_names(OpenProject& project, const JournalRecord& record);
  Status commit_staged(OpenProject& project, Notices& notices);    // gate_ held
  Status commit_snapshot(OpenProject& project, Notices& notices);  // likewise
  void settle(OpenProject& project, Notices& notices);             // gate_ held
  // `committing` is what is being published meanwhile: it may be on disk already, or not.
  using StagedEdits = std::map<std::string, StagedEdit>;
  Status rewrite_journal(OpenProject& project, std::uint32_t token,
                         const StagedEdits& committing = {});  // stage_mutex_ held
  Status sync_journal(OpenProject& project, std::uint64_t sequence, Notices& notices,
                      const StagedEdits& committing = {});
  Status commit_now(bool retry, Notices& notices);
  Status sync_by_journal(const std::shared_ptr<OpenProject>& project, Notices& notices);
  void account(const CommitReport& report, const StagedEdits& set,
               Clock::TimePoint::duration duration, Notices& notices);
  void relieve_journal();

  // Checkpoints.
  enum class DamagedChunks { refuse, leave_out };
  // One checkpoint, restore or deletion at a time, and none while or after the engine detaches.
  // Held while archives are written, and while progress is told; so it is no mutex.
  class ArchiveTurn {
   public:
    explicit ArchiveTurn(EngineCore& core) : core_(core) {}
    ArchiveTurn(const ArchiveTurn&) = delete;
    ArchiveTurn& operator=(const ArchiveTurn&) = delete;
    ~ArchiveTurn();
    // Waits. invalid_argument on a thread that has the turn already: a progress handler.
    Status take();

   private:
    EngineCore& core_;
    bool taken_ = false;
  };
  // The caller's handler; cancels, too, when the engine is being detached.
  ProgressHandler while_active(ProgressHandler progress) const;
  Result<std::string> archive_all(OpenProject& project, std::string label, std::string notes,
                                  DamagedChunks damaged, const ProgressHandler& progress,
                                  Notices& notices);
  Status restore_all(OpenProject& project, const std::string& file_name,
                     const ProgressHandler& progress, Notices& notices);
  Status heal_or_leave_out(OpenProject& project, const std::string& chunk, DamagedChunks damaged,
                           std::set<std::string>& left_out, Notices& notices);
  Result<std::shared_ptr<PinnedFiles>> pin_all(OpenProject& project, Notices& notices);
  Status prune_checkpoints(OpenProject& project, const std::string& newest, std::size_t retention);

  // Reading.
  Result<std::optional<std::string>> find_committed(OpenProject& project, const std::string& chunk);
  Result<std::optional<std::string>> find_as_reader(const std::string& chunk);
  Result<std::optional<std::string>> heal_and_find(OpenProject& project, const std::string& chunk);
  Result<Inspection> heal(OpenProject& project, const std::string& chunk);
  Status repair_chunk(OpenProject& project, const std::string& chunk);
  void note_first_sight(OpenProject& project, const std::string& chunk, const Inspection& found);

  // Constant.
  const ProjectLocation location_;
  const std::string project_path_;
  const EngineOptions options_;
  const TextSettings settings_;
  const Platform platform_;
  const Status options_status_;
  const std::shared_ptr<SpareBuffer> spare_buffer_ = std::make_shared<SpareBuffer>();

  Events events_;
  std::atomic<std::int64_t> owner_pid_{0};

  std::mutex gate_;
  std::uint64_t committed_through_ = 0;  // guarded by gate_: every edit up to here is committed
  bool journal_must_vanish_ = false;     // guarded by gate_: see CommitReport
  bool unsaved_ = false;  // guarded by gate_: of what was committed last, something failed

  std::mutex intake_;  // held by who stages, and by a restore from its safety checkpoint on
  std::mutex stage_mutex_;

  mutable std::mutex mutex_;               // guards everything below
  std::condition_variable wake_;           // for the worker
  std::condition_variable state_changed_;  // for those who wait for attach, detach or a turn
  State state_ = State::inactive;
  bool closed_ = false;  // for ever
  Status status_;
  std::shared_ptr<OpenProject> project_;
  std::optional<OwnerInfo> owner_;
  RecoveryReport recovery_;
  Staging staging_;
  std::unordered_map<std::string, std::string> names_;  // folded -> name, on disk or staged
  Debounce debounce_;
  BackOff back_off_;
  std::uint64_t acknowledged_ = 0;  // newest sequence that was reported as durable
  // Newest sequence that was staged upon what a power cut may change: only a commit makes it
  // durable.
  std::uint64_t uncertain_ = 0;
  // Edits came while the last commit ran, so that files which follow in every pause would only
  // hinder the journal that the caller waits for: they follow at the deadline.
  bool burst_ = false;
  std::uint64_t worker_generation_ = 0;
  std::size_t workers_ = 0;  // threads that run run_worker(), also those that a handler let go
  Clock::TimePoint worker_sleeps_until_ = Clock::TimePoint::min();  // min: it is awake
  std::optional<std::thread::id> archiving_;                        // the thread that has the turn
  HealthReport counters_;

  Worker worker_;  // used by attach and detach only, one at a time
};

}  // namespace safechunk
