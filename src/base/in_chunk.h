// Names the chunk in an error that does not name one yet.
#pragma once

#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk {

inline Status in_chunk(Status status, std::string_view chunk) {
  if (status.ok() || !status.error().chunk.empty()) return status;
  Error error = status.error();
  error.chunk = chunk;
  return error;
}

// The error with what follows from it: "; the checkpoint lacks this chunk".
inline Status with_consequence(const Status& reason, std::string_view chunk,
                               std::string_view consequence) {
  Error error = in_chunk(reason, chunk).error();
  error.message += consequence;
  return error;
}

}  // namespace safechunk
