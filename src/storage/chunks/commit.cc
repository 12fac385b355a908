#include "storage/chunks/commit.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "json/format.h"
#include "storage/chunks/aside.h"
#include "storage/chunks/commit_work.h"
#include "storage/chunks/displaced.h"
#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

class Commit {
 public:
  Commit(ChunkFiles& files, Directory& backups, const std::vector<ChunkEdit>& edits,
         std::uint32_t token)
      : files_(files),
        folders_(files.folders()),
        backups_(backups),
        versions_(files.versions()),
        token_(token) {
    works_.reserve(edits.size());
    for (const ChunkEdit& edit : edits) {
      works_.emplace_back();
      works_.back().edit = &edit;
    }
  }

  CommitReport run(const std::function<Status()>& sync_journal) {
    for (Work& work : works_) work.status = observe(work);
    prepare_all();
    fail_broken_groups();
    if (needs_journal()) {
      if (Status status = sync_journal(); !status) fail_all(status);
    }
    folders_were_uncertain_ = files_.folders_uncertain();
    files_.set_folders_uncertain(true);  // stays so if an exception prevents sync_folders()
    publish_all();
    sync_folders();
    for (Work& work : works_) {
      let_writers_go_on(work);
      remember(work);
      if (!work.status.ok()) continue;
      versions_.set_base_superseded(work.edit->chunk, false);
      files_.forget_edit(work.edit->chunk, report_.events);
    }
    return finish();
  }

 private:
  // Step 1: what is there, and is there anything to do?
  Status observe(Work& work) {
    const std::string& chunk = work.edit->chunk;
    auto info = folders_.chunks->stat(folders_.naming.file_of(chunk));
    if (!info && info.code() != ErrorCode::not_found) return info.status();
    if (info) {
      work.present.info = *info;
      work.present.version = versions_.known(chunk, *info);
      work.present.health = FileHealth::good;
      if (!work.present.version) {
        if (Status status = inspect_present(work); !status) return status;
      }
    }
    work.unchanged = work.edit->removal ? work.is_absent(backups_) : work.is_equal(folders_.rights);
    if (!work.is_as_staged()) versions_.set_base_superseded(chunk, true);
    return {};
  }

  Status inspect_present(Work& work) {
    const std::string& chunk = work.edit->chunk;
    Inspection inspection = files_.read(chunk);
    work.present.health = inspection.health;
    work.present.info = inspection.info;
    if (inspection.health == FileHealth::unreadable) return inspection.reason;
    if (inspection.usable()) {
      work.present.version = ChunkFiles::version_of(inspection, files_.settings());
      versions_.remember(chunk, *work.present.version);
      if (inspection.health != FileHealth::good && !work.edit->removal) {
        report_.events.push_back(
            {Event::Kind::external_edit, chunk,
             inspection.health == FileHealth::edited
                 ? "changed by another program; that version becomes the backup"
                 : "carries no stamp of this engine; that version becomes the backup"});
      }
    } else if (is_damaged(inspection.health)) {
      work.present.damage = what_is_wrong(inspection);
      work.present.damaged_bytes = std::move(inspection.bytes);
      const bool still = inspection.health == FileHealth::rotten ||
                         files_.watch().is_still(chunk, inspection.info);
      if (!still && wait_for_writer(work)) return being_edited();
    }
    return {};
  }

  // Whether the edit should wait for a program that is writing the file. Reports the wait once.
  bool wait_for_writer(const Work& work) {
    bool first = false;
    const bool wait = files_.watch().should_wait(work.edit->chunk, first);
    if (first) {
      report_.events.push_back({Event::Kind::being_edited, work.edit->chunk,
                                "another program is writing the file; the chunk is saved when that "
                                "is done, or after 5 seconds"});
    }
    return wait;
  }

  // Steps 2 to 5 for all files: keep what is damaged, write, start the device, then fsync and
  // verify each. So many files at a time that descriptors cannot run out. Last, what is to become
  // the backups. All that needs space is done here: while a set is published, a full disk would
  // leave half of it visible (G4).
  void prepare_all() {
    for (std::size_t first = 0; first < works_.size(); first += limits::kOpenTemporaries) {
      const std::size_t last = std::min(works_.size(), first + limits::kOpenTemporaries);
      for (std::size_t i = first; i < last; ++i) {
        Work& work = works_[i];
        if (work.unchanged) work.status = sync_unchanged(work);
        if (work.pending()) work.status = quarantine_damaged(work);
        if (work.pending()) work.status = quarantine_unseen(work);
        if (work.pending() && !work.edit->removal) work.status = write(work);
      }
      for (std::size_t i = first; i < last; ++i) {
        if (works_[i].pending() && works_[i].temporary) {
          works_[i].status = works_[i].temporary->make_durable();
        }
      }
    }
    for (Work& work : works_) {
      if (!work.pending()) continue;
      work.status = work.is_worth_a_backup()
                        ? prepare_backup(work)
                        : folders_.rights.tighten(backups_, layout::backup_file(work.edit->chunk));
    }
  }

