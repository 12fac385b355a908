#include "storage/chunks/write_guard.h"

#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

// Some file systems refuse every lease in the same way as a file that is being written.
bool leases_tell_the_truth(Directory& folder) {
  const std::string name = layout::temporary_of("lease");
  auto probe = TemporaryFile::create(folder, name, 0600);
  if (!probe || !probe->take_file()->close()) return false;
  auto opened = folder.open(name, OpenMode::read);
  if (!opened) return false;
  auto lease = (*opened)->try_read_lease();
  return lease && *lease;
}

}  // namespace

WriteGuard WriteGuard::take(Directory& folder, const std::string& file, By by) {
  WriteGuard guard;
  auto opened = folder.open(file, OpenMode::read);
  if (!opened) return guard;
  auto lease = (*opened)->try_read_lease();
  if (!lease) return guard;
  if (*lease) {
    guard.file_ = *std::move(opened);
    guard.writers_ = Writers::none;
  } else if (by == By::reader || leases_tell_the_truth(folder)) {
    guard.writers_ = Writers::some;
  }
  return guard;
}

bool WriteGuard::somebody_waits() const {
  if (file_ == nullptr) return false;
  auto contested = file_->lease_is_contested();
  return contested && *contested;
}

}  // namespace safechunk
