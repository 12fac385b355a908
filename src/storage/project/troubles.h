// What is wrong with chunks at the moment, so that it is reported when it begins and when it ends,
// and not at every try in between.
#pragma once

#include <string>
#include <unordered_map>

#include <safechunk/status.hpp>

namespace safechunk {

class Troubles {
 public:
  // True when this is news: nothing was wrong with the chunk, or something else.
  bool begin(const std::string& chunk, const Status& status) {
    const Error& error = status.error();
    const Trouble now{error.code, error.os_errno, error.path};
    const auto [found, fresh] = troubles_.emplace(chunk, now);
    const bool news = fresh || found->second != now;
    found->second = now;
    return news;
  }
  // True when something was wrong.
  bool end(const std::string& chunk) { return troubles_.erase(chunk) > 0; }

 private:
  struct Trouble {
    ErrorCode code = ErrorCode::ok;
    int os_errno = 0;
    std::string path;
    friend bool operator==(const Trouble&, const Trouble&) = default;
  };
  std::unordered_map<std::string, Trouble> troubles_;
};

}  // namespace safechunk
