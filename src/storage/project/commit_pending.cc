// Committing pending edits, and keeping the journal short.

#include <algorithm>

#include "storage/files/project_layout.h"
#include "storage/project/project.h"

namespace safechunk {
namespace {

// "'a', 'b', 'c' and 4 others"
std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 5;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) {
    list += (i == 0 ? "'" : ", '") + names[i] + "'";
  }
  if (names.size() > kMost) list += " and " + std::to_string(names.size() - kMost) + " others";
  return list;
}

std::string count_of(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " chunk" : " chunks");
}

}  // namespace

// --- committing

// Acknowledged after one fdatasync, which threads that arrive together share.
Synced Project::sync_accepted(Notices& notices) {
  if (journal_.broken()) return check_open() ? Synced::needs_commit : Synced::closed;
  std::uint64_t sequence = 0;
  bool bases_durable = false;
  {
    const MutexLock lock(mutex_);
    if (!open_) return Synced::closed;
    if (pending_.empty() || pending_.newest_sequence() <= marks_.reported.get()) {
      return Synced::nothing_to_do;
    }
    sequence = pending_.newest_sequence();
    bases_durable = newest_on_unsynced_base_ <= marks_.reported.get();
  }
  // A journal that another owner has replaced keeps nothing; committing reports it.
  if (!bases_durable || !folder_->lock->check_held()) return Synced::needs_commit;
  if (Status synced = journal_.sync_to(sequence); !synced) {
    notices.fault(synced);
    return Synced::needs_commit;
  }
  marks_.reported.raise(sequence);
  notices.sync();
  return Synced::done;
}

CommitOutcome Project::commit(Notices& notices) {
  CommitOutcome outcome;
  std::uint64_t needed = 0;
  {
    const MutexLock lock(mutex_);
    needed = pending_.newest_sequence();
    if (open_ && pending_.empty()) return outcome;
  }
  const MutexLock commit_lock(commit_mutex_);
  outcome.status = check_open();
  // A caller whose edits were committed by the one before it returns at once: so many writers cost
  // few fsyncs.
  if (!outcome.status || marks_.files_durable.get() >= needed) return outcome;
  return commit_pending(notices);
}

CommitOutcome Project::commit_pending(Notices& notices) {
  try {
    return commit_snapshot(notices);
  } catch (...) {
    // Memory. Nobody knows how far it came, so nothing counts as saved; it is tried again.
    must_truncate_journal_ = true;
    throw;
  }
}

CommitOutcome Project::commit_snapshot(Notices& notices) {
  CommitOutcome outcome;
  PendingSet set;
  {
    const MutexLock lock(mutex_);
    set = pending_.snapshot();
    outcome.through = pending_.newest_sequence();
  }
  outcome.ran = !set.empty();
  outcome.status = folder_->lock->check_held();
  std::shared_ptr<Directory> backups;
  if (outcome.status.ok() && !set.empty()) {
    auto held = hold_files();
    outcome.status = held.status();
    if (held) backups = *std::move(held);
  }
  note_saving("", outcome.status, notices);
  if (!outcome.status) return outcome;
  if (!set.empty() && chunks_.names_lost() && !lost_names_healed_) {
    lost_names_healed_ = heal_lost_names(set, notices);
  }
  if (!set.empty()) {
    std::vector<ChunkEdit> edits;
    edits.reserve(set.size());
    for (const auto& [chunk, staged] : set) {
      edits.push_back({chunk, staged.edit().removal, staged.text(), staged.edit().verbatim,
                       staged.edit().text_digest, staged.record->sequence(),
                       staged.edit().seen_when_staged, staged.group, staged.edit().mode});
    }
    const CommitReport report = commit_edits(chunks_, edits, journal_.token(), [&] {
      return sync_journal(outcome.through, set, notices);
    });
    record_results(report, set, notices);
    std::vector<LoggedChange> changes;
    for (const auto& [chunk, replaced] : report.replaced) {
      const StagedEdit& staged = set.at(chunk);
      using Origin = LoggedChange::Origin;
      changes.push_back({.origin = staged.record->is_restore() ? Origin::restore : Origin::commit,
                         .revision = staged.edit().text_digest,
                         .previous = replaced,
                         .chunk = chunk});
    }
    log_changes(std::move(changes));
    must_truncate_journal_ = must_truncate_journal_ || report.must_truncate_journal;
    outcome.changed = report.changed;
    outcome.bytes_written = report.bytes_written;
    outcome.status = report.first_error();
    if (outcome.status.ok()) marks_.files_durable.raise(outcome.through);
    last_commit_failed_ = !outcome.status.ok();
  }
  truncate_journal(notices);
  return outcome;
}

// A save makes the file of one chunk. The next owner must not take the others, whose names were
// lost with it, for removed: so they get their files first.
bool Project::heal_lost_names(const PendingSet& committing, Notices& notices) {
  auto files = list_chunk_files(folders_);
  auto all = list_all_chunks(folders_);
  if (!files || !all) return false;  // the commit meets the same trouble, and reports it
  std::vector<Event> events;
  bool all_healed = true;
  for (const std::string& chunk : *all) {
    if (committing.contains(chunk) || std::ranges::binary_search(*files, chunk)) continue;
    const Healing healing = chunks_.heal(chunk, events);
    note_healing(chunk, healing, notices);
    all_healed = all_healed && healing.reason.ok();
  }
  for (const Event& event : events) notices.event(in_file(event, folders_));
  return all_healed;
}

