#include "archive/compress_ahead.h"
#include "platform/thread.h"

#include <exception>
#include <new>
#include <system_error>
#include <utility>

namespace safechunk::archive {

CompressAhead::CompressAhead(std::size_t count, ReadEntry read, int level, unsigned threads)
    : count_(count),
      read_(std::move(read)),
      level_(level),
      own_deflater_(level),
      finished_(kWaitingEntries) {
  try {
    const QuietThreads inherited;
    for (unsigned i = 1; i < threads && i < count; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // The thread that takes the entries compresses whatever no other thread does.
  }
}

CompressAhead::~CompressAhead() {
  const Lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

bool CompressAhead::may_claim() const {
  if (all_claimed()) return false;
  return next_to_claim_ == next_to_take_ ||
         (next_to_claim_ - next_to_take_ < kWaitingEntries && finished_bytes_ < kWaitingBytes);
}

Result<DeflatedData> CompressAhead::take(std::size_t index) {
  Lock lock(mutex_);
  while (true) {
    if (index != next_to_take_ || index >= count_ || (stopping_ && index >= next_to_claim_)) {
      return Status(ErrorCode::invalid_argument, "archive entries were asked for out of order");
    }
    if (out_of_memory_) throw std::bad_alloc();
    if (auto& slot = finished_[index % kWaitingEntries]) {
      Result<DeflatedData> result = *std::move(slot);
      slot.reset();
      if (result.ok()) finished_bytes_ -= result->size;
      next_to_take_ = index + 1;
      changed_.notify_all();
      return result;
    }
    if (may_claim()) {
      claim_and_compress(lock, own_deflater_);
    } else {
      changed_.wait(lock);
    }
  }
}

void CompressAhead::work() {
  try {
    Deflater deflater(level_);
    Lock lock(mutex_);
    while (!all_claimed()) {
      if (may_claim()) {
        claim_and_compress(lock, deflater);
      } else {
        changed_.wait(lock);
      }
    }
  } catch (const std::bad_alloc&) {
    // Told to the thread that takes the entries.
    const Lock lock(mutex_);
    out_of_memory_ = true;
    stopping_ = true;
    changed_.notify_all();
  }
}

void CompressAhead::claim_and_compress(Lock& lock, Deflater& deflater) {
  const std::size_t index = next_to_claim_++;
  lock.unlock();
  Result<DeflatedData> result = compress(index, deflater);
  lock.lock();
  if (result.ok()) {
    finished_bytes_ += result->size;
  } else {
    stopping_ = true;
  }
  finished_[index % kWaitingEntries] = std::move(result);
  changed_.notify_all();
}

Result<DeflatedData> CompressAhead::compress(std::size_t index, Deflater& deflater) {
  try {
    Result<std::string> text = read_(index);
    if (!text.ok()) return text.status();
    return deflater.compress(*text);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& exception) {
    return Status(ErrorCode::io_error, "compressing archive entry " + std::to_string(index + 1) +
                                           " failed: " + exception.what());
  } catch (...) {
    return Status(ErrorCode::io_error, "compressing archive entry " + std::to_string(index + 1) +
                                           " failed with an unknown exception");
  }
}

}  // namespace safechunk::archive
