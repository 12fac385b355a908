// Checkpoints of a project.
#include <algorithm>
#include <map>
#include <utility>

#include "base/in_chunk.h"
#include "base/unicode.h"
#include "storage/checkpoints/archive_store.h"
#include "storage/checkpoints/catalog.h"
#include "storage/checkpoints/retention.h"
#include "storage/project/folders.h"
#include "storage/project/project.h"

namespace safechunk {

// What a checkpoint has met so far.
struct Project::Archiving {
  ArchiveRequest request;
  CheckpointRequest::Unreadable unreadable = CheckpointRequest::Unreadable::leave_out;
  std::set<std::string> looked_at_again;  // chunks that looked sound when they were inspected anew
  int unexplained = 0;                    // errors whose cause was gone when it was looked for
  std::vector<Status> faults;             // reported when the archive is there
};

namespace {

// Whether it is the trouble of one chunk. The rest would meet the same lack of space, memory or
// descriptors, or would not be archived at all.
bool concerns_one_chunk(const Status& status) {
  if (status.error().chunk.empty() || lacks_resources(status)) return false;
  switch (status.code()) {
    case ErrorCode::no_space:
    case ErrorCode::read_only:
    case ErrorCode::cancelled:
    case ErrorCode::not_owner:
      return false;
    default:
      return true;
  }
}

}  // namespace

// --- making one

Result<std::string> Project::write_checkpoint(const CheckpointRequest& wanted,
                                              const ProgressHandler& progress, Notices& notices) {
  ArchiveRequest request = archive_request(wanted, location_.name(), platform_.clock);
  request.rights = folders_.rights;
  auto checkpoints = folders_.checkpoints->hold();
  if (!checkpoints) return checkpoints.status();
  const auto write = [&](const Snapshot& snapshot, const ArchiveRequest& settled) {
    return safechunk::write_checkpoint(**checkpoints, snapshot, settled, settings_, progress);
  };
  return archive(std::move(request), wanted.unreadable, write, notices);
}

Status Project::export_archive(const std::string& path, const CheckpointRequest& wanted,
                               const ProgressHandler& progress, Notices& notices) {
  auto place = open_archive_folder(platform_.file_system, path);
  if (!place) return place.status();
  if (Status outside = check_outside(folders_, *place->folder); !outside) return outside;
  if (Status free = check_free_name(*place->folder, place->name); !free) return free;
  ArchiveRequest request = archive_request(wanted, location_.name(), platform_.clock);
  request.rights = FileRights::at_most(file_mode_);
  request.token = platform_.process.random_token();
  const auto write = [&](const Snapshot& snapshot, const ArchiveRequest& settled) {
    const Status written =
        write_export(*place->folder, place->name, snapshot, settled, settings_, progress);
    return written.ok() ? Result<std::string>(place->name) : written;
  };
  return archive(std::move(request), wanted.unreadable, write, notices).status();
}

// Calls `write` with one state of all chunks. A damaged chunk is healed first. Where that is
// impossible, the archive gets the newest good version, or lacks the chunk, and both are reported.
Result<std::string> Project::archive(ArchiveRequest request,
                                     CheckpointRequest::Unreadable unreadable,
                                     const WriteArchive& write, Notices& notices) {
  Archiving work;
  work.request = std::move(request);
  work.unreadable = unreadable;
  // Each turn heals a chunk or leaves one out, so there are not many more turns than chunks.
  for (;;) {
    auto snapshot = take_snapshot(notices);
    if (!snapshot) return snapshot.status();
    auto settled = settle_lost_names(**snapshot, work, notices);
    if (!settled) return settled.status();
    if (!*settled) continue;
    settle_same_names(**snapshot, work);
    auto name = write(**snapshot, work.request);
    if (name) {
      for (const Status& fault : work.faults) notices.fault(fault);
      return name;
    }
    if (!concerns_one_chunk(name.status())) return name;
    if (Status status = settle_troubles(**snapshot, name.status(), work, notices); !status) {
      return status;
    }
  }
}

// Chunks whose names were lost: a fetch would give the backup, so the archive must have them. False
// when a new snapshot is needed.
Result<bool> Project::settle_lost_names(const Snapshot& snapshot, Archiving& work,
                                        Notices& notices) {
  ArchiveRequest& request = work.request;
  const auto lost = lost_names(snapshot);
  // Somebody has removed it since.
  std::erase_if(request.instead, [&](const auto& item) {
    const auto& files = snapshot.chunks();
    return !std::binary_search(files.begin(), files.end(), item.first) &&
           !std::binary_search(lost.begin(), lost.end(), item.first);
  });
  bool all_settled = true;
  for (const std::string& chunk : lost) {
    if (request.left_out.contains(chunk) || request.instead.contains(chunk)) continue;
    const Status missing(ErrorCode::not_found, "its file is missing");
    if (Status status = settle_chunk(chunk, missing, work, notices); !status) return status;
    all_settled = false;
  }
  return all_settled;
}

// Other programs can make names that a file system could take for one.
void Project::settle_same_names(const Snapshot& snapshot, Archiving& work) {
  ArchiveRequest& request = work.request;
  std::vector<std::string> chunks = snapshot.chunks();
  std::erase_if(chunks, [&](const auto& chunk) { return request.left_out.contains(chunk); });
  const auto others = same_names(chunks, [&](const std::string& chunk) {
    return snapshot.read_chunk(chunk).health == FileHealth::good;
  });
  std::map<std::string, std::string> archived;  // same_name_form() -> name
  for (const std::string& chunk : chunks) {
    const auto found = others.find(chunk);
    if (found == others.end()) {
      archived.emplace(same_name_form(chunk), chunk);
      continue;
    }
    request.left_out.insert(chunk);
    work.faults.push_back(with_consequence(is_same_name(chunk, found->second), chunk,
                                           "; the archive lacks this chunk, and names it"));
  }
  for (const std::string& chunk : snapshot.backups()) {
    const std::string& first = archived.try_emplace(same_name_form(chunk), chunk).first->second;
    if (first != chunk) request.left_out_backups.insert(chunk);
  }
}

// Looks for all chunks and backups that cannot be archived, because each of them would need another
// turn.
Status Project::settle_troubles(const Snapshot& snapshot, const Status& first, Archiving& work,
                                Notices& notices) {
  constexpr int kPatience = 3;
  ArchiveRequest& request = work.request;
  bool found_any = false;
  for (const std::string& chunk : snapshot.chunks()) {
    if (request.left_out.contains(chunk) || request.instead.contains(chunk)) continue;
    const Inspection found = snapshot.read_chunk(chunk);
    if (found.usable()) continue;
    const Status reason = in_chunk(found.reason, chunk);
    if (!concerns_one_chunk(reason)) return reason;
    if (Status status = settle_chunk(chunk, reason, work, notices); !status) return status;
    found_any = true;
  }
  for (const std::string& chunk : snapshot.backups()) {
    if (request.left_out_backups.contains(chunk)) continue;
    if (snapshot.read_backup(chunk).ok()) continue;
    const Status reason = in_chunk(snapshot.read_backup(chunk).status(), chunk);
    if (reason.ok()) continue;  // a failure of a moment
    if (!concerns_one_chunk(reason)) return reason;
    request.left_out_backups.insert(chunk);
    work.faults.push_back(
        with_consequence(reason, chunk, "; the archive lacks the backup of this chunk"));
    found_any = true;
  }
  return found_any || ++work.unexplained < kPatience ? Status() : first;
}

// Decides what the archive gets for a chunk that cannot be read. ok, unless it is the trouble of
// more than this chunk.
Status Project::settle_chunk(const std::string& chunk, Status reason, Archiving& work,
                             Notices& notices) {
  std::vector<Event> events;
  Healing after;
  {
    const MutexLock commit_lock(commit_mutex_);
    if (Status held = folder_->lock->check_held(); !held) return held;
    after = chunks_.heal(chunk, events);
    // A failure of a moment is no reason to leave it out.
    if (after.state == ChunkState::unreadable) after = chunks_.heal(chunk, events);
  }
  for (const Event& event : events) notices.event(in_file(event, folders_));
  // Sound now, removed or changed meanwhile: the next snapshot will show it, but not for ever.
  const bool changed = after.reason.ok() || after.reason.code() == ErrorCode::conflict;
  if (changed && work.looked_at_again.insert(chunk).second) return {};
  if (!changed) {
    reason = in_chunk(after.reason, chunk);
    if (lacks_resources(reason)) return reason;
  }
  if (after.has_text) {
    work.request.instead[chunk] = std::move(after.text);
    work.faults.push_back(
        with_consequence(reason, chunk, "; the archive has the newest good version of this chunk"));
  } else if (work.unreadable == CheckpointRequest::Unreadable::refuse &&
             after.state != ChunkState::lost) {
    return reason;
  } else {
    work.request.left_out.insert(chunk);
    work.faults.push_back(
        with_consequence(reason, chunk, "; the archive lacks this chunk, and names it"));
  }
  return {};
}

// Names that are missing because they were lost, and not removed.
std::vector<std::string> Project::lost_names(const Snapshot& snapshot) const {
  auto gone = snapshot.without_file({});
  const bool lost = chunks_.names_lost() || names_are_lost(gone.size(), snapshot.chunks().size());
  return lost ? gone : std::vector<std::string>();
}

// A set of which one rename has failed is visible in part: it is made whole first.
Result<std::shared_ptr<Snapshot>> Project::take_snapshot(Notices& notices) {
  const MutexLock commit_lock(commit_mutex_);
  if (Status held = folder_->lock->check_held(); !held) return held;
  const auto backups = hold_files();
  if (!backups) return backups.status();
  if (last_commit_failed_) {
    if (Status saved = commit_pending(notices).status; !saved) return saved;
  }
  auto snapshot = Snapshot::take(folders_, platform_.process.random_token(), settings_);
  if (snapshot) chunks_.set_observer(*snapshot);
  return snapshot;
}

// --- retention and removal

Status Project::prune_checkpoints(const std::string& newest, const CheckpointRequest& request,
                                  std::size_t retention, Notices& notices) {
  if (Status held = folder_->lock->check_held(); !held) return held;
  auto checkpoints = folders_.checkpoints->hold();
  if (!checkpoints) return checkpoints.status();
  Directory& folder = **checkpoints;
  auto archives = list_archives(folder, Originals::skip, newest);
  if (!archives) return archives.status();
  const auto surplus =
      checkpoints_to_remove(*std::move(archives), newest, request.label, request.keep, retention);
  Status first;
  for (const std::string& file : surplus) {
    const Status removed = folder.unlink(file);
    if (removed.ok()) {
      notices.status("checkpoint " + file + " removed by retention");
    } else if (removed.code() != ErrorCode::not_found && first.ok()) {
      first = removed;
    }
  }
  const Status synced = surplus.empty() ? Status() : folder.sync();
  return first.ok() ? synced : first;
}

Status Project::remove_checkpoint(const std::string& name) {
  if (Status held = folder_->lock->check_held(); !held) return held;
  auto checkpoints = folders_.checkpoints->hold();
  if (!checkpoints) return checkpoints.status();
  if (Status status = (*checkpoints)->unlink(name); !status) return status;
  return (*checkpoints)->sync();
}

// --- reading

Result<std::vector<CheckpointInfo>> Project::list_checkpoints() {
  auto checkpoints = folders_.checkpoints->hold();
  if (!checkpoints) return checkpoints.status();
  return safechunk::list_checkpoints(**checkpoints);
}

Result<std::set<std::string>> Project::left_out_of(const std::string& name) {
  auto found = find_archive(platform_.file_system, folders_.checkpoints.get(), name);
  if (!found) return found.status();
  return safechunk::left_out_of(*found->folder, found->name, settings_);
}

Status Project::read_checkpoint(const std::string& name, const ProgressHandler& progress,
                                const ArchivedChunkHandler& handler) {
  auto found = find_archive(platform_.file_system, folders_.checkpoints.get(), name);
  if (!found) return found.status();
  return safechunk::read_checkpoint(*found->folder, found->name, settings_, progress, handler);
}

}  // namespace safechunk
