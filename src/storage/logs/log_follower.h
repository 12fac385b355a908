// Reads a log from a position on, and waits for more.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "platform/platform.h"
#include "storage/files/text_settings.h"
#include "store/logs.h"

namespace safechunk {

class LogFollowing final : public LogSource {
 public:
  // Nothing in `from`: from the end on. conflict when no record begins there.
  static Result<std::unique_ptr<LogSource>> open(Platform platform, const std::string& folder,
                                                 const std::string& log,
                                                 const TextSettings& settings,
                                                 std::optional<std::uint64_t> from);

  Result<std::optional<LogRecord>> next(std::chrono::milliseconds timeout) override;
  void wake() noexcept override;
  [[nodiscard]] std::uint64_t position() const override { return position_; }

 private:
  LogFollowing(Platform platform, std::string chunks_path, std::string log,
               const TextSettings& settings);

  // The next record that is there; nothing when there is none.
  Result<std::optional<LogRecord>> take();
  // Where to read on when the open file has been read and has lost its name; nothing when it has
  // its name still, or there is no other yet.
  struct Place {
    std::string file;
    std::uint64_t position = 0;
    std::uint32_t rotated_before = 0;
  };
  Result<std::optional<Place>> find_next();
  Status open_file(const std::string& name);

  const Platform platform_;
  const std::string chunks_path_;
  const std::string log_;
  const std::string file_name_;
  const TextSettings settings_;
  std::unique_ptr<FolderWatch> watch_;  // null: where nothing tells of changes
  std::unique_ptr<File> file_;          // null: there was none
  FileInfo place_;
  std::uint64_t position_ = 0;
  std::uint32_t rotated_before_ = 0;  // the newest rotated log that is older than the open file
  std::atomic<bool> woken_{false};    // where there is no watch
};

}  // namespace safechunk
