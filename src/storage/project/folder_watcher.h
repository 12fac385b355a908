// Hearing of changes to a project in a local folder, whoever makes them.
//
// Three sources, compared with what is known of each chunk: the log of changes, which every commit
// appends to; the system, which tells when a program has closed a file or given it its name; and,
// where the system does not, a look at all files each second. So a change is told once, however
// many of them notice it.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "platform/platform.h"
#include "storage/files/inspection.h"
#include "storage/files/project_folders.h"
#include "storage/files/text_settings.h"
#include "storage/project/change_log.h"
#include "storage/project/location.h"
#include "store/changes.h"

namespace safechunk {

class FolderWatcher final : public ChangeSource {
 public:
  // `engine`: the number that tells this engine's commits in the log from those of others.
  // Looks at the stamp of each chunk. not_found when there is no project.
  static Result<std::unique_ptr<ChangeSource>> open(Platform platform, ProjectLocation location,
                                                    const TextSettings& settings,
                                                    std::uint64_t engine,
                                                    const WatchOptions& options);

  Result<std::optional<Change>> next(std::chrono::milliseconds timeout) override;
  void wake() noexcept override;
  [[nodiscard]] int descriptor() const override;

 private:
  using TimePoint = Clock::TimePoint;
  // What a chunk was when it was looked at last.
  struct Known {
    FileInfo info;  // of its file; inode 0: not known
    Digest revision;
  };
  // Found, and not told yet.
  struct Doubt {
    TimePoint until;
    Digest revision;
  };

  FolderWatcher(Platform platform, ProjectLocation location, const TextSettings& settings,
                std::uint64_t engine, const WatchOptions& options);
  Status start();
  Status watch_folders();
  void watch_log();
  [[nodiscard]] Status check_in_place() const;
  Status look(std::chrono::milliseconds timeout, bool& woken);
  Status read_log();
  Status scan(bool tell);
  void look_at(const std::string& chunk, bool tell);
  void settle_doubts();
  void tell(const std::string& chunk, const Digest& revision, const Digest& previous,
            ChangeOrigin origin, std::uint64_t number);
  void tell_resync();
  [[nodiscard]] TimePoint next_look() const;

  const Platform platform_;
  const ProjectLocation location_;
  const TextSettings settings_;
  const std::uint64_t engine_;
  const bool every_;
  ProjectFolders folders_;
  std::unique_ptr<FolderWatch> watch_;  // null: the system does not tell
  std::size_t chunks_watch_ = 0;
  bool log_is_watched_ = false;
  ChangeLogReader log_;
  bool has_log_ = false;
  std::unordered_map<std::string, Known> known_;
  std::map<std::string, Doubt> doubts_;
  std::deque<Change> ready_;
  TimePoint next_scan_;
};

}  // namespace safechunk
