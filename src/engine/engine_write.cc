// Writing: staging, committing, cutting the journal.

#include <algorithm>

#include "base/chunk_name.h"
#include "engine/engine_core.h"
#include "json/scan.h"
#include "storage/project_layout.h"

namespace safechunk {
namespace {

Status in_chunk(Status status, std::string_view chunk) {
  if (status.ok() || !status.error().chunk.empty()) return status;
  Error error = status.error();
  error.chunk = chunk;
  return error;
}

// Any other error of stage() means that it is staged, but not in the journal.
bool was_refused(const Status& staged) {
  return staged.code() == ErrorCode::not_owner || staged.code() == ErrorCode::invalid_name;
}

std::string count_of(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " chunk" : " chunks");
}

using Names = std::unordered_map<std::string, std::string>;

// The other name that is equal to that of `chunk` but for case; empty when there is none.
std::string rival_of(const Names& names, const std::string& chunk) {
  const auto found = names.find(fold_case(chunk));
  return found == names.end() || found->second == chunk ? std::string() : found->second;
}

Status differs_by_case(const std::string& chunk, const std::string& rival) {
  return in_chunk(
      Status(ErrorCode::invalid_name, "chunk name differs only by case from '" + rival + "'"),
      chunk);
}

bool removes(const JournalRecord& record, const std::string& chunk) {
  const auto& operations = record.operations();
  return std::any_of(operations.begin(), operations.end(), [&](const JournalOperation& operation) {
    return operation.removal && operation.chunk == chunk;
  });
}

// The name stays taken when it is that of another chunk, equal but for case.
void forget_name(Names& names, const std::string& chunk) {
  const auto found = names.find(fold_case(chunk));
  if (found != names.end() && found->second == chunk) names.erase(found);
}

}  // namespace

// --- staging

std::shared_ptr<JournalRecord> EngineCore::new_record(std::size_t expected_size) const {
  const auto give_back = [spare = spare_buffer_](JournalRecord* record) {
    spare->give(std::move(record->buffer()));
    delete record;
  };
  return {new JournalRecord(spare_buffer_->take(expected_size)), give_back};
}

// Checks everything that can be checked at the call, and copies: no state of the engine is touched.
Status EngineCore::put_text(JournalRecord& record, std::string_view json_text,
                            std::string_view chunk, bool lenient) const {
  if (Status status = check_name(chunk, "chunk name"); !status) return in_chunk(status, chunk);
  // The newline at its end does not count: where there is no room for it, the file has none.
  if (json_text.size() - (json_text.ends_with('\n') ? 1 : 0) > settings_.size_limit) {
    return in_chunk(Status(ErrorCode::too_large,
                           "the text has " + std::to_string(json_text.size()) +
                               " bytes, the limit is " + std::to_string(settings_.size_limit)),
                    chunk);
  }
  record.begin_put(chunk, json_text.size());
  Status status;
  try {
    status = json::compact(json_text, {.depth_limit = settings_.depth_limit, .lenient = lenient},
                           record.buffer());
  } catch (...) {
    record.cancel_put();
    throw;
  }
  if (!status) {
    record.cancel_put();
    return in_chunk(status, chunk);
  }
  record.end_put();
  return {};
}

Status EngineCore::put(JournalRecord& record, std::string_view json_text,
                       std::string_view chunk) const {
  return put_text(record, json_text, chunk, false);
}

Status EngineCore::put_lenient(JournalRecord& record, std::string_view json_text,
                               std::string_view chunk) const {
  return put_text(record, json_text, chunk, true);
}

Status EngineCore::stage_unit(const std::shared_ptr<JournalRecord>& record) {
  Status staged = stage(record);
  return was_refused(staged) ? staged : Status();
}

// not_owner would say that nothing is staged.
Status EngineCore::commit_unit() {
  Status status = force_sync();
  if (status.code() != ErrorCode::not_owner) return status;
  Error error = status.error();
  error.code = ErrorCode::locked;
  error.message = "staged, and not committed: " + error.message;
  return error;
}

Status EngineCore::stage(const std::shared_ptr<JournalRecord>& record) {
  // Before the locks: in a forked child they might be held for ever.
  if (is_forked()) return owned_project().status();
  std::shared_ptr<OpenProject> project;
  Status status;
  {
    const std::lock_guard intake(intake_);
    status = take_in(record, project);
  }
  if (project == nullptr) return status;
  // It is staged: what comes now must not end as if it were not.
  try {
    if (project->journal->size() > options_.journal_limit) relieve_journal();
    Notices notices;
    notices.fault(status);
    events_.deliver(std::move(notices));
  } catch (const std::bad_alloc&) {  // NOLINT: commits are retried, and the status is returned
  }
  return status;
}

