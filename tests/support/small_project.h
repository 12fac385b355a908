// Two small chunks with backups, and a listener for what an engine tells.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/place.h"

namespace safechunk::test {

// Two chunks, or the only one, each with a backup; detached.
inline void make_project(const TemporaryFolder& folder) {
  SafeChunkEngine engine(project_id(), options_in(folder));
  for (const char* text : {"[1]", "[2]"}) {
    for (const char* chunk : {"a", "b"}) {
      if (!may_be_here(chunk)) continue;
      ASSERT_TRUE(engine.stage_update(text, chunk).ok());
    }
    ASSERT_TRUE(engine.force_sync().ok());
  }
  ASSERT_TRUE(engine.detach().ok());
}

inline constexpr const char* kFirst = "[\n    1\n]\n";
inline constexpr const char* kSecond = "[\n    2\n]\n";
inline constexpr const char* kThird = "[\n    3\n]\n";

// What an engine tells, as long as this lives.
class Told {
 public:
  explicit Told(SafeChunkEngine& engine) : engine_(engine) {
    engine.on_status([this](std::string_view text) { statuses.emplace_back(text); });
    engine.on_fault([this](const Error& error) { faults.push_back(error); });
  }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;
  ~Told() {
    engine_.on_status(nullptr);
    engine_.on_fault(nullptr);
  }
  [[nodiscard]] bool of(const std::string& words) const {
    for (const std::string& text : statuses) {
      if (text.find(words) != std::string::npos) return true;
    }
    return false;
  }
  std::vector<std::string> statuses;
  std::vector<Error> faults;

 private:
  SafeChunkEngine& engine_;
};

inline bool stamps_work(const TemporaryFolder& folder) {
  return SafeChunkEngine(project_id(), options_in(folder)).health_report()->stamps_supported;
}

}  // namespace safechunk::test
