#include "storage/journal/journal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "storage/files/durable_file.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

using namespace journal_layout;

// Only those who may write to the project's folder have a use for it, whatever the chunks allow.
constexpr std::uint32_t kCreationMode = 0600;

constexpr std::string_view kMagic = "SCEJRNL\n";
// 1 has no edits of parts, and is read as well.
constexpr std::uint32_t kFormatVersion = 2;
// A reset journal keeps up to so many bytes of blocks, because writing over blocks is cheaper than
// allocating them.
constexpr std::uint64_t kKeptBytes = 32ULL << 20U;
// Blocks that exist make an fdatasync cheaper: it need not write where they are as well. So once a
// journal is synced, blocks of zeros are written ahead of small records, about as many again as it
// has. Large records would pay more for the zeros than they gain.
constexpr std::uint64_t kFewestAhead = 64U << 10U;
constexpr std::uint64_t kMostAhead = 256U << 10U;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kSector = 512;
constexpr std::size_t kSmallRecord = 16U << 10U;
constexpr std::size_t kHeaderSize = 32;  // magic 8, version 4, token 4, generation 8, checksum 8

bool removes_something(const JournalRecord& record) {
  const auto& operations = record.operations();
  return std::any_of(operations.begin(), operations.end(),
                     [](const JournalOperation& operation) { return operation.removal; });
}

}  // namespace

// --- reading

// Walks the records of a file. One use: construct, then run().
class JournalReader {
 public:
  JournalReader(File& file, std::uint64_t file_size) : file_(file), file_size_(file_size) {}

  Status read_header() {
    std::string header;
    if (Status status = read(0, kHeaderSize, header); !status) return status;
    // Created and cut off by a power failure before anything of it was durable.
    if (header.find_first_not_of('\0') == std::string::npos) {
      return Status(ErrorCode::not_found, "the journal was never written");
    }
    if (header.size() < kHeaderSize || !header.starts_with(kMagic) ||
        get_integer<std::uint64_t>(header, 24) !=
            checksum_of(std::string_view(header).substr(0, 24), 0)) {
      return Status(ErrorCode::corrupt, "the journal's header is damaged");
    }
    if (const auto version = get_integer<std::uint32_t>(header, 8);
        version == 0 || version > kFormatVersion) {
      return Status(ErrorCode::unsupported_format,
                    "the journal was written by a newer version of this engine");
    }
    token = get_integer<std::uint32_t>(header, 12);
    generation = get_integer<std::uint64_t>(header, 16);
    chain = get_integer<std::uint64_t>(header, 24);
    end = kHeaderSize;
    return {};
  }

  Status read_records(JournalContents& contents) {
    contents.token = token;
    for (;;) {
      std::string bytes;
      if (Status status = read(end, kRecordHeaderSize, bytes); !status) return status;
      contents.end = end;
      if (bytes.empty() || bytes.starts_with(kTerminator)) return {};
      if (!follows(bytes)) break;
      const auto length = get_integer<std::uint64_t>(bytes, kLengthOffset);
      if (Status status = read(end, static_cast<std::size_t>(length), bytes); !status)
        return status;
      auto record = std::make_shared<JournalRecord>();
      if (bytes.size() < length || !record->parse(std::move(bytes), chain)) break;
      chain = get_integer<std::uint64_t>(record->bytes_, 0);
      sequence = record->sequence_;
      end += length;
      contents.records.push_back(std::move(record));
    }
    contents.damage = "the record at byte " + std::to_string(end) + " is incomplete or damaged";
    return look_at_tail(contents);
  }

  // Texts and names never end in a zero byte, so a record whose last byte is zero, or lies behind
  // the end of the file, was not written to its end. A write that is cut short ends at the end of a
  // sector, as system and device move bytes; anything else is damage.
  Status look_at_tail(JournalContents& contents) {
    std::string tail;
    const auto rest = static_cast<std::size_t>(file_size_ - end);
    if (Status status = read(end, rest, tail); !status) return status;
    const std::size_t written = tail.find_last_not_of('\0') + 1;
    const bool has_length = written >= kLengthOffset + sizeof(std::uint64_t);
    const std::uint64_t length =
        has_length ? get_integer<std::uint64_t>(tail, kLengthOffset) : kRecordHeaderSize;
    contents.unfinished =
        length >= kRecordHeaderSize && written < length && (end + written) % kSector == 0;
    return {};
  }

  std::uint32_t token = 0;
  std::uint64_t generation = 0;
  std::uint64_t chain = 0;
  std::uint64_t end = 0;
  std::uint64_t sequence = 0;

