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
  static constexpr std::size_t kMostBytes = std::size_t{2} << 20;  // larger ones are not kept

  SpareBuffer() = default;
  SpareBuffer(const SpareBuffer&) = delete;
  SpareBuffer& operator=(const SpareBuffer&) = delete;
  ~SpareBuffer() { delete spare_.load(); }

  // The spare one, with whatever is in it, or an empty one.
  std::string take() {
    const std::unique_ptr<std::string> spare(spare_.exchange(nullptr));
    return spare == nullptr ? std::string() : std::move(*spare);
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
