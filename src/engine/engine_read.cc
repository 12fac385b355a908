// Reading: fetch, list, health, verify, repair.

#include "base/in_chunk.h"
#include "engine/engine_core.h"

namespace safechunk {

Status EngineCore::check_readable() const {
  return options_status_ ? place_->check_readable() : options_status_;
}

Result<StoredText> EngineCore::read_chunk(std::string_view name) {
  if (!options_status_) return options_status_;
  const std::string chunk(name);
  if (Status status = place_->check_chunk(chunk); !status) return in_chunk(status, chunk);
  Notices notices;
  auto text = readable()->read(chunk, notices);
  deliver(std::move(notices));
  return text;
}

Result<std::vector<std::string>> EngineCore::list_chunks() {
  if (!options_status_) return options_status_;
  Notices notices;
  auto chunks = readable()->list(notices);
  deliver(std::move(notices));
  return chunks;
}

Result<std::unique_ptr<ChangeSource>> EngineCore::watch(const WatchOptions& options) {
  if (!options_status_) return options_status_;
  return place_->watch(options);
}

Status EngineCore::on_change(ChangeHandler handler, const WatchOptions& options) {
  if (is_forked()) return owned_store().status();
  if (!handler) {
    feed_.stop();
    return {};
  }
  auto source = watch(options);
  if (!source) return source.status();
  return feed_.start(std::move(handler), *std::move(source), handlers_, shared_from_this());
}

Result<HealthReport> EngineCore::health_report() {
  if (!options_status_) return options_status_;
  auto report = observe(HealthReport(), [&]() REQUIRES(mutex_) {
    HealthReport known = counters_;
    known.engine_active = state_ == State::active;
    known.pending_chunks = store_ == nullptr ? 0 : store_->pending().chunks;
    known.dirty_buffer = known.pending_chunks > 0;
    known.owner = owner_;
    return known;
  });
  if (!is_forked()) report.last_error = handlers_.last_error();
  if (Status status = readable()->health(report); !status) return status;
  return report;
}

Result<VerifyReport> EngineCore::verify(const ProgressHandler& progress) {
  if (!options_status_) return options_status_;
  return readable()->verify(progress);
}

Status EngineCore::repair(const ProgressHandler& progress) {
  auto store = owned_store();
  if (!store) return store.status();
  auto chunks = (*store)->list_with_backups();
  if (!chunks) return chunks.status();
  auto logs = (*store)->logs().list();
  if (!logs) return logs.status();
  const std::uint64_t total = chunks->size() + logs->size();
  Status first_error;
  std::uint64_t done = 0;
  const auto note = [&](Status repaired) {
    if (first_error.ok()) first_error = std::move(repaired);
    return !progress || progress(++done, total);
  };
  const Status cancelled(ErrorCode::cancelled, "cancelled by the progress handler");
  for (const std::string& chunk : *chunks) {
    Notices notices;
    Status repaired = (*store)->repair(chunk, notices);
    deliver(std::move(notices));
    if (!note(std::move(repaired))) return cancelled;
  }
  for (const LogInfo& log : *logs) {
    if (!note(repair_log(log.name))) return cancelled;
  }
  return first_error;
}

}  // namespace safechunk
