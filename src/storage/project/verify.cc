#include "storage/project/verify.h"

#include <algorithm>
#include <set>

#include "storage/checkpoints/archive_store.h"
#include "storage/files/project_layout.h"
#include "storage/journal/journal.h"
#include "storage/logs/folder_logs.h"
#include "storage/project/lock.h"
#include "storage/project/replay_plan.h"

namespace safechunk {
namespace {

using State = FileVerdict::State;

class Verification {
 public:
  Verification(const ProjectFolders& folders, Platform platform, const TextSettings& settings,
               const ProgressHandler& progress)
      : folders_(folders),
        process_(platform.process),
        settings_(settings),
        progress_(progress),
        watch_(platform.clock) {}

  Result<VerifyReport> run() {
    if (Status status = collect(); !status) return status;
    read_journal();
    for (const std::string& chunk : chunks_) {
      verify_chunk(chunk);
      if (Status status = step(); !status) return status;
    }
    for (const LogInfo& log : logs_) {
      verify_log(log.name);
      if (Status status = step(); !status) return status;
    }
    for (const std::string& file : archives_) {
      verify_archive(file);
      if (Status status = step(); !status) return status;
    }
    return std::move(report_);
  }

 private:
  Status collect() {
    auto chunks = list_all_chunks(folders_);
    if (!chunks) return chunks.status();
    chunks_ = *std::move(chunks);
    auto files_of_chunks = folders_.chunks->list();
    if (!files_of_chunks) return files_of_chunks.status();
    std::sort(files_of_chunks->begin(), files_of_chunks->end());
    for (const std::string& file : *files_of_chunks) {
      if (const Status refused = folders_.naming.refused_file(file); !refused) {
        add(State::ignored, folders_.shown_chunk_file(file),
            "it is no chunk: " + refused.error().message + "; rename it to use it as a chunk");
      }
    }
    auto logs = list_logs(*folders_.chunks, folders_.naming);
    if (!logs) return logs.status();
    logs_ = *std::move(logs);
    if (folders_.checkpoints == nullptr) return {};
    auto files = folders_.checkpoints->list();
    if (!files) return files.status();
    for (const std::string& file : *files) {
      if (layout::parse_any_checkpoint(file)) archives_.push_back(file);
    }
    std::sort(archives_.begin(), archives_.end());
    return {};
  }

  void add(State state, std::string path, std::string detail = {}) {
    report_.files.push_back({state, std::move(path), std::move(detail)});
  }

  void read_journal() {
    // Asked before and after, because an owner may come or go meanwhile: it may just be writing the
    // last record.
    const bool was_in_use = ProjectLock::may_be_held(*folders_.root, process_);
    JournalContents contents;
    const Status status = Journal::read(*folders_.root, contents);
    if (status.code() == ErrorCode::not_found) return;
    if (!status.ok()) {
      add(status.code() == ErrorCode::corrupt ? State::lost : State::unreadable, layout::kJournal,
          status.error().message);
      return;
    }
    for (const auto& record : contents.records) {
      for (const JournalOperation& operation : record->operations()) {
        if (!operation.removal) journaled_.insert(operation.chunk);
      }
    }
    std::string count = count_of(contents.records.size());
    auto waiting = find_waiting_updates(folders_, process_, settings_);
    if (waiting && !waiting->texts.empty()) {
      count += "; " + waiting->to_text() + ": the next program that opens the project saves them";
    }
    if (contents.damage.empty() || contents.unfinished) {
      add(State::good, layout::kJournal, count);
    } else if (was_in_use || ProjectLock::may_be_held(*folders_.root, process_)) {
      add(State::good, layout::kJournal,
          count + "; then " + contents.damage + ": its owner may just be writing it");
    } else {
      add(State::lost, layout::kJournal, contents.damage);
    }
  }

  static State state_of(FileHealth health) {
    switch (health) {
      case FileHealth::good:
        return State::good;
      case FileHealth::unstamped:
        return State::unstamped;
      case FileHealth::edited:
        return State::edited;
      case FileHealth::unreadable:
        return State::unreadable;
      default:
        return State::lost;
    }
  }

