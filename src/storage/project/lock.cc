#include "storage/project/lock.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/digest.h"
#include "storage/files/durable_file.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

constexpr std::uint64_t kTextLimit = 4096;
// Times of processes come in clock ticks, times of files in seconds on some file systems.
constexpr double kTimeTolerance = 2.0;
constexpr double kNanosecondsPerSecond = 1e9;
// Nobody takes so long between making a lock file and writing its text.
constexpr double kWritingTime = 10.0;

// Programs that run as process 1 and are never the owner of a project. A lock text "PID: 1" comes
// from a container; outside of it, process 1 is always alive.
bool is_init_process(const ProcessInfo& process) {
  static constexpr std::array<std::string_view, 9> kInits = {
      "systemd",   "init",      "tini",  "dumb-init", "docker-init",
      "catatonit", "s6-svscan", "runit", "launchd"};
  if (process.pid != 1) return false;
  for (const std::string_view name : kInits) {
    if (process.name == name) return true;
  }
  return false;
}

std::string without_blanks(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) <= ' ') c = '_';
  }
  return text;
}

// The value behind `key` up to the next blank; empty when the key is absent.
std::string field(std::string_view line, std::string_view key) {
  const auto start = line.find(key);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = line.substr(start + key.size());
  return std::string(rest.substr(0, rest.find_first_of(" \r\n")));
}

double to_seconds(const std::string& text) {
  const double value = std::strtod(text.c_str(), nullptr);
  return std::isfinite(value) && value > 0 ? value : 0;
}

template <typename Number>
bool to_number(const std::string& text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

OwnerInfo to_owner(const LockText& text, double since) {
  return {text.pid, text.host, text.boot_id, text.started, since};
}

double written_at(const FileInfo& info) {
  return static_cast<double>(info.modified_ns) / kNanosecondsPerSecond;
}

double seconds_of(Clock& clock) {
  return static_cast<double>(clock.unix_time_ns()) / kNanosecondsPerSecond;
}

// Without a token.
LockText describe_self(Process& process) {
  LockText self;
  self.pid = process.pid();
  self.host = process.host_name();
  self.boot_id = process.boot_id();
  if (const auto found = process.find(self.pid)) self.started = found->started.value_or(0);
  return self;
}

Status locked_by(const OwnerInfo& owner) {
  std::string message = "another owner holds the project";
  if (owner.pid != 0) message += ": process " + std::to_string(owner.pid);
  if (!owner.host.empty()) message += " on " + owner.host;
  return Status(ErrorCode::locked, std::move(message));
}

}  // namespace

std::string LockText::encode() const {
  std::array<char, 64> seconds{};
  std::snprintf(seconds.data(), seconds.size(), "%.2f", started);
  std::string text = "PID: " + std::to_string(pid) + " :host=" + without_blanks(host) +
                     " boot=" + without_blanks(boot_id) + " start=" + seconds.data() +
                     " token=" + token + "\n";
  text += std::string("CREATED: ") + seconds.data() + "\n";
  return text;
}

std::optional<LockText> LockText::decode(std::string_view text) {
  constexpr std::string_view kStart = "PID:";
  if (!text.starts_with(kStart)) return std::nullopt;
  const std::string_view line = text.substr(0, text.find('\n'));
  auto digits = line.find_first_not_of(' ', kStart.size());
  if (digits == std::string_view::npos) return std::nullopt;
  LockText result;
  const auto parsed = std::from_chars(line.data() + digits, line.data() + line.size(), result.pid);
  if (parsed.ec != std::errc() || result.pid <= 0) return std::nullopt;
  result.host = field(line, ":host=");
  result.boot_id = field(line, " boot=");
  result.token = field(line, " token=");
  result.started = to_seconds(field(line, " start="));
  if (result.started == 0) {
    const auto second = text.substr(std::min(text.size(), line.size() + 1));
    result.started = to_seconds(field(second, "CREATED: "));
  }
  return result;
}

