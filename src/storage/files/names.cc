#include "storage/files/names.h"

#include <algorithm>

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

std::map<std::string, std::string> same_names(
    const std::vector<std::string>& chunks,
    const std::function<bool(const std::string& chunk)>& is_good) {
  std::map<std::string, std::vector<std::string>> names;  // same_name_form() -> names
  for (const std::string& chunk : chunks) names[same_name_form(chunk)].push_back(chunk);
  std::map<std::string, std::string> others;
  for (const auto& [form, same] : names) {
    if (same.size() == 1) continue;
    const auto good = std::ranges::find_if(same, is_good);
    const std::string& stays = good == same.end() ? same.front() : *good;
    for (const std::string& chunk : same) {
      if (chunk != stays) others.emplace(chunk, stays);
    }
  }
  return others;
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
