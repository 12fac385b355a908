#include "storage/chunks/recent_texts.h"

#include <iterator>
#include <utility>

namespace safechunk {

void RecentTexts::erase(const std::string& chunk) {
  const auto found = entries_.find(chunk);
  if (found == entries_.end()) return;
  bytes_ -= found->second.recent.text.size();
  by_age_.erase(found->second.age);
  entries_.erase(found);
}

void RecentTexts::remember(const std::string& chunk, std::string_view text,
                           const RecentText& about) {
  const MutexLock lock(mutex_);
  if (text.size() > kMostOfOne) {
    erase(chunk);
    return;
  }
  // The memory of the version before is used again.
  auto found = entries_.find(chunk);
  if (found == entries_.end()) {
    by_age_.push_back(chunk);
    found = entries_.emplace(chunk, Entry{{}, std::prev(by_age_.end())}).first;
  } else {
    by_age_.splice(by_age_.end(), by_age_, found->second.age);
    bytes_ -= found->second.recent.text.size();
  }
  RecentText& recent = found->second.recent;
  recent.text.assign(text);
  recent.verbatim = about.verbatim;
  recent.text_digest = about.text_digest;
  recent.sequence = about.sequence;
  recent.journal_token = about.journal_token;
  bytes_ += text.size();
  while (bytes_ > kMostBytes) erase(std::string(by_age_.front()));
}

void RecentTexts::forget(const std::string& chunk) {
  const MutexLock lock(mutex_);
  erase(chunk);
}

std::optional<RecentText> RecentTexts::find(const std::string& chunk) const {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(chunk);
  return found == entries_.end() ? std::nullopt : std::optional(found->second.recent);
}

}  // namespace safechunk