std::string IdleText::encode() const {
  return "IDLE: " + std::to_string(sequence) + " :boot=" + without_blanks(boot_id) +
         " journal=" + std::to_string(journal_token) + " file=" + std::to_string(inode) + "\n";
}

std::optional<IdleText> IdleText::decode(std::string_view text) {
  constexpr std::string_view kStart = "IDLE: ";
  if (!text.starts_with(kStart) || !text.ends_with('\n')) return std::nullopt;
  const std::string_view line = text.substr(0, text.size() - 1);
  IdleText idle;
  const auto parsed =
      std::from_chars(line.data() + kStart.size(), line.data() + line.size(), idle.sequence);
  const bool whole = parsed.ec == std::errc() &&
                     to_number(field(line, " journal="), idle.journal_token) &&
                     to_number(field(line, " file="), idle.inode);
  if (!whole) return std::nullopt;
  idle.boot_id = field(line, ":boot=");
  // Only what an engine has written whole tells that there is nothing to recover.
  return idle.encode() == text ? std::optional(idle) : std::nullopt;
}

LockDecision decide_lock(bool empty, const std::optional<LockText>& text, double written,
                         std::int64_t own_pid, const std::optional<ProcessInfo>& process) {
  if (empty) return LockDecision::take;
  // No text that we know, or one of ours whose kernel lock is gone: the writer is gone.
  if (!text || !text->token.empty()) return LockDecision::take_stale;
  if (text->pid == own_pid || !process || is_init_process(*process)) {
    return LockDecision::take_stale;
  }
  if (process->started) {
    const bool other_process = text->started > 0
                                   ? std::abs(*process->started - text->started) > kTimeTolerance
                                   : *process->started > written + kTimeTolerance;
    if (other_process) return LockDecision::take_stale;
  }
  return LockDecision::refuse;
}

LockDecision decide_weak_lock(const std::optional<LockText>& text, double written, double now,
                              const LockText& self, const std::optional<ProcessInfo>& process) {
  // Its maker may be about to write it.
  if (!text) {
    return std::abs(now - written) < kWritingTime ? LockDecision::refuse : LockDecision::take_stale;
  }
  if (text->token.empty()) return decide_lock(false, text, written, self.pid, process);
  const bool other_machine = !text->host.empty() && text->host != without_blanks(self.host);
  if (other_machine) return LockDecision::refuse;
  const bool other_boot = !text->boot_id.empty() && !self.boot_id.empty() &&
                          text->boot_id != without_blanks(self.boot_id);
  if (other_boot || !process) return LockDecision::take_stale;
  const bool other_process = text->started > 0 && process->started &&
                             std::abs(*process->started - text->started) > kTimeTolerance;
  return other_process ? LockDecision::take_stale : LockDecision::refuse;
}

// Where there may be no kernel lock, who made the file has it: so it is asked for.
Result<std::unique_ptr<File>> ProjectLock::open_file(Directory& root, const FileRights& rights,
                                                     bool weak_allowed, bool& created) {
  created = false;
  const std::uint32_t mode = rights.mode_of_new_file(0666);
  if (!weak_allowed) return root.open(layout::kLock, OpenMode::create, mode);
  auto opened = root.open(layout::kLock, OpenMode::read_write);
  if (opened || opened.code() != ErrorCode::not_found) return opened;
  opened = root.open(layout::kLock, OpenMode::create_exclusive, mode);
  created = opened.ok();
  if (!opened && already_exists(opened.status())) return Status(ErrorCode::not_found, "again");
  return opened;
}

// Leaves no file behind that would look like one which somebody is about to write.
Status ProjectLock::refuse_weak(const Status& cause) {
  const auto info = file_->stat();
  if (info && info->size == 0) (void)root_->unlink(layout::kLock);
  Error error = cause.error();
  error.message =
      "the file system has no locks (flock), so that two owners at a time cannot be ruled out "
      "(promise G9); with the option weak_locks the text of the lock file decides alone";
  return error;
}

