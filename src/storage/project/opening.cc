#include "storage/project/opening.h"

#include <algorithm>
#include <functional>
#include <set>

#include "storage/checkpoints/snapshot.h"
#include "storage/chunks/displaced.h"
#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"
#include "storage/project/folders.h"
#include "storage/project/foreign_layout.h"
#include "storage/project/lock_wait.h"
#include "storage/project/neighbours.h"
#include "storage/project/replay_plan.h"

namespace safechunk {

namespace {

// Opens a folder of the project, which is made when it is not there: after `before` has succeeded.
Result<FileInfo> ensure_subfolder(OpenedFolder& project, const char* name,
                                  std::unique_ptr<Directory>& out, bool& is_new,
                                  const std::function<Status()>& before = nullptr) {
  Directory& root = *project.folders.root;
  is_new = false;
  auto opened = root.open_directory(name);
  if (!opened && opened.code() == ErrorCode::not_found) {
    Status made = before ? before() : Status();
    if (made.ok()) made = root.make_directory(name, project.folders.rights.mode_of_new_folder());
    if (!made) return made;
    is_new = true;
    opened = root.open_directory(name);
  }
  if (!opened) return opened.status();
  auto place = root.stat(name);
  if (!place) return place.status();
  if (is_new) {
    if (Status shared = project.folders.rights.share(**opened, *place); !shared) return shared;
  }
  out = *std::move(opened);
  return place;
}

// The same for one that is opened when it is needed.
Status ensure_subfolder(OpenedFolder& project, const char* name,
                        std::unique_ptr<FolderOnDemand>& out, bool& is_new) {
  Directory& root = *project.folders.root;
  is_new = false;
  auto place = root.stat(name);
  if (!place || place->type != FileType::directory) {
    std::unique_ptr<Directory> opened;
    place = ensure_subfolder(project, name, opened, is_new);
  }
  if (!place) return place.status();
  out = std::make_unique<FolderOnDemand>(root, name, *place);
  return {};
}

// --- the steps of attach

class Opening {
 public:
  // `base`: the folder in which the project's own folder lies; nullptr for a place beside other
  // programs' files.
  Opening(Directory* base, OpenedFolder& project, Platform platform, const OpeningOptions& options)
      : base_(base), project_(project), platform_(platform), options_(options) {}

  Status run(OwnerInfo& owner) {
    LockFound found;
    auto lock = wait_for_lock(*project_.folders.root, platform_, project_.folders.rights,
                              options_.weak_locks, options_.lock_timeout, found);
    owner = found.owner;
    if (!lock) return lock.status();
    project_.lock.emplace(*std::move(lock));
    Status status = after_lock(found);
    // The error of the opening matters more than one of giving the lock back.
    if (!status) (void)project_.lock->release();
    return status;
  }

 private:
  Status after_lock(const LockFound& found) {
    ProjectFolders& folders = project_.folders;
    if (found.stale) {
      note(Event::Kind::stale_lock, "",
           "the lock of process " + std::to_string(found.stale->pid) +
               ", which is gone, was taken over");
    }
    bool any_new = false;
    bool is_new = false;
    if (options_.chunks_place) {
      if (Status is_it = project_.check_chunks_are(*options_.chunks_place); !is_it) return is_it;
    }
    auto chunks_place = base_ != nullptr ? open_chunks(any_new) : find_side_folder();
    if (!chunks_place) return chunks_place.status();
    project_.chunks_place = *chunks_place;
    if (Status s = ensure_subfolder(project_, layout::kBackups, folders.backups, is_new); !s)
      return s;
    any_new = any_new || is_new;
    if (Status s = ensure_subfolder(project_, layout::kCheckpoints, folders.checkpoints, is_new);
        !s) {
      return s;
    }
    any_new = any_new || is_new;
    project_.chunks = std::make_unique<ChunkFiles>(folders, options_.text, platform_.clock);
    if (options_.shared && found.idle && !any_new && resume(*found.idle)) return {};
    auto backups = folders.backups->hold();
    if (!backups) return backups.status();
    std::size_t present = 0;
    if (Status s = clean_chunks(present); !s) return s;
    if (Status s = clean_backups(present); !s) return s;
    if (Status s = remove_unfinished_checkpoints(*folders.checkpoints); !s) {
      note(Event::Kind::temporary, "",
           "unfinished checkpoints could not be removed: " + s.to_text());
    }
    if (Status s = open_journal(found.idle.has_value()); !s) return s;
    if (!project_.report.clean) {
      // Records and renames of a dead owner may not be durable yet, and must be before new edits
      // are based on them: a power cut could take the records that show why nothing was to be done.
      if (Status s = project_.journal->sync_to(newest_record()); !s) return s;
      if (Status s = sync_folder(*folders.backups); !s) return s;
    }
    // A file that another program removed must not come back after a power cut: the next edit may
    // be based on its absence.
    if (Status s = sync_folder(*folders.chunks); !s) return s;
    // Makes folders and journal durable, and the removal of the journal before it.
    return sync_folder(*folders.root);
  }

