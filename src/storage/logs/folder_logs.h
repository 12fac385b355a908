// The logs in a project's folder: reading them, and appending to them as its owner.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "platform/platform.h"
#include "storage/chunks/edit_watch.h"
#include "storage/files/project_folders.h"
#include "storage/files/text_settings.h"
#include "storage/logs/log_file.h"
#include "store/logs.h"

namespace safechunk {

// Opens the files anew with each call. The seams must outlive the object.
class FolderLogReader final : public LogReader {
 public:
  // `folder`: the path of that of the chunks.
  FolderLogReader(Platform platform, std::string folder, const TextSettings& settings,
                  ChunkNaming naming = {})
      : platform_(platform),
        folder_(std::move(folder)),
        settings_(settings),
        naming_(std::move(naming)) {}

  Result<LogPage> read(const std::string& log, std::uint64_t from, std::size_t limit) override;
  Result<LogPage> tail(const std::string& log, std::size_t count) override;
  Result<std::unique_ptr<LogSource>> follow(const std::string& log,
                                            std::optional<std::uint64_t> from) override;
  Result<std::vector<LogInfo>> list() override;

 private:
  const Platform platform_;
  const std::string folder_;
  const TextSettings settings_;
  const ChunkNaming naming_;
};

// Of all logs that were used in a turn.
using KnownLogs = std::unordered_map<std::string, KnownLog>;

class FolderLogWriter final : public LogWriter {
 public:
  // The references must outlive the object. `known`: of an earlier turn of this process.
  FolderLogWriter(const ProjectFolders& folders, const TextSettings& settings, Clock& clock)
      : watch_(clock), folder_{*folders.root, *folders.chunks, folders.rights, settings, watch_} {}
  // Before the first use: what an earlier turn of this process knew.
  void set_known(KnownLogs known) EXCLUDES(mutex_);

  Result<std::uint64_t> append(const std::string& log, std::span<const std::string_view> texts,
                               Notices& notices) override;
  Status sync(const std::string& log, Notices& notices) override;
  Status compact(const std::string& log, const Keep& keep, Notices& notices) override;
  Status repair(const std::string& log, Notices& notices) override;
  Result<std::string> rotate(const std::string& log, Notices& notices) override;
  Status remove(const std::string& log, Notices& notices) override;

  // Makes everything durable; the first error. Afterwards every call gives not_owner. `known` gets
  // what the next turn may believe.
  Status close(KnownLogs& known, Notices& notices);

 private:
  // Makes one when there is none: the log's first use.
  Result<std::shared_ptr<LogFile>> find(const std::string& log) EXCLUDES(mutex_);

  EditWatch watch_;
  const LogFolder folder_;
  Mutex mutex_;
  bool closed_ GUARDED_BY(mutex_) = false;
  KnownLogs known_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<LogFile>> files_ GUARDED_BY(mutex_);
};

// What a log has.
struct JudgedLog {
  std::uint64_t records = 0;
  std::uint64_t invalid = 0;  // lines that are no JSON
  Status reason;              // of the first of them
  bool ends_in_half = false;  // in half a record
};
// not_found when there is none. Cost: reads the file.
Result<JudgedLog> judge_log(Directory& chunks, const std::string& log,
                            const TextSettings& settings);

// The number of the newest file of a log that was rotated; 0: there is none.
Result<std::uint32_t> newest_rotation(Directory& chunks, const std::string& log);

// The logs in `chunks`, sorted by name.
Result<std::vector<LogInfo>> list_logs(Directory& chunks, const ChunkNaming& naming = {});

}  // namespace safechunk
