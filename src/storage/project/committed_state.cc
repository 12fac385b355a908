#include "storage/project/committed_state.h"

#include <algorithm>
#include <utility>

#include "base/in_chunk.h"
#include "storage/chunks/chunk_files.h"
#include "storage/files/durable_file.h"
#include "storage/files/file_io.h"
#include "storage/files/names.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

constexpr int kMostLooks = 100;

bool is_same_version(const FileInfo& left, const FileInfo& right) {
  return left.type == right.type && left.same_file(right) && left.size == right.size &&
         left.modified_ns == right.modified_ns && left.changed_ns == right.changed_ns &&
         left.permissions == right.permissions;
}

bool is_same_version(const std::optional<FileInfo>& left, const std::optional<FileInfo>& right) {
  return left && right ? is_same_version(*left, *right) : !left && !right;
}

}  // namespace

Result<std::unique_ptr<CommittedState>> CommittedState::take(
    const ProjectFolders& folders, Platform platform, const TextSettings& settings,
    EditWatch& watch, const Scratch& scratch, std::uint32_t mode_of_new,
    const ProgressHandler& progress) {
  std::unique_ptr<File> copies;
  {
    auto file =
        TemporaryFile::create(scratch.folder, layout::unfinished_archive(scratch.token), 0600);
    if (!file) return file.status();
    copies = file->take_file();
  }  // loses its name
  std::unique_ptr<CommittedState> state(
      new CommittedState(folders, platform, settings, watch, mode_of_new, std::move(copies)));
  if (Status settled = state->settle(progress); !settled) return settled;
  state->list();
  return state;
}

// --- finding one moment

Status CommittedState::settle(const ProgressHandler& progress) {
  WaitingUpdates updates;
  Look before;
  for (int i = 0; i < kMostLooks; ++i) {
    auto now = look();
    if (!now) return now.status();
    const bool is_still =
        i > 0 && has_all_of(*now) &&
        std::ranges::equal(before, *now, [](const auto& left, const auto& right) {
          return left.first == right.first && is_same_version(left.second, right.second);
        });
    if (is_still) return apply(updates);
    if (Status status = read_new(*now, progress); !status) return status;
    auto found = find_committed_updates(folders_, process_, settings_);
    if (!found) return found.status();
    updates = *std::move(found);
    before = *std::move(now);
  }
  Error error;
  error.code = ErrorCode::locked;
  error.message =
      "the project changes faster than it can be read; try again when its owner writes less, or "
      "let the owner itself make the archive";
  error.path = folders_.root->path();
  return error;
}

Result<CommittedState::Look> CommittedState::look() const {
  auto chunks = list_readable_chunks(folders_);
  if (!chunks) return chunks.status();
  Look look;
  for (const std::string& chunk : *chunks) {
    auto info = folders_.chunks->stat(folders_.naming.file_of(chunk));
    if (!info && info.code() != ErrorCode::not_found) return in_chunk(info.status(), chunk);
    look.emplace_hint(look.end(), chunk, info ? std::optional(*info) : std::nullopt);
  }
  return look;
}

bool CommittedState::has_all_of(const Look& look) const {
  return std::ranges::all_of(look, [&](const auto& seen) {
    const auto found = copies_.find(seen.first);
    return found != copies_.end() && is_same_version(found->second.file, seen.second);
  });
}

Status CommittedState::read_new(const Look& look, const ProgressHandler& progress) {
  std::erase_if(copies_, [&](const auto& copy) { return !look.contains(copy.first); });
  for (const auto& [chunk, seen] : look) {
    const auto found = copies_.find(chunk);
    if (found != copies_.end() && is_same_version(found->second.file, seen)) continue;
    if (Status status = read(chunk, seen); !status) return status;
    if (progress && !progress(0, look.size())) {
      return Status(ErrorCode::cancelled, "cancelled by the progress handler");
    }
  }
  return {};
}