// Another process may have found the same stale lock, and have made its own already.
Status ProjectLock::set_stale_aside(std::uint64_t token) {
  const std::string aside = layout::set_aside(layout::kLock, token);
  const Status moved = move_aside(*root_, layout::kLock, aside);
  if (!moved) return moved.code() == ErrorCode::not_found ? Status() : moved;
  const auto info = root_->stat(aside);
  if (!info) return info.status();
  if (info->same_file(info_)) return root_->unlink(aside);
  const Status back = root_->link(aside, *root_, layout::kLock);
  if (has_no_links(back)) return move_aside(*root_, aside, layout::kLock);
  if (!back && !already_exists(back)) return back;
  return root_->unlink(aside);
}

Result<ProjectLock> ProjectLock::acquire(Directory& root, Platform platform,
                                         const FileRights& rights, bool weak_allowed,
                                         LockFound& found) {
  constexpr int kTries = 100;  // each lost try means that another owner came and went meanwhile
  for (int attempt = 0; attempt < kTries; ++attempt) {
    bool created = false;
    auto opened = open_file(root, rights, weak_allowed, created);
    // A file system in user space may find the file and lose it before it is open.
    if (opened.code() == ErrorCode::not_found && attempt + 1 < kTries) continue;
    if (!opened) return opened.status();
    ProjectLock lock;
    lock.root_ = &root;
    lock.file_ = *std::move(opened);
    auto held = lock.file_->try_lock();
    lock.weak_ = !held && has_no_locks(held.status());
    if (lock.weak_ && !weak_allowed) return lock.refuse_weak(held.status());
    if (!held && !lock.weak_) return held.status();
    auto info = lock.file_->stat();
    if (!info) return info.status();
    auto bytes = read_all(*lock.file_, kTextLimit);
    if (!bytes && bytes.code() != ErrorCode::too_large) return bytes.status();
    const std::string before = bytes ? *std::move(bytes) : std::string("?");
    const auto text = LockText::decode(before);
    found = LockFound();
    if (text) found.owner = to_owner(*text, written_at(*info));
    if (!lock.weak_ && !*held) return locked_by(found.owner);
    Process& process = platform.process;
    LockText ours = describe_self(process);
    auto idle = IdleText::decode(before);
    const bool is_free = before.empty() || idle.has_value();
    // Without a name of the boot nothing tells that there was no power cut.
    const bool same_boot =
        idle && !idle->boot_id.empty() && idle->boot_id == without_blanks(ours.boot_id);
    if (same_boot && idle->inode == info->inode) found.idle = std::move(idle);
    const double now = seconds_of(platform.clock);
    const auto other = text ? process.find(text->pid) : std::nullopt;
    const auto decision = !lock.weak_
                              ? decide_lock(is_free, text, written_at(*info), ours.pid, other)
                          : created ? LockDecision::take
                                    : decide_weak_lock(text, written_at(*info), now, ours, other);
    // Its holder may have removed the file between our open and our lock; an original engine, which
    // takes no lock, even until it was seen to be gone.
    lock.info_ = *info;
    if (Status named = lock.check_held(); !named) {
      if (named.code() == ErrorCode::not_owner) continue;
      return named;  // waiting would not help
    }
    if (decision == LockDecision::refuse) return locked_by(found.owner);
    if (decision == LockDecision::take_stale) found.stale = text ? found.owner : OwnerInfo{};
    if (lock.weak_ && !created) {
      if (Status moved = lock.set_stale_aside(process.random_token()); !moved) return moved;
      continue;
    }
    if (Status shared = rights.share(*lock.file_, *info); !shared) return shared;
    ours.token = Digest{process.random_token(), process.random_token()}.to_hex();
    const std::string encoded = ours.encode();
    if (Status status = write_all(*lock.file_, 0, encoded); !status) return status;
    if (Status status = lock.file_->truncate(encoded.size()); !status) return status;
    found.owner = to_owner(ours, now);
    lock.owner_ = found.owner;
    return lock;
  }
  return Status(ErrorCode::locked, "the project's lock changes hands too fast");
}

Status ProjectLock::check_held() const {
  auto info = root_->stat(layout::kLock);
  if (info && info->same_file(info_)) return {};
  if (!info && info.code() != ErrorCode::not_found) return info.status();
  return Status(ErrorCode::not_owner, "the lock file was removed or replaced by another program");
}

