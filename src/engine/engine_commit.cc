// Committing what is staged, and cutting the journal.

#include <algorithm>

#include "base/chunk_name.h"
#include "engine/engine_core.h"
#include "storage/project_layout.h"

namespace safechunk {
namespace {

std::string count_of(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " chunk" : " chunks");
}

// The name stays taken when it is that of another chunk, equal but for case.
void forget_name(std::unordered_map<std::string, std::string>& names, const std::string& chunk) {
  const auto found = names.find(fold_case(chunk));
  if (found != names.end() && found->second == chunk) names.erase(found);
}

}  // namespace

// --- committing

Status EngineCore::force_sync() {
  Notices notices;
  Status status;
  auto project = owned_project();
  if (!project) return project.status();
  if (options_.durability == Durability::journal && !(*project)->journal->broken()) {
    status = sync_by_journal(*project, notices);
  } else {
    status = commit_now(false, notices);
  }
  events_.deliver(std::move(notices));
  return status;
}

// Durability::journal: acknowledged after one fdatasync, which threads that arrive together share.
Status EngineCore::sync_by_journal(const std::shared_ptr<OpenProject>& project, Notices& notices) {
  std::uint64_t sequence = 0;
  bool certain = false;
  {
    const Lock lock(mutex_);
    // Detached and attached meanwhile: sequences of that life say nothing about this one's, and a
    // successful attach begins with everything in the files or in a durable journal.
    if (project_ != project) return check_active();
    if (staging_.empty() || staging_.newest_sequence() <= acknowledged_) return {};
    sequence = staging_.newest_sequence();
    certain = uncertain_ <= acknowledged_;
  }
  // A journal that another owner has replaced keeps nothing; committing reports it. And what a
  // record stands upon must be what a power cut leaves, or it would look like a conflict.
  if (!certain || !project->lock->check_held()) return commit_now(false, notices);
  if (Status synced = project->journal->sync_to(sequence); !synced) {
    notices.fault(synced);
    return commit_now(false, notices);
  }
  {
    const Lock lock(mutex_);
    if (project_ == project) acknowledged_ = std::max(acknowledged_, sequence);
    if (!burst_) {
      debounce_.due_when_quiet(platform_.clock.now());
      if (debounce_.deadline() < worker_sleeps_until_) wake_.notify_all();
    }
  }
  notices.sync();
  return {};
}

// Commits everything that is staged when its turn comes. A caller whose edits were committed by the
// one before it returns at once: so many writers cost few fsyncs.
Status EngineCore::commit_now(bool retry, Notices& notices) {
  std::uint64_t needed = 0;
  {
    const Lock lock(mutex_);
    // A detach that could not save leaves nothing staged, either.
    if (Status status = check_active(); !status) return status;
    needed = staging_.newest_sequence();
    if (staging_.empty()) {
      debounce_.clear();
      back_off_.succeeded();
      return {};
    }
    if (retry) ++counters_.retries;
  }
  const std::lock_guard gate(gate_);
  if (committed_through_ >= needed) return {};
  auto project = owned_project();
  if (!project) return project.status();
  return commit_staged(**project, notices);
}

Status EngineCore::commit_staged(OpenProject& project, Notices& notices) {
  try {
    return commit_snapshot(project, notices);
  } catch (...) {
    // Memory. How far it came is not known, so nothing counts as saved; the worker tries again.
    const Lock lock(mutex_);
    journal_must_vanish_ = true;
    back_off_.failed(platform_.clock.now());
    wake_.notify_all();
    throw;
  }
}

Status EngineCore::commit_snapshot(OpenProject& project, Notices& notices) {
  StagedEdits set;
  std::uint64_t newest = 0;
  {
    const Lock lock(mutex_);
    set = staging_.snapshot();
    newest = staging_.newest_sequence();
    debounce_.clear();
  }
  const auto begin = platform_.clock.now();
  Status status = project.lock->check_held();
  if (status.ok() && !set.empty()) {
    status = project.check_in_place({layout::kChunks, layout::kBackups});
  }
  if (!status) {
    notices.fault(status);
    const Lock lock(mutex_);
    if (!set.empty()) back_off_.failed(platform_.clock.now());
    return status;
  }
  if (!set.empty()) {
    std::vector<ChunkEdit> edits;
    edits.reserve(set.size());
    for (const auto& [chunk, staged] : set) {
      edits.push_back({chunk, staged.edit().removal, staged.text(), staged.edit().text,
                       staged.record->sequence(), staged.edit().found, staged.group});
    }
    const CommitReport report = commit_edits(*project.chunks, edits, project.journal->token(), [&] {
      return sync_journal(project, newest, notices, set);
    });
    account(report, set, platform_.clock.now() - begin, notices);
    journal_must_vanish_ = journal_must_vanish_ || report.journal_must_vanish;
    status = report.first_error();
    if (status.ok()) committed_through_ = newest;
    unsaved_ = !status.ok();
  }
  settle(project, notices);
  return status;
}

