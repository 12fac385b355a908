#include "storage/project/names.h"

#include "base/unicode.h"

namespace safechunk {

void Names::add(const std::string& chunk) {
  names_[fold_case(chunk)] = chunk;
}

void Names::remove(const std::string& chunk) {
  const auto found = names_.find(fold_case(chunk));
  if (found != names_.end() && found->second == chunk) names_.erase(found);
}

bool Names::is_taken(const std::string& chunk) const {
  return names_.contains(fold_case(chunk));
}

std::string Names::rival_of(const std::string& chunk) const {
  const auto found = names_.find(fold_case(chunk));
  return found == names_.end() || found->second == chunk ? std::string() : found->second;
}

}  // namespace safechunk
