// Which checkpoints go when a new one has been made. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "storage/checkpoints/catalog.h"

namespace safechunk {

// Of `archives`, those to remove after `newest` was made, which has `label` and is pinned if `keep`
// is true. Pinned archives are neither counted nor removed, nor are those that cannot be read,
// because they may be pinned.
//
// Of the rest, before_restore has a retention of its own, limits::kBeforeRestore, whatever
// `retention` is; before_migration is never removed; all other labels share `retention`, which is
// at least 1. Only the archives that share a retention with `newest` are looked at, and `newest`
// itself always stays.
std::vector<std::string> checkpoints_to_remove(std::vector<KnownArchive> archives,
                                               const std::string& newest, std::string_view label,
                                               bool keep, std::size_t retention);

}  // namespace safechunk
