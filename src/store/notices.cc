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

bool is_heal(const Event& event) {
  return event.kind == Event::Kind::healed ||
         (event.kind == Event::Kind::invalid_edit && event.older);
}

void Notices::event(const Event& event) {
  if (is_heal(event)) ++heals;
  const ErrorCode code = fault_code(event.kind);
  if (code == ErrorCode::ok) {
    std::string text(to_string(event.kind));
    if (!event.chunk.empty()) text += " '" + event.chunk + "'";
    status(text + ": " + event.detail);
  } else {
    list.push_back({.kind = Notice::Kind::fault});
    list.back().error.code = code;
    list.back().error.message = event.detail;
  }
  Notice& notice = list.back();
  notice.error.chunk = event.chunk;
  notice.error.path = event.path;
  notice.event = event.kind;
  notice.older = event.older;
}

}  // namespace safechunk
