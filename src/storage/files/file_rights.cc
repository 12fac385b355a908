#include "storage/files/file_rights.h"

namespace safechunk {
namespace {

constexpr std::uint32_t kOwner = 0700;
constexpr std::uint32_t kGroup = 0070;
constexpr std::uint32_t kOthers = 0007;
constexpr std::uint32_t kReadWrite = 0666;
constexpr std::uint32_t kWrite = 0222;
constexpr std::uint32_t kRead = 0444;
constexpr std::uint32_t kSetGroup = 02000;
constexpr std::uint32_t kSticky = 01000;

// Reading a folder is of no use without entering it.
std::uint32_t most_of_folder(std::uint32_t most) {
  return most == 0 ? 0777 : most | (most & kRead) >> 2U;
}

// The owner comes first, because it decides which mode the folder allows: what is allowed to the
// folder's group is not allowed to another group, to which the file could not be taken away from.
template <typename Made, typename SharedMode>
Status give_to(Made& made, const Permissions& folder, Permissions now, const SharedMode& shared) {
  if (now.user != folder.user || now.group != folder.group) {
    if (Status s = made.set_permissions({now.mode, folder.user, folder.group}); !s) return s;
    auto info = made.stat();
    if (!info) return info.status();
    now = info->permissions;
  }
  const std::uint32_t mode = shared(now);
  if (mode == now.mode) return {};
  now.mode = mode;
  return made.set_permissions(now);
}

}  // namespace

FileRights FileRights::for_evidence() const {
  FileRights rights = *this;
  rights.owner_alone_ = true;
  return rights;
}

FileRights FileRights::at_most(std::uint32_t mode) {
  FileRights rights;
  rights.most_ = mode;
  return rights;
}

std::uint32_t FileRights::mode_of_new_file(std::uint32_t wanted) const {
  const std::uint32_t allowed = folder_ ? wanted & (folder_->mode | kOwner) : wanted;
  return most_ == 0 ? allowed : allowed & most_;
}

std::uint32_t FileRights::mode_of_new_folder() const {
  const std::uint32_t all = kOwner | kGroup | kOthers;
  return (folder_ ? (folder_->mode | kOwner) & all : all) & most_of_folder(most_);
}

Permissions FileRights::tightened(Permissions permissions) const {
  if (most_ != 0) permissions.mode &= most_;
  return permissions;
}

Status FileRights::tighten(Directory& folder, const std::string& name) const {
  if (most_ == 0) return {};
  auto info = folder.stat(name);
  if (!info) return info.code() == ErrorCode::not_found ? Status() : info.status();
  if (info->type != FileType::regular || !exceeded_by(info->permissions)) return {};
  auto file = folder.open(name, OpenMode::read);
  if (!file) return file.status();
  return (*file)->set_permissions(tightened(info->permissions));
}

// What the folder allows to those who are not the owner of the file. Another group than the
// folder's is, for the folder, among the others.
std::uint32_t FileRights::allowed_to_others(const Permissions& now) const {
  if (owner_alone_) return 0;
  const std::uint32_t others = folder_->mode & kOthers;
  return others | (now.group == folder_->group ? folder_->mode & kGroup : others << 3U);
}

std::uint32_t FileRights::shared_mode_of_file(const Permissions& now) const {
  const std::uint32_t allowed = allowed_to_others(now);
  // In a sticky folder nobody may replace the file of another one: nor may they write to it.
  const std::uint32_t writers = (folder_->mode & kSticky) != 0 ? 0 : allowed & kWrite;
  const std::uint32_t wanted = now.mode | writers | writers << 1U;
  const std::uint32_t mode = (now.mode & kOwner) | (wanted & allowed);
  return mode & (most_ == 0 ? kReadWrite : most_);
}

std::uint32_t FileRights::shared_mode_of_folder(const Permissions& now) const {
  const std::uint32_t owner = (now.user == folder_->user ? folder_->mode : now.mode) & kOwner;
  const std::uint32_t special = now.group == folder_->group ? kSetGroup | kSticky : kSticky;
  const std::uint32_t mode = owner | allowed_to_others(now);
  return (folder_->mode & special) | (mode & most_of_folder(most_));
}

Status FileRights::share(File& file, const FileInfo& now) const {
  if (!folder_) return {};
  return give_to(file, *folder_, now.permissions,
                 [this](const Permissions& p) { return shared_mode_of_file(p); });
}

Status FileRights::share(Directory& folder, const FileInfo& now) const {
  if (!folder_) return {};
  return give_to(folder, *folder_, now.permissions,
                 [this](const Permissions& p) { return shared_mode_of_folder(p); });
}

}  // namespace safechunk
