#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>
#include <sstream>

#include "platform/process.h"

namespace safechunk {
namespace {

// Empty when it cannot be read. A file of /proc may fail in the middle, when its process ends; the
// stream's own iterators would throw then.
std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.fail() ? std::string() : text.str();
}

// Whole seconds since 1970 at which the machine started, as "btime" of /proc/stat, which is much
// slower to read; 0 when unknown.
double boot_time() {
#if defined(CLOCK_BOOTTIME)
  timespec now{};
  timespec since_boot{};
  if (::clock_gettime(CLOCK_REALTIME, &now) != 0) return 0;
  if (::clock_gettime(CLOCK_BOOTTIME, &since_boot) != 0) return 0;
  const bool borrows = now.tv_nsec < since_boot.tv_nsec;
  return static_cast<double>(now.tv_sec - since_boot.tv_sec - (borrows ? 1 : 0));
#else
  return 0;
#endif
}

// Reads /proc/PID/stat (proc(5)): "pid (name) state ppid ... starttime ...", where the name may
// hold blanks and brackets, so fields are counted from the last ')'.
// False for a zombie: it is dead and only waits to be reaped.
bool read_proc_stat(ProcessInfo& info) {
  const std::string text = read_text("/proc/" + std::to_string(info.pid) + "/stat");
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return true;
  info.name = text.substr(open + 1, close - open - 1);
  std::istringstream fields(text.substr(close + 1));
  std::string field;
  constexpr int kState = 3;  // counted from 1 as in proc(5)
  constexpr int kStartTime = 22;
  for (int number = kState; number <= kStartTime; ++number) {
    if (!(fields >> field)) return true;
    if (number == kState && (field == "Z" || field == "X")) return false;
  }
  const long ticks = ::sysconf(_SC_CLK_TCK);
  const double booted = boot_time();
  if (ticks <= 0 || booted <= 0) return true;
  info.started = booted + std::strtod(field.c_str(), nullptr) / static_cast<double>(ticks);
  return true;
}

class PosixProcess final : public Process {
 public:
  std::int64_t pid() override { return ::getpid(); }

  std::optional<ProcessInfo> find(std::int64_t pid) override {
    if (pid <= 0 || pid > INT_MAX) return std::nullopt;
    ProcessInfo info;
    info.pid = pid;
    if (!read_proc_stat(info)) return std::nullopt;
    // Asked last: it may have ended while its file was read. EPERM means that it exists but belongs
    // to somebody else.
    if (::kill(static_cast<pid_t>(pid), 0) != 0 && errno != EPERM) return std::nullopt;
    return info;
  }

  std::string host_name() override {
    char buffer[HOST_NAME_MAX + 1] = {};
    if (::gethostname(buffer, sizeof buffer - 1) != 0) return {};
    return buffer;
  }

  std::string boot_id() override {
    std::string text = read_text("/proc/sys/kernel/random/boot_id");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }

  std::uint64_t random_token() override {
    std::uint64_t token = 0;
    while (token == 0) {
      if (::getrandom(&token, sizeof token, 0) == sizeof token) continue;
      std::random_device device;  // where getrandom(2) is missing
      token = (static_cast<std::uint64_t>(device()) << 32) | device();
    }
    return token;
  }
};

}  // namespace

Process& system_process() {
  static PosixProcess process;
  return process;
}

}  // namespace safechunk
