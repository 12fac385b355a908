// The newest good versions of small chunks, in memory, so that damage does not put a chunk back by
// two versions: the backup is the version before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/digest.h"
#include "base/mutex.h"

namespace safechunk {

struct RecentText {
  std::string text;
  bool verbatim = false;  // as it was in the file; else it is to be formatted
  Digest text_digest;
  std::uint64_t sequence = 0;       // of the journal record that it came from; 0: found on disk
  std::uint32_t journal_token = 0;  // of that journal
};

// Any thread may use it at any time.
class RecentTexts {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{4} << 20;    // of all texts
  static constexpr std::size_t kMostOfOne = std::size_t{256} << 10;  // larger ones are not kept

  // Replaces what was known of the chunk; a text that is too large only forgets that.
  void remember(const std::string& chunk, std::string_view text, const RecentText& about);
  void forget(const std::string& chunk);
  [[nodiscard]] std::optional<RecentText> find(const std::string& chunk) const;

 private:
  struct Entry {
    RecentText recent;
    std::list<std::string>::iterator age;
  };
  void erase(const std::string& chunk) REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::unordered_map<std::string, Entry> entries_ GUARDED_BY(mutex_);
  std::list<std::string> by_age_ GUARDED_BY(mutex_);  // the newest last
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace safechunk
