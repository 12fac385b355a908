// Reads zip archives that nobody vouches for.
//
// libzip has no part in this. Once read_structure() has accounted for every byte, an entry is a
// range of bytes to inflate into a buffer of known size; a second parser would only be a second
// opinion about what the file says. Archives of this library, of Python's zipfile and of Info-ZIP
// (without directory entries) are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <safechunk/status.hpp>

#include "archive/byte_stream.h"
#include "archive/zip_structure.h"

namespace safechunk::archive {

struct VerifyOptions {
  // How many threads read, the caller's included. 1 starts none. Those started are joined before
  // verify() returns, whatever happens.
  unsigned threads = 2;
  // Called on the caller's thread now and then and at the end, with no lock held. false cancels;
  // so does an exception, which goes no further.
  std::function<bool(std::uint64_t entries_done, std::uint64_t entries_total)> progress;
};

// An opened archive. Copies share the source, which must outlive them and must not change. All
// functions may be called from several threads at once.
class ZipReader {
 public:
  // Checks the whole structure of the archive; see read_structure() for what is refused and how.
  // Cost: reads the headers, not the data.
  static Result<ZipReader> open(ByteSource& source, const ReadLimits& limits = {});

  // Only the last entry, if it has that name; see read_last_entry().
  static Result<ZipReader> open_last(ByteSource& source, std::string_view name,
                                     const ReadLimits& limits = {});

  // In the order of the central directory, which for write_zip() is that of writing.
  [[nodiscard]] const std::vector<EntryInfo>& entries() const { return entries_; }

  // The content of entries()[index]; all of it, of the declared size and CRC, or nothing. Errors:
  // corrupt when the data are not what was declared; the source's own; io_error when memory runs
  // out; not_found when there is no such index. The message names the entry.
  // Cost: memory for the plain and the compressed bytes.
  [[nodiscard]] Result<std::string> read(std::size_t index) const;

  // Reads all entries, several at a time, and keeps none. The error is that of the first entry, in
  // order, that read() refuses, or cancelled; invalid_argument for options out of range.
  Status verify(const VerifyOptions& options = {}) const;

 private:
  ZipReader(ByteSource& source, std::vector<EntryInfo> entries)
      : source_(&source), entries_(std::move(entries)) {}

  [[nodiscard]] Result<std::string> read_data(const EntryInfo& info) const;

  ByteSource* source_;
  std::vector<EntryInfo> entries_;
};

}  // namespace safechunk::archive
