#include "storage/logs/folder_logs.h"

#include <algorithm>
#include <iterator>

#include "base/chunk_name.h"
#include "base/in_chunk.h"
#include "storage/files/names.h"
#include "storage/files/project_layout.h"
#include "storage/logs/log_follower.h"
#include "storage/logs/log_lines.h"

namespace safechunk {
namespace {

constexpr std::size_t kUsualLimit = 1000;
constexpr std::size_t kPageBytes = std::size_t{16} << 20U;

// A log that can be read; null: there is none.
struct OpenLog {
  std::unique_ptr<File> file;
  std::uint64_t size = 0;
};

Result<OpenLog> open_log(const Platform& platform, const std::string& folder,
                         const std::string& log) {
  OpenLog opened;
  auto chunks = platform.file_system.open_directory(folder);
  if (!chunks) {
    return chunks.code() == ErrorCode::not_found ? Result<OpenLog>(std::move(opened))
                                                 : in_chunk(chunks.status(), log);
  }
  auto file = (*chunks)->open(layout::log_file(log), OpenMode::read);
  if (!file) {
    return file.code() == ErrorCode::not_found ? Result<OpenLog>(std::move(opened))
                                               : in_chunk(file.status(), log);
  }
  auto info = (*file)->stat();
  if (!info) return in_chunk(info.status(), log);
  opened.file = *std::move(file);
  opened.size = info->size;
  return opened;
}

Status moved(const std::string& log, std::uint64_t from) {
  return in_chunk(Status(ErrorCode::conflict,
                         "no record begins at position " + std::to_string(from) +
                             ": the log was compacted, rotated or cut short; read it anew"),
                  log);
}

// ok when a record may begin there.
Status check_position(File& file, std::uint64_t size, std::uint64_t from, const std::string& log) {
  auto may_begin = may_begin_at(file, size, from);
  if (!may_begin) return in_chunk(may_begin.status(), log);
  return *may_begin ? Status() : moved(log, from);
}

Result<LogPage> read_page(File& file, std::uint64_t from, std::uint64_t end, std::size_t limit,
                          const TextSettings& settings, const std::string& log) {
  LogPage page;
  page.next = from;
  std::size_t bytes = 0;
  LineReader lines(file, from, end);
  while (page.records.size() < limit && bytes < kPageBytes) {
    auto line = lines.next();
    if (!line) return in_chunk(line.status(), log);
    if (!*line) break;
    LineKind kind;
    if ((*line)->is_too_long) {
      kind.invalid = Status(ErrorCode::too_large, "the line is too long for a record");
    } else {
      kind = kind_of_line((*line)->text, settings);
    }
    // A record may still be on its way.
    if (!(*line)->is_complete && !kind.is_closed) break;
    page.next = (*line)->end;
    if (kind.is_record()) {
      page.records.push_back({(*line)->position, std::string(trimmed((*line)->text))});
      bytes += page.records.back().text.size();
    } else if (!kind.invalid.ok() && page.invalid++ == 0) {
      Error error = in_chunk(kind.invalid, log).error();
      error.message = "the line at position " + std::to_string((*line)->position) +
                      " of the log: " + error.message;
      page.first_invalid = error;
    }
  }
  return page;
}

}  // namespace

// --- reading

Result<LogPage> FolderLogReader::read(const std::string& log, std::uint64_t from,
                                      std::size_t limit) {
  auto opened = open_log(platform_, folder_, log);
  if (!opened) return opened.status();
  if (opened->file == nullptr) return from == 0 ? Result<LogPage>(LogPage()) : moved(log, from);
  Status status = check_position(*opened->file, opened->size, from, log);
  if (!status) return status;
  return read_page(*opened->file, from, opened->size, limit == 0 ? kUsualLimit : limit, settings_,
                   log);
}

Result<LogPage> FolderLogReader::tail(const std::string& log, std::size_t count) {
  auto opened = open_log(platform_, folder_, log);
  if (!opened) return opened.status();
  if (opened->file == nullptr) return LogPage();
  // Not every line is a record.
  std::uint64_t begin = opened->size;
  std::size_t lines = count;
  for (;;) {
    auto previous = begin_of_line(*opened->file, begin, lines);
    if (!previous) return in_chunk(previous.status(), log);
    begin = *previous;
    LogPage page;
    page.next = begin;
    // The page that was found to be the last one may be more than one page long.
    for (std::uint64_t from = begin;;) {
      auto next = read_page(*opened->file, from, opened->size, SIZE_MAX, settings_, log);
      if (!next) return next;
      if (page.invalid == 0) page.first_invalid = next->first_invalid;
      page.invalid += next->invalid;
      std::ranges::move(next->records, std::back_inserter(page.records));
      page.next = next->next;
      if (next->next == from) break;
      from = next->next;
    }
    if (page.records.size() >= count || begin == 0) {
      const std::size_t surplus = page.records.size() - std::min(page.records.size(), count);
      page.records.erase(page.records.begin(),
                         page.records.begin() + static_cast<std::ptrdiff_t>(surplus));
      return page;
    }
    lines = count - page.records.size();
  }
}

Result<std::unique_ptr<LogSource>> FolderLogReader::follow(const std::string& log,
                                                           std::optional<std::uint64_t> from) {
  return LogFollowing::open(platform_, folder_, log, settings_, from);
}

Result<std::vector<LogInfo>> list_logs(Directory& chunks, const ChunkNaming& naming) {
  auto files = chunks.list();
  if (!files) return files.status();
  std::vector<LogInfo> logs;
  for (const std::string& file : *files) {
    auto log = naming.log_of(file);
    if (!log) continue;
    auto info = chunks.stat(file);
    if (!info && info.code() == ErrorCode::not_found) continue;
    if (!info) return info.status();
    if (info->type == FileType::regular) logs.push_back({*std::move(log), info->size});
  }
  std::ranges::sort(logs, {}, &LogInfo::name);
  return logs;
}

Result<JudgedLog> judge_log(Directory& chunks, const std::string& log,
                            const TextSettings& settings) {
  auto file = chunks.open(layout::log_file(log), OpenMode::read);
  if (!file) return file.status();
  auto info = (*file)->stat();
  if (!info) return info.status();
  JudgedLog judged;
  for (std::uint64_t from = 0;;) {
    auto page = read_page(**file, from, info->size, kUsualLimit, settings, log);
    if (!page) return page.status();
    if (judged.invalid == 0) judged.reason = page->first_invalid;
    judged.records += page->records.size();
    judged.invalid += page->invalid;
    if (page->next == from) {
      judged.ends_in_half = from < info->size;
      return judged;
    }
    from = page->next;
  }
}

Result<std::uint32_t> newest_rotation(Directory& chunks, const std::string& log) {
  auto logs = list_logs(chunks);
  if (!logs) return logs.status();
  std::uint32_t newest = 0;
  for (const LogInfo& info : *logs) {
    newest = std::max(newest, layout::number_of_rotated(info.name, log).value_or(0));
  }
  return newest;
}

Result<std::vector<LogInfo>> FolderLogReader::list() {
  auto chunks = platform_.file_system.open_directory(folder_);
  if (!chunks) {
    if (chunks.code() == ErrorCode::not_found) return std::vector<LogInfo>();
    return chunks.status();
  }
  return list_logs(**chunks, naming_);
}

// --- writing

void FolderLogWriter::set_known(KnownLogs known) {
  const MutexLock lock(mutex_);
  known_ = std::move(known);
}

Result<std::shared_ptr<LogFile>> FolderLogWriter::find(const std::string& log) {
  const MutexLock lock(mutex_);
  if (closed_) {
    return in_chunk(Status(ErrorCode::not_owner, "this engine does not own the project"), log);
  }
  if (const auto found = files_.find(log); found != files_.end()) return found->second;
  auto logs = list_logs(folder_.chunks);
  if (!logs) return in_chunk(logs.status(), log);
  Names names;
  for (const LogInfo& info : *logs) names.add(info.name);
  if (const std::string rival = names.rival_of(log); !rival.empty()) {
    return is_same_name(log, rival);
  }
  std::optional<KnownLog> known;
  if (const auto found = known_.find(log); found != known_.end()) known = found->second;
  auto file = std::make_shared<LogFile>(folder_, log, std::move(known));
  files_.emplace(log, file);
  return file;
}

Result<std::uint64_t> FolderLogWriter::append(const std::string& log,
                                              std::span<const std::string_view> texts,
                                              Notices& notices) {
  std::string lines;
  for (const std::string_view text : texts) {
    if (Status status = append_line(text, folder_.settings, lines); !status) {
      return in_chunk(status, log);
    }
  }
  auto file = find(log);
  return file ? (*file)->append(lines, notices) : file.status();
}

Status FolderLogWriter::sync(const std::string& log, Notices& notices) {
  auto file = find(log);
  return file ? (*file)->sync(notices) : file.status();
}

Status FolderLogWriter::compact(const std::string& log, const Keep& keep, Notices& notices) {
  auto file = find(log);
  return file ? (*file)->compact(keep, notices) : file.status();
}

Status FolderLogWriter::repair(const std::string& log, Notices& notices) {
  auto judged = judge_log(folder_.chunks, log, folder_.settings);
  if (!judged) return in_chunk(judged.status(), log);
  if (judged->invalid == 0 && !judged->ends_in_half) return {};
  return compact(
      log, [](const LogRecord&) { return true; }, notices);
}

Result<std::string> FolderLogWriter::rotate(const std::string& log, Notices& notices) {
  const auto newest = newest_rotation(folder_.chunks, log);
  if (!newest) return in_chunk(newest.status(), log);
  const std::string rotated = layout::rotated_log(log, *newest + 1);
  if (Status status = check_name(rotated, "the name of the rotated log"); !status) {
    return in_chunk(status, log);
  }
  auto file = find(log);
  if (!file) return file.status();
  if (Status status = (*file)->rename_to(rotated, notices); !status) return status;
  return rotated;
}

Status FolderLogWriter::remove(const std::string& log, Notices& /*notices*/) {
  auto file = find(log);
  return file ? (*file)->remove() : file.status();
}

Status FolderLogWriter::close(KnownLogs& known, Notices& notices) {
  std::map<std::string, std::shared_ptr<LogFile>> files;
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    files.swap(files_);
    known = std::move(known_);
    known_.clear();
  }
  Status first_error;
  for (const auto& [log, file] : files) {
    known.erase(log);
    auto closed = file->close(notices);
    if (!closed && first_error.ok()) first_error = closed.status();
    if (closed && *closed) known.emplace(log, **closed);
  }
  return first_error;
}

}  // namespace safechunk
