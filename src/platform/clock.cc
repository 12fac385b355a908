#include "platform/clock.h"

namespace safechunk {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

class SystemClock final : public Clock {
 public:
  TimePoint now() override { return std::chrono::steady_clock::now(); }

  std::int64_t unix_time_ns() override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  std::tm local_time(std::int64_t unix_time_ns) override {
    const std::time_t seconds = unix_time_ns / kNanoseconds;
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return parts;
  }

  void wait_until(CondVar& wake, Mutex& mutex, TimePoint deadline) REQUIRES(mutex) override {
    if (deadline == TimePoint::max()) {
      wake.wait(mutex);
    } else {
      wake.wait_until(mutex, deadline);
    }
  }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace safechunk
