// One buffer that is used again, so that staging large texts does not fetch fresh memory from the
// system each time. Lock-free: also a forked child may take and give.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace safechunk {

class SpareBuffer {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{16} << 20;  // larger ones are not kept
  static constexpr std::size_t kFarTooLarge = std::size_t{2} << 20;

  SpareBuffer() = default;
  SpareBuffer(const SpareBuffer&) = delete;
  SpareBuffer& operator=(const SpareBuffer&) = delete;
  ~SpareBuffer() { delete spare_.load(); }

  // The spare one, with whatever is in it; an empty one when there is none, or when it is large and
  // would mostly stay unused.
  std::string take(std::size_t expected_size) {
    const std::unique_ptr<std::string> spare(spare_.exchange(nullptr));
    if (spare == nullptr) return {};
    const std::size_t capacity = spare->capacity();
    if (capacity > kFarTooLarge && capacity / 2 > expected_size) return {};
    return std::move(*spare);
  }
  void give(std::string buffer) {
    if (buffer.capacity() > kMostBytes) return;
    auto* const kept = new (std::nothrow) std::string(std::move(buffer));
    if (kept != nullptr) delete spare_.exchange(kept);
  }

 private:
  std::atomic<std::string*> spare_{nullptr};
};

}  // namespace safechunk
