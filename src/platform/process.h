// What the engine asks about processes: who am I, is that one alive, since when.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace safechunk {

struct ProcessInfo {
  std::int64_t pid = 0;
  std::optional<double> started;  // seconds since 1970, as psutil's create_time(); empty: unknown
  std::string name;               // short name of the executable; empty: unknown
};

class Process {
 public:
  virtual ~Process() = default;
  virtual std::int64_t pid() = 0;  // also right in a forked child
  // Empty when no such process is visible.
  virtual std::optional<ProcessInfo> find(std::int64_t pid) = 0;
  virtual std::string host_name() = 0;
  virtual std::string boot_id() = 0;         // empty when unknown
  virtual std::uint64_t random_token() = 0;  // from the operating system's generator; never 0
};

Process& system_process();

}  // namespace safechunk