// The next turn would count the files that this one has healed, and take the others for removed.
void Project::heal_before_the_next_turn(Notices& notices) {
  const MutexLock commit_lock(commit_mutex_);
  if (!chunks_.names_lost() || lost_names_healed_) return;
  lost_names_healed_ = heal_lost_names({}, notices);
}

// A failure is reported when it begins and when it ends, and not at every try.
void Project::note_saving(const std::string& chunk, const Status& result, Notices& notices) {
  // A program that is writing the file was reported when it began.
  if (result.code() == ErrorCode::being_edited) return;
  const MutexLock lock(mutex_);
  if (!result.ok()) {
    if (save_troubles_.begin(chunk, result)) notices.fault(result);
  } else if (save_troubles_.end(chunk)) {
    notices.event(in_file({Event::Kind::resumed, chunk, "it is saved again"}, folders_));
  }
}

void Project::record_results(const CommitReport& report, const PendingSet& set, Notices& notices) {
  for (const Event& event : report.events) notices.event(in_file(event, folders_));
  std::size_t next = 0;
  for (const auto& [chunk, staged] : set) note_saving(chunk, report.results[next++], notices);
  for (const Status& failure : report.late_failures) notices.fault(failure);
  const MutexLock lock(mutex_);
  std::size_t index = 0;
  std::uint64_t newest = 0;
  bool failed = false;
  for (const auto& [chunk, staged] : set) {
    if (!report.results[index++].ok()) {
      failed = true;
      continue;
    }
    pending_.committed(chunk, staged);
    if (staged.edit().removal && pending_.find(chunk) == nullptr) names_.remove(chunk);
    newest = std::max(newest, staged.record->sequence());
  }
  if (report.changed > 0) notices.status("saved " + count_of(report.changed));
  if (!failed && newest > marks_.reported.get()) {
    marks_.reported.raise(newest);
    notices.sync();
  }
}

void Project::log_changes(std::vector<LoggedChange> changes) {
  for (LoggedChange& change : changes) change.writer = engine_;
  (void)ChangeLog(*folders_.root, platform_, folders_.rights).append(changes);
}

// --- the journal

Status Project::sync_journal(std::uint64_t sequence, const PendingSet& committing,
                             Notices& notices) {
  if (!journal_.broken()) {
    Status status = journal_.sync_to(sequence);
    if (status.ok()) return status;
    notices.fault(status);
  }
  // A sync that failed is not tried again on the same file: a fresh one takes over.
  const MutexLock journal_lock(journal_mutex_);
  return rewrite_journal(journal_.token(), committing);
}

Status Project::rewrite_journal(std::uint32_t token, const PendingSet& committing) {
  std::vector<std::shared_ptr<JournalRecord>> records;
  {
    const MutexLock lock(mutex_);
    records = pending_.trim_records();
  }
  // Earlier records are left out, so each edit is now based on the file. An older edit may just be
  // on its way there, or a version of another program that is not synced: such a base is unknown.
  for (const auto& record : records) {
    for (std::size_t i = 0; i < record->operations().size(); ++i) {
      const std::string& chunk = record->operations()[i].chunk;
      const auto found = committing.find(chunk);
      const bool older =
          found != committing.end() && found->second.record->sequence() != record->sequence();
      const Base base = older ? Base{kUnknownDigest} : chunks_.base_of(chunk);
      record->set_base(i, base.durable ? base.text_digest : kUnknownDigest);
    }
  }
  Status status = journal_.rewrite(records, token);
  if (status.ok()) {
    const MutexLock lock(mutex_);
    pending_.mark_journaled();
  }
  return status;
}

// After a commit: the journal is emptied, or, when it has grown past its limit, cut to the pending
// edits.
void Project::truncate_journal(Notices& notices) {
  const MutexLock journal_lock(journal_mutex_);
  bool empty = false;
  {
    const MutexLock lock(mutex_);
    empty = pending_.empty();
  }
  const bool grown = journal_.size() > journal_limit_;
  if (journal_.broken() || (!empty && grown)) {
    Status status = rewrite_journal(journal_.token());
    if (status.ok()) must_truncate_journal_ = false;
    notices.fault(status);
  } else if (empty) {
    Status status = journal_.reset(must_truncate_journal_);
    if (!status) {
      // At once: the next edit must find a journal that keeps it.
      notices.fault(status);
      status = rewrite_journal(journal_.token());
    }
    if (status.ok()) must_truncate_journal_ = false;
    notices.fault(status);
  }
}

// `reason` with the names of all chunks that could not be saved, and what becomes of them.
Status Project::describe_unsaved(const Status& reason, bool held) const {
  std::vector<std::string> kept;
  std::vector<std::string> lost;
  {
    const MutexLock lock(mutex_);
    for (const auto& [chunk, staged] : pending_.snapshot()) {
      (staged.journaled ? kept : lost).push_back(chunk);
    }
  }
  if (reason.ok() || (kept.empty() && lost.empty())) return reason;
  Error error = reason.error();
  if (!kept.empty()) {
    error.message += held ? "; not saved, and kept in the journal: "
                          : "; not saved, and this engine has lost its journal: unless the next "
                            "owner has found them there, these are lost: ";
    error.message += list_of(kept);
  }
  if (!lost.empty()) {
    error.message += "; lost, because the journal could not take them either: " + list_of(lost);
  }
  return error;
}

}  // namespace safechunk
