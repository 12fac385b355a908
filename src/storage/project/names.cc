#include "storage/project/names.h"

#include "base/in_chunk.h"
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

Status is_same_name(const std::string& chunk, const std::string& rival) {
  const bool by_case = fold_case(chunk) == fold_case(rival);
  return in_chunk(
      Status(ErrorCode::invalid_name, (by_case ? "chunk name differs only by case from '"
                                               : "chunk name is another Unicode spelling of '") +
                                          rival + "', which is there"),
      chunk);
}

}  // namespace safechunk
