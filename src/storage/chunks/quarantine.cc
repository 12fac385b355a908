#include "storage/chunks/quarantine.h"

#include "base/digest.h"
#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"

namespace safechunk {

Status Quarantine::open() {
  if (folder_ != nullptr) return {};
  Status made = root_.make_directory(layout::kQuarantine);
  if (!made && !already_exists(made)) return made;
  // Also when the folder was there: the process that made it may have died before it synced.
  if (Status synced = root_.sync(); !synced) return synced;
  auto opened = root_.open_directory(layout::kQuarantine);
  if (!opened) return opened.status();
  folder_ = *std::move(opened);
  return {};
}

Status Quarantine::preserve(const std::string& file_name, std::string_view bytes, bool& added) {
  added = false;
  const std::string name = layout::quarantined_file(file_name, digest_of(bytes));
  Status status = add(name, bytes);
  if (status.code() == ErrorCode::not_found) {  // somebody has removed the folder
    folder_.reset();
    durable_.clear();
    status = add(name, bytes);
  }
  if (status.ok()) added = durable_.insert(name).second;
  return status;
}

Status Quarantine::add(const std::string& name, std::string_view bytes) {
  if (Status status = open(); !status) return status;
  // A file that is there but cannot be looked at is replaced by the same bytes.
  if (folder_->stat(name)) return durable_.contains(name) ? Status() : folder_->sync();
  const std::string temporary_name = layout::temporary_of("evidence");
  FileAttributes attributes;
  attributes.creation_mode = 0600;
  auto temporary = TemporaryFile::write(*folder_, temporary_name, bytes, attributes);
  if (!temporary) return temporary.status();
  if (Status status = temporary->make_durable(); !status) return status;
  if (Status status = temporary->publish(name); !status) return status;
  return folder_->sync();
}

}  // namespace safechunk
