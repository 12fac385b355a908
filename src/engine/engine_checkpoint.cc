// Checkpoints: create, list, verify, restore, delete.

#include <limits>

#include "base/chunk_name.h"
#include "base/limits.h"
#include "engine/engine_core.h"
#include "json/scan.h"
#include "storage/checkpoint.h"
#include "storage/project_layout.h"
#include "storage/retention.h"

namespace safechunk {
namespace {

Status check_notes(std::string_view notes) {
  if (notes.size() > limits::kNotesBytes) {
    return Status(ErrorCode::invalid_argument,
                  "notes have more than " + std::to_string(limits::kNotesBytes) + " bytes");
  }
  if (!is_utf8(notes)) return Status(ErrorCode::invalid_argument, "notes are not valid UTF-8");
  return {};
}

Status no_checkpoints_folder() {
  return Status(ErrorCode::not_found, "the project has no checkpoints folder");
}

}  // namespace

// --- taking turns

Status EngineCore::ArchiveTurn::take() {
  Lock lock(core_.mutex_);
  if (core_.archiving_ == std::this_thread::get_id()) {
    return Status(ErrorCode::invalid_argument, "called from a progress handler");
  }
  core_.state_changed_.wait(lock, [&] { return !core_.archiving_; });
  core_.archiving_ = std::this_thread::get_id();
  taken_ = true;
  return {};
}

EngineCore::ArchiveTurn::~ArchiveTurn() {
  if (!taken_) return;
  const Lock lock(core_.mutex_);
  core_.archiving_.reset();
  core_.state_changed_.notify_all();
}

ProgressHandler EngineCore::while_active(ProgressHandler progress) const {
  return [this, progress = std::move(progress)](std::uint64_t done, std::uint64_t total) {
    return is_active() && (!progress || progress(done, total));
  };
}

// --- the operations

Result<std::string> EngineCore::create_checkpoint(std::string_view label, int retention,
                                                  std::string_view notes,
                                                  const ProgressHandler& progress) {
  if (Status status = check_name(label, "label"); !status) return status;
  if (retention < 1) return Status(ErrorCode::invalid_argument, "retention is below 1");
  if (Status status = check_notes(notes); !status) return status;
  Notices notices;
  const auto create = [&]() -> Result<std::string> {
    ArchiveTurn turn(*this);
    if (Status status = turn.take(); !status) return status;
    auto project = owned_project();
    if (!project) return project.status();
    if (Status synced = commit_now(false, notices); !synced) return synced;
    auto name = archive_all(**project, std::string(label), std::string(notes),
                            DamagedChunks::refuse, while_active(progress), notices);
    if (name) {
      notices.status("checkpoint " + *name + " written");
      notices.fault(prune_checkpoints(**project, *name, static_cast<std::size_t>(retention)));
    } else if (name.code() != ErrorCode::cancelled) {
      notices.fault(name.status());
    }
    return name;
  };
  auto name = create();
  events_.deliver(std::move(notices));
  return name;
}

// Writes the archive. A damaged chunk is healed first; where that is impossible it is left out, or
// the checkpoint is refused.
Result<std::string> EngineCore::archive_all(OpenProject& project, std::string label,
                                            std::string notes, DamagedChunks damaged,
                                            const ProgressHandler& progress, Notices& notices) {
  CheckpointRequest request;
  request.project_id = location_.project_id;
  request.label = std::move(label);
  request.notes = std::move(notes);
  request.unix_time_ns = platform_.clock.unix_time_ns();
  std::set<std::string> healed;
  for (;;) {
    auto pinned = pin_all(project, notices);
    if (!pinned) return pinned.status();
    // Of these a fetch would give the backup, so the archive must have them as chunks.
    if (const auto missing = (*pinned)->without_file(request.without); !missing.empty()) {
      for (const std::string& chunk : missing) {
        if (Status s = heal_or_leave_out(project, chunk, damaged, request.without, notices); !s) {
          return s;
        }
      }
      continue;
    }
    auto name =
        write_checkpoint(*project.folders.checkpoints, **pinned, request, settings_, progress);
    if (name || name.code() != ErrorCode::corrupt || name.error().chunk.empty()) return name;
    // Each turn heals a chunk or leaves one out, so there are not more turns than chunks.
    const std::string chunk = name.error().chunk;
    if (!healed.insert(chunk).second) {
      if (damaged == DamagedChunks::refuse || !request.without.insert(chunk).second) return name;
    } else if (Status s = heal_or_leave_out(project, chunk, damaged, request.without, notices);
               !s) {
      return s;
    }
  }
}

Status EngineCore::heal_or_leave_out(OpenProject& project, const std::string& chunk,
                                     DamagedChunks damaged, std::set<std::string>& left_out,
                                     Notices& notices) {
  std::vector<Event> events;
  const std::lock_guard gate(gate_);
  const Inspection after = project.chunks->heal(chunk, events);
  for (const Event& event : events) notices.event(event);
  // Removed or changed meanwhile: another look will tell.
  const bool other =
      after.health == FileHealth::missing || after.reason.code() == ErrorCode::conflict;
  if (other || (after.usable() && after.reason.ok())) return {};
  if (damaged == DamagedChunks::leave_out && left_out.insert(chunk).second) return {};
  Error error = after.reason.error();
  error.chunk = chunk;
  return error;
}

// A set of which one rename has failed is visible in part: it is made whole before it is pinned.
Result<std::shared_ptr<PinnedFiles>> EngineCore::pin_all(OpenProject& project, Notices& notices) {
  const std::lock_guard gate(gate_);
  if (Status held = project.lock->check_held(); !held) return held;
  Status in_place =
      project.check_in_place({layout::kChunks, layout::kBackups, layout::kCheckpoints});
  if (!in_place) return in_place;
  if (unsaved_) {
    if (Status saved = commit_staged(project, notices); !saved) return saved;
  }
  auto pinned = PinnedFiles::pin(project.folders, platform_.process.random_token(), settings_);
  if (pinned) project.chunks->set_keeper(*pinned);
  return pinned;
}

Status EngineCore::prune_checkpoints(OpenProject& project, const std::string& newest,
                                     std::size_t retention) {
  if (Status held = project.lock->check_held(); !held) return held;
  Directory& folder = *project.folders.checkpoints;
  auto files = folder.list();
  if (!files) return files.status();
  const auto doomed = checkpoints_to_remove(*files, newest, retention);
  for (const std::string& file : doomed) {
    if (Status status = folder.unlink(file); !status) return status;
  }
  return doomed.empty() ? Status() : folder.sync();
}

Result<std::vector<CheckpointInfo>> EngineCore::list_checkpoints() {
  if (!options_status_) return options_status_;
  auto project = readable_project();
  if (!project) return project.status();
  if ((*project)->folders.checkpoints == nullptr) return std::vector<CheckpointInfo>();
  return safechunk::list_checkpoints(*(*project)->folders.checkpoints);
}

Status EngineCore::verify_checkpoint(std::string_view file_name, const ProgressHandler& progress) {
  if (!options_status_) return options_status_;
  if (Status status = check_checkpoint_name(file_name); !status) return status;
  auto project = readable_project();
  if (!project) return project.status();
  if ((*project)->folders.checkpoints == nullptr) return no_checkpoints_folder();
  return read_checkpoint(*(*project)->folders.checkpoints, std::string(file_name), settings_,
                         progress, {});
}

Status EngineCore::restore_checkpoint(std::string_view file_name, const ProgressHandler& progress) {
  if (Status status = check_checkpoint_name(file_name); !status) return status;
  Notices notices;
  const auto restore = [&]() -> Status {
    ArchiveTurn turn(*this);
    if (Status status = turn.take(); !status) return status;
    auto project = owned_project();
    if (!project) return project.status();
    return restore_all(**project, std::string(file_name), progress, notices);
  };
  const Status status = restore();
  if (status.ok()) notices.status("restored " + std::string(file_name));
  events_.deliver(std::move(notices));
  return status;
}

Status EngineCore::restore_all(OpenProject& project, const std::string& file_name,
                               const ProgressHandler& progress, Notices& notices) {
  // The record of the whole restore is built while the archive is verified, and used only if all
  // of it is good.
  auto record = std::make_shared<JournalRecord>();
  std::set<std::string> restored;
  Status verified =
      read_checkpoint(*project.folders.checkpoints, file_name, settings_, while_active(progress),
                      [&](const std::string& chunk, const std::string& bytes) {
                        restored.insert(chunk);
                        return put_lenient(*record, bytes, chunk);
                      });
  if (!verified) return verified;
  // Whoever stages meanwhile waits: an edit between the safety checkpoint and the restore would be
  // in neither.
  std::unique_lock intake(intake_);
  if (Status synced = commit_now(false, notices); !synced) return synced;
  auto safety = archive_all(project, "before_restore", "made before restoring " + file_name,
                            DamagedChunks::leave_out, while_active(nullptr), notices);
  if (!safety) return safety.status();
  auto present = project.chunks->list_with_backups();
  if (!present) return present.status();
  for (const std::string& chunk : *present) {
    if (!restored.contains(chunk)) record->add_removal(chunk);
  }
  if (record->operations().empty()) return {};
  std::shared_ptr<OpenProject> staged_in;
  Status staged = take_in(record, staged_in);
  intake.unlock();
  if (staged_in == nullptr) return staged;
  notices.fault(staged);
  Status committed = commit_now(false, notices);
  if (committed.ok()) return committed;
  Error error = committed.error();
  error.message = "the restore is staged and will be retried: " + error.message;
  return error;
}

Status EngineCore::delete_checkpoint(std::string_view file_name) {
  if (Status status = check_checkpoint_name(file_name); !status) return status;
  ArchiveTurn turn(*this);
  if (Status status = turn.take(); !status) return status;
  auto project = owned_project();
  if (!project) return project.status();
  if (Status held = (*project)->lock->check_held(); !held) return held;
  if (Status in_place = (*project)->check_in_place({layout::kCheckpoints}); !in_place) {
    return in_place;
  }
  Directory& folder = *(*project)->folders.checkpoints;
  if (Status status = folder.unlink(std::string(file_name)); !status) return status;
  return folder.sync();
}

}  // namespace safechunk
