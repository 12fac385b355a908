#include "storage/logs/log_file.h"

#include <algorithm>
#include <utility>

#include "base/in_chunk.h"
#include "json/scan.h"
#include "storage/files/durable_file.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

// The lines that are appended together.
std::string_view next_piece(std::string_view lines) {
  if (lines.size() <= LogFile::kUnsynced) return lines;
  const auto last = lines.rfind('\n', LogFile::kUnsynced - 1);
  return lines.substr(0, last != std::string_view::npos ? last + 1 : lines.find('\n') + 1);
}

}  // namespace

LogFile::LogFile(const LogFolder& folder, std::string log, std::optional<KnownLog> known)
    : folder_(folder),
      log_(std::move(log)),
      file_name_(layout::log_file(log_)),
      path_(folder.chunks.path() + "/" + file_name_),
      quarantine_(folder.root, folder.rights),
      known_(std::move(known)) {}

void LogFile::report(Event::Kind kind, std::string detail, Notices& notices) const {
  notices.event({.kind = kind, .chunk = log_, .detail = std::move(detail), .path = path_});
}

Status LogFile::about(Status status) const {
  if (status.ok()) return status;
  Error error = in_chunk(status, log_).error();
  if (error.path.empty()) error.path = path_;
  return error;
}

// --- opening

Status LogFile::make_ready(Notices& notices) {
  Status ready = try_to_make_ready(notices);
  for (int i = 1; i < kTries && ready.code() == ErrorCode::being_edited; ++i) {
    ready = try_to_make_ready(notices);
  }
  return ready;
}

Status LogFile::try_to_make_ready(Notices& notices) {
  auto info = folder_.chunks.stat(file_name_);
  const auto is_as_it_was = [&]() REQUIRES(mutex_) {
    return info && file_ != nullptr && info->same_file(place_) && info->size == end_ &&
           ends_in_line_break();
  };
  if (is_as_it_was()) return {};
  while (syncing_) {
    await_sync();
    info = folder_.chunks.stat(file_name_);
    if (is_as_it_was()) return {};
  }
  if (!info && info.code() != ErrorCode::not_found) return info.status();
  if (info && file_ != nullptr && info->same_file(place_)) {
    if (info->size > end_ && ends_in_line_break()) {
      return settle(end_, *info, When::growing, notices);
    }
    // Cut short, or written over: nothing is known of it.
    const std::uint64_t from = info->size > kUnsynced ? info->size - kUnsynced : 0;
    if (Status status = settle(from, *info, When::growing, notices); !status) return status;
    report(Event::Kind::external_edit, "another program has changed the log's records", notices);
    return {};
  }
  if (file_ != nullptr) {
    if (info) {
      report(Event::Kind::external_edit, "another file has taken the place of the log", notices);
    } else {
      report(Event::Kind::removed_outside, "the log's file was removed or renamed", notices);
    }
    let_go(notices);
  }
  return info ? open(*info, notices) : create(notices);
}

// A file that was written over in its place may have the size that it had.
bool LogFile::ends_in_line_break() const {
  if (end_ == 0) return true;
  char last = 0;
  const auto count = file_->read_at(end_ - 1, {&last, 1});
  return count && *count == 1 && last == '\n';
}

// Where records went that were acknowledged, there they are to stay.
void LogFile::let_go(Notices& notices) {
  const std::shared_ptr<File> file = std::exchange(file_, nullptr);
  if (synced_ < appended_) {
    notices.fault(about(std::exchange(is_broken_, false)
                            ? Status(ErrorCode::lost, "records that were not durable are lost")
                            : file->sync_data()));
  }
  synced_ = appended_;
  unsynced_.clear();
  end_ = 0;
}

