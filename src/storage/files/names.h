// Two names that a file system could take for one would share a file somewhere: so names that are
// equal but for case, in every script, or but for the normalisation of Unicode count as one.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include <safechunk/status.hpp>

namespace safechunk {

// The names in use. Not for use by several threads.
class Names {
 public:
  void reserve(std::size_t count) { names_.reserve(count); }
  void add(const std::string& chunk);
  // Does nothing when the name in use is another spelling of it.
  void remove(const std::string& chunk);
  // Whether this name, or another spelling of it, is in use.
  [[nodiscard]] bool is_taken(const std::string& chunk) const;
  // Another spelling of `chunk` that is in use; empty when there is none.
  [[nodiscard]] std::string rival_of(const std::string& chunk) const;

 private:
  std::unordered_map<std::string, std::string> names_;  // same_name_form() -> name
};

// Of the names among `chunks` that count as one, an archive has one: one that `is_good`, else the
// first. The others, each with the one that stays.
std::map<std::string, std::string> same_names(
    const std::vector<std::string>& chunks,
    const std::function<bool(const std::string& chunk)>& is_good);

// invalid_name: `chunk` is another spelling of `rival`, which is there.
Status is_same_name(const std::string& chunk, const std::string& rival);

}  // namespace safechunk
