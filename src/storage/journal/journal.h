// The journal: staged updates since the last clean point, so that they survive the process (G3) and
// that several files change whole or not at all (G4). Format: docs/FORMAT.md.
//
// A record holds one edit, or several that belong together. It is read whole or not at all. Each
// checksum continues the one before, beginning with a token and a generation in the header, so that
// left-overs of an earlier use of the same blocks can never be read as records.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "platform/file_system.h"
#include "storage/files/file_rights.h"
#include "storage/journal/journal_record.h"
#include "storage/journal/watermarks.h"

namespace safechunk {

// What reading an existing journal gave.
struct JournalContents {
  std::vector<std::shared_ptr<JournalRecord>> records;  // in their order
  std::string damage;     // why reading stopped before the end; empty at a clean end
  std::uint64_t end = 0;  // offset behind the last of them
  // The damage is one record at the end whose last bytes were never written: what a kill in the
  // middle of a write leaves.
  bool unfinished = false;
  std::uint32_t token = 0;
};

// Appending from several threads is serialised by the caller (records must come in the order of
// their sequences); everything else may be called from any thread.
class Journal {
 public:
  // Creates an empty journal under the name layout::kJournal, which must not exist. The folder is
  // not synced.
  static Result<std::unique_ptr<Journal>> create(Directory& root, std::uint32_t token,
                                                 const FileRights& rights = {});
  // Opens and reads an existing one; new records follow the last good one. unsupported_format when
  // it was written by a newer version; corrupt when its header is damaged; nothing is changed.
  static Result<std::unique_ptr<Journal>> open(Directory& root, JournalContents& contents,
                                               const FileRights& rights = {});

  // Reads without opening for writing; as open(). Beside an owner that empties or extends the
  // journal meanwhile it gives records of one generation. unavailable when that goes on and on.
  static Status read(Directory& root, JournalContents& contents);

  // Changes with every attach, so that sequences are comparable exactly where tokens are equal.
  [[nodiscard]] std::uint32_t token() const;
  // Bytes of live records and header.
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] std::uint64_t bytes_written() const;
  // No record, and what follows would be found.
  [[nodiscard]] bool is_empty() const;

  // Writes the record to the page cache and gives it its sequence. On error the journal is as it
  // was; the record has its sequence all the same. `conflict` when the file is not under its name
  // any more, which is checked before the first record since the journal was empty.
  Status append(JournalRecord& record);

  // Makes all records up to `sequence` durable. Callers that arrive together share one fdatasync.
  // Once it has failed it fails for ever, until rewrite() succeeded. `conflict` when the file is
  // not under its name any more: another program removed or replaced it, and no recovery would find
  // it.
  Status sync_to(std::uint64_t sequence);

  // Empties the journal in place, keeping its blocks. Only after everything in it was committed
  // durably or superseded. Unless `durable`, a power cut may bring back old records, or the first
  // few of them: harmless where the stamps of the files tell that they are old. A removal never is:
  // where the file is missing it would take the backup along, so what holds one vanishes durably.
  Status reset(bool durable);

  // Replaces the journal by a new file that holds just `records`, durably.
  Status rewrite(const std::vector<std::shared_ptr<JournalRecord>>& records, std::uint32_t token);

  // Removes the file and syncs the folder. The journal must not be used afterwards.
  Status remove();

  // True after a failed append or sync: rewrite() is due.
  [[nodiscard]] bool broken() const;

  // How far the edits have come. The journal raises the first three.
  [[nodiscard]] Watermarks& watermarks() { return marks_; }

 private:
  Journal(Directory& root, std::unique_ptr<File> file, const FileInfo& info, std::uint32_t token,
          const FileRights& rights);
  Status write_header(std::uint64_t generation) EXCLUDES(mutex_);
  Status check_in_place() EXCLUDES(mutex_);
  Status sync_appended(std::uint64_t& durable) EXCLUDES(mutex_, sync_mutex_);
  void end_sync(std::uint64_t durable) EXCLUDES(sync_mutex_);
  void await_end_of_sync() REQUIRES(sync_mutex_);
  void write_ahead(File& file, std::uint64_t offset) EXCLUDES(mutex_);
  void mark_broken() EXCLUDES(mutex_);
  void mark_header_torn() EXCLUDES(mutex_);
  static std::string encode_header(std::uint32_t token, std::uint64_t generation);

  Directory& root_;
  const FileRights rights_;
  Watermarks marks_;
  // One sync, reset or rewrite at a time. Held during a reset or rewrite; a sync only sets
  // `syncing_`, so that others can wait for its end.
  Mutex sync_mutex_ ACQUIRED_BEFORE(mutex_);
  CondVar sync_ended_;
  bool syncing_ GUARDED_BY(sync_mutex_) = false;
  mutable Mutex mutex_;
  std::uint32_t token_ GUARDED_BY(mutex_);
  std::shared_ptr<File> file_ GUARDED_BY(mutex_);
  FileInfo info_ GUARDED_BY(mutex_);  // tells file_ from another one under its name
  std::uint64_t generation_ GUARDED_BY(mutex_) = 1;
  std::uint64_t end_ GUARDED_BY(mutex_) = 0;        // offset of the next record
  std::uint64_t allocated_ GUARDED_BY(mutex_) = 0;  // size of the file; at least end_
  // The journal is being synced, so it pays to write blocks ahead of it.
  bool grows_ahead_ GUARDED_BY(mutex_) = false;
  std::uint64_t chain_ GUARDED_BY(mutex_) = 0;  // checksum that the next record continues
  std::uint64_t bytes_written_ GUARDED_BY(mutex_) = 0;
  bool broken_ GUARDED_BY(mutex_) = false;
  bool has_removal_ GUARDED_BY(mutex_) = false;  // among its records
  // A header may be half written: no recovery would find what follows it.
  bool header_torn_ GUARDED_BY(mutex_) = false;

  friend class JournalReader;
};

}  // namespace safechunk
