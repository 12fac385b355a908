// Things to report, collected while locks are held and delivered afterwards (G11).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <safechunk/reports.hpp>
#include <safechunk/status.hpp>

namespace safechunk {

struct Notices {
  struct Notice {
    enum class Kind { status, sync, fault } kind = Kind::status;
    // A fault. Of a status: its text and what it concerns, and the code ok.
    Error error = {};
    std::optional<Event::Kind> event = {};  // when it tells of one
    bool older = false;                     // as Event::older
  };
  std::vector<Notice> list;
  std::uint64_t heals = 0;  // how many of them say that a chunk was healed

  void status(std::string text) {
    list.push_back({});
    list.back().error.message = std::move(text);
  }
  void sync() { list.push_back({.kind = Notice::Kind::sync}); }
  void fault(const Status& status) {
    if (!status.ok()) list.push_back({.kind = Notice::Kind::fault, .error = status.error()});
  }
  // Loss, damage and conflicts become faults; everything else becomes a status.
  void event(const Event& event);
};

// Whether it tells that an older version took the place of a file.
bool is_heal(const Event& event);

}  // namespace safechunk
