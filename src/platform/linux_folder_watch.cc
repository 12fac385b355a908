// FolderWatch by inotify(7). An epoll descriptor joins it with a timer and with wake().

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <map>
#include <utility>

#include "platform/folder_watch.h"
#include "platform/posix_descriptor.h"
#include "platform/posix_error.h"

namespace safechunk {
namespace {

constexpr std::uint32_t kMask =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;

class LinuxFolderWatch final : public FolderWatch {
 public:
  LinuxFolderWatch()
      : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
        woken_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        all_(::epoll_create1(EPOLL_CLOEXEC)) {}

  Status open() {
    for (const Descriptor* part : {&events_, &timer_, &woken_}) {
      epoll_event event{};
      event.events = EPOLLIN;
      if (part->get() < 0 || all_.get() < 0 ||
          ::epoll_ctl(all_.get(), EPOLL_CTL_ADD, part->get(), &event) != 0) {
        return status_from_errno(errno, "watch files (inotify)", "");
      }
    }
    return {};
  }

  Result<std::size_t> add(const std::string& path) override {
    std::uint32_t mask = kMask | IN_ONLYDIR;
    int number = ::inotify_add_watch(events_.get(), path.c_str(), mask);
    if (number < 0 && errno == ENOTDIR) {
      number = ::inotify_add_watch(events_.get(), path.c_str(), IN_MODIFY | IN_DONT_FOLLOW);
    }
    if (number < 0) return status_from_errno(errno, "watch", path);
    watched_[number] = count_;
    return count_++;
  }

  Result<Seen> wait(std::chrono::milliseconds timeout) override {
    pollfd entry{all_.get(), POLLIN, 0};
    const auto longest = std::chrono::milliseconds(INT_MAX);
    const int limit = static_cast<int>(std::min(timeout, longest).count());
    if (::poll(&entry, 1, std::max(limit, 0)) < 0 && errno != EINTR) {
      return status_from_errno(errno, "wait for changes", "");
    }
    Seen seen;
    std::uint64_t count = 0;
    seen.woken = ::read(woken_.get(), &count, sizeof count) == sizeof count;
    (void)::read(timer_.get(), &count, sizeof count);  // EAGAIN: it has not ended
    if (Status status = read_events(seen); !status) return status;
    return seen;
  }

  void wake() noexcept override {
    const std::uint64_t one = 1;
    (void)::write(woken_.get(), &one, sizeof one);  // EAGAIN: it is awake already
  }

  [[nodiscard]] int descriptor() const override { return all_.get(); }

  Status set_timer(std::optional<std::chrono::milliseconds> after) override {
    constexpr std::int64_t kThousand = 1000;
    itimerspec time{};
    if (after) {
      const std::int64_t ms = std::max<std::int64_t>(after->count(), 1);
      time.it_value.tv_sec = ms / kThousand;
      time.it_value.tv_nsec = ms % kThousand * kThousand * kThousand;
    }
    if (::timerfd_settime(timer_.get(), 0, &time, nullptr) == 0) return {};
    return status_from_errno(errno, "set a timer", "");
  }

 private:
  // So many bytes are read at once; what is left is there for the next wait().
  static constexpr std::size_t kBuffer = 64U << 10U;

  Status read_events(Seen& seen) {
    alignas(inotify_event) std::array<char, kBuffer> buffer;
    const ssize_t size = ::read(events_.get(), buffer.data(), buffer.size());
    if (size < 0) {
      return errno == EAGAIN || errno == EINTR ? Status()
                                               : status_from_errno(errno, "read changes", "");
    }
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* const name = buffer.data() + at + sizeof event;
      at += sizeof event + event.len;
      if ((event.mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
        seen.everything = true;
      }
      const auto found = watched_.find(event.wd);
      if (found == watched_.end()) continue;
      if ((event.mask & IN_IGNORED) != 0) {
        watched_.erase(found);
        continue;
      }
      seen.names.push_back({found->second, event.len == 0 ? std::string() : std::string(name)});
    }
    return {};
  }

  const Descriptor events_;
  const Descriptor timer_;
  const Descriptor woken_;
  const Descriptor all_;
  std::map<int, std::size_t> watched_;
  std::size_t count_ = 0;
};

}  // namespace

Result<std::unique_ptr<FolderWatch>> new_folder_watch() {
  auto watch = std::make_unique<LinuxFolderWatch>();
  if (Status status = watch->open(); !status) return status;
  return std::unique_ptr<FolderWatch>(std::move(watch));
}

}  // namespace safechunk
