#include "storage/one_file/file_edit.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/mutex.h"
#include "json/pointer.h"
#include "storage/chunks/write_guard.h"
#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"
#include "storage/files/stamp.h"
#include "storage/one_file/file_lock.h"
#include "storage/one_file/file_text.h"
#include "storage/one_file/left_overs.h"

namespace safechunk {
namespace {

using std::chrono::microseconds;

// Between two tries for the lock; with as much again by chance, so that two do not come together.
constexpr microseconds kPause{1000};
constexpr std::chrono::hours kLongestWait{24 * 365};  // what can be added to any time

// A check of apply(), which nothing must be written without: the value is there.
Status check_result(const std::string& plain, const json::Edit& edit,
                    const TextSettings& settings) {
  if (edit.kind != json::Edit::Kind::set || edit.pointer.ends_with("/-")) return {};
  const auto pointer = json::Pointer::parse(edit.pointer);
  if (!pointer) return pointer.status();
  const auto value = json::value_at(plain, *pointer);
  if (!value) return value.status();
  const auto found = compact_text(std::string(*value), settings);
  const auto wanted = compact_text(edit.value, settings);
  if (found && wanted && *found == *wanted) return {};
  return Status(ErrorCode::io_error,
                "the edit gave another value than it should; the file was not "
                "changed");
}

class FileEditor {
 public:
  FileEditor(const Platform& platform, const std::string& path, std::span<const json::Edit> edits,
             const FileEditSettings& settings)
      : platform_(platform),
        path_(path),
        edits_(edits),
        settings_(settings),
        deadline_(platform.clock.now() +
                  std::min<std::chrono::milliseconds>(settings.lock_timeout, kLongestWait)) {}

  Result<FileEditOutcome> run() {
    for (std::size_t i = 0; i < edits_.size(); ++i) {
      if (Status status = json::check(edits_[i], edit_options()); !status) {
        return at_edit(i, status);  // about the edit, and not the file
      }
    }
    for (;;) {
      auto done = try_once();
      if (!done) return about_file(done.status(), path_);
      if (*done) return outcome_;
      if (platform_.clock.now() >= deadline_) return about_file(out_of_time(), path_);
      pause();
    }
  }

 private:
  [[nodiscard]] json::EditOptions edit_options() const {
    return {.indent = settings_.text.indent,
            .depth_limit = settings_.text.depth_limit,
            .size_limit = settings_.text.size_limit,
            .dialect = settings_.dialect};
  }

  [[nodiscard]] Status at_edit(std::size_t index, const Status& status) const {
    if (edits_.size() < 2) return status;
    Error error = status.error();
    error.message = "edit " + std::to_string(index) + ": " + error.message;
    return error;
  }

  [[nodiscard]] Status out_of_time() const {
    const std::string waited =
        "; waited " + std::to_string(settings_.lock_timeout.count()) + " ms (lock_timeout)";
    if (being_written_) {
      return Status(ErrorCode::being_edited,
                    "another program has the file open for writing" + waited);
    }
    return Status(ErrorCode::locked, "another program has locked or replaces the file" + waited);
  }

  void pause() const {
    const auto by_chance =
        platform_.process.random_token() % static_cast<std::uint64_t>(kPause.count());
    const auto until =
        std::min(deadline_, platform_.clock.now() + kPause + microseconds(by_chance));
    CondVar nobody;
    Mutex mutex;
    const MutexLock lock(mutex);
    while (platform_.clock.now() < until) platform_.clock.wait_until(nobody, mutex, until);
  }

  // False: not now. Another program has the file, or has changed it since it was read.
  Result<bool> try_once() {
    being_written_ = false;
    auto place = find_file(platform_.file_system, path_);
    if (!place) return place.status();
    place_ = *std::move(place);
    if (place_.missing) return make_file();
    auto locked = try_lock_file(place_);
    if (locked.code() == ErrorCode::not_found) return false;  // removed just now
    if (!locked) return locked.status();
    if (*locked == nullptr) return false;
    return edit_locked(**locked);
  }

  // --- the text

