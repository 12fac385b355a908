// The journal: staged updates since the last clean point, so that they survive the process (G3) and
// that several files change whole or not at all (G4). Format: docs/FORMAT.md.
//
// A record holds one edit, or several that belong together. It is read whole or not at all. Each
// checksum continues the one before, beginning with a token and a generation in the header, so that
// left-overs of an earlier use of the same blocks can never be read as records.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "platform/file_system.h"
#include "storage/journal_record.h"

namespace safechunk {

// What reading an existing journal gave.
struct JournalContents {
  std::vector<std::shared_ptr<JournalRecord>> records;  // in their order
  std::string damage;     // why reading stopped before the end; empty at a clean end
  std::uint64_t end = 0;  // offset behind the last of them
};

// Appending from several threads is serialised by the caller (records must come in the order of
// their sequences); everything else may be called from any thread.
class Journal {
 public:
  // Creates an empty journal under the name layout::kJournal, which must not exist. The folder is
  // not synced.
  static Result<std::unique_ptr<Journal>> create(Directory& root, std::uint32_t token);
  // Opens and reads an existing one; new records follow the last good one. unsupported_format when
  // it was written by a newer version; corrupt when its header is damaged; nothing is changed.
  static Result<std::unique_ptr<Journal>> open(Directory& root, JournalContents& contents);

  // Reads without opening for writing; as open().
  static Status read(Directory& root, JournalContents& contents);

  // Changes with every attach, so that sequences are comparable exactly where tokens are equal.
  [[nodiscard]] std::uint32_t token() const;
  // Bytes of live records and header.
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] std::uint64_t bytes_written() const;

  // Writes the record to the page cache and gives it its sequence. On error the journal is as it
  // was; the record has its sequence all the same. `conflict` when the file is not under its name
  // any more: looked at before the first record since the journal was empty.
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

 private:
  Journal(Directory& root, std::unique_ptr<File> file, std::uint64_t inode, std::uint32_t token);
  Status write_header(std::uint64_t generation);
  Status check_in_place();
  Status sync_appended(std::uint64_t& durable);
  std::unique_lock<std::mutex> lock_out_syncs();
  void write_ahead(File& file, std::uint64_t offset);
  static std::string encode_header(std::uint32_t token, std::uint64_t generation);

  Directory& root_;
  // One sync, reset or rewrite at a time. It is held during a reset or rewrite, not during a sync;
  // taken before mutex_.
  std::mutex sync_mutex_;
  std::condition_variable sync_ended_;
  bool syncing_ = false;                // guarded by sync_mutex_
  std::uint64_t durable_sequence_ = 0;  // guarded by sync_mutex_
  mutable std::mutex mutex_;            // guards the rest
  std::uint32_t token_;
  std::shared_ptr<File> file_;
  std::uint64_t inode_ = 0;  // of file_
  std::uint64_t generation_ = 1;
  std::uint64_t end_ = 0;                // offset of the next record
  std::uint64_t allocated_ = 0;          // size of the file; at least end_
  bool grows_ahead_ = false;             // it is synced, so that blocks ahead of it pay
  std::uint64_t chain_ = 0;              // checksum that the next record continues
  std::uint64_t last_sequence_ = 0;      // given to a record
  std::uint64_t appended_sequence_ = 0;  // of the last record whose write has returned
  std::uint64_t bytes_written_ = 0;
  bool broken_ = false;
  bool has_removal_ = false;  // among its records
  bool header_torn_ = false;  // a header may be half written: what follows it would not be found

  friend class JournalReader;
};

}  // namespace safechunk