Status LogFile::create(Notices& notices) {
  auto made = TemporaryFile::create(folder_.chunks, layout::temporary_of(file_name_),
                                    folder_.rights.mode_of_new_file(0666));
  if (!made) return made.status();
  auto info = made->file().stat();
  if (!info) return info.status();
  if (Status shared = folder_.rights.share(made->file(), *info); !shared) return shared;
  if (Status status = made->make_durable_and_keep_open(); !status) return status;
  Status published = made->publish_new(file_name_);
  if (already_exists(published)) {  // another program was faster
    auto found = folder_.chunks.stat(file_name_);
    return found ? open(*found, notices) : found.status();
  }
  if (!published) return published;
  if (Status status = folder_.chunks.sync(); !status) return status;
  auto file = folder_.chunks.open(file_name_, OpenMode::append);
  if (!file) return file.status();
  auto opened = (*file)->stat();
  if (!opened) return opened.status();
  file_ = *std::move(file);
  place_ = *opened;
  end_ = 0;
  return {};
}

Status LogFile::open(const FileInfo& info, Notices& notices) {
  if (info.type != FileType::regular) {
    return Status(ErrorCode::io_error, "the log's name has something else than a file");
  }
  if (synced_ < appended_ && info.same_file(place_) && info.size >= end_) {
    // What should have taken its place has failed.
    auto again = folder_.chunks.open(file_name_, OpenMode::append);
    if (!again) return again.status();
    file_ = *std::move(again);
    return info.size == end_ ? Status() : settle(end_, info, When::growing, notices);
  }
  is_broken_ = false;
  unsynced_.clear();
  synced_ = appended_;
  const bool is_known = known_ && info.same_file(known_->file) && info.size >= known_->end;
  const std::uint64_t from = is_known                ? known_->end
                             : info.size > kUnsynced ? info.size - kUnsynced
                                                     : 0;
  known_.reset();
  place_ = info;
  if (Status status = settle(from, info, When::opening, notices); !status) return status;
  if (file_ != nullptr) return {};
  auto file = folder_.chunks.open(file_name_, OpenMode::append);
  if (!file) return file.status();
  auto opened = (*file)->stat();
  if (!opened) return opened.status();
  if (!opened->same_file(place_) || opened->size != end_) {
    return Status(ErrorCode::being_edited, "another program is changing the log");
  }
  file_ = *std::move(file);
  // Nobody knows what of it is durable: the first sync() makes it so.
  if (end_ > 0) ++appended_;
  return {};
}

// --- appending

Result<std::uint64_t> LogFile::append(std::string_view lines, Notices& notices) {
  if (Status status = check_not_inside(); !status) return status;
  const MutexLock lock(mutex_);
  std::optional<std::uint64_t> first;
  // What is not durable is one line, or a mebibyte: so much the next owner looks at.
  while (!lines.empty()) {
    const std::string_view piece = next_piece(lines);
    auto position = append_piece(piece, notices);
    if (!position) {
      return about(first ? with_consequence(position.status(), log_,
                                            "; the records before this one were appended")
                         : position.status());
    }
    if (!first) first = *position;
    lines.remove_prefix(piece.size());
  }
  return first.value_or(end_);
}

Result<std::uint64_t> LogFile::append_piece(std::string_view lines, Notices& notices) {
  Result<std::uint64_t> position = Status(ErrorCode::being_edited, "");
  for (int i = 0; i < kTries && position.code() == ErrorCode::being_edited; ++i) {
    if (Status ready = make_ready(notices); !ready) return ready;
    if (!unsynced_.empty() && unsynced_.size() + lines.size() > kUnsynced) {
      if (Status status = sync_held(appended_, notices); !status) return status;
      continue;
    }
    position = append_once(lines);
  }
  if (!position) return position;
  appended_ += lines.size();
  unsynced_ += lines;
  return position;
}

