#include "store/notices.h"

namespace safechunk {

void Notices::event(const Event& event) {
  if (event.kind == Event::Kind::healed) ++heals;
  ErrorCode code = ErrorCode::ok;
  switch (event.kind) {
    case Event::Kind::lost:
    case Event::Kind::healed:
    case Event::Kind::quarantined:
    case Event::Kind::journal_damaged:
      code = ErrorCode::corrupt;
      break;
    case Event::Kind::conflict:
      code = ErrorCode::conflict;
      break;
    default:
      break;
  }
  if (code == ErrorCode::ok) {
    std::string text(to_string(event.kind));
    if (!event.chunk.empty()) text += " '" + event.chunk + "'";
    status(text + ": " + event.detail);
    return;
  }
  Error error;
  error.code = code;
  error.message = event.detail;
  error.chunk = event.chunk;
  fault(error);
}

}  // namespace safechunk