Status ProjectLock::release() {
  if (file_ == nullptr) return {};
  Status status = check_held();
  if (status.ok()) status = root_->unlink(layout::kLock);
  const Status closed = file_->close();
  file_.reset();
  return status.ok() ? closed : status;
}

Status ProjectLock::pass_on(std::optional<IdleText> idle) {
  if (weak_ || file_ == nullptr) return release();
  Status status = check_held();
  if (status.ok()) {
    std::string text;
    if (idle) {
      idle->inode = info_.inode;
      text = idle->encode();
    }
    // A text that is cut in between is an IdleText no more.
    status = file_->truncate(0);
    if (status.ok() && !text.empty()) status = write_all(*file_, 0, text);
  }
  const Status closed = file_->close();
  file_.reset();
  return status.ok() ? closed : status;
}

Status ProjectLock::remove_stale(Directory& root, Platform platform, bool force) {
  // Somebody else may remove it at any moment; then it is done.
  const auto unless_gone = [](const Status& status) {
    return status.code() == ErrorCode::not_found ? Status() : status;
  };
  auto file = root.open(layout::kLock, OpenMode::read_write);
  if (!file) return unless_gone(file.status());
  auto held = (*file)->try_lock();
  const bool weak = !held && has_no_locks(held.status());
  if (!held && !weak) return held.status();
  auto info = (*file)->stat();
  if (!info) return info.status();
  auto bytes = read_all(**file, kTextLimit);
  if (!bytes && bytes.code() != ErrorCode::too_large) return bytes.status();
  const std::string found = bytes ? *std::move(bytes) : std::string("?");
  const auto text = LockText::decode(found);
  const bool is_free = found.empty() || IdleText::decode(found);
  const OwnerInfo owner = text ? to_owner(*text, written_at(*info)) : OwnerInfo{};
  if (!weak && !*held) return locked_by(owner);
  const LockText self = describe_self(platform.process);
  const auto process = text ? platform.process.find(text->pid) : std::nullopt;
  const auto decision =
      weak ? decide_weak_lock(text, written_at(*info), seconds_of(platform.clock), self, process)
           : decide_lock(is_free, text, written_at(*info), self.pid, process);
  const bool lives_here =
      weak && text && !text->token.empty() && process && text->host == without_blanks(self.host);
  if (decision == LockDecision::refuse && (!force || lives_here)) return locked_by(owner);
  // Under that name there may be another owner's lock by now.
  auto now = root.stat(layout::kLock);
  if (!now) return unless_gone(now.status());
  if (!now->same_file(*info)) return locked_by(OwnerInfo{});
  return unless_gone(root.unlink(layout::kLock));
}

std::optional<OwnerInfo> ProjectLock::peek(Directory& root) {
  auto file = root.open(layout::kLock, OpenMode::read);
  if (!file) return std::nullopt;
  auto info = (*file)->stat();
  auto bytes = read_all(**file, kTextLimit);
  if (!info || !bytes) return std::nullopt;
  const auto text = LockText::decode(*bytes);
  if (!text) return std::nullopt;
  return to_owner(*text, written_at(*info));
}

std::string ProjectLock::peek_text(Directory& root) {
  auto file = root.open(layout::kLock, OpenMode::read);
  if (!file) return {};
  auto bytes = read_all(**file, kTextLimit);
  return bytes ? *std::move(bytes) : std::string();
}

bool ProjectLock::may_be_held(Directory& root, Process& process) {
  return may_be_held(peek_text(root), process);
}

bool ProjectLock::may_be_held(std::string_view text, Process& process) {
  const auto owner = LockText::decode(text);
  if (!owner) return false;
  if (!owner->host.empty() && owner->host != without_blanks(process.host_name())) return true;
  const auto found = process.find(owner->pid);
  if (!found) return false;
  return !found->started || owner->started == 0 ||
         std::abs(*found->started - owner->started) <= kTimeTolerance;
}

}  // namespace safechunk
