// Checkpoints: create, list, verify, restore, delete.

#include <set>

#include "base/limits.h"
#include "base/unicode.h"
#include "engine/engine_core.h"

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

Status check_label(std::string_view label) {
  if (label.size() > limits::kLabelBytes) {
    return Status(ErrorCode::invalid_name,
                  "label has more than " + std::to_string(limits::kLabelBytes) + " bytes");
  }
  if (!is_utf8(label)) return Status(ErrorCode::invalid_name, "label is not valid UTF-8");
  if (label.find('\0') != std::string_view::npos) {
    return Status(ErrorCode::invalid_name, "label holds a NUL character");
  }
  return {};
}

}  // namespace

// --- taking turns

Status EngineCore::ArchiveTurn::take() {
  const MutexLock lock(core_.mutex_);
  if (core_.archiving_ == std::this_thread::get_id()) {
    return Status(ErrorCode::invalid_argument, "called from a progress handler");
  }
  while (core_.archiving_) core_.state_changed_.wait(core_.mutex_);
  core_.archiving_ = std::this_thread::get_id();
  taken_ = true;
  return {};
}

EngineCore::ArchiveTurn::~ArchiveTurn() {
  if (!taken_) return;
  const MutexLock lock(core_.mutex_);
  core_.archiving_.reset();
  core_.state_changed_.notify_all();
}

ProgressHandler EngineCore::while_active(ProgressHandler progress) const {
  return [this, progress = std::move(progress)](std::uint64_t done, std::uint64_t total) {
    return is_active() && (!progress || progress(done, total));
  };
}

// --- the operations

Result<std::string> EngineCore::create_checkpoint(const CheckpointOptions& options,
                                                  const ProgressHandler& progress) {
  if (Status status = check_label(options.label); !status) return status;
  if (options.retention < 1) return Status(ErrorCode::invalid_argument, "retention is below 1");
  if (Status status = check_notes(options.notes); !status) return status;
  CheckpointRequest request;
  request.label = options.label;
  request.notes = options.notes;
  request.keep = options.keep;
  Notices notices;
  const auto create = [&]() -> Result<std::string> {
    if (read_only_) return checkpoint_as_reader(request, progress, notices);
    ArchiveTurn turn(*this);
    if (Status status = turn.take(); !status) return status;
    auto store = owned_store();
    if (!store) return store.status();
    if (Status synced = commit_patiently(notices); !synced) return synced;
    auto name = (*store)->write_checkpoint(request, while_active(progress), notices);
    if (name) {
      notices.status("checkpoint " + *name + " written");
      // The checkpoint is there and durable, so an older one that stays is no failure of the call.
      notices.fault((*store)->prune_checkpoints(
          *name, request, static_cast<std::size_t>(options.retention), notices));
    } else if (name.code() != ErrorCode::cancelled) {
      notices.fault(name.status());
    }
    return name;
  };
  auto name = create();
  deliver(std::move(notices));
  return name;
}

// No retention: the owner removes older ones with its next checkpoint.
Result<std::string> EngineCore::checkpoint_as_reader(const CheckpointRequest& request,
                                                     const ProgressHandler& progress,
                                                     Notices& notices) {
  if (!options_status_) return options_status_;
  auto name = place_->reader()->write_checkpoint(request, progress, notices);
  if (name) {
    notices.status("checkpoint " + *name + " written");
  } else if (name.code() != ErrorCode::cancelled) {
    notices.fault(name.status());
  }
  return name;
}

Status EngineCore::export_archive(const std::string& file, const ExportOptions& options,
                                  const ProgressHandler& progress) {
  if (!options_status_) return options_status_;
  if (Status status = check_label(options.label); !status) return status;
  if (Status status = check_notes(options.notes); !status) return status;
  CheckpointRequest request;
  request.label = options.label;
  request.notes = options.notes;
  Notices notices;
  const auto write = [&]() -> Status {
    if (!owned_store()) {
      return place_->reader()->export_archive(file, request, progress, notices);
    }
    ArchiveTurn turn(*this);
    if (Status status = turn.take(); !status) return status;
    auto store = owned_store();
    if (!store) return store.status();
    if (Status synced = commit_patiently(notices); !synced) return synced;
    return (*store)->export_archive(file, request, while_active(progress), notices);
  };
  // The caller gets the error; on_fault does not, because nothing is wrong with the project.
  const Status written = write();
  if (written.ok()) notices.status("exported to " + file);
  deliver(std::move(notices));
  return written;
}

