// Which checkpoints go when a new one has been made. Pure.
#pragma once

#include <string>
#include <vector>

namespace safechunk {

// Of `files`, those to remove so that the newest `retention` checkpoints of this engine stay, by
// the time in the name. Never `newest`, which has just been made, even when the clock went back and
// others claim to be younger; never a file that is not a checkpoint. `retention` is at least 1.
std::vector<std::string> checkpoints_to_remove(const std::vector<std::string>& files,
                                               const std::string& newest, std::size_t retention);

}  // namespace safechunk
