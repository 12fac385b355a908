// Which containers enclose a place in a JSON text: one bit per level, so that a million brackets
// cost 125 KB and no call stack.
#pragma once

#include <cstdint>
#include <vector>

namespace safechunk::json {

class Nesting {
 public:
  enum Container : std::uint64_t { kArray = 0, kObject = 1 };

  // `outer_levels` is lent for the life of this object, whose own members can then stay in
  // registers. It is empty in usual texts.
  Nesting(std::uint32_t limit, std::vector<std::uint64_t>& outer_levels) noexcept
      : limit_(limit), outer_levels_(outer_levels) {}

  [[nodiscard]] std::uint32_t depth() const noexcept { return depth_; }
  // The innermost container; only while depth() > 0.
  [[nodiscard]] Container innermost() const noexcept { return Container{inner_levels_ & 1}; }

  // Enters a container; false, and nothing is changed, when `limit` containers are open already.
  [[nodiscard]] bool push(Container container) {
    if (depth_ >= limit_) return false;
    if (depth_ > 0 && depth_ % kBits == 0) put_away(inner_levels_, outer_levels_);
    inner_levels_ = inner_levels_ << 1 | container;
    ++depth_;
    return true;
  }

  // Leaves the innermost container; only while depth() > 0.
  void pop() noexcept {
    inner_levels_ >>= 1;
    --depth_;
    if (depth_ > 0 && depth_ % kBits == 0) {
      inner_levels_ = outer_levels_.back();
      outer_levels_.pop_back();
    }
  }

 private:
  static constexpr std::uint32_t kBits = 64;

  [[gnu::noinline]] static void put_away(std::uint64_t levels, std::vector<std::uint64_t>& where) {
    where.push_back(levels);
  }

  const std::uint32_t limit_;
  std::uint32_t depth_ = 0;
  std::uint64_t inner_levels_ = 0;            // up to 64 levels, the innermost in bit 0
  std::vector<std::uint64_t>& outer_levels_;  // those around them, 64 in each element
};

}  // namespace safechunk::json
