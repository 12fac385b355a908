// What a recovered project holds, and whether that is right (G1 to G5, G13).
#pragma once

#include <functional>
#include <set>
#include <string>

#include <safechunk/safechunk.hpp>

#include "support/history.h"

namespace safechunk::test {

// Is told each thing that is wrong.
using Complain = std::function<void(const std::string& what)>;

// The compact text of every chunk. What cannot be read is complained of and left out.
inline ProjectState read_all(SafeChunkEngine& engine, const Complain& complain) {
  ProjectState state;
  const auto chunks = engine.list_chunks();
  if (!chunks) {
    complain(chunks.status().to_text());
    return state;
  }
  for (const std::string& chunk : *chunks) {
    auto text = engine.fetch_chunk(chunk);
    if (!text) {
      complain(text.status().to_text());
      continue;
    }
    if (text->ends_with('\n')) text->pop_back();
    state[chunk] = *text;
  }
  return state;
}

// The state after some first edits, not fewer than were acknowledged (staged, when only the process
// died), with no holes across chunks.
inline void check_state(const ProjectState& state, const History& history, bool power_cut,
                        const Complain& complain) {
  if (history.allows(state, power_cut)) return;
  std::string text;
  for (const auto& [chunk, value] : state) text += chunk + "=" + value.substr(0, 40) + " ";
  complain("the recovered state { " + text + "} is no prefix (" + history.describe() + ")");
}

// G2 and G5: whatever stands under a final name is a whole version, before any recovery. `path`
// begins with the project's name; files that are no chunk and no backup are passed over.
inline void check_file(const std::string& path, const std::string& bytes, const History& history,
                       const Complain& complain) {
  const auto slash = path.rfind('/');
  const std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
  const bool is_chunk = path.starts_with("project/chunks/") && file.ends_with(".json");
  const bool is_backup = path.starts_with("project/chunks_bak/") && file.ends_with(".bak");
  if (!is_chunk && !is_backup) return;
  const std::string chunk = file.substr(0, file.rfind('.'));
  if (history.is_version(chunk, bytes) || (is_chunk && history.is_damage(chunk, bytes))) return;
  complain(path + " holds '" + bytes.substr(0, 1000) + "'");
}

// G13: what has the name of an archive is a whole one, and every archive that was acknowledged is
// there. `files` are those in the project's checkpoints/.
inline void check_checkpoints(SafeChunkEngine& engine, const std::set<std::string>& files,
                              const History& history, const Complain& complain) {
  for (const std::string& file : files) {
    if (!file.ends_with(".zip")) {
      complain("checkpoints/ holds " + file);
      continue;
    }
    const Status status = engine.verify_checkpoint(file);
    if (!status) complain(file + ": " + status.to_text());
  }
  for (const std::string& file : history.checkpoints()) {
    if (!files.contains(file)) complain("the checkpoint " + file + " is gone");
  }
}

// A recovery that is done left nothing to do, but to take over from an owner that died.
inline void check_nothing_was_done(SafeChunkEngine& engine, bool detached,
                                   const Complain& complain) {
  for (const Event& event : engine.recovery_report().events) {
    if (!detached && event.kind == Event::Kind::stale_lock) continue;
    complain("a second recovery had to do something: " + std::string(to_string(event.kind)) + " " +
             event.detail);
  }
}

}  // namespace safechunk::test
