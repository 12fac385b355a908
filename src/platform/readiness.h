// A descriptor for poll(2) and the like that tells of something in memory.
#pragma once

#include <memory>

#include <safechunk/status.hpp>

namespace safechunk {

// Every function may be called by any thread.
class Readiness {
 public:
  virtual ~Readiness() = default;
  // Makes the descriptor readable, or not readable any more.
  virtual void set() noexcept = 0;
  virtual void clear() noexcept = 0;
  [[nodiscard]] virtual int descriptor() const = 0;
};

// Not readable at first. io_error when the system has no more descriptors.
Result<std::unique_ptr<Readiness>> new_readiness();

}  // namespace safechunk
