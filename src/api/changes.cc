// The public class over a ChangeSource.

#include <safechunk/changes.hpp>

#include "store/changes.h"

namespace safechunk {

std::string_view to_string(ChangeOrigin origin) noexcept {
  switch (origin) {
    case ChangeOrigin::local:
      return "local";
    case ChangeOrigin::process:
      return "process";
    case ChangeOrigin::edit:
      return "edit";
    case ChangeOrigin::heal:
      return "heal";
    case ChangeOrigin::restore:
      return "restore";
    case ChangeOrigin::migration:
      return "migration";
    case ChangeOrigin::removed_outside:
      return "removed_outside";
    case ChangeOrigin::resync:
      return "resync";
  }
  return "unknown";
}

ChangeWatch::ChangeWatch(std::unique_ptr<ChangeSource> source) noexcept
    : source_(std::move(source)) {}
ChangeWatch::ChangeWatch(ChangeWatch&&) noexcept = default;
ChangeWatch& ChangeWatch::operator=(ChangeWatch&&) noexcept = default;
ChangeWatch::~ChangeWatch() = default;

Result<std::optional<Change>> ChangeWatch::next(std::chrono::milliseconds timeout) {
  return source_->next(timeout);
}

void ChangeWatch::wake() noexcept {
  source_->wake();
}

int ChangeWatch::descriptor() const {
  return source_->descriptor();
}

}  // namespace safechunk
