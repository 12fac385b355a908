// The three seams together, as every engine receives them.
#pragma once

#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/process.h"

namespace safechunk {

struct Platform {
  FileSystem& file_system;
  Clock& clock;
  Process& process;
};

FileSystem& system_file_system();

// The operating system's own.
inline Platform system_platform() {
  return Platform{system_file_system(), system_clock(), system_process()};
}

}  // namespace safechunk