  // G1: also what needs not be written is acknowledged.
  Status sync_unchanged(Work& work) {
    if (work.edit->removal) {  // somebody else may have removed it, just now
      sync_chunks_ = true;
      backups_touched_ = true;
      return {};
    }
    if (work.present.version->durable) return {};
    sync_chunks_ = true;
    return sync_present(work);
  }

  Status sync_present(Work& work) {
    const std::string& chunk = work.edit->chunk;
    auto file = folders_.chunks->open(folders_.naming.file_of(chunk), OpenMode::read);
    if (!file) return file.status();
    Status status = (*file)->sync();
    if (!status) {
      // The retry writes it anew, or makes a copy that is the backup.
      work.present.version->sync_failed = true;
      versions_.remember(chunk, *work.present.version);
    }
    return status;
  }

  Status quarantine_damaged(Work& work) {
    if (!is_damaged(work.present.health)) return {};
    work.ctime_may_differ = true;
    Status kept =
        set_damaged_aside(files_, work.edit->chunk, work.present.health, work.present.damage,
                          work.present.damaged_bytes, report_.events);
    work.present.damaged_bytes = {};
    return kept;
  }

  Status quarantine_unseen(Work& work) {
    const auto& version = work.present.version;
    if (!version || version->ours) return {};
    if (version->text_digest == work.edit->seen_when_staged) return {};
    return set_unseen_aside(files_, work.edit->chunk, work.edit->removal, report_.events);
  }

  Status write(Work& work) {
    auto attributes = work.attributes(folders_, token_);
    if (!attributes) return attributes.status();
    attributes->start_writeback = works_.size() > 1;
    const TextSettings& settings = files_.settings();
    const auto content = [&](json::TextOutput& output) {
      if (work.edit->verbatim) {
        output.append(work.edit->text);
      } else {
        json::format(work.edit->text, settings.indent, settings.size_limit, output);
      }
    };
    auto temporary =
        TemporaryFile::write(*folders_.chunks, folders_.naming.temporary_of(work.edit->chunk),
                             content, *attributes, files_.buffer());
    if (!temporary) return temporary.status();
    report_.bytes_written += temporary->size();
    work.temporary.emplace(*std::move(temporary));
    return {};
  }

  // A second name for what is there; a durable copy where that cannot be.
  Status prepare_backup(Work& work) {
    const std::string& chunk = work.edit->chunk;
    if (work.present.version->needs_sync_first()) {
      if (Status status = sync_present(work); !status) return status;
    }
    const bool too_open = folders_.rights.exceeded_by(work.present.info.permissions);
    if (work.present.version->sync_failed || too_open) return copy_backup(work);
    // A crash inside an earlier rotation may have left one file under both names already.
    const auto backup = backups_.stat(layout::backup_file(chunk));
    if (backup && backup->same_file(work.present.info)) {
      work.backup_is_link = true;
      return {};
    }
    auto linked = TemporaryFile::link(*folders_.chunks, folders_.naming.file_of(chunk), backups_,
                                      layout::temporary_of(layout::backup_file(chunk)));
    if (linked.code() == ErrorCode::not_found) return changed_meanwhile();
    if (!linked) return has_no_links(linked.status()) ? copy_backup(work) : linked.status();
    work.backup.emplace(*std::move(linked));
    work.backup_is_link = true;
    return {};
  }

  Status copy_backup(Work& work) {
    const std::string& chunk = work.edit->chunk;
    const Inspection present = files_.read(chunk);
    if (present.health == FileHealth::unreadable) return present.reason;
    if (!present.usable()) return changed_meanwhile();
    return write_backup(work, present);
  }

  Status write_backup(Work& work, const Inspection& present) {
    const std::string& chunk = work.edit->chunk;
    FileAttributes attributes;
    attributes.like = present.info;
    attributes.rights = folders_.rights;
    attributes.stamp = present.stamp.value_or(Stamp{});
    attributes.stamp->text = present.text_digest(files_.settings());
    attributes.chunk = chunk;
    auto copy = TemporaryFile::write(backups_, layout::temporary_of(layout::backup_file(chunk)),
                                     present.bytes, attributes);
    if (!copy) return copy.status();
    if (Status status = copy->make_durable(); !status) return status;
    report_.bytes_written += present.bytes.size();
    work.backup_is_link = false;
    work.backup.reset();
    work.backup.emplace(*std::move(copy));
    return {};
  }

