#include "storage/logs/log_file.h"

#include <algorithm>
#include <utility>

#include "base/in_chunk.h"
#include "json/scan.h"
#include "storage/files/durable_file.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"

namespace safechunk {

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
  auto info = folder_.chunks.stat(file_name_);
  if (!info && info.code() != ErrorCode::not_found) return info.status();
  if (info && file_ != nullptr && info->same_file(place_)) {
    if (info->size == end_) return {};
    await_sync();
    const std::uint64_t size = info->size;
    if (size > end_) return settle(end_, *info, When::growing, notices);
    report(Event::Kind::external_edit, "another program has cut the log short", notices);
    end_ = size;
    unsynced_.clear();
    return settle(size, *info, When::growing, notices);
  }
  await_sync();
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

// Where records went that were acknowledged, there they are to stay.
void LogFile::let_go(Notices& notices) {
  const std::shared_ptr<File> file = std::exchange(file_, nullptr);
  if (synced_ < appended_) notices.fault(about(file->sync_data()));
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

// --- what others have written

Result<LogFile::Found> LogFile::look(File& file, std::uint64_t from, std::uint64_t end,
                                     When when) const {
  Found found;
  LineReader lines(file, from, end);
  for (;;) {
    auto line = lines.next();
    if (!line) return line.status();
    if (!*line) return found;
    const LineReader::Line& here = **line;
    LineKind kind;
    if (here.is_too_long) {
      kind.invalid = Status(ErrorCode::too_large, "the line is too long for a record");
    } else {
      kind = kind_of_line(here.text, folder_.settings);
    }
    if (!here.is_complete) {
      found.tail = {here.position, here.end};
      // While this process has the log open nobody but a living program can have written it. Else
      // it may be the beginning of a number.
      found.tail_is_whole =
          kind.is_blank || kind.is_closed || (when == When::growing && kind.invalid.ok());
      if (!kind.invalid.ok() && found.reason.ok()) found.reason = kind.invalid;
    } else if (!kind.invalid.ok()) {
      found.invalid.push_back({here.position, here.end});
      if (found.reason.ok()) found.reason = kind.invalid;
    } else if (!kind.is_blank) {
      ++found.records;
    }
  }
}

// One JSON document over several lines is no log, though it may have got its name.
Status check_is_log(File& file, std::uint64_t size, const TextSettings& settings) {
  if (size > settings.size_limit) return {};
  auto text = read_all(file, settings.size_limit);
  if (!text) return text.status();
  const json::ScanOptions options{.depth_limit = settings.depth_limit, .lenient = false};
  if (!json::validate(*text, options)) return {};
  return Status(ErrorCode::invalid_json,
                "the file is one JSON document over several lines, and no log of one value a line; "
                "give it a name that ends in .json");
}

Status LogFile::settle(std::uint64_t from, const FileInfo& info, When when, Notices& notices) {
  auto file = folder_.chunks.open(file_name_, OpenMode::read_write);
  if (!file) return file.status();
  auto begin = from == 0 ? Result<std::uint64_t>(0) : begin_of_line(**file, from + 1);
  if (!begin) return begin.status();
  auto found = look(**file, *begin, info.size, when);
  if (!found) return found.status();
  if (found->invalid.empty() && !found->tail) {
    if (when == When::growing) return note_growth(end_, info.size, notices);
    end_ = info.size;
    return {};
  }
  if (*begin == 0 && found->records == 0 && info.size > 0) {
    if (Status status = check_is_log(**file, info.size, folder_.settings); !status) return status;
  }
  if (Status status = (*file)->close(); !status) return status;
  // A lease is for who has the file not open for writing.
  if (file_ != nullptr) {
    const std::shared_ptr<File> own = std::exchange(file_, nullptr);
    if (Status status = own->sync_data(); !status) return status;
    synced_ = appended_;
    unsynced_.clear();
    if (Status status = own->close(); !status) return status;
  }
  const WriteGuard guard = WriteGuard::take(folder_.chunks, file_name_, WriteGuard::By::owner);
  end_ = info.size;
  if (found->tail) {
    if (Status status = settle_tail(*found, info, guard, notices); !status) return status;
  }
  if (!found->invalid.empty()) {
    const std::string what = "not JSON (" + found->reason.to_text() + ") in the line at " +
                             std::to_string(found->invalid.front().begin);
    if (guard.writers() == Writers::some) {
      report(Event::Kind::invalid_edit, what + "; it stays: another program writes to the log",
             notices);
    } else {
      const auto& bad = found->invalid;
      auto source = folder_.chunks.open(file_name_, OpenMode::read);
      if (!source) return source.status();
      if (Status status = preserve(**source, bad, what, notices); !status) return status;
      const auto keep = [&](const LineReader::Line& line) {
        return std::ranges::none_of(bad,
                                    [&](const auto& span) { return span.begin == line.position; });
      };
      return replace(end_, {}, keep, notices);
    }
  }
  if (when == When::opening) return {};
  auto again = folder_.chunks.open(file_name_, OpenMode::append);
  if (!again) return again.status();
  file_ = *std::move(again);
  ++appended_;
  return {};
}

Status LogFile::settle_tail(const Found& found, const FileInfo& info, const WriteGuard& guard,
                            Notices& notices) {
  auto file = folder_.chunks.open(file_name_, OpenMode::append);
  if (!file) return file.status();
  const auto [begin, end] = *found.tail;
  if (found.tail_is_whole) {
    auto appended = (*file)->append("\n");
    if (!appended) return appended.status();
    end_ = appended->end;
    return appended->count == 1 && appended->end == end + 1
               ? Status()
               : Status(ErrorCode::being_edited, "another program is writing to the log");
  }
  const bool may_be_written =
      guard.writers() == Writers::some && !folder_.watch.is_still(file_name_, info);
  if (may_be_written) {
    return Status(ErrorCode::being_edited,
                  "another program has written half a line at the end of the log");
  }
  const std::string why = "half a record at the end (" + found.reason.to_text() + ")";
  if (Status status = preserve(**file, {{begin, end}}, why, notices); !status) return status;
  // Nobody may have gone on meanwhile.
  auto now = (*file)->stat();
  if (!now) return now.status();
  if (now->size != end) {
    return Status(ErrorCode::being_edited, "another program is writing to the log");
  }
  if (Status status = (*file)->truncate(begin); !status) return status;
  end_ = begin;
  return {};
}

Status LogFile::preserve(File& file, const std::vector<Found::Span>& spans, const std::string& why,
                         Notices& notices) {
  std::string bytes;
  for (const auto& [begin, end] : spans) {
    const std::size_t had = bytes.size();
    bytes.resize(had + static_cast<std::size_t>(end - begin));
    auto count = read_up_to(file, begin, std::span(bytes).subspan(had));
    if (!count) return count.status();
    bytes.resize(had + *count);
  }
  bool added = false;
  if (Status status = quarantine_.preserve(file_name_, bytes, added); !status) return status;
  report(Event::Kind::quarantined, why + "; it was moved to quarantine", notices);
  return {};
}

// What others have appended is as good as what this process has.
Status LogFile::note_growth(std::uint64_t from, std::uint64_t end, Notices& notices) {
  end_ = end;
  if (end > from && !std::exchange(told_of_others_, true)) {
    report(Event::Kind::external_edit, "another program has appended to the log", notices);
  }
  const std::uint64_t grown = end - from;
  if (unsynced_.size() + grown > kUnsynced) {
    if (Status status = file_->sync_data(); !status) return status;
    appended_ += grown;
    synced_ = appended_;
    unsynced_.clear();
    return {};
  }
  const std::size_t had = unsynced_.size();
  unsynced_.resize(had + static_cast<std::size_t>(grown));
  auto count = read_up_to(*file_, from, std::span(unsynced_).subspan(had));
  if (!count) return count.status();
  if (*count != grown) return Status(ErrorCode::being_edited, "another program cuts the log short");
  appended_ += grown;
  return {};
}

// --- appending

Result<std::uint64_t> LogFile::append(std::string_view lines, Notices& notices) {
  if (Status status = check_not_inside(); !status) return status;
  const MutexLock lock(mutex_);
  constexpr int kTries = 10;
  Result<std::uint64_t> position = Status(ErrorCode::being_edited, "");
  for (int i = 0; i < kTries && position.code() == ErrorCode::being_edited; ++i) {
    Status ready = make_ready(notices);
    position = ready ? append_once(lines, notices) : ready;
  }
  if (!position) return about(position.status());
  appended_ += lines.size();
  unsynced_ += lines;
  if (unsynced_.size() > kUnsynced) {
    if (Status status = sync_held(appended_, notices); !status) return about(status);
  }
  return position;
}

// being_edited: another program came between; nothing of the lines is left, and the caller tries
// again.
Result<std::uint64_t> LogFile::append_once(std::string_view lines, Notices& notices) {
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
    if (begin < expected || !note_growth(expected, begin, notices)) unsynced_.clear();
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
  if (file_ == nullptr) {
    if (Status ready = make_ready(notices); !ready) return about(ready);
  }
  return about(sync_held(appended_, notices));
}

Status LogFile::sync_held(std::uint64_t wanted, Notices& notices) {
  while (synced_ < wanted) {
    if (syncing_) {
      sync_ended_.wait(mutex_);
      continue;
    }
    const std::shared_ptr<File> file = file_;
    if (file == nullptr) return {};
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
    notices.fault(with_consequence(synced, log_, "; what was not durable is written anew"));
    const std::string rest = unsynced_;
    const auto keep_all = [](const LineReader::Line&) { return true; };
    if (Status status = replace(end_ - rest.size(), rest, keep_all, notices); !status) {
      return status;
    }
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

// --- taking another file

Status LogFile::replace(std::uint64_t from_file, std::string_view rest, const KeepLine& keep,
                        Notices& notices) {
  auto source = folder_.chunks.open(file_name_, OpenMode::read);
  if (!source) return source.status();
  auto info = (*source)->stat();
  if (!info) return info.status();
  Status copied;
  const auto content = [&](json::TextOutput& output) {
    LineReader lines(**source, 0, from_file);
    for (;;) {
      auto line = lines.next();
      if (!line) copied = line.status();
      if (!line || !*line) break;
      const LineReader::Line& here = **line;
      if (!keep(here)) continue;
      if (here.is_too_long) {
        copied = Status(ErrorCode::too_large, "a line of the log is too long to be copied");
        break;
      }
      output.append(here.text);
      output.append("\n");
    }
    output.append(rest);
  };
  FileAttributes attributes;
  attributes.like = *info;
  attributes.rights = folder_.rights;
  std::string buffer;
  auto made = TemporaryFile::write(folder_.chunks, layout::temporary_of(file_name_), content,
                                   attributes, buffer);
  if (!made) return made.status();
  if (!copied) return copied;
  const std::string successor =
      std::to_string(info->inode) + " " + std::to_string(end_) + " " + std::to_string(made->size());
  Status marked = made->file().set_attribute(kSuccessor, successor);
  if (!marked && marked.code() != ErrorCode::unsupported_format &&
      marked.code() != ErrorCode::permission_denied) {
    return marked;
  }
  auto place = made->file().stat();
  if (!place) return place.status();
  const std::uint64_t size = made->size();
  if (Status status = made->make_durable(); !status) return status;
  // From here on other programs that want to write wait.
  file_ = nullptr;
  const WriteGuard guard = WriteGuard::take(folder_.chunks, file_name_, WriteGuard::By::owner);
  auto now = folder_.chunks.stat(file_name_);
  if (!now) return now.status();
  if (!now->same_file(*info) || now->size != end_) {
    return Status(ErrorCode::being_edited, "another program is writing to the log");
  }
  const std::string displaced = layout::temporary_of(file_name_ + ".old");
  Status freed = folder_.chunks.unlink(displaced);
  if (!freed && freed.code() != ErrorCode::not_found) return freed;
  bool is_displaced = false;
  if (Status status = made->publish_over(file_name_, displaced, is_displaced); !status) {
    return status;
  }
  if (Status status = folder_.chunks.sync(); !status) return status;
  if (is_displaced) {
    if (guard.writers() == Writers::some || guard.somebody_waits()) {
      std::string name;
      bool added = false;
      const std::string as = file_name_ + ".old-" + std::to_string(info->inode);
      if (Status status = quarantine_.preserve_file(folder_.chunks, displaced, as, {}, name, added);
          !status) {
        return status;
      }
      report(Event::Kind::quarantined,
             "another program has the old file of the log open; it is kept as quarantine/" + name,
             notices);
    }
    if (Status status = folder_.chunks.unlink(displaced); !status) return status;
  }
  auto file = folder_.chunks.open(file_name_, OpenMode::append);
  if (!file) return file.status();
  file_ = *std::move(file);
  place_ = *place;
  end_ = size;
  unsynced_.clear();
  synced_ = appended_;
  return {};
}

Status LogFile::compact(const Keep& keep, Notices& notices) {
  if (Status status = check_not_inside(); !status) return status;
  const MutexLock lock(mutex_);
  struct Inside {
    std::atomic<std::thread::id>& thread;
    ~Inside() { thread.store({}); }
  } const inside{compacting_};
  if (auto info = folder_.chunks.stat(file_name_); !info) return about(info.status());
  if (Status ready = make_ready(notices); !ready) return about(ready);
  if (Status status = sync_all(notices); !status) return about(status);
  auto source = folder_.chunks.open(file_name_, OpenMode::read);
  if (!source) return about(source.status());
  file_ = nullptr;
  {
    const WriteGuard guard = WriteGuard::take(folder_.chunks, file_name_, WriteGuard::By::owner);
    if (guard.writers() == Writers::some) {
      return about(Status(ErrorCode::being_edited, "another program has the log open for writing"));
    }
  }
  auto found = look(**source, 0, end_, When::growing);
  if (!found) return about(found.status());
  if (!found->invalid.empty()) {
    const std::string why = "lines that are not JSON (" + found->reason.to_text() + ")";
    if (Status status = preserve(**source, found->invalid, why, notices); !status) {
      return about(status);
    }
  }
  const auto keep_line = [&](const LineReader::Line& line) {
    if (line.is_too_long || !kind_of_line(line.text, folder_.settings).is_record()) return false;
    return keep({line.position, std::string(trimmed(line.text))});
  };
  compacting_.store(std::this_thread::get_id());
  return about(replace(end_, {}, keep_line, notices));
}

Status LogFile::rename_to(const std::string& log, Notices& notices) {
  if (Status status = check_not_inside(); !status) return status;
  const MutexLock lock(mutex_);
  if (auto info = folder_.chunks.stat(file_name_); !info) return about(info.status());
  if (Status ready = make_ready(notices); !ready) return about(ready);
  if (Status status = sync_all(notices); !status) return about(status);
  if (Status status = move_to_free(folder_.chunks, file_name_, layout::log_file(log)); !status) {
    return about(status);
  }
  file_ = nullptr;
  end_ = 0;
  return about(folder_.chunks.sync());
}

Status LogFile::remove() {
  if (Status status = check_not_inside(); !status) return status;
  const MutexLock lock(mutex_);
  await_sync();
  file_ = nullptr;
  end_ = 0;
  unsynced_.clear();
  synced_ = appended_;
  if (Status status = folder_.chunks.unlink(file_name_); !status) return about(status);
  return about(folder_.chunks.sync());
}

}  // namespace safechunk
