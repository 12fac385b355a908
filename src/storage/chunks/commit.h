// One commit: several edits go from memory into the files (design §4, steps 1 to 8).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/chunks/chunk_files.h"

namespace safechunk {

struct ChunkEdit {
  std::string chunk;
  bool removal = false;
  std::string_view text;  // must outlive the commit
  bool verbatim = false;  // written as it is; else it is compact, and formatted
  Digest text_digest;
  std::uint64_t sequence = 0;                // of its journal record
  Digest seen_when_staged = kUnknownDigest;  // of what the file had then
  std::uint64_t group = 0;  // edits of one group are published all or none; 0: on its own
  std::uint32_t mode = 0;   // that the file shall have; 0: the one it has
};

struct CommitReport {
  std::vector<Status> results;  // one per edit: ok means durable, or nothing had to be written
  std::size_t changed = 0;      // edits that changed a file
  // The version that each of them replaced; kUnknownDigest for a damaged one.
  std::map<std::string, Digest> replaced;
  std::uint64_t bytes_written = 0;
  // Old journal records of these edits could not be told from new ones after a power cut: the
  // journal must be emptied durably before it is used again.
  bool must_truncate_journal = false;
  std::vector<Event> events;
  std::vector<Status> late_failures;  // of work after a chunk was published

  [[nodiscard]] Status first_error() const {
    for (const Status& status : results) {
      if (!status.ok()) return status;
    }
    return {};
  }
};

// Commits `edits`, at most one per chunk. Failures are per edit (and its group): the others go on.
// `sync_journal` makes everything staged so far durable in the journal; it is called, before
// anything is published, when the edits could otherwise become visible in part or be rolled back
// by an old journal: for more than one edit, for a removal, and where files carry no stamp.
CommitReport commit_edits(ChunkFiles& files, const std::vector<ChunkEdit>& edits,
                          std::uint32_t journal_token, const std::function<Status()>& sync_journal);

}  // namespace safechunk
