#include "storage/chunks/version_book.h"

namespace safechunk {

KnownVersion KnownVersion::of(const FileInfo& info, const Digest& text_digest,
                              std::uint64_t sequence, std::uint32_t journal_token) {
  KnownVersion version;
  version.inode = info.inode;
  version.size = info.size;
  version.modified_ns = info.modified_ns;
  version.changed_ns = info.changed_ns;
  version.text_digest = text_digest;
  version.sequence = sequence;
  version.journal_token = journal_token;
  return version;
}

bool KnownVersion::matches(const FileInfo& info) const {
  return info.inode == inode && info.size == size && info.modified_ns == modified_ns &&
         info.changed_ns == changed_ns;
}

std::optional<KnownVersion> VersionBook::known(const std::string& chunk,
                                               const FileInfo& info) const {
  const MutexLock lock(mutex_);
  const auto found = known_.find(chunk);
  if (found == known_.end() || !found->second.matches(info)) return std::nullopt;
  return found->second;
}

void VersionBook::remember(const std::string& chunk, const KnownVersion& version) {
  const MutexLock lock(mutex_);
  known_[chunk] = version;
  glimpsed_.erase(chunk);
}

void VersionBook::swap_known(std::unordered_map<std::string, KnownVersion>& known) {
  const MutexLock lock(mutex_);
  known_.swap(known);
}

void VersionBook::forget(const std::string& chunk) {
  const MutexLock lock(mutex_);
  known_.erase(chunk);
  glimpsed_.erase(chunk);
}

std::optional<KnownVersion> VersionBook::glimpsed(const std::string& chunk,
                                                  const FileInfo& info) const {
  const MutexLock lock(mutex_);
  const auto found = glimpsed_.find(chunk);
  if (found == glimpsed_.end() || !found->second.matches(info)) return std::nullopt;
  return found->second;
}

void VersionBook::remember_glimpse(const std::string& chunk, const KnownVersion& version) {
  const MutexLock lock(mutex_);
  glimpsed_[chunk] = version;
}

void VersionBook::set_base_superseded(const std::string& chunk, bool superseded) {
  const MutexLock lock(mutex_);
  if (superseded) {
    superseded_.insert(chunk);
  } else {
    superseded_.erase(chunk);
  }
}

bool VersionBook::base_superseded(const std::string& chunk) const {
  const MutexLock lock(mutex_);
  return superseded_.contains(chunk);
}

}  // namespace safechunk
