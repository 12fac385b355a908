#include "storage/checkpoints/retention.h"

#include <algorithm>

#include "base/limits.h"
#include "store/store.h"

namespace safechunk {
namespace {

// Labels of one group share a retention.
enum class Group { ordinary, before_restore, before_migration };

Group group_of(std::string_view label) {
  if (label == kBeforeRestore) return Group::before_restore;
  if (label == kBeforeMigration) return Group::before_migration;
  return Group::ordinary;
}

}  // namespace

std::vector<std::string> checkpoints_to_remove(std::vector<KnownArchive> archives,
                                               const std::string& newest, std::string_view label,
                                               bool keep, std::size_t retention) {
  const Group group = group_of(label);
  if (group == Group::before_migration) return {};
  if (group == Group::before_restore) retention = limits::kBeforeRestore;
  std::erase_if(archives, [&](const KnownArchive& archive) {
    return archive.file == newest || !archive.readable || archive.description.keep ||
           group_of(archive.label()) != group;
  });
  std::sort(archives.begin(), archives.end(), is_newer);
  std::vector<std::string> remove;
  for (std::size_t i = keep ? retention : retention - 1; i < archives.size(); ++i) {
    remove.push_back(archives[i].file);
  }
  return remove;
}

}  // namespace safechunk