  Result<FileInfo> open_chunks(bool& is_new) {
    // A process that finds chunks/ knows that the project's own name is durable in the base folder.
    const auto name_durable = [&] { return sync_folder(*base_); };
    return ensure_subfolder(project_, layout::kChunks, project_.folders.chunks, is_new,
                            name_durable);
  }

  Result<FileInfo> find_side_folder() {
    const ProjectFolders& folders = project_.folders;
    if (Status alone = check_alone(folders, platform_.process); !alone) return alone;
    return folders.chunks->stat(folders.side);
  }

  // Goes on where the process before has left off. False when there may be something to recover.
  // Nothing is made durable here: what is changed is reported when it is durable in its file.
  bool resume(const IdleText& idle) {
    JournalContents contents;
    auto journal = Journal::open(*project_.folders.root, contents, project_.folders.rights);
    const bool is_empty = journal.ok() && contents.records.empty() && contents.damage.empty();
    if (!is_empty || contents.token != idle.journal_token) return false;
    project_.journal = *std::move(journal);
    project_.journal->watermarks().issued.raise(idle.sequence);
    return true;
  }

  [[nodiscard]] std::uint64_t newest_record() const {
    return project_.records.empty() ? 0 : project_.records.back()->sequence();
  }

  void note(Event::Kind kind, const std::string& chunk, std::string detail) {
    project_.report.clean = false;
    project_.report.events.push_back({kind, chunk, std::move(detail)});
  }

  // One that cannot be removed is in the way of one chunk at most: a report, not a closed project.
  void remove_temporary(Directory& folder, const std::string& file) {
    const Status status = folder.unlink(file);
    if (status.ok()) {
      note(Event::Kind::temporary, "", "removed the unfinished file " + file);
    } else if (status.code() != ErrorCode::not_found) {
      note(Event::Kind::temporary, "",
           "the unfinished file " + file + " could not be removed: " + status.error().message);
    }
  }

  // One listing of each folder serves the clean-up, the names, and the question whether names were
  // lost.
  Status clean_chunks(std::size_t& present) {
    const ChunkNaming& naming = project_.folders.naming;
    auto files = project_.folders.chunks->list();
    if (!files) return files.status();
    project_.names_listed = true;
    project_.names.reserve(files->size());
    for (const std::string& file : *files) {
      if (naming.chunk_of_displaced(file)) {
        displaced_.push_back(file);
      } else if (naming.is_own_temporary(file)) {
        remove_temporary(*project_.folders.chunks, file);
      } else if (auto chunk = naming.chunk_of(file)) {
        project_.names.add(*chunk);
        ++present;
      }
    }
    return {};
  }

  Status clean_backups(std::size_t present) {
    auto files = project_.folders.backups->list();
    if (!files) return files.status();
    std::vector<std::string> gone;
    for (const std::string& file : *files) {
      if (layout::is_own_temporary(file)) {
        remove_temporary(*project_.folders.backups, file);
      } else if (const auto chunk = layout::chunk_of_backup(file);
                 chunk && project_.folders.naming.check(*chunk).ok()) {
        if (!project_.names.is_taken(*chunk)) gone.push_back(*chunk);
      }
    }
    if (!names_are_lost(gone.size(), present)) {
      project_.removed = std::move(gone);
    } else {
      project_.chunks->set_names_lost();
      note(Event::Kind::lost, "",
           std::to_string(gone.size()) +
               " chunks have no file although their backups are there, more than "
               "have one: nothing is taken as removed, and their backups are read");
    }
    return {};
  }

