// Writes a zip archive that every unzip tool opens (APPNOTE.TXT 6.3; Zip64 where it is needed).
//
// libzip makes the container. The data come to it already compressed by libdeflate, several
// entries at a time, and it copies them as they are.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <safechunk/status.hpp>

#include "archive/byte_stream.h"

namespace safechunk::archive {

// One file to be. All entries are deflated, also where that makes them a few bytes longer.
struct EntryToWrite {
  std::string name;                        // see objection_to_name()
  std::int64_t modified_unix_seconds = 0;  // stored as local time, to 2 seconds, 1980 to 2107
  std::uint32_t unix_mode = 0644;          // permission bits; the entry is always a regular file
  // Gives the content. Called at most once, on the caller's thread or on one of write_zip's own,
  // while others are called on other threads; not in any order.
  std::function<Result<std::string>()> read;
};

struct WriteOptions {
  // 0 to 12, of libdeflate. On JSON, level 1 is 3 to 8 times as fast as zlib at its default level,
  // with archives from 5 % smaller to 8 % larger (up to 40 % for documents so repetitive that less
  // than a twentieth of them remains). Levels 2 and 3 are slower and mostly no smaller.
  int level = 1;
  // How many threads compress, the caller's included. 1 starts none. Those started are joined
  // before write_zip returns, whatever happens.
  unsigned threads = 2;
  // Called on the caller's thread after each entry, with no lock held. false cancels; so does an
  // exception, which goes no further.
  std::function<bool(std::uint64_t entries_done, std::uint64_t entries_total)> progress;
};

// Writes all entries, in their order, to `sink`, which must be empty. Ok means that every byte was
// given to the sink, nothing more: making it durable is the caller's business.
//
// Errors: invalid_argument for options out of range, a name that is not allowed, or two names that
// differ at most in case, before anything is written; cancelled; the error of the first entry, in
// order, that could not be read (io_error when `read` threw), or the sink's, as it was; io_error
// when memory runs out. After an error the sink holds no archive and is to be thrown away.
//
// Memory: `threads` entries plain and compressed, a few MiB of compressed ones that wait their
// turn, and some hundred bytes for each entry.
Status write_zip(ByteSink& sink, std::vector<EntryToWrite> entries, const WriteOptions& options);

}  // namespace safechunk::archive