  Result<std::string> edited(const std::string& text) {
    std::string result = text;
    for (std::size_t i = 0; i < edits_.size(); ++i) {
      auto next = json::apply(result, edits_[i], edit_options());
      if (!next) return at_edit(i, next.status());
      result = *std::move(next);
      const auto plain = plain_text(result, settings_.dialect, settings_.text);
      const Status checked =
          plain ? check_result(*plain, edits_[i], settings_.text) : plain.status();
      if (!checked) return at_edit(i, checked);
    }
    return result;
  }

  // Stores the revision of the text in the outcome.
  Result<std::string> read_compact(const std::string& text) {
    const auto plain = plain_text(text, settings_.dialect, settings_.text);
    auto compact = plain ? compact_text(*plain, settings_.text) : plain.status();
    if (compact) outcome_.revision = digest_of(*compact).to_hex();
    return compact;
  }

  [[nodiscard]] Status check_revision(const std::string& found) const {
    if (!settings_.if_revision || *settings_.if_revision == found) return {};
    return Status(ErrorCode::conflict, "the file must have the revision " + *settings_.if_revision +
                                           ", and it " +
                                           (found.empty() ? "is missing" : "has " + found));
  }

  // --- the file

  Result<bool> make_file() {
    const bool edits_make_it = std::ranges::all_of(edits_, [](const json::Edit& edit) {
      return edit.kind == json::Edit::Kind::set || edit.kind == json::Edit::Kind::merge;
    });
    if (!settings_.create || !edits_make_it) {
      return Status(ErrorCode::not_found, "there is no such file");
    }
    if (Status status = check_revision({}); !status) return status;
    auto text = edited("{}");
    if (!text) return text.status();
    *text += '\n';
    if (const auto compact = read_compact(*text); !compact) return compact.status();
    const std::string temporary_name = new_name();
    auto temporary = TemporaryFile::write(*place_.folder, temporary_name, *text, {});
    if (!temporary) return temporary.status();
    if (Status status = temporary->make_durable(); !status) return status;
    const Status published = temporary->publish_new(place_.name);
    // Somebody else has made it, or has taken the temporary file for a left-over.
    if (already_exists(published) || published.code() == ErrorCode::not_found) return false;
    if (!published) return published;
    outcome_.changed = true;
    if (Status status = place_.folder->sync(); !status) return status;
    return true;
  }

  Result<bool> edit_locked(LockedFile& locked) {
    const auto found = read_unchanged(*locked.file, locked.info, settings_.text.size_limit);
    if (!found) return found.status();
    if (!found->has_value()) return false;
    const std::string& text = **found;
    const auto before = read_compact(text);
    if (!before) return refuse_text(before.status());
    if (Status status = check_revision(outcome_.revision); !status) return status;
    const auto result = edited(text);
    if (!result) return result.status();
    const auto after = read_compact(*result);
    if (!after) return after.status();
    outcome_.changed = *before != *after;
    return outcome_.changed ? replace(locked, text, *result) : true;
  }

  // A program that writes it now may not be done.
  Result<bool> refuse_text(const Status& invalid) {
    const WriteGuard guard = WriteGuard::take(*place_.folder, place_.name, WriteGuard::By::reader);
    being_written_ = guard.writers() == Writers::some;
    if (being_written_ && platform_.clock.now() < deadline_) return false;
    return invalid;
  }

  // Sets the token of this try.
  std::string new_name() {
    token_ = platform_.process.random_token();
    return layout::edited_file(place_.name, token_);
  }

  Result<bool> replace(LockedFile& locked, const std::string& text, const std::string& result) {
    const FileInfo& old = locked.info;
    being_written_ =
        WriteGuard::take(*place_.folder, place_.name, WriteGuard::By::owner).writers() ==
        Writers::some;
    if (being_written_) return false;  // before the backup takes the place of an older one
    if (Status settled = settle_left_overs(place_, old, text, settings_.text.size_limit); !settled)
      return settled;
    if (settings_.backup) {
      const auto kept = keep_backup(old, text);
      if (!kept || !*kept) return kept;
    }
    FileAttributes attributes;
    attributes.like = old;
    const std::string temporary_name = new_name();
    auto temporary = TemporaryFile::write(*place_.folder, temporary_name, result, attributes);
    if (!temporary) return temporary.status();
    if (Status taken = take_attributes(*locked.file, temporary->file()); !taken) return taken;
    // Who comes when the file has its name waits until the old one is dealt with.
    auto next = place_.folder->open(temporary_name, OpenMode::read);
    if (next.code() == ErrorCode::not_found) return false;  // taken for a left-over
    if (!next) return next.status();
    if (const auto held = (*next)->try_lock(); !held) return held.status();
    const auto made = (*next)->stat();
    if (!made) return made.status();
    if (Status status = temporary->make_durable(); !status) return status;

    const WriteGuard guard = WriteGuard::take(*place_.folder, place_.name, WriteGuard::By::owner);
    being_written_ = guard.writers() == Writers::some;
    if (being_written_) return false;
    const auto now = place_.folder->stat(place_.name);
    if (now.code() == ErrorCode::not_found) return false;
    if (!now) return now.status();
    if (!is_untouched(*now, old)) return false;
    const auto published = publish(*temporary, old, *made, guard);
    if (!published || !*published) return published;
    if (Status status = place_.folder->sync(); !status) return status;
    return true;
  }

