#include "storage/project/change_log.h"

#include <algorithm>
#include <charconv>

#include "base/chunk_name.h"
#include "storage/files/durable_file.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

constexpr std::string_view kTitle = "SAFECHUNK CHANGES 1 boot=";
// A log that grows beyond the first is cut to about the second.
constexpr std::uint64_t kLimit = 1U << 20U;
constexpr std::uint64_t kKept = 512U << 10U;
// More than a line can have: a name has at most 255 bytes.
constexpr std::uint64_t kTail = 1024;
constexpr std::int64_t kNanosecondsPerMicrosecond = 1000;

std::string hex_of(const Digest& digest) {
  if (digest.is_absent()) return "-";
  return digest == kUnknownDigest ? "?" : digest.to_hex();
}

std::optional<Digest> digest_in(std::string_view text) {
  if (text == "-") return kAbsentDigest;
  return text == "?" ? kUnknownDigest : Digest::from_hex(text);
}

std::string line_of(const LoggedChange& change) {
  std::string line = std::to_string(change.number);
  line += ' ';
  line += static_cast<char>(change.origin);
  line += ' ' + std::to_string(change.writer) + ' ' + hex_of(change.revision) + ' ' +
          hex_of(change.previous) + ' ' + change.chunk + '\n';
  return line;
}

bool to_number(std::string_view text, std::uint64_t& number) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

// Nothing when it is not a line of a log.
std::optional<LoggedChange> parse_line(std::string_view line) {
  LoggedChange change;
  if (!to_number(take_word(line), change.number)) return std::nullopt;
  const std::string_view origin = take_word(line);
  if (origin.size() != 1 || std::string_view("chrex").find(origin) == std::string_view::npos) {
    return std::nullopt;
  }
  change.origin = static_cast<LoggedChange::Origin>(origin.front());
  if (!to_number(take_word(line), change.writer)) return std::nullopt;
  const auto revision = digest_in(take_word(line));
  const auto previous = digest_in(take_word(line));
  if (!revision || !previous || !check_name(line, "chunk name").ok()) return std::nullopt;
  change.revision = *revision;
  change.previous = *previous;
  change.chunk = line;
  return change;
}

struct Title {
  std::string boot_id;
  std::uint64_t from = 0;  // the number before the first change that has a line of its own
};

std::optional<Title> parse_title(std::string_view line) {
  constexpr std::string_view kFrom = " from=";
  const auto at = line.rfind(kFrom);
  if (!line.starts_with(kTitle) || at == std::string_view::npos || at < kTitle.size()) {
    return std::nullopt;
  }
  Title title;
  title.boot_id = line.substr(kTitle.size(), at - kTitle.size());
  if (!to_number(line.substr(at + kFrom.size()), title.from)) return std::nullopt;
  return title;
}

std::uint64_t microseconds(Clock& clock) {
  const auto now = clock.unix_time_ns() / kNanosecondsPerMicrosecond;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now, 1));
}

// The last whole line of `text`, and where it ends.
std::string_view last_line(std::string_view text, std::size_t& end) {
  end = text.rfind('\n') == std::string_view::npos ? 0 : text.rfind('\n') + 1;
  if (end == 0) return {};
  const std::string_view whole = text.substr(0, end - 1);
  return whole.substr(whole.rfind('\n') + 1);
}

}  // namespace

// --- writing

Status ChangeLog::begin() {
  auto there = root_.stat(layout::kChanges);
  if (there || there.code() != ErrorCode::not_found) return there.status();
  return rewrite(microseconds(platform_.clock), {});
}

Status ChangeLog::rewrite(std::uint64_t from, std::string_view lines) {
  auto file = TemporaryFile::create(root_, layout::temporary_of(layout::kChanges),
                                    rights_.mode_of_new_file(0666));
  if (!file) return file.status();
  auto info = file->file().stat();
  if (!info) return info.status();
  if (Status shared = rights_.share(file->file(), *info); !shared) return shared;
  std::string text(kTitle);
  text += platform_.process.boot_id() + " from=" + std::to_string(from) + "\n";
  text += lines;
  if (Status status = write_all(file->file(), 0, text); !status) return status;
  if (Status status = file->make_durable_and_keep_open(); !status) return status;
  return file->publish(layout::kChanges);
}

// What the first line says, and the newest number.
struct ChangeLog::Ends {
  bool same_boot = false;
  std::uint64_t newest = 0;  // 0: nothing in it can be read
  std::uint64_t end = 0;     // behind the last whole line
};

