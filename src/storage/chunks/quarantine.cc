#include "storage/chunks/quarantine.h"

#include <cstdint>

#include "base/digest.h"
#include "storage/files/durable_file.h"
#include "storage/files/project_layout.h"

namespace safechunk {

Status Quarantine::open() {
  if (folder_ != nullptr) return {};
  Status made = root_.make_directory(layout::kQuarantine, rights_.mode_of_new_folder());
  if (!made && !already_exists(made)) return made;
  // Also when the folder was there: the process that made it may have died before it synced.
  if (Status synced = root_.sync(); !synced) return synced;
  auto opened = root_.open_directory(layout::kQuarantine);
  if (!opened) return opened.status();
  if (made.ok()) {
    auto info = (*opened)->stat();
    if (!info) return info.status();
    if (Status shared = rights_.share(**opened, *info); !shared) return shared;
  }
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

Status Quarantine::preserve_file(Directory& folder, const std::string& file, const std::string& as,
                                 std::string_view bytes, std::string& name, bool& added) {
  Status status = add_file(folder, file, as, bytes, name, added);
  if (status.code() == ErrorCode::not_found) {  // somebody has removed the folder
    folder_.reset();
    durable_.clear();
    status = add_file(folder, file, as, bytes, name, added);
  }
  return status;
}

Status Quarantine::add_file(Directory& folder, const std::string& file, const std::string& as,
                            std::string_view bytes, std::string& name, bool& added) {
  added = false;
  if (Status status = open(); !status) return status;
  auto info = folder.stat(file);
  if (!info) return info.status();
  const std::string first_name = layout::quarantined_file(as, digest_of(bytes));
  name = first_name;
  for (std::uint32_t number = 2;; ++number) {
    const Status linked = folder.link(file, *folder_, name);
    if (linked.ok()) break;
    if (has_no_links(linked)) {
      name = first_name;
      return preserve(as, bytes, added);
    }
    if (!already_exists(linked)) return linked;
    // The same file from an earlier try, or another one with the same bytes.
    auto there = folder_->stat(name);
    if (there && there->same_file(*info)) break;
    name = first_name + "." + std::to_string(number);
  }
  if (Status status = rights_.tighten(*folder_, name); !status) return status;
  // Its bytes were written by somebody else, who may not have synced them.
  auto opened = folder_->open(name, OpenMode::read);
  if (!opened) return opened.status();
  if (Status synced = (*opened)->sync(); !synced) return synced;
  if (Status synced = folder_->sync(); !synced) return synced;
  added = durable_.insert(name).second;
  return {};
}

Status Quarantine::add(const std::string& name, std::string_view bytes) {
  if (Status status = open(); !status) return status;
  // A file that is there but cannot be looked at is replaced by the same bytes.
  if (folder_->stat(name)) return durable_.contains(name) ? Status() : folder_->sync();
  const std::string temporary_name = layout::temporary_of("evidence");
  FileAttributes attributes;
  attributes.creation_mode = 0600;
  attributes.rights = rights_.for_evidence();
  auto temporary = TemporaryFile::write(*folder_, temporary_name, bytes, attributes);
  if (!temporary) return temporary.status();
  if (Status status = temporary->make_durable(); !status) return status;
  if (Status status = temporary->publish(name); !status) return status;
  return folder_->sync();
}

}  // namespace safechunk
