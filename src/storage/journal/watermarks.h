// How far edits have come, as the sequences that the journal gives them.
#pragma once

#include <atomic>
#include <cstdint>

namespace safechunk {

// A number that only rises.
class Watermark {
 public:
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_acquire); }
  void raise(std::uint64_t to) {
    std::uint64_t now = value_.load(std::memory_order_relaxed);
    while (now < to && !value_.compare_exchange_weak(now, to, std::memory_order_acq_rel)) {
    }
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Of one attach. issued >= appended >= journal_durable, and issued >= files_durable. What was
// reported as durable is at most the greater of the last two.
struct Watermarks {
  Watermark issued;           // given to an edit
  Watermark appended;         // its journal record is in the page cache: survives the process
  Watermark journal_durable;  // every record up to here is on the device
  Watermark files_durable;    // every edit up to here is committed, durably
  Watermark reported;         // the caller was told that every edit up to here is durable
};

}  // namespace safechunk
