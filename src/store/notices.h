// Things to report, collected while locks are held and delivered afterwards (G11).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <safechunk/reports.hpp>
#include <safechunk/status.hpp>

namespace safechunk {

struct Notices {
  struct Notice {
    enum class Kind { status, sync, fault } kind = Kind::status;
    std::string text;
    Error error;
  };
  std::vector<Notice> list;
  std::uint64_t heals = 0;  // how many of them say that a chunk was healed

  void status(std::string text) { list.push_back({Notice::Kind::status, std::move(text), {}}); }
  void sync() { list.push_back({Notice::Kind::sync, {}, {}}); }
  void fault(const Status& status) {
    if (!status.ok()) list.push_back({Notice::Kind::fault, {}, status.error()});
  }
  // Loss, damage and conflicts become faults; everything else becomes a status.
  void event(const Event& event);
};

}  // namespace safechunk
