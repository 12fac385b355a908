// Staging edits, and committing what is staged.

#include <algorithm>
#include <chrono>
#include <new>

#include "base/in_chunk.h"
#include "engine/engine_core.h"

namespace safechunk {
namespace {

// Space that becomes free, or a program that closes a file, is not kept waiting for a minute.
Schedule::Result result_of(const Status& committed) {
  if (committed.ok()) return Schedule::Result::saved;
  const bool may_end_soon =
      committed.code() == ErrorCode::no_space || committed.code() == ErrorCode::being_edited;
  return may_end_soon ? Schedule::Result::failed_for_now : Schedule::Result::failed;
}

}  // namespace

// --- staging

Status EngineCore::stage_unit(const std::shared_ptr<Edits>& edits) {
  const Accepted accepted = stage_edits(edits);
  return accepted.result == Accepted::Result::refused ? accepted.status : Status();
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

Status EngineCore::stage(const std::shared_ptr<Edits>& edits) {
  return stage_edits(edits).status;
}

Accepted EngineCore::stage_edits(const std::shared_ptr<Edits>& edits) {
  // Before the locks: in a forked child they might be held for ever.
  if (is_forked()) return {owned_store().status()};
  Notices notices;
  StoreTurn turn(*this);
  if (Status status = turn.take(notices); !status) {
    deliver(std::move(notices));
    return {status};
  }
  Accepted accepted = accept_whole(edits);
  const CommitOutcome ended = turn.end(notices);
  const bool refused = accepted.result == Accepted::Result::refused;
  if (!refused && !ended.status.ok()) {
    accepted.status = ended.status;
    // Nobody will try again to save it.
    if (ended.lost) accepted.result = Accepted::Result::refused;
  }
  // It is staged, and must not end as if it were not.
  try {
    if (accepted.wants_commit) apply_back_pressure();
    if (!refused) notices.fault(accepted.status);
    deliver(std::move(notices));
  } catch (const std::bad_alloc&) {  // NOLINT: commits are retried, and the status is returned
  }
  return accepted;
}

// An edit of a part needs a sound chunk. Reading a damaged one heals it; but then an older version
// took its place, and the caller must know that before editing it.
Accepted EngineCore::accept_whole(const std::shared_ptr<Edits>& edits) {
  const auto try_to_accept = [&] {
    const MutexLock accept_lock(accept_mutex_);
    return accept(edits);
  };
  Accepted accepted = try_to_accept();
  const bool refused = accepted.result == Accepted::Result::refused;
  if (!refused || accepted.status.code() != ErrorCode::corrupt) return accepted;
  const auto read = read_chunk(accepted.status.error().chunk);
  if (!read) return {read.status()};
  if (!read->older.ok()) return {read->older};
  return try_to_accept();
}

// --- updating

// One update at a time calls its function, so that updates never refuse each other.
Status EngineCore::update(std::string_view chunk, const UpdateFunction& function) {
  // Before the locks, as in stage_edits().
  if (is_forked()) return owned_store().status();
  UpdateTurn turn(*this);
  Status status = turn.take(std::string(chunk));
  if (!status) return status;
  Notices notices;
  StoreTurn store_turn(*this);
  status = store_turn.take(notices);
  if (status.ok()) {
    status = try_update(chunk, function);
    const CommitOutcome ended = store_turn.end(notices);
    if (status.ok()) status = ended.status;
  }
  deliver(std::move(notices));
  return status;
}

Status EngineCore::try_update(std::string_view chunk, const UpdateFunction& function) {
  constexpr int kTries = 20;  // other programs and stage_update() may come between
  Status status;
  for (int i = 0; i < kTries; ++i) {
    auto present = read_chunk(chunk);
    if (!present) return present.status();
    if (!present->older.ok()) return present->older;
    const auto edits = place_->new_edits(0);
    if (status = edits->require(chunk, present->revision); !status) return status;
    if (status = function(*present, *edits); !status || edits->empty()) return status;
    status = stage(edits);
    if (status.code() != ErrorCode::conflict) return status;
  }
  return status;
}

Status EngineCore::UpdateTurn::take(const std::string& chunk) {
  const MutexLock lock(core_.mutex_);
  const auto self = std::this_thread::get_id();
  while (core_.updating_ && *core_.updating_ != self) core_.state_changed_.wait(core_.mutex_);
  if (std::ranges::find(core_.updated_, chunk) != core_.updated_.end()) {
    return in_chunk(Status(ErrorCode::conflict, "the function of an update updates the same chunk"),
                    chunk);
  }
  core_.updated_.push_back(chunk);
  core_.updating_ = self;
  taken_ = true;
  return {};
}

EngineCore::UpdateTurn::~UpdateTurn() {
  if (!taken_) return;
  {
    const MutexLock lock(core_.mutex_);
    core_.updated_.pop_back();
    if (core_.updated_.empty()) core_.updating_.reset();
  }
  core_.state_changed_.notify_all();
}

// --- turns of the store

Status EngineCore::StoreTurn::take(Notices& notices) {
  auto store = core_.owned_store();
  if (!store) return store.status();
  began_ = core_.clock_.now();
  if (Status status = (*store)->begin_turn(notices); !status) return status;
  store_ = *std::move(store);
  return {};
}

CommitOutcome EngineCore::StoreTurn::end(Notices& notices) {
  const std::shared_ptr<Store> store = std::exchange(store_, nullptr);
  CommitOutcome outcome = store->end_turn(notices);
  if (outcome.ran) core_.record_commit(*store, outcome, began_);
  return outcome;
}

// Only after an exception.
EngineCore::StoreTurn::~StoreTurn() {
  if (store_ == nullptr) return;
  try {
    Notices notices;
    (void)end(notices);
    core_.deliver(std::move(notices));
  } catch (...) {  // NOLINT: only lack of memory; the journal has everything
  }
}

Accepted EngineCore::accept(const std::shared_ptr<Edits>& edits) {
  auto store = owned_store();
  if (!store) return {store.status()};
  Accepted accepted = (*store)->accept(edits);
  if (accepted.result == Accepted::Result::staged) {
    const MutexLock lock(mutex_);
    schedule_.edited(clock_.now());
    tell_worker();
  }
  return accepted;
}

Status EngineCore::remove_chunk(std::string_view chunk, const std::shared_ptr<Edits>& edits) {
  if (Status status = place_->check_chunk(chunk); !status) return in_chunk(status, chunk);
  Notices notices;
  StoreTurn turn(*this);
  if (Status status = turn.take(notices); !status) {
    deliver(std::move(notices));
    return status;
  }
  const auto remove = [&]() -> Status {
    auto present = read_chunk(chunk);
    if (present && !present->text) {
      return in_chunk(Status(ErrorCode::not_found, "there is no such chunk"), chunk);
    }
    // A chunk that is damaged beyond healing may be removed; one that cannot be read may not.
    if (!present && present.code() != ErrorCode::lost) return present.status();
    if (Status status = edits->remove(chunk); !status) return status;
    return stage(edits);
  };
  Status status = remove();
  const CommitOutcome ended = turn.end(notices);
  deliver(std::move(notices));
  return status.ok() ? ended.status : status;
}

// Called by a thread that staged so much that the store wants a commit. The thread commits itself,
// so that a writer that is faster than the disk is slowed down to the disk's speed; unless saving
// fails anyway.
void EngineCore::apply_back_pressure() {
  {
    const MutexLock lock(mutex_);
    if (schedule_.backing_off()) return;
  }
  Notices notices;
  (void)commit(false, notices);  // reported through the notices
  deliver(std::move(notices));
}

// --- committing

Status EngineCore::force_sync() {
  Notices notices;
  const Status status =
      durability_ == Durability::journal ? sync_by_journal(notices) : commit_patiently(notices);
  deliver(std::move(notices));
  return status;
}

Status EngineCore::sync_by_journal(Notices& notices) {
  auto store = owned_store();
  if (!store) return store.status();
  switch ((*store)->sync_accepted(notices)) {
    case Synced::nothing_to_do:
      return {};
    case Synced::done: {
      const MutexLock lock(mutex_);
      schedule_.journal_synced(clock_.now());
      tell_worker();
      return {};
    }
    case Synced::closed:
      // If the engine was attached again meanwhile, attach() has made everything durable.
      return owned_store().status();
    case Synced::needs_commit:
      break;
  }
  return commit_patiently(notices);
}

// Waits for a program that is writing the file of a chunk; the store says for how long.
Status EngineCore::commit_patiently(Notices& notices) {
  constexpr std::chrono::milliseconds kPause{50};
  for (;;) {
    const Status status = commit(false, notices);
    if (status.code() != ErrorCode::being_edited) return status;
    CondVar nobody;
    Mutex pause;
    const MutexLock lock(pause);
    clock_.wait_until(nobody, pause, clock_.now() + kPause);
  }
}

// Commits everything that is staged when its turn comes.
Status EngineCore::commit(bool retry, Notices& notices) {
  auto store = owned_store();
  if (!store) return store.status();
  const auto began = clock_.now();
  if (retry) {
    const MutexLock lock(mutex_);
    ++counters_.retries;
  }
  CommitOutcome outcome;
  try {
    outcome = (*store)->commit(notices);
  } catch (...) {
    // Memory. The worker tries again.
    const MutexLock lock(mutex_);
    schedule_.failed(clock_.now());
    tell_worker();
    throw;
  }
  record_commit(**store, outcome, began);
  // The store was closed meanwhile; see Synced::closed.
  if (!outcome.ran && !outcome.status.ok()) return owned_store().status();
  return outcome.status;
}

void EngineCore::record_commit(const Store& store, const CommitOutcome& outcome,
                               Clock::TimePoint began) {
  const auto now = clock_.now();
  const bool failed = !outcome.status.ok();
  const MutexLock lock(mutex_);
  counters_.bytes_written += outcome.bytes_written;
  if (outcome.ran && failed) ++counters_.failed_commits;
  if (outcome.changed > 0) {
    counters_.last_sync_unix_time = static_cast<double>(clock_.unix_time_ns()) / 1e9;
    counters_.last_sync_duration_ms =
        std::chrono::duration<double, std::milli>(now - began).count();
  }
  if (store_.get() != &store) return;
  // Asked under the lock: an edit that is accepted from now on moves the schedule after this.
  const Pending left = store.pending();
  if (outcome.ran) {
    schedule_.committed(began, now, result_of(outcome.status), left.newest > outcome.through);
  } else if (left.chunks == 0) {
    schedule_.clear();
  }
  tell_worker();
}

void EngineCore::set_debounce_delay(std::chrono::milliseconds delay) {
  if (is_forked()) return;
  const MutexLock lock(mutex_);
  schedule_.set_debounce_delay(std::max(delay, std::chrono::milliseconds(0)));
}

}  // namespace safechunk