 private:
  // Could this header be that of the next record? Bounds the length before anything is allocated.
  [[nodiscard]] bool follows(std::string_view header) const {
    if (header.size() < kRecordHeaderSize) return false;
    const auto length = get_integer<std::uint64_t>(header, kLengthOffset);
    return length >= kRecordHeaderSize && length <= file_size_ - end &&
           get_integer<std::uint64_t>(header, kSequenceOffset) > sequence;
  }

  // Reads up to `size` bytes; fewer only at the end of the file.
  Status read(std::uint64_t offset, std::size_t size, std::string& out) {
    const std::uint64_t available = offset < file_size_ ? file_size_ - offset : 0;
    out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size, available)));
    auto count = read_up_to(file_, offset, out);
    if (!count) return count.status();
    out.resize(*count);
    return {};
  }

  File& file_;
  const std::uint64_t file_size_;
};

Status Journal::read(Directory& root, JournalContents& contents) {
  auto file = root.open(layout::kJournal, OpenMode::read);
  if (!file) return file.status();
  constexpr int kTries = 100;
  constexpr int kTriesOfHeader = 2;
  for (int i = 0; i < kTries; ++i) {
    auto info = (*file)->stat();
    if (!info) return info.status();
    contents = JournalContents();
    JournalReader reader(**file, info->size);
    Status status = reader.read_header();
    // Damaged, or just being written.
    if (status.code() == ErrorCode::corrupt && i < kTriesOfHeader) continue;
    if (status.ok()) status = reader.read_records(contents);
    if (!status) return status;
    // Records that follow an older header may be cut off by newer ones: without those behind them
    // they would say that an old version is the newest.
    JournalReader now(**file, info->size);
    const Status again = now.read_header();
    if (again.ok() && now.token == reader.token && now.generation == reader.generation) return {};
  }
  return Status(ErrorCode::unavailable, "the journal changes faster than it can be read");
}

// --- Journal

Journal::Journal(Directory& root, std::unique_ptr<File> file, const FileInfo& info,
                 std::uint32_t token, const FileRights& rights)
    : root_(root), rights_(rights), token_(token), file_(std::move(file)), info_(info) {}

std::uint32_t Journal::token() const {
  const MutexLock lock(mutex_);
  return token_;
}

std::string Journal::encode_header(std::uint32_t token, std::uint64_t generation) {
  std::string header(kMagic);
  append_integer(header, kFormatVersion);
  append_integer(header, token);
  append_integer(header, generation);
  append_integer(header, checksum_of(header, 0));
  return header;
}

Status Journal::write_header(std::uint64_t generation) {
  MutexLock lock(mutex_);
  const std::shared_ptr<File> file = file_;
  std::string header = encode_header(token_, generation);
  lock.unlock();
  const auto chain = get_integer<std::uint64_t>(header, 24);
  header += kTerminator;
  if (Status status = write_all(*file, 0, header); !status) return status;
  lock.lock();
  generation_ = generation;
  chain_ = chain;
  end_ = kHeaderSize;
  bytes_written_ += header.size();
  return {};
}

Result<std::unique_ptr<Journal>> Journal::create(Directory& root, std::uint32_t token,
                                                 const FileRights& rights) {
  auto file = root.open(layout::kJournal, OpenMode::create_exclusive,
                        rights.mode_of_new_file(kCreationMode));
  if (!file) return file.status();
  const auto begin = [&]() -> Result<std::unique_ptr<Journal>> {
    auto info = (*file)->stat();
    if (!info) return info.status();
    if (Status shared = rights.share(**file, *info); !shared) return shared;
    std::unique_ptr<Journal> journal(new Journal(root, *std::move(file), *info, token, rights));
    if (Status status = journal->write_header(1); !status) return status;
    return journal;
  };
  auto journal = begin();
  // An empty journal is no loss; attach reports the cause.
  if (!journal) (void)root.unlink(layout::kJournal);
  return journal;
}

Result<std::unique_ptr<Journal>> Journal::open(Directory& root, JournalContents& contents,
                                               const FileRights& rights) {
  auto file = root.open(layout::kJournal, OpenMode::read_write);
  if (!file) return file.status();
  auto info = (*file)->stat();
  if (!info) return info.status();
  JournalReader reader(**file, info->size);
  if (Status status = reader.read_header(); !status) return status;
  if (Status status = reader.read_records(contents); !status) return status;
  std::unique_ptr<Journal> journal(
      new Journal(root, *std::move(file), *info, reader.token, rights));
  const MutexLock lock(journal->mutex_);
  journal->generation_ = reader.generation;
  journal->chain_ = reader.chain;
  journal->end_ = reader.end;
  journal->allocated_ = info->size;
  journal->marks_.issued.raise(reader.sequence);
  journal->marks_.appended.raise(reader.sequence);
  return journal;
}