  // All or none: one failure in a group holds back the whole group (G4).
  void fail_broken_groups() {
    std::map<std::uint64_t, Status> broken;
    for (const Work& work : works_) {
      if (!work.status.ok() && work.edit->group != 0) broken.emplace(work.edit->group, work.status);
    }
    if (broken.empty()) return;
    for (Work& work : works_) {
      const auto found = broken.find(work.edit->group);
      if (found != broken.end() && work.pending()) work.status = found->second;
    }
  }

  // Also an edit back to what the file has: the journal may end with the version between.
  void fail_all(const Status& status) {
    for (Work& work : works_) {
      if (work.status.ok()) work.status = status;
    }
  }

  // More than one edit: the journal makes the set land whole, also those that failed just now.
  // A stamp tells recovery how far its file is; where there is none (a removed chunk, a file system
  // without attributes, an edit back to what the file has) only the journal can.
  bool needs_journal() {
    std::size_t edits = 0;
    for (const Work& work : works_) {
      if (!work.unchanged) ++edits;
      if (!work.status.ok()) continue;
      if (work.unchanged || work.edit->removal || !work.temporary->stamped()) {
        report_.must_truncate_journal = true;
      }
    }
    return edits > 1 || report_.must_truncate_journal;
  }

  // Steps 6 and 7, but for the folders' fsyncs. One after the other, and the edits of a group
  // together: after a final check of all of its files.
  void publish_all() {
    for (Work& work : works_) {
      if (!work.pending() || work.published) continue;
      Status failed;
      for_group(work, [&](Work& member) {
        const bool linked = files_.before_change(member.edit->chunk);
        member.ctime_may_differ = member.ctime_may_differ || linked || member.backup.has_value();
      });
      for_group(work, [&](Work& member) {
        if (failed.ok()) failed = hold_off_writers(member);
      });
      for_group(work, [&](const Work& member) {
        if (failed.ok()) failed = check_untouched(member);
      });
      bool visible = false;
      for_group(work, [&](Work& member) {
        // As long as nothing of the group is visible, so it stays.
        member.status = failed.ok() || visible ? publish(member) : failed;
        if (failed.ok()) failed = member.status;
        visible = visible || member.published;
      });
      // So many files cannot stay open until the folders are synced.
      if (works_.size() > limits::kOpenTemporaries) {
        for_group(work, [&](Work& member) { let_writers_go_on(member); });
      }
    }
  }

  template <typename Act>
  void for_group(Work& work, const Act& act) {
    if (work.edit->group == 0) {
      act(work);
      return;
    }
    for (Work& other : works_) {
      if (other.edit->group == work.edit->group && other.pending()) act(other);
    }
  }

  // The final check. A version that another program wrote since step 1 must not be replaced before
  // anybody has looked at it (G7), nor become the backup unread (G5): the next commit looks at it.
  Status check_untouched(const Work& work) {
    return files_.check_untouched(work.edit->chunk, work.found(), work.ctime_may_differ);
  }

  // From here to the rename no program can begin to write to the present file. One that has it open
  // is waited for; when that takes too long, the file itself goes to quarantine, where what it
  // still writes is kept.
  Status hold_off_writers(Work& work) {
    if (work.present.health == FileHealth::missing) return {};
    const std::string& chunk = work.edit->chunk;
    work.guard =
        WriteGuard::take(*folders_.chunks, folders_.naming.file_of(chunk), WriteGuard::By::owner);
    if (work.guard.writers() != Writers::some) return {};
    if (wait_for_writer(work)) return being_edited();
    const Inspection present = files_.read(chunk);
    work.ctime_may_differ = true;
    Status kept = set_written_aside(files_, *folders_.chunks, folders_.naming.file_of(chunk), chunk,
                                    present.bytes,
                                    "another program has the file open for writing; the chunk was "
                                    "saved all the same, and what that program writes is kept as",
                                    report_.events);
    if (!kept) return kept;
    // The backup must not be the file that is still being written.
    if (!work.backup_is_link) return {};
    work.backup.reset();
    return copy_backup(work);
  }

  // A program that looked the name up before the rename will write to the file that was replaced.
  // It waits for the guard, which stays until the folders are synced, so that the program has come
  // to its open by then. That file gets a name in quarantine, and the backup becomes a copy.
  void let_writers_go_on(Work& work) {
    if (work.guard.somebody_waits() && work.published && work.backup_is_link) {
      Status kept = replace_linked_backup(work);
      if (kept.ok()) kept = backups_.sync();
      if (!kept) report_.late_failures.push_back(kept);
    }
    work.guard = WriteGuard();
  }

