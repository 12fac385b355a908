#include "archive/zip_reader.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <string_view>
#include <system_error>
#include <thread>

#include "archive/deflate.h"
#include "archive/entry_name.h"
#include "platform/thread.h"

namespace safechunk::archive {
namespace {

constexpr unsigned kMaxThreads = 64;

// Hands out the indexes of the entries to the threads that verify, and gathers what they find.
class Progress {
 public:
  explicit Progress(std::size_t count) : count_(count), first_failed_(count) {}

  // The next index, or count when there is nothing more to do. All indexes before one that failed
  // have been handed out before it, and are finished: so the first failure is really the first.
  std::size_t next() {
    const std::lock_guard lock(mutex_);
    return stopped_ ? count_ : (next_ < count_ ? next_++ : count_);
  }

  void finish(std::size_t index, Status status) {
    const std::lock_guard lock(mutex_);
    ++done_;
    if (status.ok()) return;
    stopped_ = true;
    if (index < first_failed_) {
      first_failed_ = index;
      failure_ = std::move(status);
    }
  }

  void cancel(const std::string& why) {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (failure_.ok()) failure_ = Status(ErrorCode::cancelled, why);
  }

  // A helper ran out of memory: failure() throws on the caller's thread.
  void stop_without_memory() noexcept {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    out_of_memory_ = true;
  }

  std::size_t done() {
    const std::lock_guard lock(mutex_);
    return done_;
  }

  Status failure() {
    const std::lock_guard lock(mutex_);
    if (out_of_memory_) throw std::bad_alloc();
    return failure_;
  }

 private:
  const std::size_t count_;
  std::mutex mutex_;  // guards all of the following
  std::size_t next_ = 0;
  std::size_t done_ = 0;
  bool stopped_ = false;
  bool out_of_memory_ = false;
  std::size_t first_failed_;
  Status failure_;
};

void report(const VerifyOptions& options, Progress& progress, std::size_t total) {
  if (!options.progress) return;
  try {
    if (!options.progress(progress.done(), total)) {
      progress.cancel("verifying the archive was cancelled");
    }
  } catch (const std::exception& exception) {
    progress.cancel(std::string("verifying the archive was cancelled: ") + exception.what());
  } catch (...) {
    progress.cancel("verifying the archive was cancelled by an unknown exception");
  }
}

}  // namespace

Result<ZipReader> ZipReader::open(ByteSource& source, const ReadLimits& limits) {
  Result<std::vector<EntryInfo>> entries = read_structure(source, limits);
  if (!entries.ok()) return entries.status();
  return ZipReader(source, *std::move(entries));
}

Result<ZipReader> ZipReader::open_last(ByteSource& source, std::string_view name,
                                       const ReadLimits& limits) {
  Result<EntryInfo> entry = read_last_entry(source, name, limits);
  if (!entry.ok()) return entry.status();
  return ZipReader(source, {*std::move(entry)});
}

Result<std::string> ZipReader::read(std::size_t index) const {
  if (index >= entries_.size()) {
    return Status(ErrorCode::not_found, "the archive has no entry " + std::to_string(index));
  }
  const EntryInfo& info = entries_[index];
  Result<std::string> data = read_data(info);
  if (data.ok()) return data;
  Error error = data.error();
  error.message = "archive entry '" + printable_name(info.name) + "': " + error.message;
  return error;
}

Result<std::string> ZipReader::read_data(const EntryInfo& info) const {
  try {
    std::string plain(static_cast<std::size_t>(info.size), '\0');
    if (info.deflated) {
      const auto length = static_cast<std::size_t>(info.compressed_size);
      const auto deflated = std::make_unique_for_overwrite<char[]>(length);
      Status status = source_->read_at(info.data_offset, std::span(deflated.get(), length));
      if (!status.ok()) return status;
      status = inflate_exactly(std::string_view(deflated.get(), length), plain);
      if (!status.ok()) return status;
    } else {
      if (Status status = source_->read_at(info.data_offset, plain); !status.ok()) return status;
    }
    if (crc32_of(plain) != info.crc32) {
      return Status(ErrorCode::corrupt, "its data do not have the declared CRC");
    }
    return plain;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& exception) {
    return Status(ErrorCode::io_error, std::string("it cannot be read: ") + exception.what());
  }
}

Status ZipReader::verify(const VerifyOptions& options) const {
  if (options.threads < 1 || options.threads > kMaxThreads) {
    return Status(ErrorCode::invalid_argument, "number of threads is not between 1 and 64");
  }
  const std::size_t count = entries_.size();
  Progress progress(count);
  const auto check_next = [&] {
    const std::size_t index = progress.next();
    if (index == count) return false;
    progress.finish(index, read(index).status());
    return true;
  };
  {
    std::vector<std::jthread> helpers;
    try {
      const QuietThreads inherited;
      for (unsigned i = 1; i < options.threads && i < count; ++i) {
        helpers.emplace_back([&] {
          try {
            while (check_next()) continue;
          } catch (const std::bad_alloc&) {
            progress.stop_without_memory();
          }
        });
      }
    } catch (const std::system_error&) {
      // The caller's thread reads whatever no other thread does.
    }
    while (check_next()) report(options, progress, count);
  }
  if (progress.failure().ok()) report(options, progress, count);
  return progress.failure();
}

}  // namespace safechunk::archive
