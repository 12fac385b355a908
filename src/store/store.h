// The seam between what an engine accepts and where it is kept.
//
// A Place knows where a project is, and makes the other two. A Store is one project that this
// process owns, or that several processes write to in turn; its end is the end of that. A
// StoreReader reads a project that somebody else owns, or nobody. Nothing here speaks of files or
// points in time.
//
// Threads: every member of a Place, a Store or a StoreReader may be called by any thread at any
// time. What happened on the way is added to `notices`, to be delivered when no lock is held.
// Codes: after close() every verb of a Store that changes something gives not_owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/reports.hpp>
#include <safechunk/status.hpp>

#include "store/changes.h"
#include "store/edits.h"
#include "store/logs.h"
#include "store/notices.h"

namespace safechunk {

// What is accepted and not yet committed.
struct Pending {
  std::size_t chunks = 0;
  std::uint64_t newest = 0;  // the number of the newest edit that was ever accepted; 0: none
};

struct Accepted {
  enum class Result {
    refused,          // nothing was taken over; the status says why
    already_pending,  // the same edit is pending already
    staged,           // the edits will be committed; an error says that they would not survive a
                      // crash of the process
  };
  Status status;
  Result result = Result::refused;
  bool wants_commit = false;  // so much is pending that the caller should commit before it goes on
};

enum class Synced {
  nothing_to_do,  // everything that was accepted is durable already
  done,           // everything that had been accepted is durable now
  needs_commit,   // only commit() can make it durable
  closed,         // the store was closed meanwhile
};

struct CommitOutcome {
  Status status;            // the first error; the edits that failed stay pending
  bool ran = false;         // false: nothing was waiting, or another commit had taken it along
  std::size_t changed = 0;  // chunks that were changed
  std::uint64_t bytes_written = 0;
  std::uint64_t through = 0;  // the number of the newest edit that it tried to commit
  bool lost = false;          // of end_turn(): what failed is not pending, and will not be retried
};

// The labels of checkpoints that the engine makes before it changes all chunks. Other labels'
// retention does not count them.
inline constexpr std::string_view kBeforeRestore = "before_restore";
inline constexpr std::string_view kBeforeMigration = "before_migration";

struct CheckpointRequest {
  std::string label;
  std::string notes;
  bool keep = false;  // retention neither counts nor removes it
  // Chunks that are not damaged, but cannot be read now.
  enum class Unreadable { leave_out, refuse } unreadable = Unreadable::leave_out;
};

// `mode`: see Edits::put_stored().
using ArchivedChunkHandler =
    std::function<Status(const std::string& chunk, const std::string& text, std::uint32_t mode)>;

// A chunk as it was read.
struct StoredText {
  std::optional<std::string> text;  // nothing: there is no such chunk
  // ok: it is what was saved last. Else an older version was given, and this says why: healed,
  // invalid_edit or being_edited.
  Status older;
  // Names the content: equal for equal content. Empty when there is no such chunk.
  std::string revision;
};

// Reads what is committed. Changes nothing but that it makes archives when it is asked to, takes no
// lock that a forked child could inherit in a locked state, and may be used while another process
// owns the project.
class StoreReader {
 public:
  virtual ~StoreReader() = default;

  // The chunk's text. lost when no version of it can be read; the error of the system when it could
  // not be looked at.
  virtual Result<StoredText> read(const std::string& chunk, Notices& notices) = 0;
  // Names of all chunks, sorted.
  virtual Result<std::vector<std::string>> list(Notices& notices) = 0;
  // Fills in the fields that the store knows of.
  virtual Status health(HealthReport& report) = 0;
  // Reads everything and judges every part.
  virtual Result<VerifyReport> verify(const ProgressHandler& progress) = 0;

  // It lives as long as this object.
  virtual LogReader& logs() = 0;

  // Newest first.
  virtual Result<std::vector<CheckpointInfo>> list_checkpoints() = 0;
  // `name`: of a checkpoint, or the path of an archive. Reads and checks all of it as hostile
  // input, and gives each chunk to `handler`, which may be empty; an error from there ends it.
  virtual Status read_checkpoint(const std::string& name, const ProgressHandler& progress,
                                 const ArchivedChunkHandler& handler) = 0;

