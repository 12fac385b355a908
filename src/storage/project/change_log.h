// The commits of a project in their order, for those who watch it: the file `.changes`. It is there
// once somebody has asked to watch, and disposable: nothing else depends on it. Never synced; what
// a crash takes shows as a gap in the numbers.
//
// The first line names the format and the boot of the machine; each other line is
//   NUMBER ORIGIN WRITER REVISION PREVIOUS CHUNK
// Numbers rise by one. A file that is begun anew begins with the microseconds since 1970, so that a
// number is not used twice.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "platform/platform.h"
#include "storage/files/file_rights.h"

namespace safechunk {

struct LoggedChange {
  // As it is written.
  enum class Origin : char { commit = 'c', heal = 'h', restore = 'r', edit = 'e', removed = 'x' };

  std::uint64_t number = 0;  // given by append()
  Origin origin = Origin::commit;
  std::uint64_t writer = 0;  // of the engine; random
  Digest revision;
  Digest previous;  // kUnknownDigest: not known
  std::string chunk;
};

class ChangeLog {
 public:
  ChangeLog(Directory& root, Platform platform, const FileRights& rights)
      : root_(root), platform_(platform), rights_(rights) {}

  // Begins one if there is none.
  Status begin();
  // Gives the changes their numbers and appends them, where there is a log. Only for who has the
  // project's lock.
  Status append(std::vector<LoggedChange>& changes);

 private:
  struct Ends;
  [[nodiscard]] Result<Ends> look_at_ends(File& file) const;
  Status rewrite(std::uint64_t from, std::string_view lines);

  Directory& root_;
  const Platform platform_;
  const FileRights rights_;
};

// Reads what is appended. For one thread at a time.
class ChangeLogReader {
 public:
  // From the end of the log on; with `since`, from behind that number.
  explicit ChangeLogReader(std::optional<std::uint64_t> since) : last_(since) {}

  struct News {
    bool has_log = false;
    bool gap = false;  // some changes are not in the log any more
    std::vector<LoggedChange> changes;
  };
  Result<News> read(Directory& root);
  // The number of the newest change; nothing when none is known.
  [[nodiscard]] std::optional<std::uint64_t> last() const { return last_; }

 private:
  Status read_file(News& news);
  void take_line(std::string_view line, News& news);

  std::unique_ptr<File> file_;
  FileInfo info_;
  std::uint64_t offset_ = 0;
  std::uint64_t newest_ = 0;
  std::optional<std::uint64_t> last_;
  bool primed_ = false;  // the first read has found where to begin
};

}  // namespace safechunk
