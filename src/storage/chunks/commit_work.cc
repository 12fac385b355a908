#include "storage/chunks/commit_work.h"

namespace safechunk {

bool Work::is_as_staged() const {
  const auto& version = present.version;
  if (version) return version->ours || version->text_digest == edit->seen_when_staged;
  return present.health == FileHealth::missing && edit->seen_when_staged == kAbsentDigest;
}

bool Work::is_equal() const {
  const auto& version = present.version;
  return version && version->text_digest == edit->text_digest &&
         (version->durable || version->needs_sync_first());
}

bool Work::is_worth_a_backup() const {
  const auto& version = present.version;
  return !edit->removal && version && (version->durable || !version->ours) &&
         version->text_digest != edit->text_digest;
}

}  // namespace safechunk