  // Archives one consistent state of all chunks and returns the name of the checkpoint. A Store has
  // accepted edits in it; others what is committed, and without the backups. Chunks that cannot be
  // read are left out or replaced by their newest good version, and become faults. On error there
  // is no new checkpoint, unless the message says that it stays. `locked` when somebody else
  // changes the project so fast that no reader finds a moment.
  virtual Result<std::string> write_checkpoint(const CheckpointRequest& request,
                                               const ProgressHandler& progress,
                                               Notices& notices) = 0;
  // The same outside of the project: as `path`, which must be free (conflict).
  virtual Status export_archive(const std::string& path, const CheckpointRequest& request,
                                const ProgressHandler& progress, Notices& notices) = 0;
};

class Store : public StoreReader {
 public:
  // StoreReader::read() of a Store gives accepted edits first, and heals what is damaged: where
  // processes write in turn, within a turn.

  // Where several processes write in turn: waits until no other has it, and keeps them waiting
  // until end_turn(). `locked` when that takes too long. Turns of one thread nest; only the
  // outermost counts. An owner has its turn always: then both do nothing.
  virtual Status begin_turn(Notices& notices) = 0;
  // Commits what was accepted in the turn, durably. An error says what could not be saved, and what
  // became of it. Must follow each begin_turn() that was ok, on the same thread.
  virtual CommitOutcome end_turn(Notices& notices) = 0;

  // Takes over all edits, or none; within a turn. Never waits for a device.
  virtual Accepted accept(const std::shared_ptr<Edits>& edits) = 0;
  // Makes everything that was accepted so far durable without committing it.
  virtual Synced sync_accepted(Notices& notices) = 0;
  // Commits everything that was accepted so far, durably. Callers that wait for the commit of
  // another thread return with it when it took their edits along.
  virtual CommitOutcome commit(Notices& notices) = 0;
  // Memory only.
  [[nodiscard]] virtual Pending pending() const = 0;

  // Names of all chunks, also of those of which only a backup is left.
  virtual Result<std::set<std::string>> list_with_backups() = 0;
  // Heals one chunk if it is damaged; ok when it is sound or missing afterwards. What another
  // program wrote is known from then on, so that damage to it can be told from an edit.
  virtual Status repair(const std::string& chunk, Notices& notices) = 0;

  // It lives as long as this object, or the turn.
  virtual LogWriter& log_writer() = 0;

  // Keeps `newest`, which was made as `request` says, and the newest others that count with it,
  // `retention` in all. Each removal becomes a status; the first error is returned after everything
  // was tried.
  virtual Status prune_checkpoints(const std::string& newest, const CheckpointRequest& request,
                                   std::size_t retention, Notices& notices) = 0;
  // Chunks that existed when the checkpoint was made, and that it lacks.
  virtual Result<std::set<std::string>> left_out_of(const std::string& name) = 0;
  virtual Status remove_checkpoint(const std::string& name) = 0;

  // Accepts nothing more, commits what is pending, and gives the ownership up. An error says what
  // could not be saved; the next open() finds it.
  virtual Status close(Notices& notices) = 0;
};

// A project that was just opened.
struct Opened {
  std::unique_ptr<Store> store;
  std::optional<OwnerInfo> owner;  // this process; nothing where several processes write in turn
  RecoveryReport recovery;
  CommitOutcome recovered;  // the commit of what an earlier owner had accepted
};

class Place {
 public:
  virtual ~Place() = default;

  // Absolute, for people and messages. That of a chunk's file.
  [[nodiscard]] virtual const std::string& path() const = 0;
  [[nodiscard]] virtual std::string path_of(std::string_view chunk) const = 0;
  // The only chunk that there can be; empty: there may be many.
  [[nodiscard]] virtual const std::string& only_chunk() const = 0;
  // ok when there can be a chunk, or a log, of that name here, else invalid_name.
  [[nodiscard]] virtual Status check_chunk(std::string_view name) const = 0;
  [[nodiscard]] virtual Status check_log(std::string_view name) const = 0;
  // Takes the ownership, creates what is missing, and recovers. On `locked`, `holder` says who owns
  // it. On any error this process owns nothing.
  virtual Result<Opened> open(std::optional<OwnerInfo>& holder, Notices& notices) = 0;
  // ok when there is a project that can be read.
  virtual Status check_readable() = 0;
  virtual std::unique_ptr<StoreReader> reader() = 0;
  // Changes from now on, or from options.since on. Needs no owner.
  virtual Result<std::unique_ptr<ChangeSource>> watch(const WatchOptions& options) = 0;
  // `expected_size`: bytes of text that will be put, as far as the caller knows.
  [[nodiscard]] virtual std::shared_ptr<Edits> new_edits(std::size_t expected_size) const = 0;
  // ok when `name` can be that of a checkpoint here, else invalid_name.
  [[nodiscard]] virtual Status check_checkpoint_name(std::string_view name) const = 0;
  // The same, or the path of an archive outside.
  [[nodiscard]] virtual Status check_archive_name(std::string_view name) const = 0;
};

}  // namespace safechunk