// As FolderReader::read() gives it: the text, or that of its backup, or none.
Status CommittedState::read(const std::string& chunk, const std::optional<FileInfo>& seen) {
  ChunkInspection found = inspect_chunk(folders_, chunk, settings_, watch_);
  Copy& copy = copies_[chunk];
  // What could not even be opened is known by what was seen of it.
  const bool opened = found.file.info.inode != 0;
  copy.file = opened ? std::optional(found.file.info) : seen;
  copy.mode = opened ? found.file.info.permissions.mode : 0600;
  copy.has_text = false;
  copy.is_good = found.file.health == FileHealth::good;
  copy.fault = {};
  constexpr const char* kLacks = "; the archive lacks this chunk, and names it";
  switch (found.state) {
    case ChunkState::sound:
      return store(copy, found.file.bytes);
    case ChunkState::healable:
    case ChunkState::being_edited: {
      const Status older(found.problem(folders_, chunk));
      if (!found.backup.usable()) {
        copy.fault = with_consequence(older, chunk, kLacks);
        return {};
      }
      copy.fault = with_consequence(older, chunk, "; the archive has that version of this chunk");
      if (!opened) copy.mode = found.backup.info.permissions.mode;
      return store(copy, text_of(std::move(found.backup)));
    }
    case ChunkState::lost:
      copy.fault = with_consequence(found.problem(folders_, chunk), chunk, kLacks);
      return {};
    case ChunkState::unreadable: {
      const bool backup = found.backup.health == FileHealth::unreadable;
      const Status reason = backup ? found.backup.reason : found.file.reason;
      if (lacks_resources(reason)) return in_chunk(reason, chunk);
      copy.fault = with_consequence(reason, chunk, kLacks);
      return {};
    }
    default:  // removed since it was seen: the next look shows it
      copies_.erase(chunk);
      return {};
  }
}

Status CommittedState::store(Copy& copy, std::string_view text) {
  if (text.size() > copy.room) {
    copy.offset = end_;
    copy.room = text.size();
    end_ += copy.room;
  }
  copy.size = text.size();
  copy.has_text = true;
  return write_all(*copies_file_, copy.offset, text);
}

Status CommittedState::apply(const WaitingUpdates& updates) {
  for (const auto& [chunk, text] : updates.texts) {
    if (!text) {
      copies_.erase(chunk);
      continue;
    }
    const auto [found, is_new] = copies_.try_emplace(chunk);
    Copy& copy = found->second;
    if (is_new) copy.mode = mode_of_new_;
    copy.is_good = true;
    copy.fault = {};
    if (Status stored = store(copy, *text); !stored) return stored;
  }
  if (!updates.unreadable.ok()) faults_.push_back(updates.unreadable);
  return {};
}

void CommittedState::list() {
  for (const auto& [chunk, copy] : copies_) {
    if (copy.has_text) {
      chunks_.push_back(chunk);
    } else {
      left_out_.insert(chunk);
    }
    if (!copy.fault.ok()) faults_.push_back(copy.fault);
  }
  const auto doubles =
      same_names(chunks_, [&](const std::string& chunk) { return copies_.at(chunk).is_good; });
  for (const auto& [chunk, other] : doubles) {
    left_out_.insert(chunk);
    faults_.push_back(with_consequence(is_same_name(chunk, other), chunk,
                                       "; the archive lacks this chunk, and names it"));
  }
  std::erase_if(chunks_, [&](const std::string& chunk) { return left_out_.contains(chunk); });
}

// --- for the archive

Inspection CommittedState::read_chunk(const std::string& chunk) const {
  const Copy& copy = copies_.at(chunk);
  Inspection found;
  found.bytes.resize(static_cast<std::size_t>(copy.size));
  auto count = read_up_to(*copies_file_, copy.offset, found.bytes);
  found.health = FileHealth::good;
  if (count && *count == copy.size) return found;
  found.health = FileHealth::unreadable;
  found.reason = count ? Status(ErrorCode::io_error, "its copy is shorter than it was written")
                       : count.status();
  return found;
}

Result<std::string> CommittedState::read_backup(const std::string& chunk) const {
  return in_chunk(Status(ErrorCode::not_found, "those who only read archive no backups"), chunk);
}

std::uint32_t CommittedState::mode_of_chunk(const std::string& chunk) const {
  return copies_.at(chunk).mode;
}

std::uint32_t CommittedState::mode_of_backup(const std::string& /*chunk*/) const {
  return 0600;
}

}  // namespace safechunk