std::uint64_t Journal::size() const {
  const MutexLock lock(mutex_);
  return end_;
}

std::uint64_t Journal::bytes_written() const {
  const MutexLock lock(mutex_);
  return bytes_written_;
}

bool Journal::is_empty() const {
  const MutexLock lock(mutex_);
  return end_ == kHeaderSize && !broken_ && !header_torn_;
}

bool Journal::broken() const {
  const MutexLock lock(mutex_);
  return broken_;
}

// What another program has removed or replaced keeps nothing, however often it is synced.
Status Journal::check_in_place() {
  auto info = root_.stat(layout::kJournal);
  {
    const MutexLock lock(mutex_);
    if (info && info->same_file(info_)) return {};
    broken_ = true;
  }
  if (!info && info.code() != ErrorCode::not_found) return info.status();
  return Status(ErrorCode::conflict, "the journal was removed or replaced by another program");
}

Status Journal::append(JournalRecord& record) {
  MutexLock lock(mutex_);
  const std::shared_ptr<File> file = file_;
  const std::uint64_t offset = end_;
  const std::uint64_t sequence = marks_.issued.get() + 1;
  marks_.issued.raise(sequence);
  const std::uint64_t chain = chain_;
  const bool lost = header_torn_;
  has_removal_ = has_removal_ || removes_something(record);
  lock.unlock();

  record.seal(sequence, chain);
  if (lost) return Status(ErrorCode::io_error, "the journal could not be emptied or replaced");
  if (offset == kHeaderSize) {
    if (Status status = check_in_place(); !status) return status;
  }
  const auto sum = get_integer<std::uint64_t>(record.bytes_, 0);
  const std::size_t size = record.bytes_.size();
  record.bytes_ += kTerminator;
  Status status = write_all(*file, offset, record.bytes_);
  record.bytes_.resize(size);

  if (!status) {
    // Gives the space back that the first part of the record took. What stays is no record.
    const Status cut = file->truncate(offset);
    lock.lock();
    broken_ = true;
    if (cut.ok()) allocated_ = offset;
    return status;
  }
  lock.lock();
  end_ = offset + size;
  chain_ = sum;
  marks_.appended.raise(sequence);
  bytes_written_ += size + kTerminator.size();
  const std::uint64_t written_to = end_ + kTerminator.size();
  const bool extend = grows_ahead_ && size <= kSmallRecord && written_to > allocated_;
  allocated_ = std::max(allocated_, written_to);
  lock.unlock();
  if (extend) write_ahead(*file, written_to);
  return {};
}

// Zeros read as a clean end, whole or in part; so there is no harm when they cannot be written.
void Journal::write_ahead(File& file, std::uint64_t offset) {
  static constexpr std::array<char, kPage> kZeros{};
  const std::uint64_t first = (offset + kPage - 1) / kPage * kPage;
  const std::uint64_t end = first + std::clamp(first, kFewestAhead, kMostAhead);
  Status status;
  // Page by page: of a larger piece the kernel makes one large page, which it then handles as a
  // whole for each record.
  for (std::uint64_t page = first; page < end && status.ok(); page += kPage) {
    status = write_all(file, page, {kZeros.data(), kZeros.size()});
  }
  const MutexLock lock(mutex_);
  grows_ahead_ = status.ok();
  if (status.ok()) {
    allocated_ = end;
    bytes_written_ += end - first;
  }
}

// Whoever comes while somebody syncs waits; then one of those who waited syncs for all of them.
// They wake together: one after the other, as a mutex wakes them, the last would wait longer for
// the others than for the device.
void Journal::mark_broken() {
  const MutexLock lock(mutex_);
  broken_ = true;
}

void Journal::mark_header_torn() {
  const MutexLock lock(mutex_);
  broken_ = true;
  header_torn_ = true;
}

// A caller that comes while another thread syncs waits; then one of those who waited syncs for all
// of them. They wake together: if they woke one after the other, as from a mutex, the last one
// would wait longer for the others than for the device.
Status Journal::sync_to(std::uint64_t sequence) {
  const auto is_durable = [&] { return marks_.journal_durable.get() >= sequence; };
  {
    const MutexLock sync_lock(sync_mutex_);
    while (!is_durable() && syncing_) sync_ended_.wait(sync_mutex_);
    if (is_durable()) return {};
    syncing_ = true;
  }
  // Also when there is no memory for the message of an error.
  struct End {
    Journal& journal;
    std::uint64_t durable = 0;
    ~End() { journal.end_sync(durable); }
  } end{*this};
  return sync_appended(end.durable);
}

