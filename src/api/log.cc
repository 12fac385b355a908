// The public classes over the logs of an engine.

#include <optional>

#include <safechunk/engine.hpp>

#include "engine/engine_core.h"

namespace safechunk {

// --- Log

Result<std::uint64_t> Log::append(std::string_view json_text) {
  return core_->append_log(name_, {&json_text, 1});
}

Result<std::uint64_t> Log::append(std::span<const std::string> json_texts) {
  const std::vector<std::string_view> texts(json_texts.begin(), json_texts.end());
  return core_->append_log(name_, texts);
}

Status Log::sync() {
  return core_->sync_log(name_);
}

Result<LogPage> Log::read(std::uint64_t from, std::size_t limit) const {
  return core_->read_log(name_, from, limit);
}

Result<LogPage> Log::tail(std::size_t count) const {
  return core_->tail_log(name_, count);
}

Result<LogFollower> Log::follow(std::optional<std::uint64_t> from) const {
  auto source = core_->follow_log(name_, from);
  if (!source) return source.status();
  return LogFollower(*std::move(source));
}

Status Log::compact(const std::function<bool(const LogRecord& record)>& keep) {
  return core_->compact_log(name_, keep);
}

Status Log::compact(std::size_t keep_last) {
  // Asked for when the compaction has begun: one by another thread would change the positions.
  std::optional<Result<LogPage>> kept;
  const Status status = compact([&](const LogRecord& record) {
    if (!kept) kept = core_->tail_log(name_, keep_last);
    if (!*kept) return true;
    const LogPage& page = **kept;
    // What was appended meanwhile stays, too.
    return record.position >= (page.records.empty() ? page.next : page.records.front().position);
  });
  return kept && !*kept ? kept->status() : status;
}

Result<std::string> Log::rotate() {
  return core_->rotate_log(name_);
}

Status Log::remove() {
  return core_->remove_log(name_);
}

// --- LogFollower

LogFollower::LogFollower(std::unique_ptr<LogSource> source) noexcept : source_(std::move(source)) {}
LogFollower::LogFollower(LogFollower&&) noexcept = default;
LogFollower& LogFollower::operator=(LogFollower&&) noexcept = default;
LogFollower::~LogFollower() = default;

Result<std::optional<LogRecord>> LogFollower::next(std::chrono::milliseconds timeout) {
  return source_->next(timeout);
}

void LogFollower::wake() noexcept {
  source_->wake();
}

std::uint64_t LogFollower::position() const {
  return source_->position();
}

// --- SafeChunkEngine

Log SafeChunkEngine::log(std::string_view name) {
  return {core_, std::string(name)};
}

Result<std::vector<LogInfo>> SafeChunkEngine::list_logs() {
  return core_->list_logs();
}

}  // namespace safechunk