// being_edited: another program came between; nothing of the lines is left, and the caller tries
// again.
Result<std::uint64_t> LogFile::append_once(std::string_view lines) {
  const std::uint64_t expected = end_;
  std::uint64_t begin = 0;
  std::size_t done = 0;
  while (done < lines.size()) {
    auto appended = file_->append(lines.substr(done));
    Status failed = appended.status();
    if (failed.ok() && appended->count == 0) {
      failed = Status(ErrorCode::no_space, "the file took no more bytes");
    }
    if (!failed) {
      if (done > 0) {
        if (Status undone = undo(begin, begin + done); !undone) return undone;
      }
      return failed;
    }
    const std::uint64_t start = appended->end - appended->count;
    if (done == 0) {
      begin = start;
    } else if (start != begin + done) {
      if (Status undone = undo(begin, begin + done); !undone) return undone;
      if (Status undone = undo(start, appended->end); !undone) return undone;
      return Status(ErrorCode::being_edited, "another program is writing to the log");
    }
    done += appended->count;
  }
  const std::uint64_t end = begin + done;
  if (begin != expected) {
    char before = '\n';
    if (begin > 0) {
      auto count = read_up_to(*file_, begin - 1, {&before, 1});
      if (!count) return count.status();
    }
    if (before != '\n') {  // it would be one line with ours
      if (Status undone = undo(begin, end); !undone) return undone;
      return Status(ErrorCode::being_edited, "another program is writing to the log");
    }
    if (!take_growth(expected, begin)) unsynced_.clear();
  }
  end_ = end;
  return begin;
}

// Takes back what was written of a record. Where somebody has appended behind it, it becomes an
// empty line.
Status LogFile::undo(std::uint64_t begin, std::uint64_t end) {
  auto info = file_->stat();
  if (!info) return info.status();
  if (info->size == end) return file_->truncate(begin);
  auto file = folder_.chunks.open(file_name_, OpenMode::read_write);
  if (!file) return file.status();
  std::string blanks(static_cast<std::size_t>(end - begin), ' ');
  blanks.back() = '\n';
  if (blanks.size() > 1) blanks.front() = '\n';
  return write_all(**file, begin, blanks);
}

// --- making durable

void LogFile::await_sync() {
  while (syncing_) sync_ended_.wait(mutex_);
}

Status LogFile::sync_all(Notices& notices) {
  while (synced_ < appended_) {
    if (Status status = sync_held(appended_, notices); !status) return status;
  }
  return {};
}

// The function that says what to keep runs under the lock.
Status LogFile::check_not_inside() const {
  if (compacting_.load() != std::this_thread::get_id()) return {};
  return about(Status(ErrorCode::conflict, "the log is being compacted by this very thread"));
}

Status LogFile::sync(Notices& notices) {
  if (Status status = check_not_inside(); !status) return status;
  const MutexLock lock(mutex_);
  if (file_ == nullptr && synced_ == appended_) {
    const auto info = folder_.chunks.stat(file_name_);
    if (info.code() == ErrorCode::not_found) return {};  // nothing was appended
  }
  if (Status ready = make_ready(notices); !ready) return about(ready);
  return about(sync_held(appended_, notices));
}

Status LogFile::sync_held(std::uint64_t wanted, Notices& notices) {
  while (synced_ < wanted) {
    if (syncing_) {
      sync_ended_.wait(mutex_);
      continue;
    }
    if (is_broken_) {
      if (Status status = write_anew(notices); !status) return status;
      continue;
    }
    if (file_ == nullptr) {
      if (Status ready = make_ready(notices); !ready) return ready;
      continue;
    }
    const std::shared_ptr<File> file = file_;
    const std::uint64_t through = appended_;
    const std::uint64_t durable = end_;
    syncing_ = true;
    mutex_.unlock();
    const Status synced = file->sync_data();
    mutex_.lock();
    syncing_ = false;
    sync_ended_.notify_all();
    if (synced.ok()) {
      synced_ = through;
      const std::size_t newer = static_cast<std::size_t>(end_ - durable);
      if (unsynced_.size() > newer) unsynced_.erase(0, unsynced_.size() - newer);
      continue;
    }
    is_broken_ = true;
    notices.fault(with_consequence(synced, log_, "; what was not durable is written anew"));
  }
  return {};
}

Result<std::optional<KnownLog>> LogFile::close(Notices& notices) {
  const MutexLock lock(mutex_);
  if (file_ == nullptr) return std::optional<KnownLog>();
  Status status = sync_all(notices);
  const std::shared_ptr<File> file = std::exchange(file_, nullptr);
  if (status.ok() && file != nullptr) status = file->close();
  if (!status) return about(status);
  return std::optional(KnownLog{place_, end_});
}

}  // namespace safechunk
