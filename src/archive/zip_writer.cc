#include "archive/zip_writer.h"

#include <zip.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "archive/buffered_sink.h"
#include "archive/compress_ahead.h"
#include "archive/deflate.h"
#include "archive/entry_name.h"

namespace safechunk::archive {
namespace {

constexpr unsigned kMaxThreads = 64;
constexpr std::uint32_t kUnixRegularFile = 0100000;
constexpr std::uint32_t kUnixPermissions = 07777;

// The times that a zip header can hold (APPNOTE.TXT 4.4.6), a day within so that no time zone
// leads outside.
constexpr std::int64_t kEarliestUnixSeconds = 315619200;  // 1980-01-02
constexpr std::int64_t kLatestUnixSeconds = 4354732800;   // 2107-12-31 less a few hours

Status check_entries(const std::vector<EntryToWrite>& entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const EntryToWrite& entry : entries) {
    if (const auto objection = objection_to_name(entry.name)) {
      return Status(ErrorCode::invalid_argument,
                    "entry '" + printable_name(entry.name) +
                        "' cannot be written: " + std::string(*objection));
    }
    names.push_back(entry.name);
  }
  if (const auto duplicate = find_duplicate_names(names)) {
    return Status(ErrorCode::invalid_argument,
                  "entries '" + printable_name(names[duplicate->first]) + "' and '" +
                      printable_name(names[duplicate->second]) + "' have the same name");
  }
  return Status();
}

Status check_options(const WriteOptions& options) {
  if (options.level < kMinDeflateLevel || options.level > kMaxDeflateLevel) {
    return Status(ErrorCode::invalid_argument, "compression level is not between 0 and 12");
  }
  if (options.threads < 1 || options.threads > kMaxThreads) {
    return Status(ErrorCode::invalid_argument, "number of threads is not between 1 and 64");
  }
  return Status();
}

// One archive in the making: what libzip asks through its callbacks, answered from the entries and
// passed on to the sink. libzip works only inside zip_close(), on the caller's thread, and takes
// one entry after the other: stat, open, read, close, stat again.
class ArchiveWriter {
 public:
  ArchiveWriter(ByteSink& sink, std::vector<EntryToWrite> entries, const WriteOptions& options)
      : sink_(sink),
        entries_(std::move(entries)),
        options_(options),
        compressed_(
            entries_.size(), [this](std::size_t index) { return entries_[index].read(); },
            options.level, options.threads) {}

  Status write();

 private:
  struct EntrySource {
    ArchiveWriter* writer;
    std::size_t index;
  };

  static zip_int64_t answer_for_sink(void* user, void* data, zip_uint64_t length,
                                     zip_source_cmd_t command);
  static zip_int64_t answer_for_entry(void* user, void* data, zip_uint64_t length,
                                      zip_source_cmd_t command);
  zip_int64_t sink_command(void* data, zip_uint64_t length, zip_source_cmd_t command);
  zip_int64_t entry_command(std::size_t index, void* data, zip_uint64_t length,
                            zip_source_cmd_t command);

  Status add_entry(zip_t* archive, std::size_t index);
  Status take_entry(std::size_t index);
  zip_int64_t stat_entry(std::size_t index, zip_stat_t* stat);
  zip_int64_t read_entry(char* buffer, std::size_t length);
  void report_progress(std::size_t done);

  zip_int64_t accept(Status status);
  template <typename Answer>
  zip_int64_t contain(Answer answer);
  Status failure_or(const char* what, zip_error_t* error) const;

  BufferedSink sink_;
  const std::vector<EntryToWrite> entries_;
  const WriteOptions& options_;
  std::vector<EntrySource> sources_;
  CompressAhead compressed_;

