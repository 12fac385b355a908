// What the handlers on_status, on_sync and on_fault tell, for a thread that asks.
#pragma once

#include <cstdint>
#include <optional>

#include <safechunk/reports.hpp>
#include <safechunk/status.hpp>

namespace safechunk {

struct EngineEvent {
  enum class Kind : int {  // the numbers are part of the ABI
    status = 0,            // as on_status tells it
    sync = 1,              // everything staged was committed
    fault = 2,             // as on_fault tells it
  };
  Kind kind = Kind::status;
  // A fault. Of a status: the text as its message, and the code ok. Both with chunk and path where
  // they concern one.
  Error error;
  // What recovery, a heal or a commit did, when it is about that.
  std::optional<Event::Kind> recovery = {};
  // An older version of the chunk is given, or took the place of the file.
  bool older = false;
  // So many events were dropped since the last one that was given, because nobody asked for them.
  std::uint64_t dropped = 0;
};

}  // namespace safechunk
