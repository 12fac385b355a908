// Which chunks there are.

#include <algorithm>
#include <utility>

#include "storage/chunks/chunk_files.h"
#include "storage/files/project_layout.h"

namespace safechunk {
namespace {

template <typename ParseName>
Result<std::vector<std::string>> list_names(Directory& folder, const ParseName& parse) {
  auto files = folder.list();
  if (!files) return files.status();
  std::vector<std::string> chunks;
  chunks.reserve(files->size());
  for (const std::string& file : *files) {
    if (auto chunk = parse(file)) chunks.push_back(*std::move(chunk));
  }
  std::sort(chunks.begin(), chunks.end());
  return chunks;
}

}  // namespace

Result<std::vector<std::string>> list_chunk_files(const ProjectFolders& folders) {
  return list_names(*folders.chunks,
                    [&](const std::string& file) { return folders.naming.chunk_of(file); });
}

Result<std::vector<std::string>> list_backup_files(const ProjectFolders& folders) {
  return list_names(*folders.backups, [&](const std::string& file) {
    auto chunk = layout::chunk_of_backup(file);
    return chunk && folders.naming.check(*chunk).ok() ? chunk : std::nullopt;
  });
}

namespace {

// The chunks that have a file, and those that have a file or a backup. Of one listing each, so that
// there are never fewer of the latter.
struct Listing {
  std::set<std::string> with_file;
  std::set<std::string> all;

  [[nodiscard]] bool lost() const {
    return names_are_lost(all.size() - with_file.size(), with_file.size());
  }
};

Result<Listing> list_both(const ProjectFolders& folders) {
  auto files = list_chunk_files(folders);
  if (!files) return files.status();
  Listing listing;
  listing.with_file.insert(files->begin(), files->end());
  listing.all = listing.with_file;
  if (folders.backups == nullptr) return listing;
  auto backups = list_backup_files(folders);
  if (!backups) return backups.status();
  listing.all.insert(backups->begin(), backups->end());
  return listing;
}

}  // namespace

Result<std::set<std::string>> list_all_chunks(const ProjectFolders& folders) {
  auto listing = list_both(folders);
  return listing ? Result<std::set<std::string>>(std::move(listing->all)) : listing.status();
}

Result<std::set<std::string>> list_readable_chunks(const ProjectFolders& folders) {
  auto listing = list_both(folders);
  if (!listing) return listing.status();
  return std::move(listing->lost() ? listing->all : listing->with_file);
}

Result<bool> names_are_lost(const ProjectFolders& folders) {
  auto listing = list_both(folders);
  return listing ? Result<bool>(listing->lost()) : listing.status();
}

}  // namespace safechunk
