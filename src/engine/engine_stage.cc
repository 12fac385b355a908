// Staging: what is checked at the call, copied, and given to the journal.

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

}  // namespace

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

}  // namespace safechunk