  // `idle`: its last writer left nothing in it.
  Status open_journal(bool idle) {
    Directory& root = *project_.folders.root;
    if (Status status = free_temporary_journal(root); !status) return status;
    JournalContents contents;
    const FileRights& rights = project_.folders.rights;
    auto journal = Journal::open(root, contents, rights);
    if (!journal && (journal.code() == ErrorCode::corrupt || never_written(journal.status()))) {
      if (Status status = set_journal_aside(journal.error().message); !status) return status;
      journal = Status(ErrorCode::not_found, "");
    }
    if (!journal && journal.code() == ErrorCode::not_found) {
      const auto token = static_cast<std::uint32_t>(platform_.process.random_token() | 1U);
      journal = Journal::create(root, token, rights);
    } else if (journal) {
      if (!idle) project_.report.clean = false;
      project_.had_journal = true;
    }
    if (!journal) return journal.status();
    project_.journal = *std::move(journal);
    // An unfinished last record is what a kill or a full disk leaves: nobody was promised anything.
    if (!contents.damage.empty() && !contents.unfinished) {
      // It is about to be rewritten; what cannot be read may still be of use to people.
      bool kept = false;
      if (Status status = quarantine_journal(contents.end, kept); !status) return status;
      note(Event::Kind::journal_damaged, "",
           "the journal ends early: " + contents.damage + "; what was staged after that is " +
               (kept ? "in quarantine, as far as it is there" : "gone"));
    }
    if (Status status = replay(contents); !status) return status;
    settle_all_displaced(contents);
    return {};
  }

  // A folder under that name is none of ours, but the name is needed: it gets another one.
  Status free_temporary_journal(Directory& root) {
    const std::string name = layout::temporary_of(layout::kJournal);
    Status removed = root.unlink(name);
    if (is_folder(removed)) {
      const std::string other = layout::set_aside(name, platform_.process.random_token());
      removed = move_aside(root, name, other);
      if (removed.ok()) {
        note(Event::Kind::temporary, "", "renamed the folder " + name + " to " + other);
      }
    }
    return removed.code() == ErrorCode::not_found ? Status() : removed;
  }

  // The file is there, but holds nothing (the system itself says that a file is missing).
  static bool never_written(const Status& status) {
    return status.code() == ErrorCode::not_found && !refused_by_system(status);
  }

  // A journal whose header cannot be read is evidence, not a reason to refuse the project.
  Status set_journal_aside(const std::string& reason) {
    Directory& root = *project_.folders.root;
    project_.report.clean = false;
    bool kept = false;
    if (Status status = quarantine_journal(0, kept); !status) return status;
    if (kept) note(Event::Kind::journal_damaged, "", reason + "; it was moved to quarantine");
    return root.unlink(layout::kJournal);
  }

  // Copies the journal's file from `offset` on, without the zeros at its end, to quarantine.
  // Nothing is kept when that is nothing.
  Status quarantine_journal(std::uint64_t offset, bool& kept) {
    kept = false;
    auto file = project_.folders.root->open(layout::kJournal, OpenMode::read);
    if (!file) return file.status();
    auto info = (*file)->stat();
    if (!info) return info.status();
    auto bytes = read_all(**file, info->size);
    if (!bytes) return bytes.status();
    std::string_view rest(*bytes);
    rest.remove_prefix(std::min<std::size_t>(rest.size(), offset));
    rest = rest.substr(0, rest.find_last_not_of('\0') + 1);
    if (rest.empty()) return {};
    kept = true;
    bool added = false;
    return project_.chunks->quarantine().preserve("journal", rest, added);
  }

  // --- the edits in the journal

  Status replay(const JournalContents& contents) {
    auto plan =
        plan_replay(project_.folders, options_.text, project_.journal->token(), contents.records);
    if (!plan) return plan.status();
    for (const UnusableEdit& edit : plan->unusable) {
      if (Status status = quarantine_unusable(edit); !status) return status;
    }
    for (auto& [chunk, planned] : plan->chunks) {
      if (Status status = apply(chunk, planned); !status) return status;
    }
    project_.records = std::move(plan->records);
    return {};
  }

  Status apply(const std::string& chunk, PlannedChunk& planned) {
    planned.record->set_seen_when_staged(planned.operation,
                                         planned.seen ? planned.text_digest : kUnknownDigest);
    switch (planned.replay) {
      case Replay::nothing:
        project_.settled.push_back(chunk);
        return {};
      case Replay::confirm:
        // So that the commit finds it again, whatever the limits for new texts are.
        project_.chunks->versions().remember(chunk,
                                             KnownVersion::of(planned.info, planned.text_digest));
        return {};
      case Replay::stage:
        note(Event::Kind::replayed, chunk, "a staged update was recovered from the journal");
        return {};
      case Replay::conflict:
        break;
    }
    return quarantine_conflict(chunk, planned);
  }