Result<ChangeLog::Ends> ChangeLog::look_at_ends(File& file) const {
  auto info = file.stat();
  if (!info) return info.status();
  std::string head(std::min(info->size, kTail), '\0');
  if (auto count = read_up_to(file, 0, head); !count) return count.status();
  const std::uint64_t from = info->size > kTail ? info->size - kTail : 0;
  std::string tail(static_cast<std::size_t>(info->size - from), '\0');
  if (auto count = read_up_to(file, from, tail); !count) return count.status();
  Ends ends;
  const auto title = parse_title(head.substr(0, head.find('\n')));
  if (!title) return ends;
  ends.same_boot = title->boot_id == platform_.process.boot_id();
  std::size_t end = 0;
  const auto newest = parse_line(last_line(tail, end));
  ends.newest = newest ? newest->number : title->from;
  ends.end = from + end;
  return ends;
}

Status ChangeLog::append(std::vector<LoggedChange>& changes) {
  if (changes.empty()) return {};
  auto file = root_.open(layout::kChanges, OpenMode::read_write);
  if (!file) return file.code() == ErrorCode::not_found ? Status() : file.status();
  auto ends = look_at_ends(**file);
  if (!ends) return ends.status();
  // After a power cut the newest lines may be gone, and their numbers must not come again.
  const bool goes_on = ends->same_boot && ends->newest > 0;
  std::uint64_t next = ends->newest + 1;
  if (!goes_on) next = std::max(next, microseconds(platform_.clock));
  const std::uint64_t first = next;
  std::string added;
  for (LoggedChange& change : changes) {
    change.number = next++;
    added += line_of(change);
  }
  if (!goes_on) return rewrite(first - 1, added);
  if (ends->end + added.size() <= kLimit) return write_all(**file, ends->end, added);
  std::string kept(static_cast<std::size_t>(std::min(ends->end, kKept)), '\0');
  auto count = read_up_to(**file, ends->end - kept.size(), kept);
  if (!count) return count.status();
  kept.erase(0, kept.find('\n') + 1);
  return rewrite(first - 1, kept + added);
}

// --- reading

void ChangeLogReader::take_line(std::string_view line, News& news) {
  auto change = parse_line(line);
  if (!change) {
    news.gap = true;
    return;
  }
  newest_ = change->number;
  if (last_ && change->number <= *last_) return;
  if (last_ && change->number != *last_ + 1) news.gap = true;
  last_ = change->number;
  if (primed_) news.changes.push_back(*std::move(change));
}

Status ChangeLogReader::read_file(News& news) {
  constexpr std::size_t kPiece = 256U << 10U;
  std::string text;
  for (bool more = true; more && text.size() <= 2 * kLimit;) {
    std::string piece(kPiece, '\0');
    auto count = read_up_to(*file_, offset_ + text.size(), piece);
    if (!count) return count.status();
    text.append(piece, 0, *count);
    more = *count == kPiece;
  }
  std::string_view rest(text);
  for (auto size = rest.find('\n'); size != std::string_view::npos; size = rest.find('\n')) {
    const std::string_view line = rest.substr(0, size);
    if (offset_ == 0) {
      const auto title = parse_title(line);
      if (title) newest_ = title->from;
      if (!title) news.gap = true;
      if (title && !last_) last_ = title->from;
    } else {
      take_line(line, news);
    }
    offset_ += size + 1;
    rest.remove_prefix(size + 1);
  }
  return {};
}

Result<ChangeLogReader::News> ChangeLogReader::read(Directory& root) {
  News news;
  const bool has_since = !primed_ && last_;
  if (has_since) primed_ = true;  // everything behind it is news
  auto now = root.stat(layout::kChanges);
  if (!now && now.code() != ErrorCode::not_found) return now.status();
  // What was appended before another file took its place.
  if (file_ != nullptr) {
    if (Status status = read_file(news); !status) return status;
  }
  if (now && (file_ == nullptr || !now->same_file(info_))) {
    auto file = root.open(layout::kChanges, OpenMode::read);
    if (!file && file.code() != ErrorCode::not_found) return file.status();
    if (file) {
      auto info = (*file)->stat();
      if (!info) return info.status();
      file_ = *std::move(file);
      info_ = *info;
      offset_ = 0;
      if (Status status = read_file(news); !status) return status;
    }
  }
  // A number that this log has not reached comes from another one.
  if (has_since && file_ != nullptr && newest_ < *last_) {
    news.gap = true;
    last_ = newest_;
  }
  primed_ = true;
  news.has_log = file_ != nullptr;
  return news;
}

}  // namespace safechunk