  Status replace_linked_backup(Work& work) {
    const std::string& chunk = work.edit->chunk;
    const std::string backup = layout::backup_file(chunk);
    const Inspection old = inspect_file(backups_, backup, chunk, files_.settings());
    Status kept = set_written_aside(files_, backups_, backup, chunk, old.bytes,
                                    "another program opened the file while it was being saved; "
                                    "what that program writes is kept as",
                                    report_.events);
    if (!kept || !old.usable()) return kept;
    if (Status status = write_backup(work, old); !status) return status;
    return work.backup->publish(backup);
  }

  // Renames and removals, and a look at what they replace.
  Status publish(Work& work) {
    const std::string& chunk = work.edit->chunk;
    if (work.edit->removal) return remove_files(work);
    if (work.backup) {
      backups_touched_ = true;
      if (Status s = work.backup->publish(layout::backup_file(chunk)); !s) return s;
    }
    const WriteGuard* guard = work.backup_is_link ? nullptr : &work.guard;
    return account(
        replace_file(files_, chunk, *work.temporary, work.found(), guard, report_.events), work);
  }

  Status account(const Displacement& done, Work& work) {
    work.published = done.status.ok();
    if (!done.afterwards.ok()) report_.late_failures.push_back(done.afterwards);
    return done.status;
  }

  Status remove_files(Work& work) {
    const std::string& chunk = work.edit->chunk;
    // The backup first: a chunk that is missing is read from its backup.
    Status status = backups_.unlink(layout::backup_file(chunk));
    if (!status && status.code() != ErrorCode::not_found) return status;
    backups_touched_ = true;
    return account(remove_file(files_, chunk, work.found(), &work.guard, report_.events), work);
  }

  void sync_folders() {
    const bool any = std::ranges::any_of(works_, &Work::published);
    if (backups_touched_ || folders_were_uncertain_) folders_status_ = backups_.sync();
    if (any || folders_were_uncertain_ || sync_chunks_) {
      Status status = folders_.chunks->sync();
      if (folders_status_.ok()) folders_status_ = std::move(status);
    }
    files_.set_folders_uncertain(!folders_status_.ok());
  }

  // Step 8. Until its folder is durable a version is public but not acknowledged: it is written
  // again by the retry, without touching the backup.
  void remember(Work& work) {
    const std::string& chunk = work.edit->chunk;
    if (!work.published) {
      if (!work.unchanged || !work.status.ok()) return;
      work.status = folders_status_;
      if (!work.status.ok() || !work.present.version || work.present.version->durable) return;
      work.present.version->durable = true;
      versions_.remember(chunk, *work.present.version);
      return;
    }
    if (work.edit->removal) {
      versions_.forget(chunk);
      files_.recent_texts().forget(chunk);
    } else if (auto info = folders_.chunks->stat(folders_.naming.file_of(chunk));
               info && info->modified_ns == work.temporary->stamp().modified_ns &&
               info->size == work.temporary->size()) {
      KnownVersion version =
          KnownVersion::of(*info, work.edit->text_digest, work.edit->sequence, token_);
      version.ours = true;
      version.durable = folders_status_.ok();
      versions_.remember(chunk, version);
      files_.recent_texts().remember(
          chunk, work.edit->text,
          {{}, work.edit->verbatim, work.edit->text_digest, work.edit->sequence, token_});
    } else {
      versions_.forget(chunk);  // somebody was faster: look again next time
    }
    if (folders_status_.ok()) {
      ++report_.changed;
      report_.replaced[chunk] = work.present.text_digest();
    } else {
      work.status = folders_status_;
    }
  }

  CommitReport finish() {
    report_.results.reserve(works_.size());
    for (Work& work : works_) {
      if (!work.status.ok() && work.status.error().chunk.empty()) {
        Error error = work.status.error();
        error.chunk = work.edit->chunk;
        work.status = error;
      }
      report_.results.push_back(work.status);
    }
    return std::move(report_);
  }

  ChunkFiles& files_;
  ProjectFolders& folders_;
  Directory& backups_;
  VersionBook& versions_;
  const std::uint32_t token_;
  std::vector<Work> works_;
  CommitReport report_;
  Status folders_status_;
  bool backups_touched_ = false;
  bool sync_chunks_ = false;  // for a file that was found there
  bool folders_were_uncertain_ = false;
};

}  // namespace

CommitReport commit_edits(ChunkFiles& files, const std::vector<ChunkEdit>& edits,
                          std::uint32_t journal_token,
                          const std::function<Status()>& sync_journal) {
  const auto backups = files.folders().backups->hold();
  if (backups) return Commit(files, **backups, edits, journal_token).run(sync_journal);
  CommitReport nothing;
  nothing.results.assign(edits.size(), backups.status());
  return nothing;
}

}  // namespace safechunk
