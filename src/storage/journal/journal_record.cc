#include "storage/journal/journal_record.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/chunk_name.h"
#include "base/in_chunk.h"
#include "json/scan.h"

namespace safechunk {
namespace {

using namespace journal_layout;

// Operation: kind 4, name length 4, text length 8, base 16, text digest 16, name, text.
constexpr std::size_t kOperationHeaderSize = 48;
constexpr std::size_t kNameLengthOffset = 4;
constexpr std::size_t kTextLengthOffset = 8;
constexpr std::size_t kBaseOffset = 16;
constexpr std::size_t kTextDigestOffset = 32;
constexpr std::uint32_t kKindPut = 1;
constexpr std::uint32_t kKindRemove = 2;
constexpr std::uint32_t kKindPutVerbatim = 3;
constexpr std::uint32_t kKindPart = 4;  // and one more for each kind of json::Edit; text: length
                                        // of the pointer 4, pointer, value
constexpr std::uint32_t kPartKinds = 4;
constexpr std::size_t kPointerLengthSize = 4;
// The upper half of a put's kind is the mode.
constexpr std::uint32_t kKindMask = 0xFFFF;
constexpr std::uint32_t kModeShift = 16;
constexpr std::uint32_t kMostMode = 0777;

void put_digest(std::string& out, std::size_t offset, const Digest& digest) {
  put_integer(out, offset, digest.low);
  put_integer(out, offset + 8, digest.high);
}

std::uint32_t kind_of(json::Edit::Kind part) {
  return kKindPart + static_cast<std::uint32_t>(part) - 1;
}

std::uint32_t kind_of(const JournalOperation& operation) {
  if (operation.removal) return kKindRemove;
  if (operation.part) return kind_of(*operation.part);
  return operation.verbatim ? kKindPutVerbatim : kKindPut;
}

// What the number in an operation's header says; false when it says nothing.
bool read_kind(std::uint32_t kind, JournalOperation& operation) {
  operation.removal = kind == kKindRemove;
  if (kind >= kKindPart && kind < kKindPart + kPartKinds) {
    operation.part = static_cast<json::Edit::Kind>(kind - kKindPart + 1);
  }
  operation.verbatim = kind == kKindPutVerbatim;
  return kind == kKindPut || operation.removal || operation.part || operation.verbatim;
}

Digest get_digest(std::string_view bytes, std::size_t offset) {
  return {get_integer<std::uint64_t>(bytes, offset), get_integer<std::uint64_t>(bytes, offset + 8)};
}

}  // namespace

JournalRecord::JournalRecord(std::string buffer, const TextSettings& settings)
    : settings_(settings), bytes_(std::move(buffer)) {
  bytes_.assign(kRecordHeaderSize, '\0');
}

Status JournalRecord::put(std::string_view json_text, std::string_view chunk) {
  return put_text(json_text, chunk, false);
}

Status JournalRecord::put_stored(std::string_view json_text, std::string_view chunk,
                                 std::uint32_t mode) {
  Status status = put_text(json_text, chunk, true);
  if (!status) return status;
  if (settings_.keep_layout) {
    const Digest digest = operations_.back().text_digest;
    cancel_put();
    JournalOperation like;
    like.chunk = chunk;
    add_whole(like, json_text, digest, true);
  }
  set_mode(operations_.size() - 1, mode & kMostMode);
  return status;
}

Status JournalRecord::put_text(std::string_view json_text, std::string_view chunk, bool lenient) {
  if (Status status = check_name(chunk, "chunk name"); !status) return in_chunk(status, chunk);
  // The newline at its end does not count: where there is no room for it, the file has none.
  if (json_text.size() - (json_text.ends_with('\n') ? 1 : 0) > settings_.size_limit) {
    return in_chunk(Status(ErrorCode::too_large,
                           "the text has " + std::to_string(json_text.size()) +
                               " bytes, the limit is " + std::to_string(settings_.size_limit)),
                    chunk);
  }
  begin_put(chunk, json_text.size());
  Status status;
  try {
    status = json::compact(json_text, {.depth_limit = settings_.depth_limit, .lenient = lenient},
                           bytes_);
  } catch (...) {
    cancel_put();
    throw;
  }
  if (!status) {
    cancel_put();
    return in_chunk(status, chunk);
  }
  end_put();
  return {};
}

Status JournalRecord::remove(std::string_view chunk) {
  if (Status status = check_name(chunk, "chunk name"); !status) return status;
  add_removal(chunk);
  return {};
}

Status JournalRecord::edit_part(std::string_view chunk, const PartEdit& edit) {
  if (Status status = check_name(chunk, "chunk name"); !status) return in_chunk(status, chunk);
  const json::Edit part{static_cast<json::Edit::Kind>(edit.kind), std::string(edit.pointer),
                        std::string(edit.json_text)};
  Status status = json::check(part, {.depth_limit = settings_.depth_limit});
  if (!status) return in_chunk(status, chunk);
  add_operation(chunk, kind_of(part.kind));
  try {
    append_integer(bytes_, static_cast<std::uint32_t>(part.pointer.size()));
    bytes_ += part.pointer;
    bytes_ += part.value;
  } catch (...) {
    cancel_put();
    throw;
  }
  JournalOperation& operation = operations_.back();
  operation.text_size = bytes_.size() - operation.text_offset;
  put_integer(bytes_, starts_.back() + kTextLengthOffset,
              static_cast<std::uint64_t>(operation.text_size));
  return {};
}

Status JournalRecord::require(std::string_view chunk, std::string_view revision) {
  if (Status status = check_name(chunk, "chunk name"); !status) return in_chunk(status, chunk);
  const auto digest = revision.empty() ? std::optional(kAbsentDigest) : Digest::from_hex(revision);
  if (!digest) {
    return in_chunk(Status(ErrorCode::invalid_argument, "this is no revision"), chunk);
  }
  requirements_.push_back({std::string(chunk), *digest});
  return {};
}

void JournalRecord::add_operation(std::string_view chunk, std::uint32_t kind) {
  JournalOperation operation;
  (void)read_kind(kind, operation);
  operation.chunk = chunk;
  const std::size_t start = bytes_.size();
  try {
    append_integer(bytes_, kind);
    append_integer(bytes_, static_cast<std::uint32_t>(chunk.size()));
    bytes_.append(kOperationHeaderSize - 8, '\0');
    bytes_ += chunk;
    operation.text_offset = bytes_.size();
    starts_.push_back(start);
    operations_.push_back(std::move(operation));
  } catch (...) {
    bytes_.resize(start);
    starts_.resize(operations_.size());
    throw;
  }
}

void JournalRecord::begin_put(std::string_view chunk, std::size_t expected_text_size) {
  bytes_.reserve(bytes_.size() + kOperationHeaderSize + chunk.size() + expected_text_size +
                 kTerminator.size());
  add_operation(chunk, kKindPut);
}

void JournalRecord::end_put() {
  JournalOperation& operation = operations_.back();
  operation.text_size = bytes_.size() - operation.text_offset;
  operation.text_digest = digest_of(text(operations_.size() - 1));
  put_integer(bytes_, starts_.back() + kTextLengthOffset,
              static_cast<std::uint64_t>(operation.text_size));
  put_digest(bytes_, starts_.back() + kTextDigestOffset, operation.text_digest);
}

void JournalRecord::cancel_put() {
  bytes_.resize(starts_.back());
  starts_.pop_back();
  operations_.pop_back();
}

void JournalRecord::add_removal(std::string_view chunk) {
  add_operation(chunk, kKindRemove);
}

std::string_view JournalRecord::text(std::size_t operation) const {
  const JournalOperation& one = operations_[operation];
  if (one.part) return one.result;
  return std::string_view(bytes_).substr(one.text_offset, one.text_size);
}

json::Edit JournalRecord::part(std::size_t operation) const {
  const JournalOperation& one = operations_[operation];
  const auto stored = std::string_view(bytes_).substr(one.text_offset, one.text_size);
  const auto pointer_size = get_integer<std::uint32_t>(stored, 0);
  return {*one.part, std::string(stored.substr(kPointerLengthSize, pointer_size)),
          std::string(stored.substr(kPointerLengthSize + pointer_size))};
}

bool JournalRecord::has_parts() const {
  return std::any_of(operations_.begin(), operations_.end(),
                     [](const JournalOperation& operation) { return operation.part.has_value(); });
}

void JournalRecord::set_result(std::size_t operation, std::string text, const Digest& digest,
                               bool verbatim) {
  operations_[operation].result = std::move(text);
  operations_[operation].verbatim = verbatim;
  operations_[operation].text_digest = digest;
  put_digest(bytes_, starts_[operation] + kTextDigestOffset, digest);
}

void JournalRecord::set_base(std::size_t operation, const Digest& base) {
  operations_[operation].base = base;
  put_digest(bytes_, starts_[operation] + kBaseOffset, base);
}

void JournalRecord::set_mode(std::size_t operation, std::uint32_t mode) {
  operations_[operation].mode = mode;
  put_integer(bytes_, starts_[operation], kind_of(operations_[operation]) | mode << kModeShift);
}

void JournalRecord::add_copy(const JournalRecord& other, std::size_t index) {
  const JournalOperation& operation = other.operations_[index];
  const bool is_open = operation.part && operation.result.empty();
  const std::string_view bytes =
      is_open ? std::string_view(other.bytes_).substr(operation.text_offset, operation.text_size)
              : other.text(index);
  const std::uint32_t whole = operation.verbatim ? kKindPutVerbatim : kKindPut;
  const std::uint32_t kind = operation.part && !is_open ? whole : kind_of(operation);
  bytes_.reserve(bytes_.size() + kOperationHeaderSize + operation.chunk.size() + bytes.size() +
                 kTerminator.size());
  add_operation(operation.chunk, kind);
  bytes_ += bytes;
  JournalOperation& copy = operations_.back();
  copy.text_size = bytes.size();
  copy.text_digest = operation.text_digest;
  put_integer(bytes_, starts_.back() + kTextLengthOffset, static_cast<std::uint64_t>(bytes.size()));
  put_digest(bytes_, starts_.back() + kTextDigestOffset, operation.text_digest);
  if (!operation.removal) set_mode(operations_.size() - 1, operation.mode);
  set_base(operations_.size() - 1, operation.base);
  set_seen_when_staged(operations_.size() - 1, operation.seen_when_staged);
  sequence_ = std::max(sequence_, other.sequence_);
}

void JournalRecord::add_whole(const JournalOperation& like, std::string_view text,
                              const Digest& digest, bool verbatim) {
  bytes_.reserve(bytes_.size() + kOperationHeaderSize + like.chunk.size() + text.size() +
                 kTerminator.size());
  add_operation(like.chunk, verbatim ? kKindPutVerbatim : kKindPut);
  bytes_ += text;
  JournalOperation& put = operations_.back();
  put.text_size = text.size();
  put.text_digest = digest;
  put_integer(bytes_, starts_.back() + kTextLengthOffset, static_cast<std::uint64_t>(text.size()));
  put_digest(bytes_, starts_.back() + kTextDigestOffset, digest);
  set_mode(operations_.size() - 1, like.mode);
}

std::size_t JournalRecord::checked_end(const JournalOperation& operation) const {
  const bool has_own_digest = !operation.verbatim && !operation.part;
  return operation.text_offset + (has_own_digest ? 0 : operation.text_size);
}

// The checksum covers everything but the compact texts, which have digests of their own.
std::string_view JournalRecord::seal(std::uint64_t sequence, std::uint64_t seed) {
  sequence_ = sequence;
  put_integer(bytes_, kLengthOffset, static_cast<std::uint64_t>(bytes_.size()));
  put_integer(bytes_, kSequenceOffset, sequence);
  put_integer(bytes_, kCountOffset, static_cast<std::uint32_t>(operations_.size()));
  const std::string_view all(bytes_);
  std::uint64_t sum =
      checksum_of(all.substr(kLengthOffset, kRecordHeaderSize - kLengthOffset), seed);
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    sum = checksum_of(all.substr(starts_[i], checked_end(operations_[i]) - starts_[i]), sum);
  }
  put_integer(bytes_, 0, sum);
  return bytes_;
}

