// A log in another file or under another name: compact, rotate, remove.

#include <utility>
#include <vector>

#include "storage/files/durable_file.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"
#include "storage/logs/log_file.h"
#include "storage/logs/log_successor.h"

namespace safechunk {

Status LogFile::replace(std::uint64_t from_file, std::string_view rest, const KeepLine& keep,
                        Notices& notices) {
  auto source = folder_.chunks.open(file_name_, OpenMode::read);
  if (!source) return source.status();
  auto info = (*source)->stat();
  if (!info) return info.status();
  auto described = (*source)->attribute(kSuccessorAttribute);
  std::vector<LogSuccessor> successors;
  if (described) successors = parse_successors(*described);
  std::size_t moved = 0;  // of them, the oldest first, lie in what was copied
  std::uint64_t written = 0;
  // What lies up to there in the source, ends here now.
  const auto move_up_to = [&](std::uint64_t position) {
    for (; moved < successors.size(); ++moved) {
      LogSuccessor& next = successors[successors.size() - 1 - moved];
      if (next.here > position) return;
      next.here = written;
    }
  };
  Status copied;
  const auto content = [&](json::TextOutput& output) {
    LineReader lines(**source, 0, from_file);
    for (;;) {
      auto line = lines.next();
      if (!line) copied = line.status();
      if (!line || !*line) break;
      const LineReader::Line& here = **line;
      move_up_to(here.position);
      if (!keep(here)) continue;
      if (here.is_too_long) {
        copied = Status(ErrorCode::too_large, "a line of the log is too long to be copied");
        break;
      }
      output.append(here.text);
      output.append("\n");
      written += here.text.size() + 1;
    }
    move_up_to(from_file);
    for (; moved < successors.size(); ++moved) {
      LogSuccessor& next = successors[successors.size() - 1 - moved];
      next.here = written + (next.here - from_file);
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
  successors.insert(successors.begin(), {info->inode, end_, made->size()});
  const Status marked = made->file().set_attribute(kSuccessorAttribute, to_text(successors));
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
  const std::string displaced = layout::displaced_file(file_name_);
  if (folder_.chunks.stat(displaced).ok()) {
    if (Status status = keep_displaced(displaced, notices); !status) return status;
  }
  bool is_displaced = false;
  if (Status status = made->publish_over(file_name_, displaced, is_displaced); !status) {
    return status;
  }
  if (Status status = folder_.chunks.sync(); !status) return status;
  if (is_displaced) {
    const bool is_written = guard.writers() == Writers::some || guard.somebody_waits();
    const Status gone =
        is_written ? keep_displaced(displaced, notices) : folder_.chunks.unlink(displaced);
    if (!gone) return gone;
  }
  auto file = folder_.chunks.open(file_name_, OpenMode::append);
  if (!file) return file.status();
  file_ = *std::move(file);
  place_ = *place;
  end_ = size;
  unsynced_.clear();
  synced_ = appended_;
  is_broken_ = false;
  return {};
}

// The old file of the log, which another program may have open: what it appends there is kept.
Status LogFile::keep_displaced(const std::string& displaced, Notices& notices) {
  std::string name;
  bool added = false;
  if (Status status = quarantine_.preserve_file(folder_.chunks, displaced, file_name_ + ".old", {},
                                                name, added);
      !status) {
    return status;
  }
  report(Event::Kind::quarantined,
         "another program may have the old file of the log open, and append to it; it is kept as "
         "quarantine/" +
             name,
         notices);
  return folder_.chunks.unlink(displaced);
}

// Others may have appended meanwhile: that is taken along, and looked at by the next append.
Status LogFile::write_anew(Notices& notices) {
  Status status = Status(ErrorCode::being_edited, "");
  for (int i = 0; i < kTries && status.code() == ErrorCode::being_edited; ++i) {
    auto source = folder_.chunks.open(file_name_, OpenMode::read);
    if (!source) return source.status();
    auto info = (*source)->stat();
    if (!info) return info.status();
    if (!info->same_file(place_) || info->size < end_) {
      return Status(ErrorCode::io_error,
                    "records that were not durable are lost: another program has changed the file");
    }
    const std::uint64_t known = end_;
    std::string rest = unsynced_;
    rest.resize(unsynced_.size() + static_cast<std::size_t>(info->size - known));
    auto count = read_up_to(**source, known, std::span(rest).subspan(unsynced_.size()));
    if (!count) return count.status();
    const std::uint64_t begin = known - unsynced_.size();
    end_ = info->size;
    const auto keep_all = [](const LineReader::Line&) { return true; };
    status = replace(begin, rest, keep_all, notices);
    end_ = known;
  }
  return status;
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