  bool has_current_ = false;
  std::size_t current_index_ = 0;
  std::size_t current_position_ = 0;
  DeflatedData current_;  // its bytes are released when they have been read
  Status failure_;        // the first; libzip itself can only be told that there was one
  bool out_of_memory_ = false;
};

// Keeps the first failure and tells libzip whether to go on.
zip_int64_t ArchiveWriter::accept(Status status) {
  if (status.ok()) return 0;
  if (failure_.ok()) failure_ = std::move(status);
  return -1;
}

// No exception may cross the C code of libzip.
template <typename Answer>
zip_int64_t ArchiveWriter::contain(Answer answer) {
  try {
    return answer();
  } catch (const std::bad_alloc&) {
    out_of_memory_ = true;  // thrown again once libzip has returned
    return -1;
  } catch (const std::exception& exception) {
    return accept(Status(ErrorCode::io_error,
                         std::string("writing the archive failed: ") + exception.what()));
  }
}

Status ArchiveWriter::failure_or(const char* what, zip_error_t* error) const {
  if (out_of_memory_) throw std::bad_alloc();
  if (!failure_.ok()) return failure_;
  return Status(ErrorCode::io_error, std::string(what) + ": " + zip_error_strerror(error));
}

Status ArchiveWriter::write() {
  struct Discard {
    void operator()(zip_t* archive) const noexcept { zip_discard(archive); }
  };
  struct ZipError : zip_error_t {
    ZipError() { zip_error_init(this); }
    ~ZipError() { zip_error_fini(this); }
  };
  ZipError error;
  zip_source_t* target = zip_source_function_create(answer_for_sink, this, &error);
  if (target == nullptr) return failure_or("cannot begin the archive", &error);
  std::unique_ptr<zip_t, Discard> archive(
      zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, &error));
  if (!archive) {
    zip_source_free(target);
    return failure_or("cannot begin the archive", &error);
  }
  sources_.reserve(entries_.size());  // libzip keeps pointers into it
  for (std::size_t index = 0; index < entries_.size(); ++index) {
    if (Status status = add_entry(archive.get(), index); !status.ok()) return status;
  }
  if (zip_close(archive.get()) != 0) {
    return failure_or("cannot write the archive", zip_get_error(archive.get()));
  }
  (void)archive.release();  // zip_close() freed it
  if (out_of_memory_) throw std::bad_alloc();
  return failure_;
}