bool JournalRecord::parse_operation(std::size_t& offset) {
  const std::string_view all(bytes_);
  if (all.size() - offset < kOperationHeaderSize) return false;
  const auto kind_and_mode = get_integer<std::uint32_t>(all, offset);
  const std::uint32_t kind = kind_and_mode & kKindMask;
  const std::uint32_t mode = kind_and_mode >> kModeShift;
  const auto name_size = get_integer<std::uint32_t>(all, offset + kNameLengthOffset);
  const auto text_size = get_integer<std::uint64_t>(all, offset + kTextLengthOffset);
  const std::size_t remaining = all.size() - offset - kOperationHeaderSize;
  JournalOperation operation;
  if (!read_kind(kind, operation) || mode > kMostMode || (operation.removal && mode != 0) ||
      name_size > remaining || text_size > remaining - name_size ||
      (operation.removal && text_size != 0)) {
    return false;
  }
  operation.mode = mode;
  operation.base = get_digest(all, offset + kBaseOffset);
  operation.text_digest = get_digest(all, offset + kTextDigestOffset);
  operation.chunk = all.substr(offset + kOperationHeaderSize, name_size);
  operation.text_offset = offset + kOperationHeaderSize + name_size;
  operation.text_size = static_cast<std::size_t>(text_size);
  if (operation.part &&
      (text_size < kPointerLengthSize ||
       get_integer<std::uint32_t>(all, operation.text_offset) > text_size - kPointerLengthSize)) {
    return false;
  }
  starts_.push_back(offset);
  offset = operation.text_offset + operation.text_size;
  operations_.push_back(std::move(operation));
  const JournalOperation& read = operations_.back();
  if (read.removal) return read.text_digest.is_absent();
  return read.verbatim || read.part || digest_of(text(operations_.size() - 1)) == read.text_digest;
}

bool JournalRecord::parse(std::string bytes, std::uint64_t seed) {
  bytes_ = std::move(bytes);
  const auto count = get_integer<std::uint32_t>(bytes_, kCountOffset);
  const auto stored = get_integer<std::uint64_t>(bytes_, 0);
  std::size_t offset = kRecordHeaderSize;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!parse_operation(offset)) return false;
  }
  if (offset != bytes_.size()) return false;
  seal(get_integer<std::uint64_t>(bytes_, kSequenceOffset), seed);
  return get_integer<std::uint64_t>(bytes_, 0) == stored;
}

}  // namespace safechunk
