// One record of the journal: an edit, or several that belong together. Format: docs/FORMAT.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "json/edit.h"
#include "storage/files/text_settings.h"
#include "store/edits.h"

namespace safechunk {

namespace journal_layout {

// Record: checksum 8, length 8, sequence 8, operations 4, reserved 4.
inline constexpr std::size_t kRecordHeaderSize = 32;
inline constexpr std::size_t kLengthOffset = 8;
inline constexpr std::size_t kSequenceOffset = 16;
inline constexpr std::size_t kCountOffset = 24;

// Follows the last record; overwritten by the next one. Tells a clean end from a torn record.
inline constexpr std::string_view kTerminator("\0\0\0\0\0\0\0\0", 8);

}  // namespace journal_layout

// One edit inside a record.
struct JournalOperation {
  bool removal = false;
  // Of an edit of a part: what the record stores is the edit, and the text is its result, which is
  // not stored.
  std::optional<json::Edit::Kind> part;
  // The text is to be in the file as it is, and not formatted anew: that of edits of parts in a
  // file that a person or another program has laid out.
  bool verbatim = false;
  std::uint32_t mode = 0;  // that the file shall have; 0: the one that it has
  std::string chunk;
  Digest base;         // of the compact text that the edit is based on; absent, or unknown
  Digest text_digest;  // of its compact text; absent for a removal
  Digest seen_when_staged = kUnknownDigest;  // of what the file had then; not stored
  std::size_t text_offset = 0;               // within the record
  std::size_t text_size = 0;
  std::string result;
};

// Of edits: accept them only when the chunk has this content.
struct Requirement {
  std::string chunk;
  Digest text_digest;  // absent: only when it is not there
};

// A record under construction, in its final form: the text is scanned straight into it, and pending
// edits keep it. Bases, sequence and checksum are filled in when it is appended.
class JournalRecord final : public Edits {
 public:
  // Uses the memory of `buffer`, whatever is in it. `settings` are the limits of put().
  explicit JournalRecord(std::string buffer = {}, const TextSettings& settings = {});

  // Edits, as applications make them.
  Status put(std::string_view json_text, std::string_view chunk) override;
  Status put_stored(std::string_view json_text, std::string_view chunk,
                    std::uint32_t mode) override;
  Status remove(std::string_view chunk) override;
  Status edit_part(std::string_view chunk, const PartEdit& edit) override;
  Status require(std::string_view chunk, std::string_view revision) override;
  void mark_restore() override { is_restore_ = true; }
  [[nodiscard]] bool empty() const override { return operations_.empty(); }

  // Adds an edit. Between begin_put and end_put the caller appends the compact text to buffer().
  void begin_put(std::string_view chunk, std::size_t expected_text_size);
  [[nodiscard]] std::string& buffer() { return bytes_; }
  void end_put();
  void cancel_put();  // forgets what begin_put began
  void add_removal(std::string_view chunk);

  [[nodiscard]] const std::vector<JournalOperation>& operations() const { return operations_; }
  // Whole. Of an edit of a part only once set_result() gave it.
  [[nodiscard]] std::string_view text(std::size_t operation) const;
  [[nodiscard]] json::Edit part(std::size_t operation) const;
  [[nodiscard]] bool has_parts() const;
  [[nodiscard]] const std::vector<Requirement>& requirements() const { return requirements_; }
  [[nodiscard]] bool is_restore() const { return is_restore_; }
  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

  void set_base(std::size_t operation, const Digest& base);
  void set_mode(std::size_t operation, std::uint32_t mode);  // of a put
  void set_seen_when_staged(std::size_t operation, const Digest& seen) {
    operations_[operation].seen_when_staged = seen;
  }

  // Of an edit of a part. `text` is compact, or `verbatim` as the file shall have it; `digest` that
  // of the compact text.
  void set_result(std::size_t operation, std::string text, const Digest& digest, bool verbatim);

  // Adds an edit of another record. The sequence becomes the newest of those that were added. An
  // edit of a part whose result is known becomes a whole text: it no longer needs its base.
  void add_copy(const JournalRecord& other, std::size_t operation);
  // Adds a put like `like`, with another text: compact, or `verbatim` as the file shall have it.
  void add_whole(const JournalOperation& like, std::string_view text, const Digest& digest,
                 bool verbatim);
  // Everything of another record but its edits.
  void take_conditions(const JournalRecord& other) {
    requirements_ = other.requirements_;
    is_restore_ = other.is_restore_;
  }

 private:
  friend class Journal;
  friend class JournalReader;
  Status put_text(std::string_view json_text, std::string_view chunk, bool lenient);
  void add_operation(std::string_view chunk, std::uint32_t kind);
  // What the checksum covers of an operation ends here: a compact text has a digest of its own.
  [[nodiscard]] std::size_t checked_end(const JournalOperation& operation) const;
  std::string_view seal(std::uint64_t sequence, std::uint64_t seed);
  bool parse(std::string bytes, std::uint64_t seed);
  bool parse_operation(std::size_t& offset);

  const TextSettings settings_;
  std::string bytes_;
  std::vector<JournalOperation> operations_;
  std::vector<Requirement> requirements_;
  std::vector<std::size_t> starts_;  // where each operation's header begins
  std::uint64_t sequence_ = 0;
  bool is_restore_ = false;  // in memory only
};

}  // namespace safechunk
