// The time that this process has used of the processors: a budget in it goes as far on a machine
// that is busy as on one that is idle.
#pragma once

#include <chrono>
#include <ctime>

namespace safechunk::test {

struct ProcessorClock {
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<ProcessorClock>;
  static constexpr bool is_steady = true;

  static time_point now() {
    constexpr std::clock_t kEach = CLOCKS_PER_SEC / 1'000'000;
    static_assert(kEach == 1, "POSIX says a million");
    return time_point(duration(std::clock()));
  }
};

}  // namespace safechunk::test
