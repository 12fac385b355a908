// What an archive is made from: one state of all chunks, by the name of each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <safechunk/status.hpp>

#include "storage/files/inspection.h"

namespace safechunk {

// The owner's is a Snapshot, that of those who only read a CommittedState. Reading is safe from
// several threads at once.
class ArchiveSource {
 public:
  virtual ~ArchiveSource() = default;

  [[nodiscard]] virtual const std::vector<std::string>& chunks() const = 0;   // sorted
  [[nodiscard]] virtual const std::vector<std::string>& backups() const = 0;  // sorted
  [[nodiscard]] virtual Inspection read_chunk(const std::string& chunk) const = 0;
  [[nodiscard]] virtual Result<std::string> read_backup(const std::string& chunk) const = 0;
  // Of the file, or of the backup.
  [[nodiscard]] virtual std::uint32_t mode_of_chunk(const std::string& chunk) const = 0;
  [[nodiscard]] virtual std::uint32_t mode_of_backup(const std::string& chunk) const = 0;
};

}  // namespace safechunk
