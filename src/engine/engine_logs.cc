// Logs.

#include "base/in_chunk.h"
#include "engine/engine_core.h"

namespace safechunk {
template <typename Value, typename Write>
Value EngineCore::write_log(const std::string& log, const Write& write) {
  if (Status status = in_chunk(place_->check_log(log), log); !status) return status;
  // Before the locks: in a forked child they might be held for ever.
  if (is_forked()) return owned_store().status();
  Notices notices;
  StoreTurn turn(*this);
  if (Status status = turn.take(notices); !status) {
    deliver(std::move(notices));
    return status;
  }
  auto store = owned_store();
  Value value = store ? write((*store)->log_writer(), notices) : Value(store.status());
  const CommitOutcome ended = turn.end(notices);
  if (value.ok() && !ended.status.ok()) value = ended.status;
  deliver(std::move(notices));
  return value;
}

Result<std::uint64_t> EngineCore::append_log(const std::string& log,
                                             std::span<const std::string_view> texts) {
  return write_log<Result<std::uint64_t>>(
      log, [&](LogWriter& logs, Notices& notices) { return logs.append(log, texts, notices); });
}

Status EngineCore::sync_log(const std::string& log) {
  return write_log<Status>(
      log, [&](LogWriter& logs, Notices& notices) { return logs.sync(log, notices); });
}

Status EngineCore::compact_log(const std::string& log, const LogWriter::Keep& keep) {
  return write_log<Status>(
      log, [&](LogWriter& logs, Notices& notices) { return logs.compact(log, keep, notices); });
}

Status EngineCore::repair_log(const std::string& log) {
  return write_log<Status>(
      log, [&](LogWriter& logs, Notices& notices) { return logs.repair(log, notices); });
}

Result<std::string> EngineCore::rotate_log(const std::string& log) {
  return write_log<Result<std::string>>(
      log, [&](LogWriter& logs, Notices& notices) { return logs.rotate(log, notices); });
}

Status EngineCore::remove_log(const std::string& log) {
  return write_log<Status>(
      log, [&](LogWriter& logs, Notices& notices) { return logs.remove(log, notices); });
}

Result<LogPage> EngineCore::read_log(const std::string& log, std::uint64_t from,
                                     std::size_t limit) {
  if (!options_status_) return options_status_;
  if (Status status = in_chunk(place_->check_log(log), log); !status) return status;
  return readable()->logs().read(log, from, limit);
}

Result<LogPage> EngineCore::tail_log(const std::string& log, std::size_t count) {
  if (!options_status_) return options_status_;
  if (Status status = in_chunk(place_->check_log(log), log); !status) return status;
  return readable()->logs().tail(log, count);
}

Result<std::unique_ptr<LogSource>> EngineCore::follow_log(const std::string& log,
                                                          std::optional<std::uint64_t> from) {
  if (!options_status_) return options_status_;
  if (Status status = in_chunk(place_->check_log(log), log); !status) return status;
  return readable()->logs().follow(log, from);
}

Result<std::vector<LogInfo>> EngineCore::list_logs() {
  if (!options_status_) return options_status_;
  return readable()->logs().list();
}

}  // namespace safechunk
