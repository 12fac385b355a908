#include "storage/one_file/left_overs.h"

#include "storage/chunks/quarantine.h"
#include "storage/files/file_io.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

// Empty when there is none that can be read; no file is empty and JSON.
std::string text_of_backup(const FilePlace& place, std::uint64_t size_limit) {
  auto side = place.folder->open_directory(layout::side_folder(place.name));
  if (!side) return {};
  auto file = (*side)->open(layout::backup_file(place.name), OpenMode::read);
  if (!file) return {};
  auto bytes = read_all(**file, size_limit);
  return bytes ? *std::move(bytes) : std::string();
}

Status settle(const FilePlace& place, const std::string& name, layout::EditName kind,
              const FileInfo& old, const std::string& text, std::uint64_t size_limit) {
  auto file = place.folder->open(name, OpenMode::read);
  if (file.code() == ErrorCode::not_found) return {};
  if (!file) return file.status();
  const auto info = (*file)->stat();
  if (!info) return info.status();
  // A power cut may leave the new version under both names.
  const bool is_second_name = kind == layout::EditName::edited && info->same_file(old);
  const auto held = (*file)->try_lock();
  if (!held) return held.status();
  if (!*held && !is_second_name) return {};  // the edit that has made it is at work
  if (kind == layout::EditName::replaced) {
    const auto bytes = read_all(**file, size_limit);
    if (!bytes) return bytes.status();
    if (*bytes != text && *bytes != text_of_backup(place, size_limit)) {
      return set_aside(place, name, size_limit);
    }
  }
  const Status removed = place.folder->unlink(name);
  return removed.code() == ErrorCode::not_found ? Status() : removed;
}

}  // namespace

Status settle_left_overs(const FilePlace& place, const FileInfo& old, const std::string& text,
                         std::uint64_t size_limit) {
  const auto names = place.folder->list();
  if (!names) return names.status();
  for (const std::string& name : *names) {
    const layout::EditName kind = layout::edit_name_of(name, place.name);
    if (kind == layout::EditName::none) continue;
    if (Status settled = settle(place, name, kind, old, text, size_limit); !settled) return settled;
  }
  return {};
}

Status set_aside(const FilePlace& place, const std::string& name, std::uint64_t size_limit) {
  const auto info = place.folder->stat(name);
  if (!info) return info.status();
  auto file = place.folder->open(name, OpenMode::read);
  if (!file) return file.status();
  const auto bytes = read_all(**file, *info, size_limit);
  if (!bytes) return bytes.status();
  auto side = open_side_folder(place, *info);
  if (!side) return side.status();
  Quarantine quarantine(**side, FileRights::at_most(0600));
  std::string kept_as;
  bool added = false;
  const Status kept =
      quarantine.preserve_file(*place.folder, name, place.name, *bytes, kept_as, added);
  return kept.ok() ? place.folder->unlink(name) : kept;
}

Status remove_unfinished(Directory& folder, const std::string& name) {
  const auto files = folder.list();
  if (!files) return files.status();
  for (const std::string& file : *files) {
    if (layout::edit_name_of(file, name) == layout::EditName::none) continue;
    const Status removed = folder.unlink(file);
    if (!removed && removed.code() != ErrorCode::not_found) return removed;
  }
  return {};
}

}  // namespace safechunk
