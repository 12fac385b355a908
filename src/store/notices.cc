#include "store/notices.h"

namespace safechunk {
namespace {

// ok: not a fault.
ErrorCode fault_code(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::healed:
      return ErrorCode::healed;
    case Event::Kind::lost:
      return ErrorCode::lost;
    case Event::Kind::invalid_edit:
      return ErrorCode::invalid_edit;
    case Event::Kind::being_edited:
      return ErrorCode::being_edited;
    case Event::Kind::quarantined:
    case Event::Kind::journal_damaged:
      return ErrorCode::corrupt;
    case Event::Kind::conflict:
      return ErrorCode::conflict;
    default:
      return ErrorCode::ok;
  }
}

}  // namespace

void Notices::event(const Event& event) {
  if (event.kind == Event::Kind::healed) ++heals;
  const ErrorCode code = fault_code(event.kind);
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