  void verify_chunk(const std::string& chunk) {
    const std::string file = folders_.shown_chunk_file(folders_.naming.file_of(chunk));
    const std::string backup_path = folders_.shown(layout::kBackups, layout::backup_file(chunk));
    const ChunkInspection found = inspect_chunk(folders_, chunk, settings_, watch_);
    const Inspection& primary = found.file;
    const bool looked = found.state != ChunkState::sound && found.state != ChunkState::unreadable;
    const Inspection backup =
        looked ? found.backup : inspect_backup(folders_.backups.get(), chunk, settings_);
    std::string beside;  // what the backup's line says of the chunk
    switch (found.state) {
      case ChunkState::missing:
        return;  // its owner has removed it since the listing, and since the journal was read
      case ChunkState::removed:
        beside = journaled_.contains(chunk)
                     ? "the file is missing; the journal has an update"
                     : "its chunk was removed by another program or a person";
        if (journaled_.contains(chunk)) add(State::healable, file, beside);
        break;
      case ChunkState::being_edited:
        add(State::edited, file, "another program is writing it; it is not JSON yet");
        break;
      case ChunkState::healable:
        add(State::healable, file, what_is_wrong(primary) + "; its backup is good");
        break;
      case ChunkState::lost:
        if (journaled_.contains(chunk)) {
          add(State::healable, file, what_is_wrong(primary) + "; the journal has an update");
        } else {
          add(State::lost, file, what_is_wrong(primary));
        }
        break;
      default:
        add(state_of(primary.health), file, detail_of(primary));
        beside = "the chunk itself is good";
    }
    if (backup.health == FileHealth::missing) return;
    std::string note = backup.usable() ? "" : detail_of(backup);
    if (backup.health == FileHealth::unstamped) note = "a version that another program wrote";
    if (!beside.empty() && (!backup.usable() || found.state == ChunkState::removed)) {
      note += (note.empty() ? "" : "; ") + beside;
    }
    add(state_of(backup.health), backup_path, note);
  }

  static std::string detail_of(const Inspection& inspection) {
    if (inspection.health == FileHealth::unstamped) {
      return "it has no stamp: another program wrote it, or the project was copied; repair stamps "
             "it, so that damage to it can be told from an edit";
    }
    return inspection.reason.ok() ? "" : inspection.reason.to_text();
  }

  void verify_log(const std::string& log) {
    const std::string path = folders_.shown_chunk_file(layout::log_file(log));
    auto judged = judge_log(*folders_.chunks, log, settings_);
    if (!judged) {
      if (judged.code() == ErrorCode::not_found) return;  // likewise
      add(State::unreadable, path, judged.status().to_text());
    } else if (judged->invalid > 0) {
      const std::string half = judged->ends_in_half ? ", and it ends in half a record" : "";
      add(State::lost, path,
          count_of(judged->records) + " good; lines that are no JSON: " +
              std::to_string(judged->invalid) + half + " (" + judged->reason.to_text() +
              "); repair moves them to quarantine, and leaves the good ones");
    } else if (judged->ends_in_half) {
      add(State::edited, path,
          "it ends in half a record: a program is writing it, or has crashed; the next append "
          "moves that to quarantine");
    } else {
      add(State::good, path, count_of(judged->records));
    }
  }

  static std::string count_of(std::uint64_t records) {
    return std::to_string(records) + (records == 1 ? " record" : " records");
  }

  void verify_archive(const std::string& file) {
    const std::string path = folders_.shown(layout::kCheckpoints, file);
    const Status status = read_checkpoint(*folders_.checkpoints, file, settings_, {}, {});
    if (status.code() == ErrorCode::not_found) return;  // likewise
    if (status.ok()) {
      add(State::good, path);
    } else {
      add(refused_by_system(status) ? State::unreadable : State::lost, path, status.to_text());
    }
  }

  Status step() {
    ++done_;
    if (!progress_ || progress_(done_, chunks_.size() + logs_.size() + archives_.size())) return {};
    return Status(ErrorCode::cancelled, "cancelled by the progress handler");
  }

  const ProjectFolders& folders_;
  Process& process_;
  const TextSettings& settings_;
  const ProgressHandler& progress_;
  EditWatch watch_;
  std::set<std::string> chunks_;
  std::vector<LogInfo> logs_;
  std::vector<std::string> archives_;
  std::set<std::string> journaled_;
  std::uint64_t done_ = 0;
  VerifyReport report_;
};

}  // namespace

Result<VerifyReport> verify_project(const ProjectFolders& folders, Platform platform,
                                    const TextSettings& settings, const ProgressHandler& progress) {
  return Verification(folders, platform, settings, progress).run();
}

}  // namespace safechunk
