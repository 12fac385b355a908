// What others have written into a log: checked, completed, or moved to quarantine.

#include <algorithm>
#include <utility>

#include "json/scan.h"
#include "storage/files/durable_file.h"
#include "storage/files/file_io.h"
#include "storage/logs/log_file.h"

namespace safechunk {

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
      found.tail_reason = kind.invalid;
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
    if (file_ == nullptr) {
      end_ = info.size;
      return {};
    }
    if (!take_growth(end_, info.size)) {
      // So much that others have written is not kept in memory; what this process has is durable
      // first.
      if (synced_ < appended_) return sync_and_look_again(notices);
      unsynced_.clear();
    }
    if (!std::exchange(told_of_others_, true)) {
      report(Event::Kind::external_edit, "another program has appended to the log", notices);
    }
    end_ = info.size;
    return {};
  }
  if (!found->invalid.empty()) {
    if (Status status = check_is_log(**file, info.size, folder_.settings); !status) return status;
  }
  if (Status status = (*file)->close(); !status) return status;
  if (synced_ < appended_ && file_ != nullptr) return sync_and_look_again(notices);
  // A lease is for who has the file not open for writing.
  file_ = nullptr;
  unsynced_.clear();
  // Not to be held: this process is about to write itself.
  const Writers writers =
      WriteGuard::take(folder_.chunks, file_name_, WriteGuard::By::owner).writers();
  end_ = info.size;
  if (found->tail) {
    if (Status status = settle_tail(*found, info, writers, notices); !status) return status;
  }
  if (!found->invalid.empty()) {
    const std::string what = "not JSON (" + found->reason.to_text() + ") in the line at " +
                             std::to_string(found->invalid.front().begin);
    if (writers == Writers::some) {
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

Status LogFile::settle_tail(const Found& found, const FileInfo& info, Writers writers,
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
  const bool may_be_written = writers == Writers::some && !folder_.watch.is_still(file_name_, info);
  if (may_be_written) {
    return Status(ErrorCode::being_edited,
                  "another program has written half a line at the end of the log");
  }
  const std::string why = "half a record at the end (" +
                          (found.tail_reason.ok() ? "it may be the beginning of a longer number"
                                                  : found.tail_reason.to_text()) +
                          ")";
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

// What others have appended is as good as what this process has. False when it is too much.
bool LogFile::take_growth(std::uint64_t from, std::uint64_t end) {
  const std::uint64_t grown = end - from;
  const std::size_t had = unsynced_.size();
  if (end < from || had + grown > kUnsynced) return false;
  unsynced_.resize(had + static_cast<std::size_t>(grown));
  auto count = read_up_to(*file_, from, std::span(unsynced_).subspan(had));
  if (!count || *count != grown) {
    unsynced_.resize(had);
    return false;
  }
  appended_ += grown;
  return true;
}

Status LogFile::sync_and_look_again(Notices& notices) {
  if (Status status = sync_all(notices); !status) return status;
  return Status(ErrorCode::being_edited, "another program is writing to the log");
}

}  // namespace safechunk
