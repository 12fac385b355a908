#include "storage/project/folder_watcher.h"

#include <algorithm>
#include <set>
#include <thread>

#include "storage/chunks/chunk_files.h"
#include "storage/files/project_layout.h"
#include "storage/project/folders.h"

namespace safechunk {
namespace {

using std::chrono::milliseconds;

// A program that saves by moving the old file away first brings a new one before this is over.
constexpr milliseconds kRemoval{500};
// What an engine has published is in the log by then, if the engine lives.
constexpr milliseconds kCommit{1000};
constexpr milliseconds kScan{1000};

ChangeOrigin origin_of(const LoggedChange& change, std::uint64_t engine) {
  switch (change.origin) {
    case LoggedChange::Origin::heal:
      return ChangeOrigin::heal;
    case LoggedChange::Origin::restore:
      return ChangeOrigin::restore;
    case LoggedChange::Origin::edit:
      return ChangeOrigin::edit;
    case LoggedChange::Origin::removed:
      return ChangeOrigin::removed_outside;
    case LoggedChange::Origin::commit:
      break;
  }
  return change.writer == engine ? ChangeOrigin::local : ChangeOrigin::process;
}

std::string text_of_revision(const Digest& digest) {
  return digest.is_absent() || digest == kUnknownDigest ? std::string() : digest.to_hex();
}

bool is_same_version(const FileInfo& one, const FileInfo& other) {
  return one.same_file(other) && one.size == other.size && one.modified_ns == other.modified_ns;
}

}  // namespace

FolderWatcher::FolderWatcher(Platform platform, ProjectLocation location,
                             const TextSettings& settings, std::uint64_t engine,
                             const WatchOptions& options)
    : platform_(platform),
      location_(std::move(location)),
      settings_(settings),
      engine_(engine),
      every_(options.delivery == WatchOptions::Delivery::every),
      log_(options.since) {}

Result<std::unique_ptr<ChangeSource>> FolderWatcher::open(Platform platform,
                                                          ProjectLocation location,
                                                          const TextSettings& settings,
                                                          std::uint64_t engine,
                                                          const WatchOptions& options) {
  std::unique_ptr<FolderWatcher> watcher(
      new FolderWatcher(platform, std::move(location), settings, engine, options));
  if (Status status = watcher->start(); !status) return status;
  return std::unique_ptr<ChangeSource>(std::move(watcher));
}

// Watched before it is looked at: what comes in between is told twice at most, and found equal.
Status FolderWatcher::start() {
  auto folders = open_folders_for_reading(platform_.file_system, location_);
  if (!folders) return folders.status();
  folders_ = *std::move(folders);
  if (auto watch = platform_.file_system.new_watch()) {
    watch_ = *std::move(watch);
    // Without it each second must do.
    if (!watch_folders()) watch_.reset();
  }
  if (Status status = scan(false); !status) return status;
  if (Status status = read_log(); !status) return status;
  next_scan_ = platform_.clock.now() + kScan;
  return {};
}

Status FolderWatcher::watch_folders() {
  auto root = watch_->add(location_.path());
  if (!root) return root.status();
  auto chunks = watch_->add(location_.chunks_path());
  if (!chunks) return chunks.status();
  chunks_watch_ = *chunks;
  watch_log();
  return {};
}

// The log is another file after it was cut. When it cannot be watched it is read as soon as the
// file of a chunk changes.
void FolderWatcher::watch_log() {
  log_is_watched_ = watch_->add(location_.path() + "/" + layout::kChanges).ok();
}

// --- looking

Result<std::optional<Change>> FolderWatcher::next(milliseconds timeout) {
  const auto deadline = platform_.clock.now() + timeout;
  bool woken = false;
  while (ready_.empty() && !woken) {
    const auto now = platform_.clock.now();
    const auto until = std::min(deadline, next_look());
    const auto left =
        std::chrono::ceil<milliseconds>(std::max(until - now, Clock::TimePoint::duration()));
    if (Status status = look(left, woken); !status) return status;
    if (platform_.clock.now() >= deadline) break;
  }
  if (watch_ != nullptr) {
    // A descriptor that is readable asks for another call.
    std::optional<milliseconds> timer;
    if (!ready_.empty()) {
      timer = milliseconds(0);
    } else if (!doubts_.empty()) {
      timer = std::chrono::ceil<milliseconds>(next_look() - platform_.clock.now());
    }
    if (Status status = watch_->set_timer(timer); !status) return status;
  }
  if (ready_.empty()) return std::optional<Change>();
  Change change = std::move(ready_.front());
  ready_.pop_front();
  return std::optional<Change>(std::move(change));
}

FolderWatcher::TimePoint FolderWatcher::next_look() const {
  TimePoint next = watch_ == nullptr ? next_scan_ : TimePoint::max();
  for (const auto& [chunk, doubt] : doubts_) next = std::min(next, doubt.until);
  return next;
}

Status FolderWatcher::look(milliseconds timeout, bool& woken) {
  if (watch_ == nullptr) {
    std::this_thread::sleep_for(timeout);
    if (platform_.clock.now() >= next_scan_) {
      next_scan_ = platform_.clock.now() + kScan;
      if (Status status = read_log(); !status) return status;
      if (Status status = scan(true); !status) return status;
    }
    settle_doubts();
    return {};
  }
  auto seen = watch_->wait(timeout);
  if (!seen) return seen.status();
  woken = seen->woken;
  std::set<std::string> touched;
  for (const auto& [watched, name] : seen->names) {
    if (watched == chunks_watch_) {
      if (const auto chunk = folders_.naming.chunk_of(name)) touched.insert(*chunk);
    } else if (name == layout::kChanges) {
      watch_log();
    } else if (!location_.beside && name == layout::kChunks) {
      seen->everything = true;  // the system tells of a folder that is gone when nobody has it open
    }
  }
  // The log first: what it tells is known then, when the files are looked at.
  if (Status status = read_log(); !status) return status;
  for (const std::string& chunk : touched) look_at(chunk, true);
  if (seen->everything) {
    if (Status status = check_in_place(); !status) return status;
    if (Status status = scan(true); !status) return status;
  }
  settle_doubts();
  return {};
}

// Folders that were moved away or replaced are not the project's any more.
Status FolderWatcher::check_in_place() const {
  auto chunks = platform_.file_system.open_directory(location_.chunks_path());
  auto now = chunks ? (*chunks)->stat() : Result<FileInfo>(chunks.status());
  auto ours = folders_.chunks->stat();
  if (now && ours && now->same_file(*ours)) return {};
  return Status(ErrorCode::unavailable, "the project's folder was moved, removed or replaced");
}

Status FolderWatcher::read_log() {
  auto news = log_.read(*folders_.root);
  if (!news) return news.status();
  if (news->has_log && !has_log_ && watch_ != nullptr && !log_is_watched_) watch_log();
  has_log_ = news->has_log;
  if (news->gap) {
    tell_resync();
    if (Status status = scan(false); !status) return status;
  }
  for (const LoggedChange& change : news->changes) {
    doubts_.erase(change.chunk);
    Known& known = known_[change.chunk];
    const Digest previous = change.previous == kUnknownDigest && !known.revision.is_absent()
                                ? known.revision
                                : change.previous;
    const bool is_news = every_ || known.revision != change.revision || news->gap;
    known.revision = change.revision;
    known.info = FileInfo();  // whatever its file is now, it is looked at again
    const ChangeOrigin origin = origin_of(change, engine_);
    if (is_news) tell(change.chunk, change.revision, previous, origin, change.number);
  }
  return {};
}

Status FolderWatcher::scan(bool tell) {
  auto chunks = list_chunk_files(folders_);
  if (!chunks) return chunks.status();
  std::set<std::string> names(chunks->begin(), chunks->end());
  for (const auto& [chunk, known] : known_) {
    if (!known.revision.is_absent()) names.insert(chunk);
  }
  for (const std::string& chunk : names) look_at(chunk, tell);
  return {};
}

// Only what is whole is told: a file that is not JSON, or cannot be read, is left to the next time.
void FolderWatcher::look_at(const std::string& chunk, bool tell_it) {
  const std::string name = folders_.naming.file_of(chunk);
  auto info = folders_.chunks->stat(name);
  const auto found = known_.find(chunk);
  const Digest known = found == known_.end() ? kAbsentDigest : found->second.revision;
  if (!info) {
    if (info.code() != ErrorCode::not_found || known.is_absent()) return;
    if (tell_it) {
      doubts_[chunk] = {platform_.clock.now() + kRemoval, kAbsentDigest};
    } else {
      known_.erase(found);
    }
    return;
  }
  if (found != known_.end() && is_same_version(found->second.info, *info)) return;
  Digest revision;
  bool by_an_engine = false;
  if (auto file = folders_.chunks->open(name, OpenMode::read)) {
    const auto stamp = read_stamp(**file, chunk);
    if (stamp && *stamp && (*stamp)->modified_ns == info->modified_ns) {
      revision = (*stamp)->text;
      by_an_engine = true;
    }
  }
  if (!by_an_engine) {
    const Inspection inspection = inspect_file(*folders_.chunks, name, chunk, settings_);
    if (!inspection.usable()) return;
    info = inspection.info;
    revision = inspection.text_digest(settings_);
    by_an_engine = inspection.health == FileHealth::good;
  }
  if (revision == known || !tell_it) {
    known_[chunk] = {*info, revision};
    doubts_.erase(chunk);
  } else if (by_an_engine) {
    // Its engine says in the log what it was. Who has not begun a log says nothing.
    const auto until = has_log_ ? kCommit : milliseconds(0);
    doubts_[chunk] = {platform_.clock.now() + until, revision};
  } else {
    known_[chunk] = {*info, revision};
    doubts_.erase(chunk);
    tell(chunk, revision, known, ChangeOrigin::edit, 0);
  }
}

void FolderWatcher::settle_doubts() {
  const auto now = platform_.clock.now();
  for (auto at = doubts_.begin(); at != doubts_.end();) {
    if (at->second.until > now) {
      ++at;
      continue;
    }
    const std::string chunk = at->first;
    const Digest revision = at->second.revision;
    at = doubts_.erase(at);
    auto info = folders_.chunks->stat(folders_.naming.file_of(chunk));
    const Digest previous = known_[chunk].revision;
    if (revision.is_absent()) {
      if (info) {
        look_at(chunk, true);
        continue;
      }
      known_[chunk] = Known();
      // An engine would have told in the log that it removes the chunk, if there is a log.
      tell(chunk, kAbsentDigest, previous, ChangeOrigin::removed_outside, 0);
    } else {
      known_[chunk] = {info ? *info : FileInfo(), revision};
      tell(chunk, revision, previous, ChangeOrigin::process, 0);
    }
  }
}

// --- telling

void FolderWatcher::tell(const std::string& chunk, const Digest& revision, const Digest& previous,
                         ChangeOrigin origin, std::uint64_t number) {
  Change change{chunk, text_of_revision(revision), text_of_revision(previous), origin, number};
  if (!every_) {
    const auto waiting = std::ranges::find(ready_, chunk, &Change::chunk);
    if (waiting != ready_.end()) {
      change.previous_revision = std::move(waiting->previous_revision);
      ready_.erase(waiting);
    }
  }
  ready_.push_back(std::move(change));
}

void FolderWatcher::tell_resync() {
  if (!ready_.empty() && ready_.back().origin == ChangeOrigin::resync) return;
  Change change;
  change.origin = ChangeOrigin::resync;
  change.number = log_.last().value_or(0);
  ready_.push_back(std::move(change));
}

// --- waking

void FolderWatcher::wake() noexcept {
  if (watch_ != nullptr) watch_->wake();
}

int FolderWatcher::descriptor() const {
  return watch_ == nullptr ? -1 : watch_->descriptor();
}

}  // namespace safechunk
