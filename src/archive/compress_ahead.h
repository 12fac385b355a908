// Compresses the entries of an archive ahead of the one that is being written, by a few threads.
//
// Memory: at most `threads` entries are in work (plain and compressed), and beside them finished
// ones wait, no more than kWaitingEntries and, but for the last to be finished, no more than
// kWaitingBytes of compressed data. So many small entries keep all threads busy, and a few huge
// ones do not pile up.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <safechunk/status.hpp>

#include "archive/deflate.h"

namespace safechunk::archive {

class CompressAhead {
 public:
  // Gives the text of the entry with that index. Called once for each, on the thread that calls
  // take() or on one of this object's own; calls for different entries overlap.
  using ReadEntry = std::function<Result<std::string>(std::size_t index)>;

  static constexpr std::size_t kWaitingEntries = 64;
  static constexpr std::size_t kWaitingBytes = std::size_t{4} << 20;

  // Starts `threads` - 1 threads; the thread that calls take() is the last one, so that 1 starts
  // none. Fewer are started when the operating system refuses more.
  CompressAhead(std::size_t count, ReadEntry read, int level, unsigned threads);
  // Waits for the entries that are in work; the others are never read.
  ~CompressAhead();
  CompressAhead(const CompressAhead&) = delete;
  CompressAhead& operator=(const CompressAhead&) = delete;

  // The compressed entry. Indexes must ascend by one from 0, on one thread. The error is that of
  // reading the entry as it was, or io_error when `read` threw; throws std::bad_alloc only, also
  // when another thread ran out of memory. After an error nothing further is read, and nothing
  // further may be taken.
  Result<DeflatedData> take(std::size_t index);

 private:
  using Lock = std::unique_lock<std::mutex>;

  [[nodiscard]] bool all_claimed() const { return stopping_ || next_to_claim_ == count_; }
  [[nodiscard]] bool may_claim() const;
  void claim_and_compress(Lock& lock, Deflater& deflater);
  Result<DeflatedData> compress(std::size_t index, Deflater& deflater);
  void work();

  // Constant after construction.
  const std::size_t count_;
  const ReadEntry read_;
  const int level_;

  Deflater own_deflater_;  // used only by the thread that calls take()

  std::mutex mutex_;  // guards all of the following but the threads
  std::condition_variable changed_;
  std::vector<std::optional<Result<DeflatedData>>> finished_;  // entry i waits at i % size
  std::size_t finished_bytes_ = 0;
  std::size_t next_to_claim_ = 0;
  std::size_t next_to_take_ = 0;
  bool stopping_ = false;
  bool out_of_memory_ = false;

  std::vector<std::jthread> threads_;  // the last member: joined before the others go
};

}  // namespace safechunk::archive
