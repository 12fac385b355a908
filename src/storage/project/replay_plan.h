// What the journal of an owner that is gone means for the chunks on disk. Only reads: whoever opens
// the project acts on it, and those who only read show what the next owner will save.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/process.h"
#include "storage/files/project_folders.h"
#include "storage/files/text_settings.h"
#include "storage/journal/journal.h"
#include "storage/journal/replay.h"

namespace safechunk {

// The last edit of a chunk in the journal.
struct PlannedChunk {
  std::shared_ptr<JournalRecord> record;
  std::size_t operation = 0;
  Replay replay = Replay::nothing;
  std::string conflict;  // why it is one
  FileInfo info;         // of the file on disk
  Digest text_digest;    // of a usable file
  // Whether the engine or its journal knows the version in the file. If not, another program wrote
  // it, and a removal must keep a copy in quarantine.
  bool seen = true;

  [[nodiscard]] bool removal() const { return record->operations()[operation].removal; }
  // Whole. Of an edit of a part whose base is gone: the edit itself, as JSON.
  [[nodiscard]] std::string_view text() const {
    return unapplied.empty() ? record->text(operation) : std::string_view(unapplied);
  }
  std::string unapplied;
};

// An edit that no engine would have accepted.
struct UnusableEdit {
  std::shared_ptr<JournalRecord> record;
  std::size_t operation = 0;
  Status reason;
};

struct ReplayPlan {
  std::vector<std::shared_ptr<JournalRecord>> records;  // without unusable edits
  std::map<std::string, PlannedChunk> chunks;
  std::vector<UnusableEdit> unusable;
};

// An error when a file cannot be looked at for a reason that may pass.
Result<ReplayPlan> plan_replay(const ProjectFolders& folders, const TextSettings& settings,
                               std::uint32_t journal_token,
                               const std::vector<std::shared_ptr<JournalRecord>>& records);

// The updates that wait in the journal of an owner that is gone.
struct WaitingUpdates {
  std::int64_t pid = 0;  // of the owner; 0: unknown
  // As they will stand in the files; nothing: a removal.
  std::map<std::string, std::optional<std::string>> texts;
  Status unreadable;  // why the journal, which may hold updates, cannot be read

  // "2 updates are waiting in the journal of process 4711, which is gone"
  [[nodiscard]] std::string to_text() const;
};

// The same for those who need one moment of all chunks, also while an owner may be alive: then the
// updates up to the newest one of which something is in the files. An owner publishes the chunks of
// a transaction one after the other, and until all of them are there the journal has it whole (G4).
// For one moment the caller must see to it that no chunk's file changes during the call.
// An error when the journal cannot be read for another reason than damage.
Result<WaitingUpdates> find_committed_updates(const ProjectFolders& folders, Process& process,
                                              const TextSettings& settings);

// Empty while an owner may be alive, and when the journal cannot be read, which it tells.
// Cost: a look at the journal's name; a full read of it after a crash.
Result<WaitingUpdates> find_waiting_updates(const ProjectFolders& folders, Process& process,
                                            const TextSettings& settings);

}  // namespace safechunk