void Journal::end_sync(std::uint64_t durable) {
  const MutexLock sync_lock(sync_mutex_);
  marks_.journal_durable.raise(durable);
  syncing_ = false;
  sync_ended_.notify_all();
}

void Journal::await_end_of_sync() {
  while (syncing_) sync_ended_.wait(sync_mutex_);
}

Status Journal::sync_appended(std::uint64_t& durable) {
  MutexLock lock(mutex_);
  const std::shared_ptr<File> file = file_;
  const std::uint64_t target = marks_.appended.get();
  grows_ahead_ = true;
  if (broken_) return Status(ErrorCode::io_error, "an earlier write of the journal failed");
  lock.unlock();
  if (Status status = file->sync_data(); !status) {
    mark_broken();
    return status;
  }
  if (Status status = check_in_place(); !status) return status;
  durable = target;
  return {};
}

Status Journal::reset(bool durable) {
  const MutexLock sync_lock(sync_mutex_);
  await_end_of_sync();
  MutexLock lock(mutex_);
  const std::uint64_t used = end_;
  const std::uint64_t generation = generation_ + 1;
  const std::shared_ptr<File> file = file_;
  const bool must_be_durable = std::exchange(has_removal_, false) || durable;
  lock.unlock();
  if (used == kHeaderSize) return {};
  if (Status status = write_header(generation); !status) {
    mark_header_torn();
    return status;
  }
  if (used > kKeptBytes) {
    if (Status status = file->truncate(kHeaderSize + kTerminator.size()); !status) return status;
    lock.lock();
    allocated_ = kHeaderSize + kTerminator.size();
    lock.unlock();
  }
  if (!must_be_durable) return {};
  Status status = file->sync_data();
  // After a power cut the old records may be there again: none of them may be written over.
  if (!status) mark_header_torn();
  return status;
}

Status Journal::rewrite(const std::vector<std::shared_ptr<JournalRecord>>& records,
                        std::uint32_t token) {
  const MutexLock sync_lock(sync_mutex_);
  await_end_of_sync();
  auto temporary = TemporaryFile::create(root_, layout::temporary_of(layout::kJournal),
                                         rights_.mode_of_new_file(kCreationMode));
  if (!temporary) return temporary.status();
  MutexLock lock(mutex_);
  const std::uint64_t generation = generation_ + 1;
  lock.unlock();
  std::string header = encode_header(token, generation);
  std::uint64_t chain = get_integer<std::uint64_t>(header, 24);
  if (Status status = write_all(temporary->file(), 0, header); !status) return status;
  std::uint64_t end = header.size();
  for (const auto& record : records) {
    const std::string_view bytes = record->seal(record->sequence_, chain);
    if (Status status = write_all(temporary->file(), end, bytes); !status) return status;
    chain = get_integer<std::uint64_t>(bytes, 0);
    end += bytes.size();
  }
  if (Status status = write_all(temporary->file(), end, kTerminator); !status) return status;
  auto info = temporary->file().stat();
  if (!info) return info.status();
  if (Status shared = rights_.share(temporary->file(), *info); !shared) return shared;
  if (Status status = temporary->make_durable_and_keep_open(); !status) return status;
  if (Status status = temporary->publish(layout::kJournal); !status) return status;
  lock.lock();
  file_ = temporary->take_file();
  info_ = *info;
  header_torn_ = false;
  has_removal_ = std::any_of(records.begin(), records.end(),
                             [](const auto& record) { return removes_something(*record); });
  token_ = token;
  generation_ = generation;
  end_ = end;
  allocated_ = end + kTerminator.size();
  chain_ = chain;
  bytes_written_ += end;
  broken_ = true;  // until the folder is durable, a power cut may bring the old file back
  if (Status status = root_.sync(); !status) return status;
  broken_ = false;
  marks_.appended.raise(marks_.issued.get());
  marks_.journal_durable.raise(marks_.issued.get());
  return {};
}

Status Journal::remove() {
  const MutexLock sync_lock(sync_mutex_);
  await_end_of_sync();
  Status status = root_.unlink(layout::kJournal);
  if (!status && status.code() != ErrorCode::not_found) return status;
  return root_.sync();
}

}  // namespace safechunk