Result<std::vector<CheckpointInfo>> EngineCore::list_checkpoints() {
  if (!options_status_) return options_status_;
  return readable()->list_checkpoints();
}

Status EngineCore::verify_checkpoint(std::string_view name, const ProgressHandler& progress) {
  if (!options_status_) return options_status_;
  if (Status status = place_->check_archive_name(name); !status) return status;
  return readable()->read_checkpoint(std::string(name), progress, {});
}

Status EngineCore::restore_checkpoint(std::string_view name, const ProgressHandler& progress) {
  if (Status status = place_->check_archive_name(name); !status) return status;
  Notices notices;
  const Status status = restore(std::string(name), progress, notices);
  if (status.ok()) notices.status("restored " + std::string(name));
  deliver(std::move(notices));
  return status;
}

Status EngineCore::restore(const std::string& name, const ProgressHandler& progress,
                           Notices& notices) {
  ArchiveTurn turn(*this);
  if (Status status = turn.take(); !status) return status;
  auto owned = owned_store();
  if (!owned) return owned.status();
  Store& store = **owned;
  // The edits of the whole restore are collected while the archive is verified, and used only if
  // all of it is good.
  const auto edits = place_->new_edits(0);
  edits->mark_restore();
  std::set<std::string> restored;
  Status verified = store.read_checkpoint(
      name, while_active(progress),
      [&](const std::string& chunk, const std::string& text, std::uint32_t mode) {
        restored.insert(chunk);
        return edits->put_stored(text, chunk, mode);
      });
  if (!verified) return verified;
  auto left_out = store.left_out_of(name);
  if (!left_out) return left_out.status();
  // Others wait before they stage: an edit between the safety checkpoint and the restore would be
  // in neither.
  StoreTurn store_turn(*this);
  if (Status status = store_turn.take(notices); !status) return status;
  auto safety = stage_restore(store, name, restored, *left_out, edits, notices);
  const CommitOutcome ended = store_turn.end(notices);
  Status committed = ended.status;
  if (!safety) return safety.status();
  if (ended.lost) return committed;
  if (committed.ok() && !edits->empty()) committed = commit_patiently(notices);
  if (committed.ok()) {
    // Not before: the archive that is restored may be one of those that go.
    CheckpointRequest request;
    request.label = kBeforeRestore;
    notices.fault(store.prune_checkpoints(*safety, request, limits::kBeforeRestore, notices));
    return committed;
  }
  Error error = committed.error();
  error.message = "the restore is staged and will be retried: " + error.message;
  return error;
}

// Adds the removal of what is not `restored`, and returns the name of the safety checkpoint. On
// error nothing is staged.
Result<std::string> EngineCore::stage_restore(Store& store, const std::string& name,
                                              const std::set<std::string>& restored,
                                              const std::set<std::string>& left_out,
                                              const std::shared_ptr<Edits>& edits,
                                              Notices& notices) {
  const MutexLock accept_lock(accept_mutex_);
  if (Status synced = commit_patiently(notices); !synced) return synced;
  CheckpointRequest request;
  request.label = kBeforeRestore;
  request.notes = "made before restoring " + name;
  // What cannot be read could not be given back if somebody undoes the restore.
  request.unreadable = CheckpointRequest::Unreadable::refuse;
  auto safety = store.write_checkpoint(request, while_active(nullptr), notices);
  if (!safety) return safety;
  // A backup without a file may belong to somebody else, or to a chunk that a person removed.
  auto present = store.list(notices);
  if (!present) return present.status();
  for (const std::string& chunk : *present) {
    // The archive names this chunk as left out: it existed then, so the restore leaves it as it is.
    if (restored.contains(chunk) || left_out.contains(chunk)) continue;
    if (Status status = edits->remove(chunk); !status) return status;
  }
  if (edits->empty()) return safety;
  const Accepted accepted = accept(edits);
  if (accepted.result == Accepted::Result::refused) return accepted.status;
  notices.fault(accepted.status);
  return safety;
}

Status EngineCore::delete_checkpoint(std::string_view name) {
  if (Status status = place_->check_checkpoint_name(name); !status) return status;
  ArchiveTurn turn(*this);
  if (Status status = turn.take(); !status) return status;
  auto store = owned_store();
  if (!store) return store.status();
  return (*store)->remove_checkpoint(std::string(name));
}

}  // namespace safechunk