// The compression method stays at its default: then libzip adopts method and compressed size from
// stat_entry() and copies the bytes. Naming deflate here would discard the compressed size.
Status ArchiveWriter::add_entry(zip_t* archive, std::size_t index) {
  const EntryToWrite& entry = entries_[index];
  sources_.push_back({this, index});
  zip_source_t* source = zip_source_function(archive, answer_for_entry, &sources_.back());
  if (source == nullptr) return failure_or("cannot add an entry", zip_get_error(archive));
  const zip_int64_t added = zip_file_add(archive, entry.name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (added < 0) {
    zip_source_free(source);
    return failure_or("cannot add an entry", zip_get_error(archive));
  }
  const auto position = static_cast<zip_uint64_t>(added);
  const std::int64_t modified =
      std::clamp(entry.modified_unix_seconds, kEarliestUnixSeconds, kLatestUnixSeconds);
  const std::uint32_t mode = kUnixRegularFile | (entry.unix_mode & kUnixPermissions);
  if (zip_file_set_mtime(archive, position, static_cast<time_t>(modified), 0) != 0 ||
      zip_file_set_external_attributes(archive, position, 0, ZIP_OPSYS_UNIX, mode << 16) != 0) {
    return failure_or("cannot add an entry", zip_get_error(archive));
  }
  return Status();
}

zip_int64_t ArchiveWriter::answer_for_sink(void* user, void* data, zip_uint64_t length,
                                           zip_source_cmd_t command) {
  auto* writer = static_cast<ArchiveWriter*>(user);
  return writer->contain([&] { return writer->sink_command(data, length, command); });
}

zip_int64_t ArchiveWriter::answer_for_entry(void* user, void* data, zip_uint64_t length,
                                            zip_source_cmd_t command) {
  const auto* source = static_cast<EntrySource*>(user);
  return source->writer->contain(
      [&] { return source->writer->entry_command(source->index, data, length, command); });
}

zip_int64_t report_error(int zip_code, void* data, zip_uint64_t length) {
  zip_error_t error;
  zip_error_init(&error);
  zip_error_set(&error, zip_code, 0);
  return zip_error_to_data(&error, data, length);
}

zip_int64_t ArchiveWriter::sink_command(void* data, zip_uint64_t length, zip_source_cmd_t command) {
  switch (command) {
    case ZIP_SOURCE_SUPPORTS:
      return ZIP_SOURCE_SUPPORTS_WRITABLE;
    case ZIP_SOURCE_STAT: {
      auto* stat = static_cast<zip_stat_t*>(data);
      zip_stat_init(stat);
      stat->size = 0;  // what is there before the writing begins
      stat->valid = ZIP_STAT_SIZE;
      return 0;
    }
    case ZIP_SOURCE_OPEN:
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_BEGIN_WRITE:
    case ZIP_SOURCE_ROLLBACK_WRITE:
    case ZIP_SOURCE_FREE:
      return 0;
    case ZIP_SOURCE_WRITE: {
      const std::string_view bytes(static_cast<const char*>(data), length);
      return accept(sink_.write(bytes)) == 0 ? static_cast<zip_int64_t>(length) : -1;
    }
    case ZIP_SOURCE_TELL_WRITE:
      return static_cast<zip_int64_t>(sink_.position());
    case ZIP_SOURCE_SEEK_WRITE: {
      zip_error_t error;
      zip_error_init(&error);
      const zip_int64_t offset =
          zip_source_seek_compute_offset(sink_.position(), sink_.size(), data, length, &error);
      if (offset < 0) return -1;
      sink_.seek(static_cast<std::uint64_t>(offset));
      return 0;
    }
    case ZIP_SOURCE_COMMIT_WRITE:
      return accept(sink_.flush());
    case ZIP_SOURCE_ERROR:
      return report_error(ZIP_ER_WRITE, data, length);
    default:
      return -1;  // nothing is read back, and nothing removed
  }
}

zip_int64_t ArchiveWriter::entry_command(std::size_t index, void* data, zip_uint64_t length,
                                         zip_source_cmd_t command) {
  switch (command) {
    case ZIP_SOURCE_SUPPORTS:
      return ZIP_SOURCE_SUPPORTS_READABLE;
    case ZIP_SOURCE_STAT:
      return stat_entry(index, static_cast<zip_stat_t*>(data));
    case ZIP_SOURCE_OPEN:
      current_position_ = 0;
      return accept(take_entry(index));
    case ZIP_SOURCE_READ:
      return read_entry(static_cast<char*>(data), length);
    case ZIP_SOURCE_CLOSE:
      current_.bytes.reset();
      if (failure_.ok()) report_progress(index + 1);
      return 0;
    case ZIP_SOURCE_FREE:
      return 0;
    case ZIP_SOURCE_ERROR:
      return report_error(ZIP_ER_READ, data, length);
    default:
      return -1;
  }
}

Status ArchiveWriter::take_entry(std::size_t index) {
  if (!failure_.ok()) return failure_;
  if (has_current_ && current_index_ == index) return Status();
  Result<DeflatedData> taken = compressed_.take(index);
  if (!taken.ok()) return taken.status();
  current_ = *std::move(taken);
  current_index_ = index;
  has_current_ = true;
  return Status();
}

zip_int64_t ArchiveWriter::stat_entry(std::size_t index, zip_stat_t* stat) {
  if (accept(take_entry(index)) != 0) return -1;
  zip_stat_init(stat);
  stat->size = current_.plain_size;
  stat->comp_size = current_.size;
  stat->crc = current_.crc32;
  stat->comp_method = ZIP_CM_DEFLATE;
  stat->valid = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_CRC | ZIP_STAT_COMP_METHOD;
  return 0;
}

zip_int64_t ArchiveWriter::read_entry(char* buffer, std::size_t length) {
  if (!current_.bytes) return -1;  // each entry is read only once
  const std::size_t count = std::min(length, current_.size - current_position_);
  std::memcpy(buffer, current_.bytes.get() + current_position_, count);
  current_position_ += count;
  return static_cast<zip_int64_t>(count);
}

void ArchiveWriter::report_progress(std::size_t done) {
  if (!options_.progress) return;
  bool go_on = false;
  std::string reason = "writing the archive was cancelled";
  try {
    go_on = options_.progress(done, entries_.size());
  } catch (const std::exception& exception) {
    reason += std::string(": ") + exception.what();
  } catch (...) {
    reason += " by an unknown exception";
  }
  if (!go_on) (void)accept(Status(ErrorCode::cancelled, reason));
}

// libzip deletes an archive without entries instead of writing it; this is all of one: an end of
// central directory record (APPNOTE.TXT 4.3.16) whose fields are 0.
Status write_empty_zip(ByteSink& sink) {
  return sink.write_at(0, std::string("PK\5\6") + std::string(18, '\0'));
}

}  // namespace

Status write_zip(ByteSink& sink, std::vector<EntryToWrite> entries, const WriteOptions& options) {
  if (Status status = check_options(options); !status.ok()) return status;
  if (Status status = check_entries(entries); !status.ok()) return status;
  if (entries.empty()) return write_empty_zip(sink);
  return ArchiveWriter(sink, std::move(entries), options).write();
}

}  // namespace safechunk::archive