void EngineCore::account(const CommitReport& report, const StagedEdits& set,
                         Clock::TimePoint::duration duration, Notices& notices) {
  for (const Event& event : report.events) notices.event(event);
  for (const Status& result : report.results) notices.fault(result);
  const Lock lock(mutex_);
  std::size_t index = 0;
  std::uint64_t newest = 0;
  bool failed = false;
  for (const auto& [chunk, staged] : set) {
    if (report.results[index++].ok()) {
      staging_.committed(chunk, staged);
      if (staged.edit().removal && staging_.find(chunk) == nullptr) forget_name(names_, chunk);
      newest = std::max(newest, staged.record->sequence());
    } else {
      failed = true;
    }
  }
  burst_ = !failed && !staging_.empty();
  counters_.bytes_written += report.bytes_written;
  if (failed) {
    ++counters_.failed_commits;
    back_off_.failed(platform_.clock.now());
    wake_.notify_all();
  } else {
    back_off_.succeeded();
  }
  if (report.changed > 0) {
    counters_.last_sync_unix_time = static_cast<double>(platform_.clock.unix_time_ns()) / 1e9;
    counters_.last_sync_duration_ms = std::chrono::duration<double, std::milli>(duration).count();
    notices.status("saved " + count_of(report.changed));
  }
  if (!failed && newest > acknowledged_) {
    acknowledged_ = newest;
    notices.sync();
  }
}

// --- the journal

Status EngineCore::sync_journal(OpenProject& project, std::uint64_t sequence, Notices& notices,
                                const StagedEdits& committing) {
  if (!project.journal->broken()) {
    Status status = project.journal->sync_to(sequence);
    if (status.ok()) return status;
    notices.fault(status);
  }
  // A sync that failed is not tried again on the same file: a fresh one takes over.
  const std::lock_guard stage_lock(stage_mutex_);
  return rewrite_journal(project, project.journal->token(), committing);
}

Status EngineCore::rewrite_journal(OpenProject& project, std::uint32_t token,
                                   const StagedEdits& committing) {
  std::vector<std::shared_ptr<JournalRecord>> records;
  {
    const Lock lock(mutex_);
    records = staging_.trim_records();
  }
  // Records that went before are left out: each edit now stands upon the disk, where an older one
  // may just be on its way, or what another program wrote and did not sync.
  for (const auto& record : records) {
    for (std::size_t i = 0; i < record->operations().size(); ++i) {
      const std::string& chunk = record->operations()[i].chunk;
      const auto found = committing.find(chunk);
      const bool older =
          found != committing.end() && found->second.record->sequence() != record->sequence();
      const Base base = older ? Base{kUnknownDigest} : project.chunks->base_of(chunk);
      record->set_base(i, base.durable ? base.text : kUnknownDigest);
    }
  }
  Status status = project.journal->rewrite(records, token);
  if (status.ok()) {
    const Lock lock(mutex_);
    staging_.mark_journaled();
  }
  return status;
}

// After a commit: the journal is emptied, or, when it has grown past its limit, cut to what is
// still staged.
void EngineCore::settle(OpenProject& project, Notices& notices) {
  const std::lock_guard stage_lock(stage_mutex_);
  bool empty = false;
  {
    const Lock lock(mutex_);
    empty = staging_.empty();
  }
  const bool grown = project.journal->size() > options_.journal_limit;
  if (project.journal->broken() || (!empty && grown)) {
    Status status = rewrite_journal(project, project.journal->token());
    if (status.ok()) journal_must_vanish_ = false;
    notices.fault(status);
  } else if (empty) {
    Status status = project.journal->reset(journal_must_vanish_);
    if (!status) {
      // At once: the next edit must find a journal that keeps it.
      notices.fault(status);
      status = rewrite_journal(project, project.journal->token());
    }
    if (status.ok()) journal_must_vanish_ = false;
    notices.fault(status);
  }
}

// Called by a thread that staged past the limit. It commits itself, so that a writer that is faster
// than the disk is slowed down to the disk's speed; unless saving fails anyway.
void EngineCore::relieve_journal() {
  {
    const Lock lock(mutex_);
    if (back_off_.retry_at() != BackOff::TimePoint::max()) return;
  }
  Notices notices;
  (void)commit_now(false, notices);  // reported through the notices
  events_.deliver(std::move(notices));
}

}  // namespace safechunk
