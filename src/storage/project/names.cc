#include "storage/project/names.h"

#include "base/unicode.h"

namespace safechunk {

void Names::add(const std::string& chunk) {
  names_[same_name_form(chunk)] = chunk;
}

void Names::remove(const std::string& chunk) {
  const auto found = names_.find(same_name_form(chunk));
  if (found != names_.end() && found->second == chunk) names_.erase(found);
}

bool Names::is_taken(const std::string& chunk) const {
  return names_.contains(same_name_form(chunk));
}

std::string Names::rival_of(const std::string& chunk) const {
  const auto found = names_.find(same_name_form(chunk));
  return found == names_.end() || found->second == chunk ? std::string() : found->second;
}

}  // namespace safechunk
