// The edits that are accepted and not yet committed, in memory: the other half of the journal. No
// I/O and no locks; the project guards it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/journal/journal_record.h"

namespace safechunk {

// The newest staged edit of one chunk. The record holds the text and is never changed while it is
// staged, but for its bases and checksum.
struct StagedEdit {
  std::shared_ptr<JournalRecord> record;
  std::size_t operation = 0;
  std::uint64_t staged_as = 0;  // the sequence that it was staged with; a rewrite may give a newer
  std::uint64_t group = 0;      // edits of one group become visible together; 0: on its own
  bool journaled = true;        // false when the journal refused it: only memory has it

  [[nodiscard]] const JournalOperation& edit() const { return record->operations()[operation]; }
  [[nodiscard]] std::string_view text() const { return record->text(operation); }
  // As the text will stand in the file.
  [[nodiscard]] std::string file_text(const TextSettings& settings) const;
};

class PendingEdits {
 public:
  // Adds all edits of a record, each replacing an older one of its chunk. A record of several is a
  // group; an edit that replaces a member of a group belongs to that group from then on, so that a
  // transaction cannot become visible in part.
  // Throws std::bad_alloc before anything has changed.
  void add(const std::shared_ptr<JournalRecord>& record, bool journaled) {
    add(prepare(record), *record, journaled);
  }
  // The same in two steps, of which the second one cannot fail: what the journal has accepted in
  // between is staged for certain.
  using Prepared = std::map<std::string, StagedEdit>;
  [[nodiscard]] static Prepared prepare(const std::shared_ptr<JournalRecord>& record);
  void add(Prepared prepared, const JournalRecord& record, bool journaled) noexcept;
  // Forgets the edit of a chunk, whatever it is.
  void discard(const std::string& chunk) { edits_.erase(chunk); }

  [[nodiscard]] const StagedEdit* find(const std::string& chunk) const;
  [[nodiscard]] bool empty() const { return edits_.empty(); }
  [[nodiscard]] std::size_t size() const { return edits_.size(); }
  [[nodiscard]] std::uint64_t newest_sequence() const { return newest_sequence_; }

  // A copy of everything, for one commit. The records are kept alive by it.
  [[nodiscard]] std::map<std::string, StagedEdit> snapshot() const { return edits_; }
  // Forgets an edit that is committed, unless a newer one of the chunk has been staged since.
  void committed(const std::string& chunk, const StagedEdit& edit);

  // The records in their order, for rewriting the journal: one for each group and for each edit on
  // its own. Edits that are not staged any more are taken out of them first: rewritten, they would
  // look new.
  [[nodiscard]] std::vector<std::shared_ptr<JournalRecord>> trim_records();
  void mark_journaled();

 private:
  void merge_group(std::uint64_t from, std::uint64_t to) noexcept;

  std::map<std::string, StagedEdit> edits_;
  std::uint64_t newest_sequence_ = 0;
};

}  // namespace safechunk
