#include <safechunk/reports.hpp>

#include <algorithm>

#include <safechunk/version.hpp>

namespace safechunk {

std::string_view to_string(Event::Kind kind) noexcept {
  switch (kind) {
    case Event::Kind::stale_lock:
      return "stale_lock";
    case Event::Kind::temporary:
      return "temporary";
    case Event::Kind::replayed:
      return "replayed";
    case Event::Kind::healed:
      return "healed";
    case Event::Kind::quarantined:
      return "quarantined";
    case Event::Kind::conflict:
      return "conflict";
    case Event::Kind::external_edit:
      return "external_edit";
    case Event::Kind::lost:
      return "lost";
    case Event::Kind::journal_damaged:
      return "journal_damaged";
    case Event::Kind::invalid_edit:
      return "invalid_edit";
    case Event::Kind::being_edited:
      return "being_edited";
    case Event::Kind::removed_outside:
      return "removed_outside";
    case Event::Kind::resumed:
      return "resumed";
  }
  return "unknown";
}

std::string_view to_string(FileVerdict::State state) noexcept {
  switch (state) {
    case FileVerdict::State::good:
      return "good";
    case FileVerdict::State::unstamped:
      return "unstamped";
    case FileVerdict::State::edited:
      return "edited";
    case FileVerdict::State::healable:
      return "healable";
    case FileVerdict::State::lost:
      return "lost";
    case FileVerdict::State::unreadable:
      return "unreadable";
    case FileVerdict::State::ignored:
      return "ignored";
  }
  return "unknown";
}

bool VerifyReport::sound() const noexcept {
  return std::all_of(files.begin(), files.end(), [](const FileVerdict& file) {
    return file.state == FileVerdict::State::good || file.state == FileVerdict::State::unstamped ||
           file.state == FileVerdict::State::edited || file.state == FileVerdict::State::ignored;
  });
}

std::string_view version() noexcept {
  return SAFECHUNK_VERSION;
}

}  // namespace safechunk