  Status quarantine_unusable(const UnusableEdit& edit) {
    const bool removal = edit.record->operations()[edit.operation].removal;
    bool added = false;
    if (!removal) {
      Status kept = project_.chunks->quarantine().preserve(
          "journal.unusable", edit.record->text(edit.operation), added);
      if (!kept) return kept;
    }
    note(Event::Kind::journal_damaged, "",
         "the journal holds an unusable edit: " + edit.reason.to_text() +
             (removal ? "" : "; its text is in quarantine"));
    return {};
  }

  Status quarantine_conflict(const std::string& chunk, const PlannedChunk& planned) {
    bool added = false;
    if (!planned.removal()) {
      Status kept = project_.chunks->quarantine().preserve(layout::conflict_file(chunk),
                                                           planned.text(), added);
      if (!kept) return kept;
    }
    project_.settled.push_back(chunk);
    note(Event::Kind::conflict, chunk,
         planned.conflict + (planned.removal()
                                 ? "; the file was kept, and not removed"
                                 : "; the file was kept, and the update is " +
                                       project_.folders.shown(
                                           layout::kQuarantine,
                                           layout::quarantined_file(layout::conflict_file(chunk),
                                                                    digest_of(planned.text())))));
    return {};
  }

  // What a commit had just taken from a chunk's name when the process died.
  void settle_all_displaced(const JournalContents& contents) {
    for (const std::string& file : displaced_) {
      const std::string chunk = *project_.folders.naming.chunk_of_displaced(file);
      const auto is_journaled = [&](const Digest& digest) {
        return std::ranges::any_of(contents.records, [&](const auto& record) {
          return std::ranges::any_of(record->operations(), [&](const JournalOperation& operation) {
            return operation.chunk == chunk && operation.text_digest == digest;
          });
        });
      };
      std::vector<Event> events;
      const Status status = settle_displaced(*project_.chunks, chunk, file, is_journaled, events);
      for (Event& event : events) note(event.kind, chunk, std::move(event.detail));
      if (status.ok() || status.code() == ErrorCode::not_found) {
        note(Event::Kind::temporary, "", "removed the unfinished file " + file);
      } else {
        note(Event::Kind::temporary, "",
             "the unfinished file " + file + " could not be removed: " + status.to_text());
      }
    }
  }

  Directory* const base_;
  OpenedFolder& project_;
  const Platform platform_;
  const OpeningOptions& options_;
  std::vector<std::string> displaced_;
};

}  // namespace

Status OpenedFolder::check_chunks_are(const FileInfo& place) const {
  const bool beside = !folders.side.empty();
  Directory& around = beside ? *folders.chunks : *folders.root;
  const std::string name = beside ? folders.side : layout::kChunks;
  auto now = around.stat(name);
  if (!now && now.code() != ErrorCode::not_found) return now.status();
  if (now && now->same_file(place)) return {};
  return folder_was_moved(around.path() + "/" + name);
}

Result<std::unique_ptr<OpenedFolder>> open_folder(Platform platform,
                                                  const ProjectLocation& location,
                                                  const OpeningOptions& options, OwnerInfo& owner) {
  auto project = std::make_unique<OpenedFolder>();
  ProjectFolders& folders = project->folders;
  std::unique_ptr<Directory> base;
  Status opened;
  bool is_new_side = false;
  if (location.beside) {
    auto place = open_place(platform.file_system, location, options.text);
    if (!place) return place.status();
    folders = *std::move(place);
    opened = open_side_folder(location, options.file_mode, folders, is_new_side);
  } else {
    opened = open_own_folder(platform.file_system, location, options.file_mode, base, folders);
  }
  if (!opened) return opened;
  if (Status known = check_layout(*folders.root); !known) return known;
  auto info = folders.root->stat();
  if (!info) return info.status();
  folders.rights = FileRights(info->permissions, options.file_mode);
  Opening opening(base.get(), *project, platform, options);
  Status status = opening.run(owner);
  // A refusal leaves no trace, unless the folder got entries.
  if (!status && is_new_side) (void)folders.chunks->remove_directory(location.root);
  if (!status) return status;
  return project;
}

}  // namespace safechunk
