// Hearing of changes to the chunks of a project, whoever makes them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include <safechunk/changes.hpp>
#include <safechunk/status.hpp>

namespace safechunk {

// One thread at a time may call next(); wake() any thread at any time.
class ChangeSource {
 public:
  virtual ~ChangeSource() = default;
  // The next change; nothing when there was none for so long, or after wake().
  virtual Result<std::optional<Change>> next(std::chrono::milliseconds timeout) = 0;
  virtual void wake() noexcept = 0;
  // As ChangeWatch::descriptor().
  [[nodiscard]] virtual int descriptor() const = 0;
};

}  // namespace safechunk
