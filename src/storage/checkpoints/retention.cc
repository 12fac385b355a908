#include "storage/checkpoints/retention.h"

#include <algorithm>
#include <utility>

#include "storage/files/project_layout.h"

namespace safechunk {

std::vector<std::string> checkpoints_to_remove(const std::vector<std::string>& files,
                                               const std::string& newest, std::size_t retention) {
  std::vector<std::pair<layout::CheckpointName, std::string>> others;
  for (const std::string& file : files) {
    const auto name = layout::parse_checkpoint(file);
    if (name && file != newest) others.emplace_back(*name, file);
  }
  std::sort(others.begin(), others.end(),
            [](const auto& left, const auto& right) { return right.first < left.first; });
  std::vector<std::string> remove;
  for (std::size_t i = retention - 1; i < others.size(); ++i) remove.push_back(others[i].second);
  return remove;
}

}  // namespace safechunk
