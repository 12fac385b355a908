// Who owns a project (G9). The kernel lock on `.lock` decides; the text in it explains, and is
// honoured where it was written by the original Python engine, which takes no kernel lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <safechunk/reports.hpp>

#include "platform/platform.h"
#include "storage/files/file_rights.h"

namespace safechunk {

// The text of a lock file (design: "PID: <pid> :host=... boot=... start=... token=...", then
// "CREATED: <seconds>").
struct LockText {
  std::int64_t pid = 0;
  std::string host;
  std::string boot_id;
  double started = 0;  // "start=", and "CREATED:" too; 0 when absent
  std::string token;   // empty: written by the original engine, which has no kernel lock

  [[nodiscard]] std::string encode() const;
  // Nothing when there is no "PID: <number>" in the first line. Reads hostile input.
  static std::optional<LockText> decode(std::string_view text);
};

// What processes that write in turn leave in the lock file when nobody has the lock:
// "IDLE: <sequence> :boot=... journal=... file=...". It tells the next one that there is nothing to
// recover.
struct IdleText {
  std::uint64_t sequence = 0;       // the last one that was given to an edit
  std::uint32_t journal_token = 0;  // of the empty journal
  std::string boot_id;              // a power cut may have brought older files back since
  std::uint64_t inode = 0;          // of the lock file: tells a copy of the folder

  [[nodiscard]] std::string encode() const;
  // Nothing when it is another text. Reads hostile input.
  static std::optional<IdleText> decode(std::string_view text);
};

enum class LockDecision {
  take,        // nobody was there
  take_stale,  // somebody was, and is gone: report it
  refuse,      // an original engine that is alive
};

// What to do with the text that was found under a kernel lock that we hold. Pure.
//   text           what the file held before us; `empty` when it held nothing, or an IdleText
//   written        when the file was written, seconds since 1970
//   process        the process that has that PID now, if any
LockDecision decide_lock(bool empty, const std::optional<LockText>& text, double written,
                         std::int64_t own_pid, const std::optional<ProcessInfo>& process);

// The same where the file system has no kernel locks, so that the text decides alone, and a text of
// this engine that is found may be that of a live owner. Pure.
//   now            seconds since 1970
//   self           this process
LockDecision decide_weak_lock(const std::optional<LockText>& text, double written, double now,
                              const LockText& self, const std::optional<ProcessInfo>& process);

// What taking a lock found.
struct LockFound {
  OwnerInfo owner;                 // this process; or who has the lock, as far as the text says
  std::optional<OwnerInfo> stale;  // the dead owner whose lock was taken over
  std::optional<IdleText> idle;    // left on this machine since it was started
};

class ProjectLock {
 public:
  // Takes the lock, or fails: `locked` when somebody else has it, or the error of the system call.
  // Never waits. Where the file system has no kernel locks it fails, unless `weak_allowed`.
  static Result<ProjectLock> acquire(Directory& root, Platform platform, const FileRights& rights,
                                     bool weak_allowed, LockFound& found);
  ProjectLock(ProjectLock&&) noexcept = default;
  ProjectLock& operator=(ProjectLock&&) noexcept = default;

  [[nodiscard]] const OwnerInfo& owner() const { return owner_; }
  // Whether there is no kernel lock behind it.
  [[nodiscard]] bool weak() const { return weak_; }

  // not_owner when the file was removed or replaced under us, by force or by an original engine.
  Status check_held() const;

  // Removes the file, if it is still ours, and releases the kernel lock.
  Status release();
  // Releases the kernel lock and leaves the file to the next one: with `idle`, or without a text,
  // which tells that there may be something to recover. As release() where there are no kernel
  // locks.
  Status pass_on(std::optional<IdleText> idle);

  // Removes a lock file that nobody holds; with `force` also one whose text names a live process
  // of the original engine. `locked` when the kernel says that it is held; where there are no
  // kernel locks, when its process lives on this machine. ok when there is none.
  static Status remove_stale(Directory& root, Platform platform, bool force);

  // Who seems to hold the project, for those who only read. Nothing when there is no lock file.
  static std::optional<OwnerInfo> peek(Directory& root);

  // The text in the lock file; empty when there is none that can be read.
  static std::string peek_text(Directory& root);

  // Whether that owner may be alive, for those who only read: they must not ask the kernel, because
  // flock(2) answers only by taking the lock, and an owner that attaches meanwhile would be
  // refused. False when there is nobody in the text, or a process of this machine that is gone;
  // true when it lives or cannot be known. From another PID namespace of the same host name a live
  // owner may look gone.
  static bool may_be_held(Directory& root, Process& process);
  // The same of a text that peek_text() gave.
  static bool may_be_held(std::string_view text, Process& process);

 private:
  ProjectLock() = default;
  static Result<std::unique_ptr<File>> open_file(Directory& root, const FileRights& rights,
                                                 bool weak_allowed, bool& created);
  Status refuse_weak(const Status& cause);
  Status set_stale_aside(std::uint64_t token);

  Directory* root_ = nullptr;
  std::unique_ptr<File> file_;
  FileInfo info_;  // of the file as it was opened
  OwnerInfo owner_;
  bool weak_ = false;
};

}  // namespace safechunk
