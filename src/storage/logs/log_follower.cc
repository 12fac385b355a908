#include "storage/logs/log_follower.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <thread>

#include "base/in_chunk.h"
#include "storage/files/project_layout.h"
#include "storage/logs/folder_logs.h"
#include "storage/logs/log_lines.h"
#include "storage/logs/log_successor.h"

namespace safechunk {
namespace {

using std::chrono::milliseconds;

// A folder tells of a file when a program closes it; of what is appended to an open one it does
// not. The watch of the file does, but there may be none.
constexpr milliseconds kLookAnyway{1000};
constexpr milliseconds kPoll{50};

constexpr std::uint32_t kPresent = UINT32_MAX;  // behind all numbers of rotated logs

}  // namespace

LogFollowing::LogFollowing(Platform platform, std::string chunks_path, std::string log,
                           const TextSettings& settings)
    : platform_(platform),
      chunks_path_(std::move(chunks_path)),
      log_(std::move(log)),
      file_name_(layout::log_file(log_)),
      settings_(settings) {}

Result<std::unique_ptr<LogSource>> LogFollowing::open(Platform platform, const std::string& folder,
                                                      const std::string& log,
                                                      const TextSettings& settings,
                                                      std::optional<std::uint64_t> from) {
  std::unique_ptr<LogFollowing> source(new LogFollowing(platform, folder, log, settings));
  auto watch = platform.file_system.new_watch();
  if (!watch && watch.code() != ErrorCode::unsupported_format) return watch.status();
  if (watch) {
    if (auto added = (*watch)->add(source->chunks_path_); !added) {
      return in_chunk(added.status(), log);
    }
    source->watch_ = *std::move(watch);
  }
  auto chunks = platform.file_system.open_directory(source->chunks_path_);
  if (!chunks) return in_chunk(chunks.status(), log);
  auto newest = newest_rotation(**chunks, log);
  if (!newest) return in_chunk(newest.status(), log);
  source->rotated_before_ = *newest;
  if (Status status = source->open_file(source->file_name_); !status) return status;
  source->position_ = from.value_or(source->place_.size);
  if (from) {
    // A page of one record checks the position.
    auto page = FolderLogReader(platform, folder, settings).read(log, *from, 1);
    if (!page) return page.status();
  } else if (source->file_ != nullptr) {
    auto begin = begin_of_line(*source->file_, source->place_.size + 1);
    if (!begin) return in_chunk(begin.status(), log);
    source->position_ = *begin;  // of half a line, which will be a record when it is whole
  }
  return std::unique_ptr<LogSource>(std::move(source));
}

Status LogFollowing::open_file(const std::string& name) {
  file_ = nullptr;
  place_ = {};
  auto chunks = platform_.file_system.open_directory(chunks_path_);
  if (!chunks) return in_chunk(chunks.status(), log_);
  auto file = (*chunks)->open(name, OpenMode::read);
  if (!file) {
    return file.code() == ErrorCode::not_found ? Status() : in_chunk(file.status(), log_);
  }
  auto info = (*file)->stat();
  if (!info) return in_chunk(info.status(), log_);
  file_ = *std::move(file);
  place_ = *info;
  if (watch_ != nullptr) {
    // When it is gone meanwhile, the next look finds another one.
    auto added = watch_->add(chunks_path_ + "/" + name);
    if (!added && added.code() != ErrorCode::not_found) return in_chunk(added.status(), log_);
  }
  return {};
}

Result<std::optional<LogRecord>> LogFollowing::take() {
  if (file_ == nullptr) return std::optional<LogRecord>();
  auto info = file_->stat();
  if (!info) return in_chunk(info.status(), log_);
  // Another program has cut the file short, or written it over.
  auto is_begin = may_begin_at(*file_, info->size, position_);
  if (!is_begin) return in_chunk(is_begin.status(), log_);
  if (!*is_begin) position_ = 0;
  LineReader lines(*file_, position_, info->size);
  for (;;) {
    auto line = lines.next();
    if (!line) return in_chunk(line.status(), log_);
    if (!*line) return std::optional<LogRecord>();
    LineKind kind;
    const bool is_readable = !(*line)->is_too_long;
    if (is_readable) kind = kind_of_line((*line)->text, settings_);
    if (!(*line)->is_complete && !kind.is_closed) return std::optional<LogRecord>();
    position_ = (*line)->end;
    if (is_readable && kind.is_record()) {
      return std::optional(LogRecord{(*line)->position, std::string(trimmed((*line)->text))});
    }
  }
}

// The files of the log are, in the order of their records, the rotated ones by their numbers, and
// the one that has its name now. One that was compacted has a successor, under whatever name.
Result<std::optional<LogFollowing::Place>> LogFollowing::find_next() {
  auto chunks = platform_.file_system.open_directory(chunks_path_);
  if (!chunks) {
    Error error = in_chunk(chunks.status(), log_).error();
    if (error.code == ErrorCode::not_found) error.code = ErrorCode::unavailable;
    return error;
  }
  auto present = (*chunks)->stat(file_name_);
  if (!present && present.code() != ErrorCode::not_found) return in_chunk(present.status(), log_);
  if (file_ == nullptr) {
    return present ? std::optional(Place{file_name_, 0, rotated_before_}) : std::optional<Place>();
  }
  if (present && present->same_file(place_)) return std::optional<Place>();
  auto logs = list_logs(**chunks);
  if (!logs) return in_chunk(logs.status(), log_);
  std::map<std::uint32_t, std::string> files;
  for (const LogInfo& info : *logs) {
    const auto number = layout::number_of_rotated(info.name, log_);
    // Files that were rotated before this one came may have anything in common with it.
    if (number && *number > rotated_before_) files.emplace(*number, layout::log_file(info.name));
  }
  if (present) files.emplace(kPresent, file_name_);
  for (auto file = files.begin(); file != files.end(); ++file) {
    auto opened = (*chunks)->open(file->second, OpenMode::read);
    if (!opened) continue;  // it is gone by now, or nobody's business
    auto info = (*opened)->stat();
    if (!info) return in_chunk(info.status(), log_);
    if (info->same_file(place_)) {
      const auto next = std::next(file);
      if (next == files.end()) return std::optional<Place>();
      return std::optional(Place{next->second, 0, file->first});
    }
    auto text = (*opened)->attribute(kSuccessorAttribute);
    if (!text) continue;
    for (const LogSuccessor& successor : parse_successors(*text)) {
      if (successor.inode != place_.inode || position_ != successor.end) continue;
      return std::optional(Place{file->second, successor.here, rotated_before_});
    }
  }
  if (files.empty()) return std::optional<Place>();
  return std::optional(Place{files.begin()->second, 0, rotated_before_});
}

Result<std::optional<LogRecord>> LogFollowing::next(milliseconds timeout) {
  const auto deadline = platform_.clock.now() + timeout;
  for (;;) {
    auto record = take();
    if (!record || *record) return record;
    auto next = find_next();
    if (!next) return next.status();
    if (*next) {
      // What came in before it lost its name.
      record = take();
      if (!record || *record) return record;
      if (Status status = open_file((*next)->file); !status) return status;
      position_ = (*next)->position;
      rotated_before_ = (*next)->rotated_before;
      continue;
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - platform_.clock.now());
    if (left <= milliseconds(0) || woken_.exchange(false)) return std::optional<LogRecord>();
    if (watch_ == nullptr) {
      std::this_thread::sleep_for(std::min(left, kPoll));
      continue;
    }
    auto seen = watch_->wait(std::min(left, kLookAnyway));
    if (!seen) return in_chunk(seen.status(), log_);
    if (seen->woken) return std::optional<LogRecord>();
  }
}

void LogFollowing::wake() noexcept {
  if (watch_ != nullptr) {
    watch_->wake();
  } else {
    woken_.store(true);
  }
}

}  // namespace safechunk