// `project` is set when it was staged.
Status EngineCore::take_in(const std::shared_ptr<JournalRecord>& record,
                           std::shared_ptr<OpenProject>& project) {
  const std::lock_guard stage_lock(stage_mutex_);
  auto owned = owned_project();
  if (!owned) return owned.status();
  Status status = stage_locked(**owned, record);
  if (!was_refused(status)) project = *std::move(owned);
  return status;
}

Status EngineCore::stage_locked(OpenProject& project,
                                const std::shared_ptr<JournalRecord>& record) {
  if (Status status = check_names(project, *record); !status) return status;
  const bool durable_base = set_bases(project, *record);
  const auto& operations = record->operations();
  {
    const Lock lock(mutex_);
    // The same as what is staged already, and upon that one: nothing new to keep.
    const JournalOperation& first = operations.front();
    const StagedEdit* staged = staging_.find(first.chunk);
    if (operations.size() == 1 && staged != nullptr && staged->journaled &&
        staged->edit().text == first.text && first.base == first.text) {
      return {};
    }
  }
  // Whatever needs memory comes before the journal: what it has accepted must be staged.
  Staging::Prepared prepared = Staging::prepare(record);
  {
    const Lock lock(mutex_);
    for (const JournalOperation& operation : operations) {
      if (!operation.removal) names_[fold_case(operation.chunk)] = operation.chunk;
    }
  }
  Status journaled = project.journal->append(*record);
  const Lock lock(mutex_);
  staging_.add(std::move(prepared), *record, journaled.ok());
  if (!durable_base) uncertain_ = record->sequence();
  debounce_.edited(platform_.clock.now());
  // Only when the worker would sleep too long: waking it costs more than staging a small text.
  if (debounce_.deadline() < worker_sleeps_until_) wake_.notify_all();
  return journaled;
}

// What each edit is staged upon: the newest journaled edit of its chunk, unless another program has
// been there since that one was staged; else what is on disk. False when a power cut might bring
// something else back there.
bool EngineCore::set_bases(OpenProject& project, JournalRecord& record) {
  bool durable = true;
  for (std::size_t i = 0; i < record.operations().size(); ++i) {
    const std::string& chunk = record.operations()[i].chunk;
    const Base base = project.chunks->base_of(chunk);
    const Lock lock(mutex_);
    const StagedEdit* staged = staging_.find(chunk);
    if (base.overtaken) durable = false;
    if (staged != nullptr && staged->journaled &&
        (base.text == staged->edit().found || base.text == kUnknownDigest)) {
      record.set_base(i, staged->edit().text);
      record.set_found(i, staged->edit().found);
      continue;
    }
    record.set_base(i, base.text);
    record.set_found(i, base.text);
    const bool is_new = base.text == kAbsentDigest && !names_.contains(fold_case(chunk));
    durable = durable && (base.durable || is_new);
  }
  return durable;
}

// Names are unique but for case: among themselves and with all that are there, unless the one that
// is there is being removed.
Status EngineCore::check_names(OpenProject& project, const JournalRecord& record) {
  Names own_names;
  for (const JournalOperation& operation : record.operations()) {
    if (operation.removal) continue;
    const std::string& chunk = operation.chunk;
    std::string rival;
    if (record.operations().size() > 1) {
      rival = rival_of(own_names, chunk);
      if (!rival.empty()) return differs_by_case(chunk, rival);
      own_names.emplace(fold_case(chunk), chunk);
    }
    bool leaves = false;
    const StagedEdit* staged = nullptr;
    {
      const Lock lock(mutex_);
      rival = rival_of(names_, chunk);
      if (rival.empty()) continue;
      staged = staging_.find(rival);
      leaves = removes(record, rival) || (staged != nullptr && staged->edit().removal);
    }
    // Another program may have removed it.
    if (!leaves && staged == nullptr && project.chunks->is_gone(rival)) continue;
    if (!leaves) return differs_by_case(chunk, rival);
    // Only where the file system tells the two apart: there the order in which the one comes and
    // the other goes means nothing.
    const bool rival_is_there = project.folders.chunks->stat(layout::chunk_file(rival)).ok();
    const auto other = project.folders.chunks->stat(layout::chunk_file(chunk));
    const bool told_apart = rival_is_there && other.code() == ErrorCode::not_found;
    if (!told_apart) return differs_by_case(chunk, rival);
  }
  return {};
}

Status EngineCore::remove_chunk(std::string_view chunk) {
  if (Status status = check_name(chunk, "chunk name"); !status) return in_chunk(status, chunk);
  auto project = owned_project();
  if (!project) return project.status();
  auto present = find_chunk(chunk);
  if (present && !*present) {
    return in_chunk(Status(ErrorCode::not_found, "there is no such chunk"), chunk);
  }
  // A chunk that is damaged beyond healing may be removed; one that cannot be read may not.
  if (!present && present.code() != ErrorCode::corrupt) return present.status();
  auto record = std::make_shared<JournalRecord>();
  record->add_removal(chunk);
  return stage(record);
}

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
