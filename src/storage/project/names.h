// Names of chunks are unique but for case, in every script: two names that a file system could take
// for one would share a file somewhere.
#pragma once

#include <string>
#include <unordered_map>

namespace safechunk {

// The names in use. Not for use by several threads.
class Names {
 public:
  void reserve(std::size_t count) { names_.reserve(count); }
  void add(const std::string& chunk);
  // Does nothing when the name in use is another one that is equal but for case.
  void remove(const std::string& chunk);
  // Whether this name, or one that is equal but for case, is in use.
  [[nodiscard]] bool is_taken(const std::string& chunk) const;
  // The other name that is equal to that of `chunk` but for case; empty when there is none.
  [[nodiscard]] std::string rival_of(const std::string& chunk) const;

 private:
  std::unordered_map<std::string, std::string> names_;  // folded -> name
};

}  // namespace safechunk