  // ACLs among them. What this process may not set, or the file system does not know, is left out,
  // and what belongs to the system, when it refuses.
  static Status take_attributes(File& from, File& to) {
    const auto attributes = from.attributes();
    if (!attributes) return attributes.status();
    for (const auto& [name, value] : *attributes) {
      if (name == Stamp::kAttribute) continue;  // of the old bytes
      const Status set = to.set_attribute(name.c_str(), value);
      const bool is_of_people = name.starts_with("user.") || name.starts_with("system.posix_acl");
      const bool may_not = !is_of_people || set.code() == ErrorCode::unsupported_format ||
                           set.code() == ErrorCode::permission_denied;
      if (!set && !may_not) return set;
    }
    return {};
  }

  Result<bool> keep_backup(const FileInfo& old, const std::string& text) {
    auto side = open_side_folder(place_, old);
    if (!side) return side.status();
    const std::string name = layout::backup_file(place_.name);
    if (Status settled = remove_unfinished(**side, name); !settled) return settled;
    FileAttributes attributes;
    attributes.like = old;
    const std::string temporary_name = layout::edited_file(name, platform_.process.random_token());
    auto backup = TemporaryFile::write(**side, temporary_name, text, attributes);
    if (!backup) return backup.status();
    if (Status status = backup->make_durable(); !status) return status;
    const Status published = backup->publish(name);
    if (published.code() == ErrorCode::not_found) return false;  // taken for a left-over
    if (!published) return published;
    if (Status status = (*side)->sync(); !status) return status;
    return true;
  }

  // The old file gets a temporary name, is looked at, and removed only if it is the version that
  // was read. Else the names are exchanged back, and the edit begins anew.
  Result<bool> publish(TemporaryFile& temporary, const FileInfo& old, const FileInfo& made,
                       const WriteGuard& guard) {
    const std::string replaced = layout::replaced_file(place_.name, token_);
    bool is_displaced = false;
    const Status published = temporary.publish_over(place_.name, replaced, is_displaced);
    if (published.code() == ErrorCode::not_found || already_exists(published)) return false;
    if (!published) return published;
    if (!is_displaced) return true;
    const auto found = place_.folder->stat(replaced);
    if (!found) return found.status();
    if (is_same_version(*found, old) && !guard.somebody_waits()) {
      if (Status removed = place_.folder->unlink(replaced); !removed) return removed;
      return true;
    }
    if (Status back = exchange_names(*place_.folder, place_.name, replaced); !back) return back;
    const auto returned = place_.folder->stat(replaced);
    if (!returned) return returned.status();
    const Status dismissed = returned->same_file(made)
                                 ? place_.folder->unlink(replaced)
                                 : set_aside(place_, replaced, settings_.text.size_limit);
    if (!dismissed) return dismissed;
    if (Status status = place_.folder->sync(); !status) return status;
    return false;
  }

  const Platform platform_;
  const std::string path_;
  const std::span<const json::Edit> edits_;
  const FileEditSettings& settings_;
  const Clock::TimePoint deadline_;
  FilePlace place_;
  std::uint64_t token_ = 0;
  FileEditOutcome outcome_;
  bool being_written_ = false;
};

}  // namespace

Result<FileEditOutcome> edit_file(const Platform& platform, const std::string& path,
                                  std::span<const json::Edit> edits,
                                  const FileEditSettings& settings) {
  return FileEditor(platform, path, edits, settings).run();
}

}  // namespace safechunk
